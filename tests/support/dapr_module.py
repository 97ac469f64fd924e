"""What the Dapr module itself says of its Kubernetes resources: schemas, and pod annotations."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.custom_resources import Schema, schema_of
from tests.support.module_sources import fetch_sources
from usher.stack.program import Report
from usher.stack.runtime import RUNTIME

CHART = "charts/dapr"
DEFINITIONS = f"{CHART}/crds"
INJECTOR = "pkg/injector/patcher/sidecar.go"
"""One struct in it has a field for each annotation; a test of Dapr's own keeps that complete."""


@dataclass(frozen=True)
class DaprModule:
    sources: Path

    @property
    def chart(self) -> Path:
        """The Helm chart of Dapr's control plane."""
        return self.sources / CHART

    def schema(self, api_version: str, kind: str) -> Schema:
        """Return the JSON Schema of a Dapr resource."""
        return schema_of(self.sources / DEFINITIONS, api_version, kind)

    def annotations(self) -> dict[str, str]:
        """Return the Go type of every annotation that the sidecar injector reads."""
        field = re.compile(r'^\s+\w+\s+\*?(\w+)\s+`annotation:"([^"]+)"', re.MULTILINE)
        found = field.findall((self.sources / INJECTOR).read_text())
        assert found
        return {name: go_type for go_type, name in found}


def fetch_dapr_module(report: Report) -> DaprModule:
    """The cache's copy of what is read here, else a downloaded one. Raises SetupError."""
    kept = (CHART, INJECTOR)
    return DaprModule(fetch_sources("dapr", RUNTIME.module, RUNTIME.version, kept, report))
