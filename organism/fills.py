"""Fills are applied once, and all organs agree on what one does to a position.

A fill may be told again: by the venue after a lost reply, by reconciliation, by a replay of the journal.
`Booked` remembers what was applied in bounded memory. Venues number their trades upwards ("17", "paper-17"),
so for each such stream the newest `REMEMBERED` numbers are kept exactly and everything at or below a floor
counts as applied; other identifiers are kept as text, newest ones only. What slips through after thousands
of later fills shows up as unexplained quantity at the next reconciliation.
"""

import re
from bisect import bisect_left
from decimal import Decimal

import msgspec

from organism.market import Instrument
from organism.trading import Fill

REMEMBERED = 2_000

_NUMBERED = re.compile(r"(|[a-z]+-)(0|[1-9][0-9]{0,17})")


class Booked(msgspec.Struct, frozen=True):
    """Keys of applied fills.

    numbers   per stream (venue, symbol, prefix), ascending
    floors    per stream: this number and everything below it was applied
    texts     keys without a number, oldest first
    """

    numbers: dict[str, tuple[int, ...]] = {}
    floors: dict[str, int] = {}
    texts: tuple[str, ...] = ()

    def __contains__(self, fill: object) -> bool:
        """Whether a fill was applied."""
        if not isinstance(fill, Fill):
            return False
        stream, number = _address(fill)
        if number is None:
            return fill.key in self.texts
        if number <= self.floors.get(stream, -1):
            return True
        known = self.numbers.get(stream, ())
        at = bisect_left(known, number)
        return at < len(known) and known[at] == number

    def adding(self, fill: Fill) -> "Booked":
        """The same, with one more fill applied."""
        stream, number = _address(fill)
        if number is None:
            return msgspec.structs.replace(self, texts=(*self.texts[-REMEMBERED + 1 :], fill.key))
        known = self.numbers.get(stream, ())
        at = bisect_left(known, number)
        known = (*known[:at], number, *known[at:])
        floors = self.floors
        if len(known) > REMEMBERED:
            dropped = len(known) // 2
            floors = {**floors, stream: known[dropped - 1]}
            known = known[dropped:]
        return msgspec.structs.replace(self, numbers={**self.numbers, stream: known}, floors=floors)


def position_change(fill: Fill, instrument: Instrument) -> Decimal:
    """What a fill does to the quantity held, base units, signed: a fee taken in the base currency included."""
    change = fill.quantity * fill.side.sign
    return change - fill.fee if fill.fee_currency == instrument.base else change


def _address(fill: Fill) -> tuple[str, int | None]:
    match = _NUMBERED.fullmatch(fill.trade_id)
    if match is None:
        return "", None
    return f"{fill.venue}|{fill.symbol}|{match[1]}", int(match[2])
