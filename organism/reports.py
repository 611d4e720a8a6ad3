"""Reports of backtests and evolution, kept in `STATE/reports`: one JSON file each, whole or not there at all.

A file is named by its id, which says what it is of and when it was made. Nothing in it is believed before it was checked:
one that is damaged, foreign, too new or too large is named with its reason, and hurts none of the others.
"""

import hashlib
import os
import re
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from organism.errors import BadInput
from organism.journal.tip import write_atomically

FOLDER: Final = "reports"
SCHEMA: Final = 1
KINDS: Final = ("backtest", "evolve", "walk-forward", "optimize")
MOST_BYTES: Final = 4 * 2**20
MOST_KEPT: Final = 100  # of each kind; the oldest make room
_LAST_DAY: Final = 100_000  # since 1970: whatever draws them can write the date
_HIGHEST: Final = 1e6  # a day, as a fraction: what grows faster is no strategy, and overflows a sum
_ID: Final = re.compile(r"(backtest|evolve|walk-forward|optimize)-([0-9]{8}T[0-9]{6}Z)-[0-9a-f]{8}")
_UNFINISHED: Final = ".tmp"

Count = Annotated[int, msgspec.Meta(ge=0, lt=10**9)]
Seconds = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
Figure = float | None
Text = Annotated[str, msgspec.Meta(max_length=20_000)]


class Bred(msgspec.Struct, frozen=True):
    """One of the best genomes: (label, text) of what it does, its objectives by name, and the trades it closed."""

    id: Annotated[str, msgspec.Meta(max_length=160)]
    says: list[tuple[str, Text]]
    objectives: dict[str, Figure]
    trades: Figure = None


class Generation(msgspec.Struct, frozen=True):
    """What one generation was like; figures of the living that hold all constraints."""

    generation: Count
    sharpe: Figure = None
    median: Figure = None
    front: Figure = None
    hypervolume: Figure = None
    diversity: Figure = None
    evaluated: Figure = None


class Front(msgspec.Struct, frozen=True):
    """Members of the front of a generation: (drawdown as a positive fraction, Sharpe ratio)."""

    generation: Count
    members: list[tuple[float, float]]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of reports shows.

    made_s   seconds since 1970 by the wall clock
    title    what was run on what
    figures  by the names of SEMANTICS.md, 7, and what a run tells beside them; None is unknown
    """

    schema: Count
    id: Annotated[str, msgspec.Meta(max_length=80)]
    kind: str
    made_s: Seconds
    title: Annotated[str, msgspec.Meta(max_length=400)]
    figures: dict[str, Figure]


class Report(Head, frozen=True, kw_only=True):
    """All of it.

    asked     what was asked for, as `--json` tells it: data, slice, seed, settings, costs
    version, commit   of the program; commit "" where it is not known
    days, returns     days since 1970 and what was gained or lost on each, as a fraction of equity; of evolution, its best
    """

    version: str = ""
    commit: str = ""
    asked: dict[str, Any] = {}
    warnings: list[Text] = []
    days_per_year: Annotated[float, msgspec.Meta(gt=0, le=366)] = 365.0
    days: list[int] = []
    returns: list[float] = []
    genomes: list[Bred] = []
    generations: list[Generation] = []
    fronts: list[Front] = []

    def __post_init__(self) -> None:
        """Refuse daily returns that are none."""
        if len(self.days) != len(self.returns):
            raise ValueError("days and returns differ in number")
        if any(late <= early for early, late in zip(self.days, self.days[1:], strict=False)):
            raise ValueError("the days are not in order")
        if self.days and not 0 <= self.days[0] <= self.days[-1] <= _LAST_DAY:
            raise ValueError("a day is no day since 1970")
        if not all(-1.0 <= value <= _HIGHEST for value in self.returns):
            raise ValueError("a daily return is no fraction")


class Broken(NamedTuple):
    """A file that is not shown, and why in one sentence."""

    name: str
    why: str


def id_of(kind: str, made_s: int, content: bytes) -> str:
    """The id of a report.

    >>> id_of("backtest", 1_709_164_800, b"x")
    'backtest-20240229T000000Z-2d711642'
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(made_s))
    return f"{kind}-{stamp}-{hashlib.sha256(content).hexdigest()[:8]}"


