"""A whole run: every contender visited in mirrored passes, one stack at a time or in turns."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.contenders import Contender
from bench.figures import Visit
from bench.hearing import Hearing
from bench.ingress import ingress
from bench.load import Load
from bench.peers.tools import Tools
from bench.running import running
from bench.stacks import stack_settings
from bench.visit import Meter, Plan
from usher.stack.spec import Binaries

Report = Callable[[str], None]
HALF_LOAD = "half load, /s"
PORTS_APART = 30
"""Between stacks that are up together: up to ten have no port in common."""


class Session:
    """Visits contenders; the first one's throughput sets the rate of half load for all."""

    def __init__(
        self,
        binaries: Binaries,
        folder: Path,
        ports_beside: int,
        report: Report,
        tools: Tools | None = None,
    ) -> None:
        """`tools` are what peers need, where one takes part."""
        self._binaries = binaries
        self._tools = tools
        self._folder = folder
        self._ports_beside = ports_beside
        self._report = report
        self._rate: float | None = None

    def run(self, order: Sequence[tuple[int, Contender]], plan: Plan) -> list[Visit]:
        """Visit contenders in this order, each with the number of its pass, on a fresh stack."""
        visits = []
        for place, (number, contender) in enumerate(order, 1):
            self._report(f"visit {place} of {len(order)}: {contender.name}")
            with self._metered(contender, self._folder, self._ports_beside) as meter:
                meter.prepare(plan)
                visits.append(self._visit(contender, number, meter, plan))
        return visits

    def take_turns(self, order: Sequence[tuple[int, Contender]], plan: Plan) -> list[Visit]:
        """The same with all stacks up: neighbours meet the same mood of a machine that is shared.

        Each has the idle work of the others beside it, which is the same for all.
        """
        visits = []
        contenders = {contender.name: contender for _, contender in order}
        with ExitStack() as up:
            meters = {}
            for place, (name, contender) in enumerate(contenders.items()):
                self._report(f"starting {name}")
                ports_beside = self._ports_beside + place * PORTS_APART
                opened = self._metered(contender, self._folder / f"turn-{place}", ports_beside)
                meters[name] = up.enter_context(opened)
            for meter in meters.values():
                meter.prepare(plan)
            for place, (number, contender) in enumerate(order, 1):
                self._report(f"turn {place} of {len(order)}: {contender.name}")
                visits.append(self._visit(contender, number, meters[contender.name], plan))
        return visits

    @contextmanager
    def _metered(self, contender: Contender, folder: Path, ports_beside: int) -> Iterator[Meter]:
        settings = stack_settings(contender, folder, ports_beside)
        with (
            running(contender, settings, self._binaries, _silent, self._tools) as stack,
            Hearing(stack.log_path("notifier")) as hearing,
            ingress(contender, settings) as send,
        ):
            yield Meter(settings, Load(send, hearing), contender.on_dapr)

    def _visit(self, contender: Contender, number: int, meter: Meter, plan: Plan) -> Visit:
        measures = meter.measure(plan, self._rate)
        self._rate = self._rate or measures[HALF_LOAD]
        for name, value in measures.items():
            if name.startswith(("throughput", "cpu at", "yardstick", "p50", "lost", "doubled")):
                self._report(f"  {name}: {value:.4g}")
        return Visit(contender.name, number, measures)


def _silent(_: str) -> None:
    """What a stack says of each start is no news here."""
