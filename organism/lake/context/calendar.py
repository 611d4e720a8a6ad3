"""Economic events: dates of the FOMC, of consumer prices (CPI), of the jobs report, and whatever else a file names.

An event is known when it was announced, where the file says so (`known_at` in CSV, CREATED or DTSTAMP in ICS), else when
it happens. An event that was called off has importance 0, known from when that was said.
"""

import re
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from organism.errors import BadInput
from organism.lake.context import files
from organism.lake.context.lags import known_at
from organism.lake.context.vintages import as_known, vintages
from organism.lake.names import Kind, Series, series
from organism.lake.store import Lake

VENUE: Final = "calendar"
_LONGEST: Final = 64
_MOST: Final = 3
_WORDS: Final = (
    ("FOMC", ("fomc", "federal open market", "fed interest rate decision", "federal funds rate")),
    ("CPI", ("cpi", "consumer price index")),
    ("JOBS", ("employment situation", "nonfarm", "non-farm", "nfp", "jobs report")),
)


class Event(NamedTuple):
    """One event: its name, when it is, when that became known (µs UTC), and 0 (called off) to 3 (moves markets)."""

    name: str
    at_us: int
    known_us: int
    importance: float = 3.0


def series_of(name: str) -> Series:
    """Where the events of a name lie in the lake."""
    return series(VENUE, name, "", Kind.CONTEXT)


def name_of(text: str) -> str:
    """The name under which an event is kept: FOMC, CPI, JOBS, else its own words.

    >>> name_of("FOMC Meeting"), name_of("U.S. Consumer Price Index (Aug)"), name_of("GDP  advance")
    ('FOMC', 'CPI', 'GDP advance')
    """
    plain = " ".join(text.split())
    for name, words in _WORDS:
        if any(re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", plain.lower()) for word in words):
            return name
    return plain[:_LONGEST].strip()


def read(path: Path, tz: str = "") -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """Events of a CSV, Parquet or ICS file, and the rows that were refused, each with the reason. Raises `BadInput`.

    CSV: a time (`timestamp`, `date`, `time`), `event`, and if there `known_at` and `importance` (0 to 3).
    """
    found, refused = _ics(path, tz) if path.suffix.lower() == ".ics" else _table(path, tz)
    if not found:
        why = f" The first of {len(refused)} was refused: {refused[0]}" if refused else ""
        raise BadInput(f"{path.name} has no event that can be read.{why}")
    return tuple(sorted(found)), tuple(refused)


def _event(text: str, at_us: int, announced_us: int | None, importance: float) -> Event:
    # What was written down after the event is known by the event itself: it happened in public.
    (happens,) = known_at("calendar", np.array([at_us], np.int64)).tolist()
    known = happens if announced_us is None else min(announced_us, happens)
    return Event(name_of(text), at_us, known, importance)


def _table(path: Path, tz: str) -> tuple[list[Event], list[str]]:
    rows = files.calendar_rows(path, tz)
    found: list[Event] = []
    refused: list[str] = []
    for number, (text, at_us, announced_us, importance) in enumerate(rows, start=1):
        if not name_of(text) or not text.isprintable():
            refused.append(f"row {number:,}: an event needs a name; was {text[:40]!r}")
        elif at_us is None:
            refused.append(f"row {number:,}: {text[:40]!r} has no time")
        elif not 0 <= importance <= _MOST:
            refused.append(f"row {number:,}: importance is 0 to 3; was {importance:g}")
        else:
            found.append(_event(text, at_us, announced_us, importance))
    return found, refused


def _ics(path: Path, tz: str) -> tuple[list[Event], list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path.name} cannot be read as a calendar: {error}. Name an .ics file of UTF-8 text."
        ) from None
    if "BEGIN:VCALENDAR" not in text:
        raise BadInput(f"{path.name} is no calendar: it does not begin with BEGIN:VCALENDAR.")
    # RFC 5545: a line that begins with a blank goes on with the line before.
    lines = re.sub(r"\r?\n[ \t]", "", text).splitlines()
    found: list[Event] = []
    refused: list[str] = []
    fields: dict[str, tuple[str, str]] | None = None
    number = 0
    for line in lines:
        if line == "BEGIN:VEVENT":
            fields, number = {}, number + 1
        elif line == "END:VEVENT" and fields is not None:
            one = _of_fields(fields, tz)
            if isinstance(one, Event):
                found.append(one)
            else:
                refused.append(f"event {number:,}: {one}")
            fields = None
        elif fields is not None and ":" in line:
            head, value = line.split(":", 1)
            name, _, options = head.partition(";")
            fields.setdefault(name.upper(), (options, value.strip()))
    return found, refused


def _of_fields(fields: dict[str, tuple[str, str]], tz: str) -> Event | str:
    text = re.sub(
        r"\\([,;\\nN])", lambda m: " " if m[1] in "nN" else m[1], fields.get("SUMMARY", ("", ""))[1]
    )
    if not name_of(text) or not text.isprintable():
        return f"it needs a SUMMARY; was {text[:40]!r}"
    if "RRULE" in fields:
        return f"{text[:40]!r} repeats by a rule (RRULE), which is not followed; list each date"
    if "DTSTART" not in fields:
        return f"{text[:40]!r} has no DTSTART"
    try:
        at_us = _instant(*fields["DTSTART"], tz)
        said = fields.get("CREATED") or fields.get("DTSTAMP")
        announced = None if said is None else _instant(*said, "")
    except BadInput as error:
        return str(error)
    called_off = fields.get("STATUS", ("", ""))[1].upper() == "CANCELLED"
    return _event(text, at_us, announced, 0.0 if called_off else float(_MOST))


def _instant(options: str, text: str, tz: str) -> int:
    match = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", text)
    if match is None:
        raise BadInput(f"a time is written 20240131T190000Z; was {text[:30]!r}")
    zone = re.search(r"TZID=\"?([^;:\"]+)", options)
    clock = f"T{match[4]}:{match[5]}:{match[6]}" if match[4] else "T00:00:00"
    written = f"{match[1]}-{match[2]}-{match[3]}{clock}" + ("Z" if match[7] else "")
    return files.instant_us(written, zone[1] if zone and not match[7] else tz)


def events(lake: Lake, at_us: int) -> tuple[Event, ...]:
    """All events as they were known at an instant, called-off ones left out; by time."""
    found = []
    for one in lake.all():
        if one.kind is Kind.CONTEXT and one.venue == VENUE:
            there = as_known(vintages(lake, one), at_us)
            rows = zip(there.at_us.tolist(), there.known_us.tolist(), there.values.tolist(), strict=True)
            found += [
                Event(one.symbol, at, known, importance) for at, known, importance in rows if importance > 0
            ]
    return tuple(sorted(found, key=lambda event: (event.at_us, event.name)))


def upcoming(lake: Lake, at_us: int, within_us: int) -> tuple[Event, ...]:
    """Events of the next `within_us`, as they were known at an instant: what a trader could prepare for."""
    return tuple(one for one in events(lake, at_us) if at_us <= one.at_us <= at_us + within_us)