def is_id(text: str) -> bool:
    """Whether a text may name a report: nothing else ever becomes part of a path."""
    return _ID.fullmatch(text) is not None


def write(state: Path, kind: str, made_s: int, content: Mapping[str, Any]) -> str:
    """Keep a report, durably; its id. Raises `BadInput` for what does not fit, `OSError` where it cannot be written.

    content   fields of `Report` but schema, id, kind and time
    """
    rest = {"schema": SCHEMA, "kind": kind, "made_s": made_s, **content}
    try:
        name = id_of(kind, made_s, msgspec.json.encode(rest))
        data = msgspec.json.encode(msgspec.convert({**rest, "id": name}, Report))
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise BadInput(f"a report of {kind} does not hold what a reader needs ({error}).") from None
    if len(data) > MOST_BYTES:
        raise BadInput(f"a report has {len(data):,} bytes; at most {MOST_BYTES:,} are kept.")
    folder = state / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(folder / f"{name}.json", data, sync=True)
    for old in names(state, kind)[MOST_KEPT:]:
        (folder / f"{old}.json").unlink(missing_ok=True)
    return name


def names(state: Path, kind: str = "") -> list[str]:
    """Ids of the reports that there are, newest first."""
    try:
        found = [entry.name.removesuffix(".json") for entry in os.scandir(state / FOLDER)]
    except OSError:
        return []
    known = [name for name in found if is_id(name) and name.startswith(kind)]
    return sorted(known, key=lambda name: (name.rsplit("-", 2)[1], name), reverse=True)


def strangers(state: Path) -> list[Broken]:
    """Files in the folder that no command of ours named."""
    try:
        found = sorted(entry.name for entry in os.scandir(state / FOLDER))
    except OSError:
        return []
    return [
        Broken(name[:80], "it is not named as a report is")
        for name in found
        if not (name.endswith(".json") and is_id(name.removesuffix(".json")))
        and not name.endswith(_UNFINISHED)
    ]


def stamp(state: Path, name: str) -> tuple[int, int]:
    """What changes when a file does; zeros where it is gone."""
    try:
        found = (state / FOLDER / f"{name}.json").lstat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def read(state: Path, name: str) -> Report:
    """A report by its id. Raises `BadInput` with one sentence for one that cannot be shown."""
    if not is_id(name):
        raise BadInput(f"{name[:80]!r} is no id of a report; `/api/reports` lists them.")
    data = _bytes(state / FOLDER / f"{name}.json", name)
    try:
        told = msgspec.json.decode(data)
        schema = told.get("schema") if isinstance(told, dict) else None
        if isinstance(schema, int) and schema > SCHEMA:
            raise BadInput(
                f"{name} is of schema {schema}, newer than {SCHEMA}: update this program to read it."
            )
        found = msgspec.convert(told, Report, strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{name} is damaged or was written by something else ({str(error)[:120]}).") from None
    if found.schema != SCHEMA or found.id != name or not name.startswith(f"{found.kind}-2"):
        raise BadInput(
            f"{name} does not hold the report that its name says; make it again with the same command."
        )
    return found


def _bytes(path: Path, name: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise BadInput(f"there is no report {name}; it may have made room for newer ones.") from None
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror}.") from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise BadInput(f"{name} is no plain file.")
    with os.fdopen(descriptor, "rb") as file:
        if found.st_size > MOST_BYTES:
            raise BadInput(f"{name} has {found.st_size:,} bytes; a report has at most {MOST_BYTES:,}.")
        return file.read(MOST_BYTES)
