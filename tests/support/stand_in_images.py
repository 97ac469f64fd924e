"""The public images of docker-compose.yml, or stand-ins under their names where none can be had."""

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.engine import docker, missing, plugins, run
from tests.support.go_programs import JAEGER, built
from usher.stack.program import Report
from usher.stack.runtime import RUNTIME, find_or_build
from usher.stack.toolbox import cache_dir, only_one

RECIPES = Path(__file__).parent / "images"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DEBIAN = "usher-stand-in/bookworm"
# What Debian's own slim image leaves out.
SUPERFLUOUS = (
    *("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info"),
    *("var/cache/apt", "var/lib/apt/lists", "var/log"),
)


@dataclass(frozen=True)
class StandIn:
    """An image made of one recipe and of files of this machine."""

    name: str
    recipe: str
    made_of: str
    """What goes into it besides the recipe, as text: a version, a digest."""
    files: tuple[Path, ...] = ()
    arguments: dict[str, str] = field(default_factory=dict)

    def dockerfile(self) -> Path:
        return RECIPES / f"{self.recipe}.Dockerfile"

    def digest(self) -> str:
        text = f"{self.dockerfile().read_text()}\n{self.made_of}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def archive(self) -> Path:
        """Where the image is kept for an engine that has not seen it."""
        return cache_dir() / "images" / f"{self.recipe}-{self.digest()}.tar"


def stand_ins(report: Report) -> list[StandIn]:
    """Everything that docker-compose.yml and the Dockerfile name. Builds the programs in them."""
    runtime = find_or_build(report)
    dapr = [
        StandIn(
            f"daprio/{program.name}:{RUNTIME.version}",
            "dapr",
            f"{program.name} {runtime.version} {RUNTIME.label}",
            (program,),
            {"program": program.name},
        )
        for program in (runtime.daprd, runtime.placement, runtime.scheduler)
    ]
    return [
        *debian_images(),
        *dapr,
        StandIn("jaegertracing/jaeger:2.13.0", "jaeger", JAEGER.version, (built(JAEGER, report),)),
    ]


def debian_images() -> list[StandIn]:
    """Return the images that Usher's own and its Redis are made of."""
    certificates = (CERTIFICATES,) if CERTIFICATES.exists() else ()
    trusted = "".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in certificates)
    return [
        StandIn("python:3.11-slim-bookworm", "python", trusted, certificates),
        StandIn("redis:7.2-bookworm", "redis", ""),
    ]


def provide_images(report: Report) -> None:
    """Have every image in the engine, Usher's own too; where there is no engine, do nothing."""
    if missing():
        return
    with only_one("images", report):
        for image in stand_ins(report):
            provide(image, report)
        run("docker", "compose", "build", env=plugins(report), seconds=900)


def provide(image: StandIn, report: Report) -> None:
    """There already, pulled, or a stand-in, in this order; a stand-in that is new is told."""
    found = run(
        *("docker", "image", "inspect", image.name),
        *("--format", '{{index .Config.Labels "usher.stand-in"}}'),
        check=False,
    )
    if found.returncode == 0 and found.stdout.strip() in (image.digest(), "", "<no value>"):
        return  # ours as it is now, or the public one
    if found.returncode and not run("docker", "pull", image.name, check=False).returncode:
        return
    if not image.archive().exists():
        report(f"no registry gives {image.name}: building a stand-in, this once")
        _build(image)
    docker("load", "--quiet", "--input", image.archive())


def _build(image: StandIn) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for file in image.files:
            shutil.copy(file, folder)
        if image.recipe in ("python", "redis", "pause"):
            _provide_debian()
        arguments = [w for k, v in image.arguments.items() for w in ("--build-arg", f"{k}={v}")]
        docker(
            *("build", "--network", "host", "--file", image.dockerfile(), "--tag", image.name),
            *("--label", f"usher.stand-in={image.digest()}", *arguments, folder),
            DOCKER_BUILDKIT="0",
        )
    archive = image.archive()
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_suffix(".partial")
    docker("save", "--output", partial, image.name)
    partial.rename(archive)


def _provide_debian() -> None:
    """Debian's smallest system, which stand-ins are built on."""
    if not run("docker", "image", "inspect", DEBIAN, check=False).returncode:
        return
    with _debian() as archive:
        docker("import", archive, DEBIAN)


@contextmanager
def _debian() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        system, archive = Path(folder, "system"), Path(folder, "system.tar")
        run("debootstrap", "--variant=minbase", "bookworm", system, seconds=900)
        for name in SUPERFLUOUS:
            shutil.rmtree(system / name)
            (system / name).mkdir()
        with tarfile.open(archive, "w") as packed:
            packed.add(system, ".")
        yield archive
