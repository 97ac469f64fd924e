"""What the Dapr module itself says of its Kubernetes resources: schemas, and pod annotations."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from usher.stack.gobuild import find_go, go_environment
from usher.stack.program import Report, run
from usher.stack.runtime import RUNTIME
from usher.stack.toolbox import cache_dir, only_one

CHART = "charts/dapr"
DEFINITIONS = f"{CHART}/crds"
INJECTOR = "pkg/injector/patcher/sidecar.go"
"""One struct in it has a field for each annotation; a test of Dapr's own keeps that complete."""

Schema = dict[str, Any]


@dataclass(frozen=True)
class DaprModule:
    sources: Path

    @property
    def chart(self) -> Path:
        """The Helm chart of Dapr's control plane."""
        return self.sources / CHART

    def schema(self, api_version: str, kind: str) -> Schema:
        """Return the JSON Schema of a Dapr resource, strict: it refuses fields it does not know.

        A cluster would drop such a field without a word.
        """
        for file in sorted((self.sources / DEFINITIONS).glob("*.yaml")):
            text = file.read_text()
            if f"kind: {kind}\n" not in text:  # they are long, and slow to read
                continue
            for definition in yaml.safe_load_all(text):
                spec = definition["spec"]
                for version in spec["versions"]:
                    served = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                    if version["served"] and served == (api_version, kind):
                        found: Schema = _strict(version["schema"]["openAPIV3Schema"])
                        found["properties"]["metadata"] = {"type": "object"}
                        return found
        raise LookupError(f"Dapr {RUNTIME.version} has no {kind} of {api_version}")

    def annotations(self) -> dict[str, str]:
        """Return the Go type of every annotation that the sidecar injector reads."""
        field = re.compile(r'^\s+\w+\s+\*?(\w+)\s+`annotation:"([^"]+)"', re.MULTILINE)
        found = field.findall((self.sources / INJECTOR).read_text())
        assert found
        return {name: go_type for go_type, name in found}


def fetch_dapr_module(report: Report) -> DaprModule:
    """The cache's copy of what is read here, else a downloaded one. Raises SetupError."""
    folder = cache_dir() / f"dapr-sources-{RUNTIME.version}-2"
    if folder.exists():
        return DaprModule(folder)
    with only_one(folder.name, report):
        if not folder.exists():  # nor did another process fetch it while this one waited
            work = cache_dir() / f"{folder.name}.partial"
            shutil.rmtree(work, ignore_errors=True)
            (work / "tmp").mkdir(parents=True)
            module, kept = _download(work, report), work / "kept"
            shutil.copytree(module / CHART, kept / CHART)
            (kept / INJECTOR).parent.mkdir(parents=True)
            shutil.copyfile(module / INJECTOR, kept / INJECTOR)
            kept.rename(folder)
            shutil.rmtree(work)
    return DaprModule(folder)


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    open_ended = strict.get("x-kubernetes-preserve-unknown-fields", False)
    if isinstance(strict.get("properties"), dict) and "type" in strict and not open_ended:
        strict.setdefault("additionalProperties", False)
    return strict


def _download(work: Path, report: Report) -> Path:
    module, log = f"{RUNTIME.module}@v{RUNTIME.version}", work / "download.log"
    command: list[str | Path] = [find_go(work / "sdk", report), "mod", "download", "-json", module]
    env = go_environment(work, work / "tmp")
    run(command, f"downloading {module}", log, report, cwd=work, env=env)
    return Path(json.loads(log.read_text())["Dir"])
