"""The reports in `STATE/reports` as pages need them: each file is read once and again when it changes, a few at a look.

What cannot be shown is named with its reason, in place of the report, and hides none of the others.
"""

import hashlib
import math
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from organism import reports
from organism.errors import BadInput, OrganismError
from organism.reports import Broken, Report

MOST_LISTED: Final = 300  # newest of all kinds
MOST_READ: Final = 24 * 2**20  # bytes that one look reads of what it does not know yet
MOST_BRED: Final = 24  # best genomes of a report
_MOST_OPEN: Final = 8  # whole reports and intervals that stay in memory
_MOST_FIGURES: Final = 40

Stamp = tuple[int, int]


class Tried(NamedTuple):
    """A strategy of a report, and its figures by name. `nth`: among the best genomes, from 0; None: the report's own."""

    id: str
    figures: dict[str, float | None]
    nth: int | None = None


class Listed(NamedTuple):
    """What a list tells of a report."""

    id: str
    kind: str
    made_s: int
    title: str
    figures: dict[str, float | None]
    tried: tuple[Tried, ...]
    n_days: int


class Listing(NamedTuple):
    """What lies on the shelf, newest first.

    waiting   how many were not read yet: the next look reads on
    older     how many more there are than are listed
    """

    known: tuple[Listed, ...]
    broken: tuple[Broken, ...]
    waiting: int
    older: int


@dataclass(frozen=True, slots=True)
class Apart:
    """How far two reports are apart on the days they share, or why that is unknown.

    found   a `genome.bootstrap.Found`; None where it is unknown
    days    first and last common day, days since 1970; None where there is none
    """

    n_days: int
    found: Any
    why: str
    days: tuple[int, int] | None = None


class Shelf:
    """Reports of one state folder. Safe between threads; bounded in memory."""

    def __init__(self, most_read: int = MOST_READ) -> None:
        self._most_read = most_read
        self._lock = threading.Lock()
        self._heads: dict[str, tuple[Stamp, Listed | Broken]] = {}
        self._open: dict[Hashable, Any] = {}

    def listing(self, state: Path) -> Listing:
        """Every report that there is."""
        names = reports.names(state)
        listed, left, waiting = names[:MOST_LISTED], self._most_read, 0
        found: dict[str, tuple[Stamp, Listed | Broken]] = {}
        with self._lock:
            before = dict(self._heads)
        for name in listed:
            stamp = reports.stamp(state, name)
            known = before.get(name)
            if known is not None and known[0] == stamp:
                found[name] = known
            elif left > 0:
                left -= min(stamp[1], reports.MOST_BYTES)
                found[name] = (stamp, _head(state, name))
            else:
                waiting += 1
        with self._lock:
            self._heads = found
        heads = [head for _, head in found.values()]
        return Listing(
            known=tuple(one for one in heads if isinstance(one, Listed)),
            broken=(*(one for one in heads if isinstance(one, Broken)), *reports.strangers(state)),
            waiting=waiting,
            older=len(names) - len(listed),
        )

    def read(self, state: Path, name: str) -> Report:
        """A whole report. Raises `BadInput` for one that cannot be shown."""
        key = (name, reports.stamp(state, name))
        found: Report = self._kept(key, lambda: reports.read(state, name))
        return found

    def apart(self, first: Report, second: Report) -> Apart:
        """The first less the second, on the days that both have."""
        key = ("apart", first.id, second.id, _content(first), _content(second))
        found: Apart = self._kept(key, lambda: apart(first, second))
        return found

    def alone(self, report: Report) -> Apart:
        """The interval of one report's own figures."""
        found: Apart = self._kept(("alone", report.id, _content(report)), lambda: alone(report))
        return found

    def _kept(self, key: Hashable, make: Any) -> Any:
        with self._lock:
            if key in self._open:
                self._open[key] = found = self._open.pop(key)
                return found
        found = make()
        with self._lock:
            self._open[key] = found
            while len(self._open) > _MOST_OPEN:
                self._open.pop(next(iter(self._open)))
        return found


def _content(report: Report) -> int:
    return hash((tuple(report.days), tuple(report.returns), report.days_per_year))


