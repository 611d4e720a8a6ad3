"""The instruments of a trial, chosen as of its start: whoever knew only what was known then would have taken the same.

Chosen is by figures of before the start alone. What is known later ends the bars of an instrument and never its being
chosen: it stops where it was delisted, or where its name went to another asset.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from organism.errors import BadInput
from organism.lake.names import Kind, Series
from organism.lake.store import Lake
from organism.lake.universe.changes import Changes, read_changes
from organism.lake.universe.listing import WINDOW_DAYS, Instrument, universe
from organism.lake.universe.ranking import Wanted, ranked

DELISTED: Final = "delisted"
RENAMED: Final = "its name went to another asset"


@dataclass(frozen=True, slots=True)
class Picked:
    """An instrument as it was known at the start, and what became of it.

    last_us  close of the newest candle that the lake holds of it, in any timeframe
    end_us   bars that open before it, µs UTC; None while nobody says that it ended
    ended    why, for people; empty where end_us is None
    """

    instrument: Instrument
    last_us: int
    end_us: int | None = None
    ended: str = ""

    @property
    def symbol(self) -> str:
        """Its name at the start."""
        return self.instrument.symbol


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who was chosen, in the order of the ranking.

    known     how many instruments of the venue had traded by then
    last_us   close of the newest candle that the lake holds of the venue
    """

    picked: tuple[Picked, ...]
    known: int
    last_us: int


def chosen(
    lake: Lake,
    venue: str,
    start_us: int,
    wanted: Wanted,
    *,
    by: str = "volume",
    top: int | None = None,
    window_days: int = WINDOW_DAYS,
) -> Chosen:
    """The instruments of a venue that traded at `start_us` and are wanted, by what was known then. Raises `BadInput`."""
    table = read_changes(lake)
    everything = universe(lake, start_us, venue=venue, window_days=window_days, changes=table)
    if not everything:
        raise BadInput(_nothing(lake, venue, start_us))
    lasts: dict[str, int] = {}
    for one, _, last_us in _spans(lake, venue):
        lasts[one.symbol] = max(lasts.get(one.symbol, 0), last_us)
    found = [each for each in ranked(everything, wanted, by=by) if each.trading][:top]
    if not found:
        raise BadInput(
            f"none of the {len(everything):,} instruments of {venue} that had traded by {_day(start_us)} is wanted: ask for less, "
            f"or see their figures with `organism data universe --as-of {_day(start_us)} --venue {venue}`."
        )
    picked = tuple(_picked(each, lasts[each.symbol], table, start_us) for each in found)
    return Chosen(picked, len(everything), max(lasts.values()))


def _spans(lake: Lake, venue: str) -> list[tuple[Series, int, int]]:
    """What is held of a venue: first open and last close of each series."""
    return [
        (one, span.first_us, span.last_us + one.bar_us)
        for one in lake.all()
        if one.venue == venue and one.kind is Kind.CANDLES and (span := lake.span(one)) is not None
    ]


def _picked(one: Instrument, last_us: int, table: Changes, start_us: int) -> Picked:
    base = one.symbol.partition("/")[0]
    ends = [
        (change.at_us, f"{RENAMED}; the asset is {change.after} since")
        for change in table.changes
        if change.before == base and change.reused and change.at_us > start_us and change.holds_at(one.venue)
    ]
    delisted_us = table.dates(one.venue, one.symbol).delisted_us
    if delisted_us is not None:
        ends.append((delisted_us, DELISTED))
    return Picked(one, last_us, *min(ends, default=()))


def _nothing(lake: Lake, venue: str, start_us: int) -> str:
    spans = _spans(lake, venue)
    if not spans:
        known = ", ".join(dict.fromkeys(one.venue for one in lake.all() if one.kind is Kind.CANDLES))
        return f"{lake.root} holds no candles of {venue}; it holds those of {known or 'nobody yet'}."
    return (
        f"no instrument of {venue} had traded by {_day(start_us)} as far as {lake.root} knows, whose history of it begins on "
        f"{_day(min(first for _, first, _ in spans))}: begin later, or fetch what was before."
    )


def _day(us: int) -> str:
    return str(np.datetime64(us, "us").astype("datetime64[D]"))
