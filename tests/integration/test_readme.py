"""What README shows of the demo is what the notifier prints."""

import re

from tests.support.driver import Driver, eventually, fresh
from tests.support.stack import ROOT
from usher.demo import APPROVAL, REQUESTS

SHAPES = (
    (r"\x1b\[[0-9;]*m", ""),
    (r"^\d\d:\d\d:\d\d", "<time>"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
    (r"-ce-[0-9a-f]{24}", "-ce-<key>"),
    (r"\d+\.\d\ds", "<seconds>"),
    (r"there are: [a-z_, …]+ \(", "there are: <workflows> ("),
)


def shape(line: str) -> str:
    for pattern, name in SHAPES:
        line = re.sub(pattern, name, line)
    return line


def test_the_demo_prints_what_the_readme_shows(usher: Driver) -> None:
    text = (ROOT / "README.md").read_text()
    [sample] = re.findall(r"prints in `make demo`:\n\n```\n(.*?)```", text, re.DOTALL)
    wanted = {shape(line) for line in sample.splitlines()}
    approval = fresh("demo")
    for request in REQUESTS:
        named = {"instance_id": approval} if request.get("instance_id") == APPROVAL else {}
        usher.publish("workflow-requests", {**request, **named})
    usher.running(approval)
    usher.event(approval, "approval", {"approved": True, "by": "Grace"})

    def printed() -> set[str]:
        lines = usher.log("notifier").replace(approval, APPROVAL).splitlines()
        return {shape(line) for line in lines}

    eventually(lambda: wanted - printed(), lambda missing: not missing)
