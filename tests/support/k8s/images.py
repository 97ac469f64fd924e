"""The images of the cluster: made with Docker, handed to the node."""

import subprocess
from pathlib import Path

from tests.support.engine import run
from tests.support.k8s.cluster import CTR, Cluster
from tests.support.k8s.config import PAUSE
from tests.support.k8s.programs import COREDNS, DAPR, Programs
from tests.support.stand_in_images import StandIn, debian_images, provide
from usher.stack.program import Report
from usher.stack.toolbox import only_one

REGISTRY = "ghcr.io/dapr"
USHER = "usher"


def make_images(programs: Programs, report: Report) -> list[str]:
    """Have all images in the Docker engine, and return the names of those that the node wants."""
    names = _of_program(f"registry.k8s.io/coredns/coredns:v{COREDNS.version}", programs.coredns)
    with only_one("images", report):
        debian = debian_images()
        others = [StandIn(PAUSE, "pause", ""), names, *_dapr_images(programs.dapr)]
        for image in (*debian, *others):
            provide(image, report)
        build_usher()
    redis = next(image.name for image in debian if image.recipe == "redis")
    return [redis, *(image.name for image in others), USHER]


def build_usher() -> None:
    """Build Usher's image of this checkout. Its last stages are for docker compose."""
    build = ("docker", "build", "--network", "host", "--target", "usher", "--tag", USHER, ".")
    run(*build, env={"DOCKER_BUILDKIT": "0"}, seconds=900)


def load(cluster: Cluster, names: list[str]) -> None:
    """Give the node these images of the Docker engine."""
    with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as saving:
        done = subprocess.run(
            cluster.inside([*CTR, "images", "import", "-"]),
            stdin=saving.stdout,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert saving.returncode == 0, f"docker save {names} failed"
    assert done.returncode == 0, done.stderr


def _dapr_images(folder: Path) -> list[StandIn]:
    programs = [folder / Path(package).name for package in DAPR.packages]
    return [_of_program(f"{REGISTRY}/{one.name}:{DAPR.version}", one) for one in programs]


def _of_program(name: str, program: Path) -> StandIn:
    """An image of one program, which was built of its recipe."""
    made_of = f"{program.name} {program.parent.name}"
    return StandIn(name, "dapr", made_of, (program,), {"program": program.name})
