"""Reading what the processes of an organism logged: newest first, by whom and about what, never more than asked for.

The files are STATE/log/PROCESS.jsonl and, older, PROCESS.1.jsonl …; `organism.logline` says what a line holds. They
may be moved aside, cut off or torn while they are read: what cannot be understood is counted and passed over.
"""

import contextlib
import heapq
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from organism.errors import BadInput

LEVELS = ("debug", "info", "warning", "error", "critical")
MOST_LINES = 1_000
MOST_BYTES = 4_000_000  # looked at for one answer: some 50 ms
_BLOCK, _STEP = 1 << 16, 1 << 14  # bytes read at once; how near the place is found where a page begins
_LONGEST = 1 << 18  # bytes; no line of ours is longer
_SLACK_S = 60.0  # lines may be that much out of order: clocks are set, threads overtake each other
_NAME = re.compile(r"([A-Za-z][\w-]{0,40}?)(?:\.(\d{1,3}))?\.jsonl")
_HEAD = b'{"timestamp":"'
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines; "" means any.

    level        the least one, of `LEVELS`
    correlation  lines of the messages that this one led to, and of the one with this id itself
    text         is in the event or in the traceback, in any case
    since        from this time on, "2026-01-31T12:00:00.000Z"
    before       earlier than this time: `Page.before` of the page before
    """

    process: str = ""
    organ: str = ""
    level: str = ""
    correlation: str = ""
    text: str = ""
    since: str = ""
    before: str = ""
    limit: int = 200

    def __post_init__(self) -> None:
        """Raises `BadInput` for what cannot be answered."""
        if self.level and self.level not in LEVELS:
            raise BadInput(f"a level of the log is one of {', '.join(LEVELS)}; was {self.level[:40]!r}.")
        if not 1 <= self.limit <= MOST_LINES:
            raise BadInput(f"a page of the log has 1 to {MOST_LINES} lines; was {self.limit}.")
        for name in ("since", "before"):
            value: str = getattr(self, name)
            if value and not _is_time(value):
                raise BadInput(
                    f"{name} is a time of the log, such as 2026-01-31T12:00:00.000Z; was {value[:40]!r}."
                )


@dataclass(frozen=True, slots=True)
class Page:
    """Lines, newest first.

    lines    each the JSON object of a line
    n_torn   lines passed over because they could not be understood
    before   where the next page begins, for `Wanted.before`; "" when there is nothing older
    """

    lines: tuple[dict[str, Any], ...]
    n_torn: int
    before: str


@dataclass(slots=True)
class _Budget:
    """What one answer may cost, and what was passed over."""

    n_bytes: int = MOST_BYTES
    n_torn: int = 0


def read(state: Path, wanted: Wanted) -> Page:
    """The newest lines that are wanted. A folder that is not there, or that may not be read, has none."""
    budget = _Budget()
    found: list[dict[str, Any]] = []
    fits, reached = _filter(wanted, budget), ""
    with contextlib.ExitStack() as opened:
        chains = _chains(state / "log", wanted.process, opened)
        ordered = heapq.merge(
            *(_newest_first(files, wanted.before, budget) for files in chains), key=_at, reverse=True
        )
        oldest = _earlier(wanted.since)
        for stamp, raw in ordered:
            if stamp < oldest:
                break
            if (len(found) >= wanted.limit or budget.n_bytes <= 0) and stamp != reached:
                return Page(tuple(found), budget.n_torn, reached)  # lines of one moment stay on one page
            line = fits(stamp, raw)
            if line is not None:
                found.append(line)
            reached = stamp
    return Page(tuple(found), budget.n_torn, "")


def _filter(wanted: Wanted, budget: _Budget) -> Callable[[str, bytes], dict[str, Any] | None]:
    """What is wanted as a test of a raw line; the cheap part first, as most lines fail it."""
    levels = LEVELS[LEVELS.index(wanted.level) :] if wanted.level else ()
    exact = [f'"level":"{level}"'.encode() for level in levels]
    needles = [_encode(value) for value in (wanted.organ, wanted.correlation) if value]
    text = wanted.text.casefold()

    def fits(stamp: str, raw: bytes) -> dict[str, Any] | None:
        if (wanted.before and stamp >= wanted.before) or stamp < wanted.since:
            return None
        if any(needle not in raw for needle in needles) or (exact and not any(e in raw for e in exact)):
            return None
        try:
            line: dict[str, Any] = _decode(raw)
        except (msgspec.DecodeError, RecursionError):
            budget.n_torn += 1
            return None
        is_wanted = (
            (not wanted.organ or line.get("organ") == wanted.organ)
            and (not levels or line.get("level") in levels)
            and (
                not wanted.correlation
                or wanted.correlation in (line.get("correlation"), line.get("envelope"))
            )
            and (not text or text in f"{line.get('event')}\n{line.get('exception', '')}".casefold())
        )
        return line if is_wanted else None

    return fits


def _chains(folder: Path, process: str, opened: contextlib.ExitStack) -> list[list[int]]:
    """For each process its files, newest first, as open descriptors; each file once, however it is moved."""
    named: dict[str, list[tuple[int, Path]]] = {}
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            match = _NAME.fullmatch(path.name)
            if match and process in {"", match[1]}:
                named.setdefault(match[1], []).append((int(match[2] or 0), path))
    seen: set[tuple[int, int]] = set()
    chains = []
    for files in named.values():
        descriptors = []
        for _, path in sorted(files):
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                opened.callback(os.close, descriptor)
                about = os.fstat(descriptor)
                if stat.S_ISREG(about.st_mode) and (about.st_dev, about.st_ino) not in seen:
                    seen.add((about.st_dev, about.st_ino))
                    descriptors.append(descriptor)
        chains.append(descriptors)
    return chains


def _newest_first(descriptors: list[int], before: str, budget: _Budget) -> Iterator[tuple[str, bytes]]:
    """(time, line) of the files of one process, within the budget."""
    for raw in chain.from_iterable(_backwards(d, _end_of(d, before), budget) for d in descriptors):
        stamp = _stamp(raw)
        if stamp and raw.endswith(b"}"):
            yield stamp, raw
        elif raw:
            budget.n_torn += 1


def _backwards(descriptor: int, at: int, budget: _Budget) -> Iterator[bytes]:
    """The lines of a file from `at` to its beginning; one that is too long reads as torn."""
    rest, is_long = b"", False
    while at > 0 and budget.n_bytes > 0:
        size = min(_BLOCK, at)
        at -= size
        budget.n_bytes -= size
        try:
            block = os.pread(descriptor, size, at)
        except OSError:
            return
        first, *whole = (block + rest).split(b"\n")
        for raw in reversed(whole):
            yield b"?" if is_long else raw
            is_long = False
        is_long = is_long or len(first) > _LONGEST
        rest = b"" if is_long else first
    if at == 0:
        yield b"?" if is_long else rest


def _end_of(descriptor: int, before: str) -> int:
    """Where in a file the lines end that are earlier than a time, or a little behind that."""
    try:
        low, high = 0, os.fstat(descriptor).st_size
        size = high
        while before and high - low > _STEP:
            middle = (low + high) // 2
            lines = os.pread(descriptor, _LONGEST, middle).split(b"\n")[1:]
            stamp = next(filter(None, map(_stamp, lines)), "")
            low, high = (low, middle) if stamp >= before else (middle, high)
    except OSError:
        return 0
    return min(size, high + _STEP)


def _stamp(raw: bytes) -> str:
    """The time that a line begins with, "" where it does not."""
    if not raw.startswith(_HEAD):
        return ""
    stamp = raw[len(_HEAD) : len(_HEAD) + 24].decode("ascii", "replace")
    return stamp if _STAMP.fullmatch(stamp) else ""


def _at(item: tuple[str, bytes]) -> str:
    return item[0]


def _is_time(text: str) -> bool:
    with contextlib.suppress(ValueError):
        return bool(_STAMP.fullmatch(text)) and bool(datetime.fromisoformat(text))
    return False


def _earlier(stamp: str) -> str:
    """A little before a time; "" stays."""
    if not stamp:
        return ""
    try:
        at = datetime.fromisoformat(stamp) - timedelta(seconds=_SLACK_S)
    except OverflowError:
        return ""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
