"""What the KEDA module says of its Kubernetes resources."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.custom_resources import Schema, schema_of
from tests.support.module_sources import fetch_sources
from usher.stack.program import Report

VERSION = "2.18.1"
DEFINITIONS = "config/crd/bases"
SCALERS = ("pkg/scalers/redis_scaler.go", "pkg/scalers/redis_streams_scaler.go")
KAFKA = "pkg/scalers/kafka_scaler.go"


@dataclass(frozen=True)
class KedaModule:
    sources: Path

    def schema(self, api_version: str, kind: str) -> Schema:
        """Return the JSON Schema of a KEDA resource."""
        return schema_of(self.sources / DEFINITIONS, api_version, kind)

    def knows(self, trigger: str, parameter: str) -> bool:
        """Return whether the scaler of a trigger reads a parameter."""
        files = {"redis-streams": SCALERS, "kafka": (KAFKA,)}[trigger]
        text = "".join((self.sources / file).read_text() for file in files)
        name = re.escape(parameter.removesuffix("FromEnv"))
        return re.search(rf'["=;]{name}[",;]', text) is not None


def fetch_keda_module(report: Report) -> KedaModule:
    """The cache's copy of what is read here, else a downloaded one. Raises SetupError."""
    kept = (DEFINITIONS, *SCALERS, KAFKA)
    return KedaModule(fetch_sources("keda", "github.com/kedacore/keda/v2", VERSION, kept, report))
