"""What a folder must still hold after a power cut, asked with Python's own `sqlite3` and the real recovery."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from genome.store import GenomeStore
from organism.commands import CommandsDb
from organism.errors import OrganismError
from organism.journal.audit import audit
from organism.journal.writer import SqliteJournal
from organism.view.writer import ViewWriter
from organs.motor.paper.book import PaperBook
from organs.motor.paper.matching import PaperExchange
from organs.voice.sender.record import Deliveries
from tests.chaos.power.disk import Operation, acknowledged
from tests.chaos.power.lives import ORGAN, House, Tally
from tests.organs.motor.making import INSTRUMENTS, paper

BARS_AFTERWARDS = 3


def breaches(house: House, operations: Iterable[Operation]) -> list[str]:
    """Every promise that was not kept, in words that begin with whose it was; none when all is well."""
    told, found = acknowledged(operations), []
    for name, check in _CHECKS.items():
        try:
            found += [f"{name}: {text}" for text in check(house, told)]
        except (OrganismError, sqlite3.Error, OSError) as error:
            found.append(f"{name}: cannot be used: {type(error).__name__} {error}")
    found += [f"{path.name}: {verdict}" for path, verdict in _integrity(house.folder)]
    return found


def _journal(house: House, told):
    rows = told.get("rows", [])
    if not house.folder.exists():
        if rows or told.get("incarnation"):
            yield "lost: the folder is gone"
        return
    journal = house.journal()
    try:
        kept = {row.seq: row.digest for row in journal.rows()}
        tip = journal.tip[0]
        lost = [seq for seq, digest in rows if kept.get(seq) != digest]
        if lost or max((seq for seq, _ in rows), default=0) > tip:
            yield f"lost: rows up to {rows[-1][0]} were acknowledged, {tip} is the last one here ({lost[:3]} differ)"
        if sorted(kept) != list(range(1, tip + 1)):
            yield "gap: row numbers"
        recovery = house.recovered(journal)
        if recovery.difference is not None:
            yield f"wrong: replay differs at row {recovery.difference.seq}"
        organ = recovery.organs[ORGAN]
        if organ.state != Tally(organ.step, organ.step * 300 if organ.step else 0):
            yield f"wrong: the organ recovered as {organ.state} at step {organ.step}"
        newest = max((int(n) for n in told.get("incarnation", [])), default=0)
        if journal.begin_incarnation(ORGAN) <= newest:
            yield f"lost: incarnation {newest} was given out and would be again"
        yield from _view(house, journal)
    finally:
        journal.close()
    report = audit(house.folder)
    if not report.ok:
        yield f"corrupt: {report.details[:2]}"


def _view(house: House, journal: SqliteJournal):
    """The view promises nothing but never to show what is not so."""
    shown = house._replace(boot="second").view()
    shown.catch_up(journal)
    shown.close()
    anew = ViewWriter(house.folder.parent / "anew.db", boot="second")
    anew.catch_up(journal)
    anew.close()
    one, other = (_contents(path) for path in (house.folder / "view.db", house.folder.parent / "anew.db"))
    for suffix in ("", "-wal", "-shm"):
        (house.folder.parent / f"anew.db{suffix}").unlink(missing_ok=True)
    different = [table for table in other if one.get(table) != other[table]]
    if different:
        yield f"wrong view: {', '.join(different)}"


def _contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {t: sorted(db.execute(f"SELECT * FROM {t}"), key=repr) for t in tables if t != "meta"}  # noqa: S608


def _commands(house: House, told):
    commands = CommandsDb(house.folder / "commands.db")
    for number, note in told.get("command", []):
        found = commands.find(number)
        if found is None or found.note != note:
            yield f"lost: command {number}"
    for number, result in told.get("answer", []):
        found = commands.find(number)
        if found is None or found.result != result:
            yield f"lost: the answer to command {number}"
    newest = max((number for number, _ in told.get("command", [])), default=0)
    if house.folder.exists() and commands.give("halt", "judge", "") <= newest:
        yield f"wrong: command id {newest} was given twice"


def _genomes(house: House, told):
    if not told.get("genome"):
        return
    store = GenomeStore(house.folder / "genome.db")
    for record in told["genome"]:
        if store.get(record.genome_id) != record:
            yield f"lost: genome {record.genome_id}"
    store.close()


def _book(house: House, told):
    if not told.get("order"):
        return
    exchange, book = PaperExchange(paper(), INSTRUMENTS), PaperBook(house.folder / "paper_venue.db")
    book.load(exchange)
    book.close()
    for identity, n_fills in told["order"]:
        if identity not in exchange.orders or len(exchange.fills) < n_fills:
            yield f"lost: order {identity} of the venue's book"
    if sum(f.quantity for f in exchange.fills) != sum(exchange.positions.values()):
        yield "wrong: positions are not the sum of fills"


def _deliveries(house: House, told):
    if not told.get("alert"):
        return
    record = Deliveries(house.folder)
    known, waiting = {a.id for a in record.accepted()}, {a.id for a, _ in record.pending()}
    record.close()
    yield from (f"lost: alert {a}" for a in told["alert"] if a not in known)
    yield from (f"lost: the delivery of {a}" for a in told.get("delivered", []) if a in waiting)


def _integrity(folder: Path):
    for path in sorted(folder.rglob("*.db")):
        try:
            with contextlib.closing(sqlite3.connect(path)) as db:
                (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.Error as error:
            verdict = str(error)
        if verdict != "ok":
            yield path, f"corrupt: {verdict}"


_CHECKS = {
    "journal": _journal,
    "commands": _commands,
    "genomes": _genomes,
    "venue's book": _book,
    "deliveries": _deliveries,
}
