"""Component files for another broker or store, or a Redis with TLS, made of the default ones."""

import shutil
from pathlib import Path

import yaml

from chassis.redis_settings import RedisAddress
from usher.stack.settings import StackSettings


def with_component_sets(settings: StackSettings) -> StackSettings:
    """Return settings whose component files are those of the broker and the store of `settings`.

    They stay the same for the stack's own Redis alone, or with a folder of the user's own.
    """
    folders = settings.component_folders
    options = _options(settings.redis_in_use) if settings.has_default_components else {}
    if len(folders) == 1 and not options:
        return settings
    into = settings.data_dir / "components"
    shutil.rmtree(into, ignore_errors=True)
    for folder in folders:
        shutil.copytree(folder, into, dirs_exist_ok=True)
    for file in into.glob("*.yaml") if options else ():
        _set(file, options)
    return settings.model_copy(update={"components_dir": into})


def _options(redis: RedisAddress) -> dict[str, str]:
    """Return what differs from a component's default.

    daprd takes no empty value for the first two, and no name of a file for the others.
    """
    options = {"enableTLS": "true"} if redis.tls else {}
    if redis.db:
        options["redisDB"] = str(redis.db)
    for name, file in (("clientCert", redis.cert_file), ("clientKey", redis.key_file)):
        if file:
            options[name] = file.read_text()
    return options


def _set(file: Path, options: dict[str, str]) -> None:
    """Add options to a component of Redis."""
    document = yaml.safe_load(file.read_text())
    spec = document.get("spec") or {}
    if str(spec.get("type")).endswith(".redis"):
        spec["metadata"] += [{"name": k, "value": v} for k, v in options.items()]
        file.chmod(0o600)  # a client's key is in it
        file.write_text(yaml.safe_dump(document, sort_keys=False))
