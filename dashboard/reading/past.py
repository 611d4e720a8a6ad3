"""The view at any past moment: the nearest checkpoint before it, and the journal's rows after that, projected as ever."""

import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dashboard.glimpse import Glimpse, held
from dashboard.reading.harvest import unpack
from dashboard.reading.mirror import Mirror
from dashboard.reading.source import Source
from organism.errors import BadInput
from organism.journal.rows import PAYLOAD_VERSION, Row
from organism.journal.upcast import Payloads
from organism.kept import kept
from organism.view.project import StepFacts, plain

MOST_ROWS = 2_000  # rows read after a checkpoint: it is less wherever checkpoints were not thinned


class Moment(NamedTuple):
    """The view as it was after a journal row. What only the running body knew (organs, machine, rates) is not in it.

    seq, market_ns, wall_ns   that row; zeroes before the first one
    """

    glimpse: Glimpse
    seq: int
    market_ns: int
    wall_ns: int


def as_of(
    db: sqlite3.Connection, source: Source, state: Path, *, market_ns: int | None = None, wall_ns: int | None = None
) -> Moment:  # fmt: skip
    """The view at a moment of market time, or of the wall clock; exactly one of them is given.

    Raises `BadInput` for none or both, `OrganismError` when the journal cannot be read there.
    """
    if (market_ns is None) == (wall_ns is None):
        raise BadInput("a moment is named by market time or by wall time; give one of them.")
    column, at_ns = ("market_ns", market_ns) if wall_ns is None else ("wall_ns", wall_ns)
    at_ns = min(max(0, at_ns or 0), 2**63 - 1)
    nearest = f"SELECT * FROM checkpoints WHERE {column} <= ? ORDER BY {column} DESC, seq DESC LIMIT 1"  # noqa: S608
    found = db.execute(nearest, (at_ns,)).fetchone()
    begin = found["seq"] if found else _number(db, "first")
    later = db.execute("SELECT min(seq) FROM checkpoints WHERE seq > ?", (begin,)).fetchone()[0]
    until = min(later or _number(db, "seq"), begin + MOST_ROWS)
    rows = _rows(source, begin, found["digest"] if found else None, until)
    mirror = _mirror(found["body"] if found else None)
    try:
        last: Row | None = None
        for row in rows:
            if (row.market_ns if column == "market_ns" else row.wall_ns) > at_ns:
                break
            mirror.feed(_facts(source, row))
            last = row
        return _moment(db, mirror, state, last, found)
    finally:
        mirror.close()


def _moment(db: sqlite3.Connection, mirror: Mirror, state: Path, last: Row | None, found: Any) -> Moment:
    if last is None and found is None:
        return Moment(Glimpse(exists=True), 0, 0, 0)
    seq, market_ns, wall_ns, number = (
        (last.seq, last.market_ns, last.wall_ns, last.run)
        if last is not None
        else (found["seq"], found["market_ns"], found["wall_ns"], found["run"])
    )
    body: dict[str, Any] = {
        "seq": seq, "market_ns": market_ns, "last_bar_ns": market_ns, "updated_wall_ns": wall_ns, "mode": "paper"
    }  # fmt: skip
    run = db.execute("SELECT * FROM runs WHERE run = ?", (number,)).fetchone()
    if run is not None:
        body |= {
            "started_wall_ns": run["started_wall_ns"],
            "version": run["code_version"],
            "seed": run["seed"],
        }
        settings = kept(state, run["settings_hash"]) if run["settings_hash"].isalnum() else None
        if settings is not None:
            body["mode"] = settings.mode
            mirror.put("limits", plain(msgspec.to_builtins(settings.risk)))
    mirror.put("body", body)
    mirror.settle()
    return Moment(held(mirror.db), seq, market_ns, wall_ns)


def _rows(source: Source, begin: int, digest: bytes | None, until: int) -> list[Row]:
    if until <= begin:
        return []
    return source.rows(begin, until) if digest is None else source.batch(begin, digest, until)


def _mirror(body: bytes | None) -> Mirror:
    try:
        return Mirror(body)
    except ValueError as error:  # the file is of our own version, so this is damage
        raise sqlite3.DatabaseError(str(error)) from error


def _facts(source: Source, row: Row) -> StepFacts:
    run = source.run(row.run)
    envelope, effects = unpack(row, PAYLOAD_VERSION if run is None else run.payload_version, Payloads())
    return StepFacts(row.seq, envelope.message if envelope else None, effects, row.market_ns, row.wall_ns)


def _number(db: sqlite3.Connection, key: str) -> int:
    found = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return int(found[0]) if found else 0
