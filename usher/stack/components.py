"""Says which component file cannot be read: daprd only warns of one, and does without it."""

from pathlib import Path

from usher.doctor.resources import read
from usher.stack.errors import StackError


def refuse_broken_components(folder: Path) -> None:
    """Raise StackError that names each file of `folder` that is no Dapr resource."""
    if not folder.is_dir():
        raise StackError(f"{folder} is no folder: USHER_COMPONENTS_DIR names the component files")
    _, broken = read(folder)
    if broken:
        said = (f"{folder.parent / one.where}: {one.wrong}: mend it" for one in broken)
        raise StackError("\n".join(said))
