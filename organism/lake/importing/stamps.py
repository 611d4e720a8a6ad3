"""What a column of times means: numbers of four units, texts of many forms, dates of two orders, clocks of a zone.

All of it becomes an expression for duckdb, so that no row passes through Python. Nothing is guessed where two readings
fit: the sentence has both.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput

I64 = NDArray[np.int64]

EARLIEST_US: Final = 631_152_000_000_000  # 1990-01-01
LATEST_US: Final = 4_102_444_800_000_000  # 2100-01-01
_DAY_US: Final = 86_400_000_000
_NUMBER: Final = re.compile(r"\d{9,20}(\.\d+)?|\d(\.\d+)?[eE]\+?\d{1,2}")
_DIGITS: Final = re.compile(
    r"(19|20)\d{6}(\d{4}|\d{6})?|(19|20)\d{6} \d\d:\d\d(:\d\d)?|(19|20)\d{6} \d{4}(\d\d)?"
)
_TWO_ORDERS: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d{2})(?!\d)")
_AWARE: Final = re.compile(r"(Z|[+-]\d\d(:?\d\d)?|\s*(UTC|GMT)([+-]\d\d:?\d\d)?)$")
_HAS_CLOCK: Final = re.compile(r"\d:\d\d|-[AP]M|T\d\d| \d{4,6}$|^\d{12,14}$", re.IGNORECASE)
_CLOCKS: Final = (
    "",
    " %H:%M:%S",
    " %H:%M",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %I-%p",
    "T%H:%M:%S",
)
ORDERS: Final = {"dmy": "day first", "mdy": "month first"}


@dataclass(frozen=True, slots=True)
class Stamps:
    """A column of times, understood.

    sql      an expression of BIGINT microseconds, NULL where a cell is no time; UTC, unless `naive`
    naive    clock times of a zone that the texts do not tell
    days     texts without a time of day
    aware    texts that tell their zone
    example  the first cell
    """

    sql: str
    example: str
    naive: bool = False
    days: bool = False
    aware: bool = False


def numbers(cell: str) -> str:
    """SQL for stamps in s, ms, µs or ns since 1970, each row by its own size: some files change their unit midway.

    cell   an expression of text or of a number
    """
    value, whole = f"TRY_CAST({cell} AS DOUBLE)", f"TRY_CAST({cell} AS BIGINT)"
    return (
        f"CASE WHEN {value} < 1e11 THEN CAST(round({value} * 1e6) AS BIGINT) "
        f"WHEN {value} < 1e14 THEN CAST(round({value} * 1e3) AS BIGINT) "
        f"WHEN {value} < 1e17 THEN {whole} WHEN {value} < 9e18 THEN {whole} // 1000 END"
    )


def stamps_of(said: str, cell: str, cells: Sequence[str], order: str, ends: Any) -> Stamps:
    """Understand a column of texts.

    cell     SQL of the trimmed text; cells: the first ones
    order    "dmy" or "mdy" where a person says so, else empty
    ends     called with a pattern of two groups; gives the greatest value of both over the whole file

    Raises `BadInput` where an order of dates is ambiguous, or the texts are no times.
    """
    known = [one for one in cells if one]
    if not known:
        raise BadInput(f"{said} has no time in its first rows; name the column of opens time.")
    first = known[0]
    if all(_DIGITS.fullmatch(one) for one in known):
        forms = (
            "%Y%m%d",
            "%Y%m%d%H%M",
            "%Y%m%d%H%M%S",
            "%Y%m%d %H:%M",
            "%Y%m%d %H:%M:%S",
            "%Y%m%d %H%M%S",
            "%Y%m%d %H%M",
        )
        return Stamps(_parsed(cell, forms), first, naive=True, days=not _HAS_CLOCK.search(first))
    if _most(_NUMBER.fullmatch(one) is not None for one in known):
        return Stamps(numbers(cell), first)
    days = not any(_HAS_CLOCK.search(one) for one in known)
    aware = not days and _most(_AWARE.search(one) is not None for one in known)
    if aware:
        cell = f"regexp_replace(regexp_replace({cell}, '\\s*(UTC|GMT)$', 'Z'), '\\s*(UTC|GMT)([+-]\\d\\d):?(\\d\\d)$', '\\2:\\3')"
    two = _TWO_ORDERS.match(first)
    if two is not None:
        chosen = _order(said, first, two, order, ends)
        text = f"regexp_replace({cell}, '(Z|[+-]\\d\\d:?\\d\\d)$', '')" if aware else cell
        if aware and not _utc(known):
            raise BadInput(
                f"{said}: {first!r} has an offset after a date that is not year first; write it as 2021-04-03T00:00+02:00."
            )
        return Stamps(_parsed(text, _forms(chosen, two)), first, naive=not aware, days=days, aware=aware)
    if aware:
        return Stamps(f"epoch_us(TRY_CAST({cell} AS TIMESTAMPTZ))", first, aware=True)
    words = [
        f"{day}{clock}"
        for day in ("%Y-%m-%d", "%Y.%m.%d", "%b %d, %Y", "%d %b %Y", "%d-%b-%Y")
        for clock in _CLOCKS
    ]
    return Stamps(
        f"COALESCE(epoch_us(TRY_CAST({cell} AS TIMESTAMP)), {_parsed(cell, words)})",
        first,
        naive=True,
        days=days,
    )


def _most(truths: Any) -> bool:
    found = list(truths)
    return bool(sum(found) * 2 > len(found))


def _utc(cells: Sequence[str]) -> bool:
    return all(re.search(r"(Z|UTC|GMT|[+-]00:?00)$", one) for one in cells)


def _parsed(cell: str, forms: Sequence[str]) -> str:
    listed = ", ".join(f"'{form}'" for form in forms)
    return f"epoch_us(try_strptime({cell}, [{listed}]))"


def _forms(order: str, two: re.Match[str]) -> list[str]:
    mark, year = two[2], "%Y" if len(two[4]) == 4 else "%y"  # noqa: PLR2004
    day = mark.join(("%d", "%m", year) if order == "dmy" else ("%m", "%d", year))
    return [f"{day}{clock}" for clock in _CLOCKS]


def _order(said: str, first: str, two: re.Match[str], told: str, ends: Any) -> str:
    """Which of day and month stands first: what a person says, what a number above 12 tells, a dot (never month first)."""
    if told:
        return told
    if two[2] == ".":
        return "dmy"
    left, right = ends(r"^(\d{1,2})[/-](\d{1,2})[/-]")
    if left > 12 >= right:  # noqa: PLR2004 - months
        return "dmy"
    if right > 12 >= left:  # noqa: PLR2004
        return "mdy"
    if left > 12 and right > 12:  # noqa: PLR2004
        raise BadInput(
            f"{said} writes some dates day first and others month first, as in {first!r}; write them as 2021-04-03."
        )
    a, b, year = int(two[1]), int(two[3]), int(two[4])
    year += 2000 if year < 100 else 0  # noqa: PLR2004
    raise BadInput(
        f"{said}: date {first!r} may be {year:04}-{b:02}-{a:02} (day first) or {year:04}-{a:02}-{b:02} (month first), and no "
        "row tells which; say --dates dmy or --dates mdy."
    )


def zone_of(name: str) -> ZoneInfo:
    """A time zone by name. Raises `BadInput`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(
            f"--tz was {name!r}; a zone looks like UTC, Europe/Berlin or America/New_York."
        ) from None


