"""Refuses component files with which events would be lost before anyone looks.

daprd only warns of a file that it cannot read, and runs without it. A Kafka component that sets no
more than daprd needs starts, and loses events.
"""

from pathlib import Path

from contracts.brokers import KAFKA
from usher.doctor.kafka import kafka
from usher.doctor.resources import of_type, read
from usher.stack.errors import StackError


def refuse_unfit_components(folder: Path) -> None:
    """Raise StackError that names each fault, with its file and field."""
    if not folder.is_dir():
        raise StackError(f"{folder} is not a folder: set USHER_COMPONENTS_DIR to one")
    resources, broken = read(folder)
    lines = [f"{folder.parent / one.where}: {one.wrong}: correct it" for one in broken]
    lines += [
        f"{folder.parent / found.where}: {found.wrong}: right is {found.right} ({found.breaks})"
        for one in of_type(resources, KAFKA)
        for found in kafka(one)
        if found.level == "refusal"
    ]
    if lines:
        raise StackError("\n".join(lines))
