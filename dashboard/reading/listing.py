"""Events one by one: what matters from the read model, and routine from the journal itself when somebody asks for it."""

import sqlite3
from typing import Any, NamedTuple

from dashboard.reading import words
from dashboard.reading.answers import Row, rows
from dashboard.reading.harvest import OUTWARD, Memory, unpack
from dashboard.reading.schema import N_PARTS
from dashboard.reading.source import Source
from dashboard.reading.span import Range
from organism.effects import Publish
from organism.errors import BadInput
from organism.journal.rows import PAYLOAD_VERSION
from organism.journal.rows import Row as JournalRow
from organism.journal.upcast import Payloads

MOST = 1_000
PAGE = 250  # journal rows looked at in one go, newest first
LOOKED_AT = 1_500  # journal rows one answer looks at; whoever wants more asks for what lies before
RELATED = 400  # rows after its beginning in which what stems from one envelope is looked for
HOPS = 12
_DIGITS = 12  # of a number in an envelope id: more is no row of ours


class Events(NamedTuple):
    """Events, newest first, and the `pos` to ask on `before`, None when there are no more."""

    rows: list[Row]
    before: int | None


class Wanted(NamedTuple):
    """Which events. organ, kind, correlation "": all; level: least one."""

    span: Range
    organ: str = ""
    level: str = "info"
    kind: str = ""
    correlation: str = ""
    limit: int = 100
    before: int | None = None


def events(db: sqlite3.Connection, source: Source, wanted: Wanted) -> Events:
    """Answer a question. Raises `BadInput` for a level that there is not, `OrganismError` for an unreadable journal."""
    if wanted.level not in words.LEVELS:
        raise BadInput(f"a level is one of {', '.join(words.LEVELS)}; it was {wanted.level[:40]!r}.")
    wanted = wanted._replace(limit=max(1, min(wanted.limit, MOST)))
    routine = wanted.level == "debug" or wanted.kind in words.ROUTINE
    root = root_of(source, db, wanted.correlation) if wanted.correlation else ""
    if not routine or (wanted.kind and wanted.kind not in words.ROUTINE | words.MIXED):
        return _kept(db, wanted, root)
    if root:
        return related(db, source, wanted, root)
    return _from_journal(db, source, wanted)


def root_of(source: Source, db: sqlite3.Connection, identity: str) -> str:
    """The envelope from outside that one stems from; the identity itself where nobody knows."""
    for _ in range(HOPS):
        seq, _, index = identity.partition(".")
        if not (seq.isdecimal() and index.isdecimal() and len(seq) <= _DIGITS and len(index) <= _DIGITS):
            return identity
        known = db.execute(
            "SELECT root FROM events WHERE pos = ?", (int(seq) * N_PARTS + int(index) + 1,)
        ).fetchone()
        if known:
            return str(known[0])
        row = row_at(source, db, int(seq))
        if row is None:
            return identity
        envelope, _ = unpack(row, _version(source, row), Payloads())
        if envelope is None:
            identity = row.input_id
        elif "." in envelope.cause:
            identity = envelope.cause
        else:
            return envelope.id
    return identity


# -------------------------------------------------------------------- from the read model


def _kept(db: sqlite3.Connection, wanted: Wanted, root: str) -> Events:
    conditions, given = ["at_ns BETWEEN ? AND ?"], [*wanted.span]
    least = max(1, words.LEVELS.index(wanted.level))
    if least >= words.WARNING:
        conditions.append("level >= 2")  # as the partial index says it
    chosen: tuple[tuple[str, Any], ...] = (
        ("level >= ?", least if least > words.WARNING else None), ("organ = ?", wanted.organ or None),
        ("kind = ?", wanted.kind or None), ("root = ?", root or None),
    )  # fmt: skip
    for condition, value in chosen:
        if value is not None:
            conditions.append(condition)
            given.append(value)
    if wanted.before is not None:
        before = max(0, min(wanted.before, 2**62))
        found = db.execute(
            "SELECT at_ns FROM events WHERE pos >= ? ORDER BY pos LIMIT 1", (before,)
        ).fetchone()
        if found:
            conditions.append("(at_ns, pos) < (?, ?)")
            given += [found[0], before]
    query = f"SELECT * FROM events WHERE {' AND '.join(conditions)} ORDER BY at_ns DESC, pos DESC LIMIT ?"  # noqa: S608
    found_rows = rows(db.execute(query, (*given, wanted.limit + 1)))
    return _page([_named(row) for row in found_rows], wanted.limit)


def _named(row: Row) -> Row:
    return {**row, "level": words.LEVELS[row["level"]]}


def _page(found: list[Row], limit: int) -> Events:
    if len(found) <= limit:
        return Events(found, None)
    return Events(found[:limit], found[limit - 1]["pos"])


# -------------------------------------------------------------------- from the journal


