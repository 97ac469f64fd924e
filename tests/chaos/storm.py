"""Drives a storm: publishes, looks, strikes, and waits until what was accepted has its end."""

import time
from collections.abc import Callable

import httpx

from tests.chaos.blows import Blows, Report, Strike
from tests.chaos.cast import Gate
from tests.chaos.deadlocks import Deadlocks
from tests.chaos.observe import AWAY, Observer
from tests.chaos.observed import Observed, Outage
from tests.chaos.plan import IN_FLIGHT, WINDOW, Plan
from tests.chaos.publisher import ANSWER_SECONDS, Publisher
from usher.stack.stack import Stack
from usher.stack.wait import wait_until

PATIENCE_SECONDS = 120
"""How long nothing may change before a storm is given up."""
LONGEST_SECONDS = 3600
EVERY_SECONDS = 0.1
SETTLE_SECONDS = 0.5
BATCHES = 4
"""Published before it looks around again: faster than runs end, so that many are in flight."""
FILL = 12
"""Enough to fill the window from nothing; published with the orchestrators held still."""
TELL_EVERY_SECONDS = 10


class Storm:
    """One storm on a stack that is up and healthy, and has served nothing before."""

    def __init__(
        self, stack: Stack, plan: Plan, report: Report, quiet_seconds: float, strike: Strike
    ) -> None:
        self._plan = plan
        self._report = report
        self._quiet = quiet_seconds
        self._observer = Observer(stack.settings)
        door = httpx.Client(timeout=ANSWER_SECONDS, trust_env=False)
        self._publisher = Publisher(door, stack.settings, plan.publications)
        self._blows = Blows(stack, plan, report, strike)
        self._deadlocks = Deadlocks(stack, self._observer)
        self._letters = len({p.mark for p in plan.publications if p.reason})
        self._begun = time.monotonic()
        self._changed = self._noticed = self._told = self._begun
        self._counts: dict[str, int] = {}
        self._outages: list[Outage] = []

    def close(self) -> None:
        self._observer.close()
        self._publisher.close()

    @property
    def in_flight(self) -> int:
        """How many runs were accepted, and not announced as far as was seen."""
        return len(self._publisher.runs - self._observer.announced)

    @property
    def _pending(self) -> int:
        """Those, and the requests that have had no answer."""
        return len(self._publisher.begun - self._observer.announced)

    def run(self) -> Observed:
        """Carry the plan out; return what was seen, whether all has ended or nothing goes on."""
        goes_on = self._until(self._drive, EVERY_SECONDS)
        self._report(f"published and struck but for {self._publisher.left} and {self._blows.left}")
        if goes_on and self._until(self._settled, SETTLE_SECONDS):
            self._report("waiting for what must not come")
        wait_until(lambda: False, self._quiet, every=1)
        observed = Observed(
            accepted=self._publisher.accepted,
            sent_again=self._publisher.sent_again,
            struck=self._blows.struck,
            outages=self._outages,
            deadlocks=self._deadlocks.seen,
            seconds=round(time.monotonic() - self._begun, 1),
        )
        self._insist(lambda: self._observer.read_all(observed, list(self._plan.distinct)))
        return observed

    def histories(self, instance_ids: list[str]) -> dict[str, object]:
        """Return what the engine has of these, for the evidence."""
        found: dict[str, object] = {}
        for instance_id in instance_ids:
            try:
                found[instance_id] = self._observer.history(instance_id)
            except AWAY as error:
                found[instance_id] = str(error)
        return found

    def _drive(self) -> bool:
        """One round; true when all is published and every blow has fallen."""
        self._look()
        self._publish(BATCHES)
        self._look()
        starts, notices = len(self._observer.started), len(self._observer.announced)
        if self.in_flight < IN_FLIGHT and self._blows.due(starts, notices):
            # Runs end faster than they are published: a starved machine can go on so to the end.
            with self._blows.standstill():
                self._publish(FILL)
                self._look()
        self._blows.strike(starts, notices, self.in_flight)
        self._deadlocks.look()
        self._tell()
        return not self._publisher.left and not self._blows.left

    def _publish(self, batches: int) -> None:
        window = WINDOW + self._blows.allowance()
        for _ in range(batches):
            self._publisher.publish(window - self._pending, self._is_open)

    def _settled(self) -> bool:
        """Whether nothing is in flight, unread or unfinished any more."""
        self._look()
        self._deadlocks.look()
        self._tell()
        try:
            unread = self._observer.unread()
            letters = len(self._observer.letters()) if not self.in_flight and not unread else 0
            self._note(unread=unread, letters=letters)
            if letters < self._letters:
                return False
            return not self._observer.unfinished() and not self._observer.parked()
        except AWAY:
            return False

    def _look(self) -> None:
        before, flew = len(self._observer.announced), self.in_flight
        self._observer.look()
        now = time.monotonic()
        if len(self._observer.announced) > before or not flew or self._blows.absent:
            if flew and now - self._noticed > 1 and not self._blows.absent:
                begun = self._noticed - self._begun
                self._outages.append(Outage(round(begun, 1), round(now - self._noticed, 1)))
            self._noticed = now
        self._note(
            started=len(self._observer.started),
            announced=len(self._observer.announced),
            left=self._publisher.left,
        )

    def _note(self, **counts: int) -> None:
        """Remember when something last changed."""
        if counts.items() - self._counts.items() or self._blows.absent:
            self._counts |= counts
            self._changed = time.monotonic()

    def _until(self, done: Callable[[], bool], every: float) -> bool:
        """Wait; False where nothing has changed for too long before it was done."""
        finished = False

        def over() -> bool:
            nonlocal finished
            finished = done()
            return finished or time.monotonic() - self._changed > PATIENCE_SECONDS

        wait_until(over, LONGEST_SECONDS, every=every)
        if not finished:
            self._report(f"given up: nothing has changed for {PATIENCE_SECONDS} s")
        return finished

    def _is_open(self, gate: Gate) -> bool:
        seen = self._observer.started if gate.seen == "started" else self._observer.announced
        return gate.instance_id in seen

    def _insist(self, read: Callable[[], None]) -> None:
        def answered() -> bool:
            try:
                read()
            except AWAY as error:
                self._report(f"asked again: {error}")
                return False
            return True

        if not wait_until(answered, PATIENCE_SECONDS, every=2):
            self._report("what is kept cannot be read: the verdict will say what is missing")

    def _tell(self) -> None:
        if time.monotonic() - self._told > TELL_EVERY_SECONDS:
            self._told = time.monotonic()
            self._report(
                f"{self._told - self._begun:4.0f} s: {len(self._publisher.runs)} of "
                f"{self._plan.requests} requests accepted, {len(self._observer.started)} started, "
                f"{len(self._observer.announced)} announced, {self._blows.left} blows to come"
            )
