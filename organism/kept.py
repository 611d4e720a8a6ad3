"""Settings of each start, kept under their hash: what a body lives by, and what its rows are later folded with.

A person starts an organism with settings that were checked in front of them. Whoever is started again after a crash
takes those, not whatever the file says by then: an edit in the middle of a life, half saved perhaps, must neither end
it nor loosen a limit unnoticed. It takes effect at the next `organism start`.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from organism.config import Loaded, settings_hash, without_channels
from organism.errors import BadInput, ConfigError
from organism.journal.tip import write_atomically
from organism.settings import Settings

FOLDER = "settings"


def keep(state: Path, settings: Settings, name: str) -> None:
    """Write settings down under their hash, without the addresses of channels; again, when what is there was spoilt."""
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.json"
    data = msgspec.json.encode(without_channels(settings))
    if not path.exists() or path.read_bytes() != data:
        write_atomically(path, data, sync=True)


def kept(state: Path, name: str) -> Settings | None:
    """Settings that were written down under a hash; None when they are not there, or not readable any more."""
    try:
        return msgspec.json.decode((state / FOLDER / f"{name}.json").read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError):
        return None


def started_with(state: Path, name: str) -> Loaded:
    """What was kept under a hash, to live by. Raises `BadInput` when it is gone, or is not what the hash names."""
    settings = kept(state, name)
    if settings is None or settings_hash(settings) != name:
        what = "is missing or cannot be read" if settings is None else "was changed"
        raise BadInput(
            f"The settings this organism was started with, {state / FOLDER / name}.json, {what}; "
            "start it again with `organism start`, which checks and keeps them anew."
        )
    return Loaded(settings, {}, name)


def changed_since(name: str, read: Callable[[], Loaded]) -> str:
    """One sentence about settings that are no longer those of a hash; "" while they are.

    read   reads file, environment and command line as they are now
    """
    try:
        now = read()
    except ConfigError as error:
        return f"the settings cannot be used as they stand now, and what was started goes on with its own: {error}"
    if now.hash == name:
        return ""
    return (
        "the settings were changed since this organism was started; it goes on with those it was started with, and "
        "the change takes effect after `organism stop` and `organism start`."
    )
