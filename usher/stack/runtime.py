"""Finds the embedded stack's real Dapr runtime (daprd, placement, scheduler), or builds it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from usher.stack.errors import SetupError
from usher.stack.gobuild import Recipe, build
from usher.stack.program import Report
from usher.stack.toolbox import version_of

SERIES = "1.18"

# 1.18.2 is the newest 1.18 whose dependencies the public Go module proxy serves. Of the some 140
# components those stay that Usher's own files name, and what daprd needs to find its neighbours.
# Placement and scheduler of 1.18.2 take `--healthz-listen-address` and ignore it: the edits have
# them listen there. The scheduler's etcd takes commands as JSON over plain HTTP, so from any web
# page: the last edit has it take commands by gRPC alone, and answer no other site. A runtime that
# is found, not built, answers its health on all interfaces, and those commands: the doctor says so.
RUNTIME = Recipe(
    name="dapr",
    module="github.com/dapr/dapr",
    version="1.18.2",
    packages=("./cmd/daprd", "./cmd/placement", "./cmd/scheduler"),
    ldflags="-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=1.18.2",
    takes="4 to 8 minutes on two cores, 4 GB of disk for as long",
    flags=("-tags", "allcomponents"),
    revision="4",
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
        "secretstores_local_*.go",
        "zz_notag.go",
    ),
)

# Placement and scheduler know no --version. They say it in their first line, and a trust domain
# that cannot be ends them right after it, before they open a port or write a file.
_QUESTIONS = {
    "daprd": ("--version",),
    "placement": ("--trust-domain", "/"),
    "scheduler": ("--trust-domain", "/"),
}


@dataclass(frozen=True)
class DaprBinaries:
    """Three programs that ran when asked; `version` is daprd's, of the 1.18 series as all are."""

    daprd: Path
    placement: Path
    scheduler: Path
    version: str


def find_or_build(report: Report, folder: Path | None = None) -> DaprBinaries:
    """The configured `folder`'s programs; else those of ~/.dapr/bin, PATH or the cache, else built.

    Raises SetupError: the configured folder does not hold all three, or the build failed.
    """
    if folder is not None:
        configured = folder.expanduser().absolute()
        if binaries := _prove(str(configured)):
            return binaries
        raise SetupError(f"no daprd in {configured}, the configured folder of Dapr's programs")
    for place in (str(Path.home() / ".dapr" / "bin"), None, str(RUNTIME.folder())):
        try:
            if binaries := _prove(place):
                return binaries
        except SetupError as unfit:
            report(f"passed over: {unfit}")
    report(
        f"no Dapr {SERIES} here (`dapr init --slim --runtime-version {RUNTIME.version}` is quicker)"
    )
    return build(RUNTIME, report, _prove_built)


def _prove_built(folder: Path) -> DaprBinaries | None:
    try:
        return _prove(str(folder))
    except SetupError:
        return None


def _prove(search_path: str | None) -> DaprBinaries | None:
    """Runs what `search_path` (None: PATH) holds; None without a daprd, SetupError if unfit."""
    found: dict[str, Path] = {}
    versions: dict[str, str] = {}
    for name, question in _QUESTIONS.items():
        if (program := shutil.which(name, path=search_path)) is None:
            if not found:
                return None
            raise SetupError(f"{found['daprd']} has no {name} beside it")
        found[name] = Path(program)
        version = version_of(found[name], *question)
        if version is None or not version.startswith(f"{SERIES}."):
            said = f"is {version}" if version else "names no version"
            raise SetupError(f"{program} {said}, and {SERIES}.x is wanted")
        versions[name] = version
    return DaprBinaries(**found, version=versions["daprd"])