def ambiguous_zone(said: str, example: str, first_us: int) -> BadInput:
    """Why clock times without a zone are refused: both readings of the first."""
    as_utc = datetime.fromisoformat(str(np.datetime64(first_us, "us"))[:19])
    zone = ZoneInfo("America/New_York")
    local = as_utc.replace(tzinfo=zone).astimezone(ZoneInfo("UTC"))
    return BadInput(
        f"{said}: time {example!r} tells no zone: it may be {as_utc:%Y-%m-%d %H:%M} UTC, or a local clock, which in New York "
        f"would be {local:%Y-%m-%d %H:%M} UTC; say --tz UTC or --tz America/New_York."
    )


def to_utc(naive_us: I64, zone: ZoneInfo) -> I64:
    """Clock times of a zone → UTC; the least int64 where a clock shows no such time, or shows it twice.

    In the hour that a clock shows twice in autumn, the order of the rows tells which is which where it can.
    """
    import pandas as pd  # noqa: PLC0415 - daylight saving is its craft; half a second, for local times only

    if zone.key in {"UTC", "Etc/UTC", "GMT"}:
        return naive_us
    lost = np.iinfo(np.int64).min
    known = (naive_us >= EARLIEST_US - _DAY_US) & (naive_us <= LATEST_US + _DAY_US)
    found = np.full(naive_us.size, lost, np.int64)
    clock = pd.DatetimeIndex(naive_us[known].astype("datetime64[us]"))
    falls = clock.size > 1 and clock[0] > clock[-1]
    clock = clock[::-1] if falls else clock
    try:
        told = clock.tz_localize(zone, ambiguous="infer", nonexistent="NaT")
    except ValueError:
        told = clock.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    utc = np.asarray(told.tz_convert("UTC").as_unit("us").asi8, np.int64)
    found[known] = utc[::-1] if falls else utc
    return found
