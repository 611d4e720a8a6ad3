"""What led to any event, and what came of it: for one that belongs to no order, and so has no chain of its own."""

import sqlite3

from dashboard.reading import words
from dashboard.reading.answers import Row
from dashboard.reading.listing import MOST, Wanted, related, root_of, row_at, spoken
from dashboard.reading.source import Source
from dashboard.reading.span import EVER

SHOWN = 40  # events that came of one
_DIGITS = 12  # of a number in an envelope id: more is no row of ours


def story(db: sqlite3.Connection, source: Source, identity: str) -> list[Row]:
    """Steps as of a chain, oldest first: from what came from outside to the event, and what matters of what came of it.

    Empty for an event that nobody knows: of routine that led to nothing, only the journal does. `what` is "event";
    `fields` tell kind, organ, sender and receivers, and `asked` marks the event itself.
    """
    found = related(db, source, Wanted(EVER, level="debug", limit=MOST), root_of(source, db, identity)).rows
    known = {str(one["id"]): one for one in reversed(found)}
    if identity not in known:
        known = {str(one["id"]): one for one in _of_the_row(db, source, identity)} | known
    if identity not in known:
        return []
    steps = [*_causes(known, identity), *_consequences(known, identity)]
    return [_step(one, asked=one["id"] == identity) for one in steps]


def _of_the_row(db: sqlite3.Connection, source: Source, identity: str) -> list[Row]:
    """Everything of the one journal row that an event of ours was said in."""
    seq, _, index = identity.partition(".")
    if not (seq.isdecimal() and index.isdecimal() and len(seq) <= _DIGITS):
        return []
    row = row_at(source, db, int(seq))
    return [] if row is None else spoken(source, row)


def _causes(known: dict[str, Row], identity: str) -> list[Row]:
    """The event and what led to it, oldest first."""
    found: list[Row] = []
    while identity in known and len(found) < SHOWN and known[identity] not in found:
        found.append(known[identity])
        identity = str(known[identity]["cause"])
    return found[::-1]


def _consequences(known: dict[str, Row], identity: str) -> list[Row]:
    """What came of an event, in the order of the journal: what matters, and routine that led to it."""
    came: dict[str, Row] = {}
    for one in known.values():  # a cause stands before what came of it
        if one["cause"] == identity or one["cause"] in came:
            came[str(one["id"])] = one
    came.pop(identity, None)
    needed: set[str] = set()
    for one in reversed(came.values()):
        if one["level"] != words.LEVELS[words.DEBUG] or one["id"] in needed:
            needed |= {str(one["id"]), str(one["cause"])}
    return [one for name, one in came.items() if name in needed][:SHOWN]


def _step(one: Row, *, asked: bool) -> Row:
    names = ("kind", "organ", "sender", "receivers", "level")
    fields = {name: one[name] for name in names}
    return {
        "what": "event", "text": one["text"], "at_ns": one["at_ns"], "wall_ns": one["wall_ns"], "id": one["id"],
        "fields": {**fields, "asked": asked},
    }  # fmt: skip
