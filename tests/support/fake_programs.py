"""Stand-ins for the programs that set-up looks for: shell scripts, alone, in a wheel, from a go."""

import shlex
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from usher.stack.runtime import RUNTIME

MODULE = "$GOMODCACHE/github.com/dapr/dapr@v1.18.2"
COMPONENTS = "cmd/daprd/components"


def program(path: Path, body: str) -> Path:
    """Writes an executable shell script; it finds the usual tools whatever PATH the test sets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n")
    path.chmod(0o755)
    return path


def wheel(folder: Path, name: str, version: str, programs: dict[str, str]) -> None:
    """Writes a wheel that carries `programs` (path inside it → body of a shell script)."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n",
        **{path: f"#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n" for path, body in programs.items()},
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, content in (files | {f"{info}/RECORD": record}).items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100755 if path in programs else 0o100644) << 16
            archive.writestr(entry, content)


def waits_for(file: Path) -> str:
    """Shell: go on once `file` is there, or after 10 s."""
    return f"n=0; until [ -e {file} ] || [ $n -ge 200 ]; do n=$((n+1)); sleep 0.05; done"


@dataclass
class Machine:
    """A machine with nothing on it but what a test puts there."""

    root: Path
    said: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def path(self) -> Path:
        return self.root / "path"

    @property
    def cache(self) -> Path:
        return self.root / "cache" / "usher"

    def dapr(self, folder: Path, version: str = "1.18.2") -> Path:
        """Puts the three programs into `folder`; as in life, only daprd knows --version."""
        program(folder / "daprd", f'[ "$*" = --version ] && echo {version}')
        for name in ("placement", "scheduler"):
            line = f'level=info msg="Starting Dapr {name} -- version {version} -- commit "'
            program(folder / name, f"[ \"$*\" = '--trust-domain /' ] && echo '{line}'; exit 1")
        return folder

    def go(self, building: str = "", version: str = "1.26.6") -> None:
        """Puts a `go` on PATH; `building` is what its `go build` does before it copies programs."""
        program(self.path / "go", self.go_script(building, version))

    def go_script(self, building: str = "", version: str = "1.26.6") -> str:
        products = self.dapr(self.root / "products")
        whole: dict[str, str] = {}
        for file, text, _ in RUNTIME.source_edits:
            whole[file] = whole.get(file, "") + text
        edited = " ".join(whole)
        sources = "; ".join(
            f"mkdir -p $(dirname {MODULE}/{file}); printf %s {shlex.quote(text)} > {MODULE}/{file}"
            for file, text in whole.items()
        )
        return f"""
            case "$1 $2" in
            "version ") echo go version go{version} linux/amd64 ;;
            "mod download")
                mkdir -p {MODULE}/{COMPONENTS}
                touch {MODULE}/go.mod {MODULE}/{COMPONENTS}/pubsub_redis.go
                touch {MODULE}/{COMPONENTS}/pubsub_pulsar.go
                {sources} ;;
            "list -deps") echo go: downloading x v1 >&2; echo a; echo b; echo c ;;
            "build -v")
                echo built >> {self.root}/builds
                ls {COMPONENTS} > {self.root}/components
                cat {edited} > {self.root}/edited
                until [ "$1" = -o ]; do shift; done
                {building or ":"}
                cp {products}/* "$2" ;;
            esac"""

    def builds(self) -> int:
        """How often `go build` was called."""
        calls = self.root / "builds"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def report(self, line: str) -> None:
        self.said.append(line)

    def hears(self, text: str) -> bool:
        return any(text in line for line in self.said)
