"""The Dapr resource files of a folder, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contracts.finding import Finding, refusal


@dataclass(frozen=True)
class Resource:
    """One document of one file."""

    file: str
    document: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.document.get("kind"))

    @property
    def name(self) -> str:
        return str((self.document.get("metadata") or {}).get("name"))

    @property
    def spec(self) -> Mapping[str, Any]:
        return self.document.get("spec") or {}

    @property
    def scopes(self) -> set[str] | None:
        """The apps that may see it; None for all."""
        return set(self.document["scopes"]) if self.document.get("scopes") else None

    def field(self, name: str) -> str:
        """Where a field of it is, for people."""
        return f"{self.file}: {name}"

    def option(self, name: str) -> str | None:
        """One entry of a component's metadata; names are not case-sensitive."""
        found = self._entry(name)
        if found is None:
            return None
        value = found.get("value")
        return "" if value is None else str(value)

    def referenced(self, name: str) -> str | None:
        """Where an entry has its value from, such as an environment variable; None for the file."""
        found = self._entry(name) or {}
        for reference in ("envRef", "secretKeyRef"):
            if found.get(reference):
                return f"{reference} {found[reference]}"
        return None

    def option_names(self) -> set[str]:
        """The names of the metadata's entries, as they are written."""
        return {str(one.get("name")) for one in self.spec.get("metadata") or []}

    def _entry(self, name: str) -> Mapping[str, Any] | None:
        """Return an entry of a component's metadata. Of several, daprd takes the last."""
        for one in reversed(self.spec.get("metadata") or []):
            if str(one.get("name")).lower() == name.lower():
                found: Mapping[str, Any] = one
                return found
        return None


def read(*folders: Path) -> tuple[list[Resource], list[Finding]]:
    """Return every document; a file replaces the one of its name in the folders before.

    A file that daprd could not read is a finding, as daprd itself only warns of it.
    """
    resources: list[Resource] = []
    broken: list[Finding] = []
    every = [file for folder in folders for file in folder.glob("*.y*ml")]
    for file in sorted({file.name: file for file in every}.values(), key=lambda one: one.name):
        name = f"{file.parent.name}/{file.name}"
        try:
            documents = [one for one in yaml.safe_load_all(file.read_text()) if one is not None]
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            said = " ".join(str(error).split())
            broken.append(refusal(name, f"no YAML: {said}", "mend it: daprd skips it", "all"))
            continue
        for document in documents:
            if isinstance(document, dict):
                resources.append(Resource(name, document))
            else:
                broken.append(refusal(name, "holds no resource", "mend it: daprd skips it", "all"))
    return resources, broken


def of_type(resources: Iterable[Resource], prefix: str) -> list[Resource]:
    """Return the components of a kind of building block, such as `pubsub.`."""
    components = (one for one in resources if one.kind == "Component")
    return [one for one in components if str(one.spec.get("type")).startswith(prefix)]
