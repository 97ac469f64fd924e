"""The stack of one contender: Usher's own processes, with the services and settings exchanged."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.contenders import Contender
from bench.peers.stack import peer_specs
from bench.peers.tools import Tools
from orchestrator.hosting.registration import QUIET
from usher.stack.processes import processes
from usher.stack.program import Report
from usher.stack.redis import find_or_install
from usher.stack.runtime import find_or_build
from usher.stack.settings import StackSettings
from usher.stack.spec import Binaries, ProcessSpec
from usher.stack.stack import Stack

HERE = Path(__file__).parent
COMPONENTS = HERE / "components"
WORKER_THREADS = 72
"""Of the plain worker's handlers, tuned: more than the 64 and 1 that its sidecar delivers at once,
as its health probe needs one too. Usher's services have none."""

# What an untuned process keeps of its command line: where it listens, who it is, what it must keep.
_KEPT_FLAGS = (
    *("app-id", "app-port", "app-protocol", "app-channel-address", "resources-path", "log-level"),
    *("appendonly", "appendfsync", "save", "bind", "dir", "set-proc-title", "initial-cluster"),
    *("etcd-data-dir", "etcd-initial-cluster"),
)
_KEPT_ENDINGS = ("port", "address", "addresses")


def find_binaries(report: Report) -> Binaries:
    """Find Redis and Dapr, or get them as `make up` would."""
    dapr = find_or_build(report)
    return Binaries(find_or_install(report), dapr.daprd, dapr.placement, dapr.scheduler)


def stack_settings(contender: Contender, folder: Path, ports_beside: int) -> StackSettings:
    """Return where a contender's stack listens and keeps its data."""
    settings = StackSettings(
        data_dir=folder / contender.name.split("+")[0],
        workflows=(HERE / "workflows",),
        log_format="json",
    ).shifted(ports_beside)
    return (
        settings if contender.tuned else settings.model_copy(update={"components_dir": COMPONENTS})
    )


def build_stack(
    contender: Contender,
    settings: StackSettings,
    binaries: Binaries,
    tools: Tools | None = None,
) -> Stack:
    return Stack(settings, specs(contender, settings, binaries, tools))


def specs(
    contender: Contender,
    settings: StackSettings,
    binaries: Binaries,
    tools: Tools | None = None,
) -> Sequence[ProcessSpec]:
    """Return the contender's processes in the order of their start; a peer's want `tools`."""
    found = processes(settings, binaries)
    if not contender.on_dapr:
        assert tools
        found = peer_specs(contender.services, settings, untuned(found[0]), tools)
    if contender.services == "plain":
        found = [_plain(spec, contender, settings) for spec in found if spec.name != "starter"]
    if contender.on_dapr and not contender.tuned:
        found = [spec if _ours(spec) else untuned(spec) for spec in found]
    unknown = set(contender.levers) - {spec.name for spec in found}
    if unknown:
        raise ValueError(f"{contender.name} has no process {', '.join(sorted(unknown))}")
    return [
        without_secrets(_with_levers(spec, contender.levers.get(spec.name, {}))) for spec in found
    ]


def without_secrets(spec: ProcessSpec) -> ProcessSpec:
    """Without tokens and a password, which those who measure would all have to show."""
    argv = list(spec.argv)
    if "--include" in argv:
        at = argv.index("--include")
        del argv[at : at + 2]
    return replace(spec, argv=tuple(argv), secrets=())


def _with_levers(spec: ProcessSpec, levers: Mapping[str, str]) -> ProcessSpec:
    """Set variables, and options of the command line, which are those that begin with `--`."""
    argv, env = list(spec.argv), dict(spec.env)
    for name, value in levers.items():
        if not name.startswith("--"):
            env[name] = value
        elif name in argv:
            argv[argv.index(name) + 1] = value
        else:
            argv[1:1] = [name, value]
    return replace(spec, argv=tuple(argv), env=env)


def untuned(spec: ProcessSpec) -> ProcessSpec:
    """Return a process of the infrastructure without what Usher sets for speed or safety.

    Named is what stays, so that a setting that Usher gains is not handed on.
    """
    program, *words = spec.argv
    pairs = zip(words[::2], words[1::2], strict=False)
    kept = [word for name, value in pairs if _stays(name) for word in (name, value)]
    env = {name: value for name, value in spec.env.items() if name == "USHER_REDIS_HOST"}
    return replace(spec, argv=(program, *kept), env=env)


def _stays(flag: str) -> bool:
    name = flag.removeprefix("--")
    return name in _KEPT_FLAGS or name.endswith(_KEPT_ENDINGS)


def _ours(spec: ProcessSpec) -> bool:
    return spec.argv[0] == sys.executable


def _plain(spec: ProcessSpec, contender: Contender, settings: StackSettings) -> ProcessSpec:
    """Return the plain wiring's program in the place of Usher's service of the same name."""
    if not _ours(spec):
        return spec
    module = {"orchestrator": "worker", "notifier": "notifier"}[spec.name]
    env = {name: value for name, value in spec.env.items() if name.startswith(("DAPR_", "PYTHON"))}
    env["PLAIN_TOPIC_PORT"] = str(settings.ports()[f"{spec.name}_topic_port"])
    if contender.tuned:
        env |= _ushers_settings()
    return replace(
        spec,
        argv=(sys.executable, "-m", f"bench.plain.{module}"),
        env=env,
        ready=None,  # its sidecar's metadata tells; see `bench.running`
        ports=(f"{spec.name}_topic_port",),
    )


def _ushers_settings() -> dict[str, str]:
    """Return the SDK settings that Usher's services use, as the plain ones read them.

    A setting that Usher gains must be named here, and then the plain wiring has it too.
    """
    return {
        "PLAIN_HANDLER_THREADS": str(WORKER_THREADS),
        "PLAIN_SDK_LOG_LEVEL": str(QUIET.log_level),
    }
