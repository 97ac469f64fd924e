"""The images of the cluster: made with Docker, handed to the node."""

import subprocess
from pathlib import Path

from tests.support.engine import run
from tests.support.k8s.cluster import CTR, Cluster
from tests.support.k8s.config import PAUSE
from tests.support.k8s.programs import DAPR
from tests.support.stand_in_images import StandIn, debian_images, provide
from usher.stack.program import Report
from usher.stack.toolbox import only_one

REGISTRY = "ghcr.io/dapr"
USHER = "usher"


def make_images(dapr: Path, report: Report) -> list[str]:
    """Have all images in the Docker engine, and return the names of those that the node wants."""
    with only_one("images", report):
        debian, others = debian_images(), [StandIn(PAUSE, "pause", ""), *_dapr_images(dapr)]
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
    return [
        StandIn(
            f"{REGISTRY}/{Path(package).name}:{DAPR.version}",
            "dapr",
            f"{Path(package).name} {DAPR.label}",
            (folder / Path(package).name,),
            {"program": Path(package).name},
        )
        for package in DAPR.packages
    ]
