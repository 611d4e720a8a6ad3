"""What the sub-commands begin with: the lake, the clock, instants for people."""

import time
from datetime import UTC, datetime
from pathlib import Path

from organism.cli.context import state_folder
from organism.cli.parser import Options
from organism.lake.store import Lake

_US_PER_S = 1_000_000


def lake_folder(options: Options) -> Path:
    """`--lake`, else `lake` in the state folder."""
    chosen: Path | None = options.lake
    return state_folder(options) / "lake" if chosen is None else chosen.expanduser().absolute()


def lake_of(options: Options) -> Lake:
    """The lake this command is about. Raises `BadInput` for one of a newer version."""
    return Lake(lake_folder(options), now_us=now_us)


def now_us() -> int:
    """Wall clock, microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


def instant(us: int) -> str:
    """An instant for people and for JSON.

    >>> instant(1_704_067_200_000_000)
    '2024-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(us // _US_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
