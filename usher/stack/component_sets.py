"""Component files for another broker or store, in place of those of the same names for Redis."""

import shutil

from usher.stack.settings import StackSettings


def with_component_sets(settings: StackSettings) -> StackSettings:
    """Return settings whose component files are those of the broker and the store of `settings`.

    Without another broker or store, or with a folder of the user's own, they stay the same.
    """
    folders = settings.component_folders
    if len(folders) == 1:
        return settings
    into = settings.data_dir / "components"
    shutil.rmtree(into, ignore_errors=True)
    for folder in folders:
        shutil.copytree(folder, into, dirs_exist_ok=True)
    return settings.model_copy(update={"components_dir": into})
