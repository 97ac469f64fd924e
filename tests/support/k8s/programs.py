"""The programs of the tests' cluster: built from upstream's Go modules, once, into the cache."""

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from usher.stack.gobuild import Recipe, build
from usher.stack.program import Report
from usher.stack.runtime import RUNTIME

# Modules that Kubernetes keeps in folders of its own repository. Each is also published by itself.
STAGED = (
    *("api", "apiextensions-apiserver", "apimachinery", "apiserver", "cli-runtime", "client-go"),
    *("cloud-provider", "cluster-bootstrap", "code-generator", "component-base"),
    *("component-helpers", "controller-manager", "cri-api", "cri-client", "csi-translation-lib"),
    *("dynamic-resource-allocation", "endpointslice", "externaljwt", "kms", "kube-aggregator"),
    *("kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet", "metrics"),
    *("mount-utils", "pod-security-admission", "sample-apiserver"),
)
UNUSED = ("sample-cli-plugin", "sample-controller")
VERSION = "1.34.4"
KUBERNETES = Recipe(
    name="kubernetes",
    module="k8s.io/kubernetes",
    version=VERSION,
    packages=tuple(
        f"./cmd/{name}"
        for name in (
            *("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
            *("kubelet", "kube-proxy", "kubectl"),
        )
    ),
    ldflags=" ".join(
        ["-s -w"]
        + [
            f"-X k8s.io/{module}/version.gitVersion=v{VERSION}"
            for module in ("component-base", "client-go/pkg")
        ]
    ),
    takes="6 to 15 minutes on two cores, and 3 GB of disk meanwhile",
    flags=("-mod=mod",),
    edits=(
        *(f"-dropreplace=k8s.io/{name}" for name in (*STAGED, *UNUSED)),
        *(f"-require=k8s.io/{name}@v{VERSION.replace('1.', '0.', 1)}" for name in STAGED),
    ),
)
DAPR = replace(
    RUNTIME,
    name="dapr-kubernetes",
    packages=tuple(
        f"./cmd/{name}"
        for name in ("daprd", "placement", "scheduler", "sentry", "operator", "injector")
    ),
    takes="4 to 10 minutes on two cores, and 4 GB of disk meanwhile",
    revision="1",
    source_edits=(),
    kept=(*RUNTIME.kept, "nameresolution_kubernetes.go", "secretstores_kubernetes.go"),
)
COREDNS = Recipe(
    name="coredns",
    module="github.com/coredns/coredns",
    version="1.12.4",
    packages=(".",),
    ldflags="-s -w",
    takes="about 2 minutes on two cores",
    output="coredns",
    rewritten=(
        (
            "core/plugin/zplugin.go",
            "package plugin\n\nimport (\n"
            + "".join(
                f'\t_ "github.com/coredns/coredns/plugin/{name}"\n'
                for name in ("cache", "errors", "kubernetes", "ready")
            )
            + ")\n",
        ),
    ),
)
HELM = Recipe(
    name="helm",
    module="helm.sh/helm/v3",
    version="3.19.5",
    packages=("./cmd/helm",),
    ldflags="-s -w -X helm.sh/helm/v3/internal/version.version=v3.19.5",
    takes="about 2 minutes on two cores",
    output="helm",
)
# Only its firewall runs: it makes network policies hold.
KUBE_ROUTER = Recipe(
    name="kube-router",
    module="github.com/cloudnativelabs/kube-router/v2",
    version="2.1.0",
    packages=("./cmd/kube-router",),
    ldflags="-s -w",
    takes="about 3 minutes on two cores",
    output="kube-router",
)
RECIPES = (KUBERNETES, COREDNS, HELM, DAPR, KUBE_ROUTER)


@dataclass(frozen=True)
class Programs:
    """The folders of the programs; of CoreDNS, which runs from an image, the program."""

    kubernetes: Path
    helm: Path
    kube_router: Path
    coredns: Path
    dapr: Path

    def path(self) -> str:
        """A search path that finds those that run on the node or for a person."""
        return ":".join(map(str, (self.kubernetes, self.helm, self.kube_router)))


def build_programs(report: Report) -> Programs:
    """Find them in the cache, or build them. Raises SetupError."""
    kubernetes, coredns, helm, dapr, kube_router = (_built(one, report) for one in RECIPES)
    return Programs(kubernetes, helm, kube_router, coredns / COREDNS.output, dapr)


def _built(recipe: Recipe, report: Report) -> Path:
    names = [recipe.output] if recipe.output else [Path(one).name for one in recipe.packages]

    def prove(folder: Path) -> Path | None:
        return folder if all(_runs(folder / name) for name in names) else None

    return prove(recipe.folder()) or build(recipe, report, prove)


def _runs(program: Path) -> bool:
    """Whether it is there and starts: each of them prints its help."""
    if not program.exists():
        return False
    return subprocess.run([program, "--help"], capture_output=True, timeout=60).returncode in (0, 2)
