"""`usher demo`: publishes through Dapr on a stack of its own, and reads what came out."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from filelock import FileLock, Timeout

from contracts.topics import PUBSUB, Topic
from usher.client import Client
from usher.errors import CommandError, Unreachable
from usher.services import SERVICES
from usher.stack.settings import LOOPBACK, StackSettings
from usher.stack.stack import Stack
from usher.stack.tail import LogReader
from usher.stack.wait import wait_until
from usher.terminal.interrupts import uninterrupted
from usher.urls import direct_hosts

# Clear of the stack of `usher up` and of each other's neighbours, so that both can run.
PORTS_BESIDE = 50
# The whole stack answers within seconds; a busy machine gets minutes before the demo gives up.
PATIENCE_S = 120.0
# How long what must not come has to come: a notice twice, a dead letter too many.
QUIET_S = 3.0

APPROVAL = "demo-approval"
REQUESTS = (
    {"workflow": "hello_workflow", "input": "Ada"},
    {"workflow": "approval_workflow", "instance_id": APPROVAL, "input": {"subject": "a laptop"}},
    {"workflow": "fail_workflow", "input": {"message": "no luck today"}},
    {"workflow": "no_such_workflow"},
)
ANSWER = {
    "instance_id": APPROVAL,
    "event": "approval",
    "data": {"approved": True, "by": "Grace"},
}

Print = Callable[[str], None]
Item = Mapping[str, Any]
Wanted = Mapping[str, Callable[[Item], bool]]

# What these events must lead to, each once.
NOTICES: Wanted = {
    'COMPLETED hello_workflow with {"final_greeting": "Hello, Ada!"}': lambda it: (
        _ended(it, "hello_workflow", "COMPLETED")
        and it["output"] == {"final_greeting": "Hello, Ada!"}
    ),
    'COMPLETED approval_workflow with the decision "approved"': lambda it: (
        _ended(it, "approval_workflow", "COMPLETED") and it["output"]["decision"] == "approved"
    ),
    "FAILED fail_workflow": lambda it: _ended(it, "fail_workflow", "FAILED"),
}

DEAD_LETTERS: Wanted = {
    "unknown_workflow for no_such_workflow": lambda it: (
        it["reason"] == "unknown_workflow" and it["event"]["data"]["workflow"] == "no_such_workflow"
    ),
}


def _ended(item: Item, workflow: str, outcome: str) -> bool:
    return (item["workflow"], item["outcome"]) == (workflow, outcome)


@dataclass(frozen=True)
class DemoResult:
    """What the notifier holds, held against what it must hold."""

    notices: list[Item]
    dead_letters: list[Item]
    missing: list[str]
    too_much: list[str]

    @property
    def right(self) -> bool:
        """Nothing is missing and nothing is there twice or besides."""
        return not self.missing and not self.too_much

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(notices: list[Item], dead_letters: list[Item]) -> DemoResult:
    """Match every item with one expectation at most, and every expectation with one item."""
    result = DemoResult(notices, dead_letters, [], [])
    for kind, wanted, items in (
        ("notice", NOTICES, notices),
        ("dead letter", DEAD_LETTERS, dead_letters),
    ):
        missing, left = _match(wanted, items)
        result.missing.extend(f"{kind}: {name}" for name in missing)
        result.too_much.extend(f"{kind}: {item.get('id')}" for item in left)
    return result


def _match(wanted: Wanted, items: Iterable[Item]) -> tuple[list[str], list[Item]]:
    left = list(items)
    missing = []
    for name, fits in wanted.items():
        found = next((item for item in left if _fits(fits, item)), None)
        if found is None:
            missing.append(name)
        else:
            left.remove(found)
    return missing, left


def _fits(fits: Callable[[Item], bool], item: Item) -> bool:
    # Another shape than expected (no output, data that is text) is no match, not an accident.
    try:
        return fits(item)
    except (KeyError, TypeError, IndexError):
        return False


def demo_settings(settings: StackSettings) -> StackSettings:
    """A second stack beside the one of `settings`: its own data, its own ports."""
    aside = {"data_dir": settings.data_dir.parent / "demo", "log_format": "console"}
    return settings.shifted(PORTS_BESIDE).model_copy(update=aside)


def run_demo(
    stack: Stack,
    new_http: Callable[[Collection[str]], httpx.Client],
    show: Print,
    report: Print,
    quiet_s: float = QUIET_S,
) -> DemoResult:
    """Start `stack` on empty data, publish, judge; stop it again, come what may.

    `show` gets the notifier's lines as they come, `report` what is being done.
    """
    urls = {service: stack.settings.url(service) for service in SERVICES}
    with (
        new_http(direct_hosts(stack.settings, ())) as http,
        LogReader({"notifier": stack.log_path("notifier")}) as log,
        _running(stack, report),
    ):
        return _Demo(stack.settings, http, Client(http, urls), log, show, report).run(quiet_s)


@contextmanager
def _running(stack: Stack, report: Print) -> Iterator[None]:
    beside = stack.settings.data_dir.with_name("demo.lock")
    beside.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(beside)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise CommandError("Another demo is running.") from error
    with lock:
        try:
            if stack.is_up():  # what a killed demo left
                stack.down(report)
            stack.up(report, fresh=True)
            yield
        finally:
            with uninterrupted():
                stack.down(report)


class _Demo:
    def __init__(
        self,
        settings: StackSettings,
        http: httpx.Client,
        client: Client,
        notifier_log: LogReader,
        show: Print,
        report: Print,
    ) -> None:
        sidecar = f"http://{LOOPBACK}:{settings.starter_dapr_http_port}"
        self._publish_url = f"{sidecar}/v1.0/publish/{PUBSUB}"
        self._http = http
        self._client = client
        self._notifier_log = notifier_log
        self._show = show
        self._report = report

    def run(self, quiet_s: float) -> DemoResult:
        """Publish, wait for what it leads to, and return what the notifier holds."""
        for request in REQUESTS:
            self._publish(Topic.REQUESTS, request)
        if self._wait(lambda: self._client.status(APPROVAL)["status"] == "RUNNING"):
            self._publish(Topic.EVENTS, ANSWER)
            self._wait(lambda: not self._held().missing)
        self._wait(lambda: False, quiet_s)
        return self._held()

    def _publish(self, topic: Topic, data: Mapping[str, Any]) -> None:
        """Do what `dapr publish --publish-app-id starter --pubsub pubsub --topic …` does."""
        body = json.dumps(data)
        headers = {"Content-Type": "application/json"}
        try:
            answer = self._http.post(f"{self._publish_url}/{topic}", content=body, headers=headers)
        except httpx.TransportError as error:
            raise Unreachable(f"The starter's sidecar does not answer: {error}") from error
        if not answer.is_success:
            said = f"{answer.status_code} {answer.text}"
            raise CommandError(f"The starter's sidecar answered {said}")
        self._report(f"published on {topic}: {body}")

    def _held(self) -> DemoResult:
        notices, letters = self._client.notices(), self._client.dead_letters()
        return judge(notices["items"], letters["items"])

    def _wait(self, reached: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
        """Show the notifier's lines until `reached`, for so many seconds at most."""

        def look() -> bool:
            for _, line in self._notifier_log.read():
                self._show(line)
            try:
                return reached()
            except CommandError:  # not there yet
                return False

        return wait_until(look, seconds, every=0.25)
