"""Finds the Dapr runtime of the embedded stack (daprd, placement, scheduler), or builds it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from usher.stack.errors import SetupError
from usher.stack.gobuild import Recipe, build
from usher.stack.program import Report
from usher.stack.toolbox import version_of

SERIES = "1.18"

# 1.18.2 is the newest 1.18 whose dependencies the public Go module proxy serves. The build keeps
# those of some 140 components that Usher's files name, and those with which sidecars find each
# other. Placement and scheduler 1.18.2 ignore `--healthz-listen-address`: the first edits make them
# listen there. The scheduler's etcd accepts commands as JSON over plain HTTP, so any web page could
# send one: the last edit makes it accept only gRPC, and only from this machine. A runtime that was
# found, not built, has both faults, and `usher doctor` reports them.
RUNTIME = Recipe(
    name="dapr",
    module="github.com/dapr/dapr",
    version="1.18.2",
    packages=("./cmd/daprd", "./cmd/placement", "./cmd/scheduler"),
    ldflags="-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=1.18.2",
    takes="4 to 9 minutes on two cores, and 4 GB of disk meanwhile",
    flags=("-tags", "allcomponents"),
    revision="5",
    source_edits=(
        ("pkg/healthz/server/server.go", "Port     int\n", "Port     int\n\tAddress  string\n"),
        ("pkg/healthz/server/server.go", "port    int\n", "port    int\n\taddress string\n"),
        ("pkg/healthz/server/server.go", "opts.Port,", "opts.Port, address: opts.Address,"),
        ("pkg/healthz/server/server.go", '":%d", s.port', '"%s:%d", s.address, s.port'),
        *(
            (
                f"cmd/{program}/app/app.go",
                "opts.HealthzPort,",
                "opts.HealthzPort, Address: opts.HealthzListenAddress,",
            )
            for program in ("placement", "scheduler")
        ),
        (
            "pkg/scheduler/server/internal/etcd/config.go",
            "config.Metrics = opts.Metrics\n",
            "config.Metrics = opts.Metrics\n\tconfig.EnableGRPCGateway = false\n"
            '\tconfig.HostWhitelist = map[string]struct{}{"127.0.0.1": {}, "localhost": {}}\n'
            '\tconfig.CORS = map[string]struct{}{"http://127.0.0.1": {}}\n',
        ),
    ),
    pruned="cmd/daprd/components",
    kept=(
        "*_redis.go",
        "*_in-memory.go",
        "middleware_http_opa.go",
        "nameresolution_mdns.go",
        "nameresolution_nameformat.go",
        "nameresolution_sqlite.go",
        "pubsub_kafka.go",
        "secretstores_local_*.go",
        "state_postgres.go",
        "zz_notag.go",
    ),
)

# Placement and scheduler have no --version. They print it in their first line. An invalid trust
# domain then ends them, before they open a port or write a file.
_VERSION_ARGUMENTS = {
    "daprd": ("--version",),
    "placement": ("--trust-domain", "/"),
    "scheduler": ("--trust-domain", "/"),
}


@dataclass(frozen=True)
class DaprBinaries:
    """The three programs, each of which ran. `version` is that of daprd, such as 1.18.2."""

    daprd: Path
    placement: Path
    scheduler: Path
    version: str


def find_or_build(report: Report, folder: Path | None = None) -> DaprBinaries:
    """Return the programs in `folder`, or else from ~/.dapr/bin, PATH or the cache, or build them.

    Raises SetupError if `folder` does not hold all three, or if the build fails.
    """
    if folder is not None:
        configured = folder.expanduser().absolute()
        if binaries := _prove(str(configured)):
            return binaries
        raise SetupError(f"USHER_DAPR_DIR: {configured} has no daprd")
    for place in (str(Path.home() / ".dapr" / "bin"), None, str(RUNTIME.folder())):
        try:
            if binaries := _prove(place):
                return binaries
        except SetupError as unfit:
            report(f"passed over: {unfit}")
    report(
        f"no Dapr {SERIES} found; `dapr init --slim --runtime-version {RUNTIME.version}` is quicker"
    )
    return build(RUNTIME, report, _prove_built)


def _prove_built(folder: Path) -> DaprBinaries | None:
    try:
        return _prove(str(folder))
    except SetupError:
        return None


def _prove(search_path: str | None) -> DaprBinaries | None:
    """Run the programs of `search_path` (None: PATH). Return None if it has no daprd.

    Raises SetupError if a program is missing or of another series.
    """
    found: dict[str, Path] = {}
    versions: dict[str, str] = {}
    for name, arguments in _VERSION_ARGUMENTS.items():
        if (program := shutil.which(name, path=search_path)) is None:
            if not found:
                return None
            raise SetupError(f"{found['daprd']} has no {name} beside it")
        found[name] = Path(program)
        version = version_of(found[name], *arguments)
        if version is None or not version.startswith(f"{SERIES}."):
            actual = f"is {version}" if version else "prints no version"
            raise SetupError(f"{program} {actual}, and Usher needs {SERIES}.x")
        versions[name] = version
    return DaprBinaries(**found, version=versions["daprd"])