def _from_journal(db: sqlite3.Connection, source: Source, wanted: Wanted) -> Events:
    last, first = _bounds(db, wanted)
    found: list[Row] = []
    end = last
    while end > first and last - end < LOOKED_AT and len(found) <= wanted.limit:
        begin = max(first, end - PAGE)
        page = [event for row in source.rows(begin, end) for event in spoken(source, row)]
        found += [event for event in reversed(page) if _fits(event, wanted)]
        end = begin
    if len(found) > wanted.limit:
        return _page(found, wanted.limit)
    return Events(found, (end + 1) * N_PARTS if end > first else None)


def related(db: sqlite3.Connection, source: Source, wanted: Wanted, root: str) -> Events:
    """Everything that stems from one envelope: walked forward from the row that consumed it."""
    tip = _tip(db)
    begin = _consumer(db, source, root, tip)
    if begin is None:
        return _kept(db, wanted._replace(level="info"), root)
    memory, found = Memory(), []
    for row in source.rows(begin - 1, min(tip, begin + RELATED)):
        envelope, effects = unpack(row, _version(source, row), Payloads())
        if memory.pass_by(row, envelope, effects).root == root:
            found += [{**event, "root": root} for event in spoken(source, row)]
    found = [event for event in reversed(found) if _fits(event, wanted)]
    return _page(found, wanted.limit)


def _consumer(db: sqlite3.Connection, source: Source, root: str, tip: int) -> int | None:
    """The row that consumed an envelope from outside."""
    found = db.execute("SELECT min(pos) FROM events WHERE root = ?", (root,)).fetchone()
    seq = found[0] // N_PARTS if found and found[0] is not None else None
    if seq is None:
        instant = db.execute("SELECT id FROM instants WHERE cause = ? LIMIT 1", (root,)).fetchone()
        return int(instant[0].partition(".")[0]) if instant else None
    first = _first(db)
    for row in reversed(source.rows(max(first, seq - RELATED), min(tip, seq))):
        if row.input_id == root:
            return row.seq
    return int(seq)


def spoken(source: Source, row: JournalRow) -> list[Row]:
    """Every event of a journal row, oldest first, routine included."""
    envelope, effects = unpack(row, _version(source, row), Payloads())
    said: list[tuple[int, str, str, str, str, Any]] = []
    if envelope is not None:
        said.append((0, envelope.id, envelope.sender, row.organ, envelope.cause, envelope.message))
    for position, effect in enumerate(effects):
        identity = f"{row.seq}.{position}"
        if isinstance(effect, Publish):
            said.append(
                (position + 1, identity, row.organ, ",".join(effect.to), row.input_id, effect.message)
            )
        elif type(effect) in OUTWARD:
            said.append((position + 1, identity, row.organ, OUTWARD[type(effect)], row.input_id, effect))
    return [
        {
            "pos": row.seq * N_PARTS + min(part, N_PARTS - 1), "at_ns": row.market_ns, "wall_ns": row.wall_ns,
            "organ": row.organ, "sender": sender, "receivers": to, "kind": type(what).__name__,
            "level": words.LEVELS[words.level(what)], "symbol": words.symbol(what), "id": identity, "cause": cause,
            "root": "", "text": words.sentence(what),
        }
        for part, identity, sender, to, cause, what in said
    ]  # fmt: skip


def _fits(event: Row, wanted: Wanted) -> bool:
    return (
        wanted.span.start_ns <= event["at_ns"] <= wanted.span.end_ns
        and words.LEVELS.index(event["level"])
        >= words.LEVELS.index(wanted.level) * (wanted.kind not in words.ROUTINE)
        and wanted.organ in {"", event["organ"]}
        and wanted.kind in {"", event["kind"]}
        and (wanted.before is None or event["pos"] < wanted.before)
    )


def _bounds(db: sqlite3.Connection, wanted: Wanted) -> tuple[int, int]:
    """Journal rows that a range lies within: the last one, and the one before the first."""
    after = "SELECT seq FROM checkpoints WHERE market_ns > ? ORDER BY market_ns, seq LIMIT 1"
    found = db.execute(after, (wanted.span.end_ns,)).fetchone()
    last = found[0] if found else _tip(db)
    if wanted.before is not None:
        last = min(last, max(0, wanted.before) // N_PARTS)
    before = "SELECT seq FROM checkpoints WHERE market_ns < ? ORDER BY market_ns DESC, seq DESC LIMIT 1"
    found = db.execute(before, (wanted.span.start_ns,)).fetchone()
    return last, max(_first(db), found[0] if found else 0)


def row_at(source: Source, db: sqlite3.Connection, seq: int) -> JournalRow | None:
    """One row of the journal, None where it is not there or not read yet."""
    if not _first(db) < seq <= _tip(db):
        return None
    return source.rows(seq - 1, seq)[0]


def _tip(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()[0])


def _first(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT value FROM meta WHERE key = 'first'").fetchone()[0])


def _version(source: Source, row: JournalRow) -> int:
    run = source.run(row.run)
    return PAYLOAD_VERSION if run is None else run.payload_version
