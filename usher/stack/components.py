"""Refuses component files that cannot be read. daprd only warns, and runs without them."""

from pathlib import Path

from usher.doctor.resources import read
from usher.stack.errors import StackError


def refuse_broken_components(folder: Path) -> None:
    """Raise StackError that names each file of `folder` that is no Dapr resource."""
    if not folder.is_dir():
        raise StackError(f"{folder} is not a folder: set USHER_COMPONENTS_DIR to one")
    _, broken = read(folder)
    if broken:
        lines = (f"{folder.parent / one.where}: {one.wrong}: correct it" for one in broken)
        raise StackError("\n".join(lines))
