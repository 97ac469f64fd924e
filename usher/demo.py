"""`usher demo`: publishes through Dapr on a stack of its own, and reads what came out."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from filelock import FileLock, Timeout

from contracts import calls
from contracts.events import Outcome, Reason
from contracts.records import DeadLetter, Notice
from contracts.services import SERVICES
from contracts.topics import PUBSUB, Topic
from usher.client import Client
from usher.errors import CommandError, Unreachable
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
Item = TypeVar("Item", Notice, DeadLetter)


def _decision(notice: Notice) -> object:
    return notice.output.get("decision") if isinstance(notice.output, dict) else None


# What these events must lead to, each once.
NOTICES: Mapping[str, Callable[[Notice], bool]] = {
    'COMPLETED hello_workflow with {"final_greeting": "Hello, Ada!"}': lambda it: (
        _ended(it, "hello_workflow", Outcome.COMPLETED)
        and it.output == {"final_greeting": "Hello, Ada!"}
    ),
    'COMPLETED approval_workflow with the decision "approved"': lambda it: (
        _ended(it, "approval_workflow", Outcome.COMPLETED) and _decision(it) == "approved"
    ),
    "FAILED fail_workflow": lambda it: _ended(it, "fail_workflow", Outcome.FAILED),
}

DEAD_LETTERS: Mapping[str, Callable[[DeadLetter], bool]] = {
    "unknown_workflow for no_such_workflow": lambda it: (
        it.reason == Reason.UNKNOWN_WORKFLOW and it.command.get("workflow") == "no_such_workflow"
    ),
}


def _ended(notice: Notice, workflow: str, outcome: Outcome) -> bool:
    return (notice.workflow, notice.outcome) == (workflow, outcome)


@dataclass(frozen=True)
class DemoResult:
    """What the notifier holds, held against what it must hold."""

    notices: list[Notice]
    dead_letters: list[DeadLetter]
    missing: list[str]
    too_much: list[str]

    @property
    def right(self) -> bool:
        """Nothing is missing and nothing is there twice or besides."""
        return not self.missing and not self.too_much

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def judge(notices: list[Notice], dead_letters: list[DeadLetter]) -> DemoResult:
    """Match every item with one expectation at most, and every expectation with one item."""
    result = DemoResult(notices, dead_letters, [], [])
    _match("notice", NOTICES, notices, result)
    _match("dead letter", DEAD_LETTERS, dead_letters, result)
    return result


def _match(
    kind: str,
    wanted: Mapping[str, Callable[[Item], bool]],
    items: list[Item],
    result: DemoResult,
) -> None:
    left = list(items)
    for name, fits in wanted.items():
        found = next((item for item in left if fits(item)), None)
        if found is None:
            result.missing.append(f"{kind}: {name}")
        else:
            left.remove(found)
    result.too_much.extend(f"{kind}: {item.id}" for item in left)


def demo_settings(settings: StackSettings) -> StackSettings:
    """A second stack beside the one of `settings`: its own data, its own ports, its own Redis."""
    aside = {"data_dir": settings.data_dir.parent / "demo", "log_format": "console"}
    aside |= {"redis_url": "", "redis_host": ""}
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
        if self._wait(lambda: self._client.send(calls.status(APPROVAL)).status == "RUNNING"):
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
        notices, letters = calls.notices(), calls.dead_letters()
        return judge(self._client.send(notices).items, self._client.send(letters).items)

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
