"""Links of the documents lead somewhere: the file is there, and has the heading."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo.files import ROOT

LINK = re.compile(r"\]\((?!\w+:|<)([^)#\s]*)(?:#([^)\s]+))?\)")


def documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


def anchors(document: Path) -> Iterator[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        yield re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


@pytest.mark.parametrize("document", documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_links_of_a_document_lead_somewhere(document: Path) -> None:
    astray = []
    for path, anchor in LINK.findall(document.read_text()):
        target = (document.parent / path).resolve() if path else document
        if not target.exists():
            astray.append(path)
        elif anchor and target.suffix == ".md" and anchor not in set(anchors(target)):
            astray.append(f"{path}#{anchor}")
    assert astray == []
