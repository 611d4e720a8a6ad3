"""How long a position stood without a whole protective order: what was held, and what rested at the venue, moment by moment."""

import sqlite3
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from dashboard.reading.schema import N_PARTS
from organism.trading import OrderStatus

MOST = 4_000  # fills, or steps of protective orders, that one answer looks at
_RESTING = {
    OrderStatus.ACKED.value,
    OrderStatus.PARTIAL.value,
}  # the venue has it: on its way is no protection
_DUST = Decimal("0.01")  # of the position: fees paid in the instrument itself make sums differ by so little
_WHOLE = Decimal("0.999999999")


class Bare(NamedTuple):
    """total_s: altogether, seconds of the clock that was asked for. since_ns: since when there is no whole one, None now."""

    total_s: float
    since_ns: int | None


class Position(NamedTuple):
    """Which position. held: signed. until_ns: of market time. now_ns: of the clock. wall: this machine's, else the market's."""

    symbol: str
    held: Decimal
    opened_ns: int
    until_ns: int
    now_ns: int
    wall: bool = False


class Change(NamedTuple):
    """A fill (`order_id` "", `amount` signed), or how much of a protective order rests at the venue from now on."""

    place: int
    at_ns: int
    order_id: str
    amount: Decimal


def bare(db: sqlite3.Connection, asked: Position) -> Bare | None:
    """The answer from the journal; None where that does not reach back to the opening, or holds too much to look at."""
    filled = _filled(db, asked)
    since_ns = _opening(filled, asked.held)
    protected = _protected(db, asked)
    if since_ns is None or protected is None:
        return None
    return stood([*(one for one in filled if one.place >= since_ns), *protected], asked.held, asked.now_ns)


def stood(changes: Iterable[Change], held: Decimal, now_ns: int) -> Bare:
    """Sum up the spans in which what rested covered less than what was held. held: at the end, signed."""
    ordered = sorted(changes)
    sign = 1 if held > 0 else -1
    size = held - sum((one.amount for one in ordered if not one.order_id), Decimal(0))
    resting: dict[str, Decimal] = {}
    total_ns, since_ns, last_ns = 0, None, 0
    for one in ordered:
        last_ns = max(last_ns, one.at_ns)  # a clock that was set back takes nothing away
        if one.order_id:
            resting[one.order_id] = one.amount
        else:
            size += one.amount
        needed = size * sign
        if needed > 0 and sum(resting.values()) < needed * _WHOLE:
            since_ns = last_ns if since_ns is None else since_ns
        elif since_ns is not None:
            total_ns += last_ns - since_ns
            since_ns = None
    if since_ns is not None:
        total_ns += max(0, now_ns - since_ns)
    return Bare(total_ns / 1e9, since_ns)


def _opening(filled: list[Change], held: Decimal) -> int | None:
    """Place of the fill that opened what is held, walked back to from now; None where it is not known."""
    sign = 1 if held > 0 else -1
    left, place = held * sign, None
    for one in reversed(filled):
        place = one.place
        left -= one.amount * sign
        if left <= 0:
            return place
    return place if left < held * sign * _DUST else None


def _filled(db: sqlite3.Connection, asked: Position) -> list[Change]:
    """Fills of the instrument since it was opened, the newest of them, oldest first."""
    found = db.execute(
        "SELECT id, side, quantity, at_ns, wall_ns FROM fills WHERE symbol = ? AND at_ns BETWEEN ? AND ?"
        " ORDER BY at_ns DESC LIMIT ?",
        (asked.symbol, asked.opened_ns, asked.until_ns, MOST),
    )
    changes = [
        Change(_place(row["id"]), row["wall_ns"] if asked.wall else row["at_ns"], "",
               _decimal(row["quantity"]) * (1 if row["side"] == "buy" else -1))
        for row in found
    ]  # fmt: skip
    return sorted(changes)


def _protected(db: sqlite3.Connection, asked: Position) -> list[Change] | None:
    """What rested of each protective order, whenever that changed; None for more than is looked at."""
    found = db.execute(
        "SELECT o.order_id, o.quantity, s.pos, s.at_ns, s.wall_ns, s.status, s.filled"
        " FROM orders o JOIN steps s ON s.order_id = o.order_id"
        " WHERE o.symbol = ? AND o.purpose = 'protect' AND o.created_ns BETWEEN ? AND ? AND s.at_ns <= ?"
        " AND s.what = 'updated' LIMIT ?",
        (asked.symbol, asked.opened_ns, asked.until_ns, asked.until_ns, MOST),
    ).fetchall()
    if len(found) == MOST:
        return None
    return [
        Change(row["pos"], row["wall_ns"] if asked.wall else row["at_ns"], row["order_id"],
               max(Decimal(0), _decimal(row["quantity"]) - _decimal(row["filled"])) if row["status"] in _RESTING else Decimal(0))
        for row in found
    ]  # fmt: skip


def _place(identity: str) -> int:
    """Where an envelope of ours stands among all events, from its id."""
    seq, _, index = identity.partition(".")
    return int(seq) * N_PARTS + int(index) + 1 if seq.isdecimal() and index.isdecimal() else 0


def _decimal(text: str | None) -> Decimal:
    try:
        found = Decimal(text or "0")
    except InvalidOperation:
        return Decimal(0)
    return found if found.is_finite() else Decimal(0)