def _head(state: Path, name: str) -> Listed | Broken:
    try:
        report = reports.read(state, name)
    except OrganismError as error:
        return Broken(f"{name}.json", str(error)[:300])
    except OSError as error:
        return Broken(f"{name}.json", f"it cannot be read now ({error.strerror})")
    return Listed(
        report.id,
        report.kind,
        report.made_s,
        report.title,
        _few_of(report.figures),
        _tried(report),
        len(report.days),
    )


def _tried(report: Report) -> tuple[Tried, ...]:
    """The strategies that a report is of: the best that were bred, or the one that was run."""
    if report.kind == "evolve":
        best = report.genomes[:MOST_BRED]
        return tuple(Tried(one.id, bred_figures(one), nth) for nth, one in enumerate(best))
    told = report.asked.get("genome_id")
    own = told if isinstance(told, str) and told else report.asked.get("strategy")
    return (Tried(str(own or report.title)[:160], _few_of(report.figures)),)


def _few_of(found: dict[str, float | None]) -> dict[str, float | None]:
    return {name[:80]: value for name, value in list(found.items())[:_MOST_FIGURES]}


def bred_figures(one: reports.Bred) -> dict[str, float | None]:
    """Objectives of a genome, losses and costs as positive numbers as everywhere else, and its trades."""
    found = _few_of(one.objectives)
    for worse, name in (("drawdown", "max_drawdown"), ("turnover", "turnover")):
        value = found.pop(worse, None)
        if value is not None and math.isfinite(value):
            found[name] = -value
    return found | {"n_trades": one.trades}


# ---------------------------------------------------------------- intervals


def apart(first: Report, second: Report) -> Apart:
    """As `Shelf.apart`, made anew. The same two give the same interval, whichever stands first."""
    from genome import bootstrap  # noqa: PLC0415 - numpy is loaded when somebody asks for an interval

    days, columns = common(first, second)
    if len(days) < bootstrap.FEWEST_DAYS:
        return Apart(len(days), None, _few(days, bootstrap.FEWEST_DAYS), _ends(days))
    import numpy as np  # noqa: PLC0415 - as above

    year = min(first.days_per_year, second.days_per_year)
    one, other = (np.array(column, dtype=np.float64) for column in columns)
    found = bootstrap.difference(one, other, year, _seed(*sorted((first.id, second.id))))
    return Apart(len(days), found, "", _ends(days))


def alone(report: Report) -> Apart:
    """As `Shelf.alone`, made anew."""
    from genome import bootstrap  # noqa: PLC0415 - as above

    n = len(report.days)
    if n < bootstrap.FEWEST_DAYS:
        return Apart(n, None, f"{n} days; {bootstrap.FEWEST_DAYS} are needed", _ends(report.days))
    import numpy as np  # noqa: PLC0415 - as above

    returns = np.array(report.returns, dtype=np.float64)
    found = bootstrap.alone(returns, report.days_per_year, _seed(report.id))
    return Apart(n, found, "", _ends(report.days))


def common(first: Report, second: Report) -> tuple[list[int], tuple[list[float], list[float]]]:
    """Days that both have, and what each returned on them."""
    mine, theirs = (dict(zip(one.days, one.returns, strict=True)) for one in (first, second))
    days = [day for day in first.days if day in theirs]
    return days, ([mine[day] for day in days], [theirs[day] for day in days])


def _few(days: list[int], fewest: int) -> str:
    n = len(days)
    return f"{'no day is' if not n else '1 day is' if n == 1 else f'{n} days are'} common to both; {fewest} are needed"


def _ends(days: list[int]) -> tuple[int, int] | None:
    return (days[0], days[-1]) if days else None


def _seed(*names: str) -> int:
    return int.from_bytes(hashlib.sha256("\n".join(names).encode()).digest()[:8], "big")


def checked(text: str) -> tuple[str, str]:
    """A reference of an address as (report, genome): "ID", "ID:GENOME" or "body:GENOME". Raises `BadInput`."""
    report, _, genome = text.partition(":")
    if report != "body" and not reports.is_id(report):
        raise BadInput(f"{text[:80]!r} names no report; choose one from the list.")
    if (report == "body" or ":" in text) and not genome:
        raise BadInput(f"{text[:80]!r} names no genome; choose one from the table of strategies.")
    return report, genome
