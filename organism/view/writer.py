"""Writing the view: watches steps as they are recorded, and writes what has become durable twice a second."""

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from organism.core import Now
from organism.effects import Effects
from organism.errors import OrganismError
from organism.journal.port import Journal
from organism.journal.rows import NO_EFFECTS, PAYLOAD_VERSION, Row
from organism.journal.upcast import Payloads
from organism.messages import Envelope
from organism.view.batch import Batch, Curve, as_json, replace_all, upsert
from organism.view.live import LiveSample
from organism.view.project import HEARD, StepFacts, health_of, plain, project
from organism.view.schema import SCHEMA, TABLES

CHUNK = 2_000  # journal rows written in one transaction while catching up
MOST_SEEN = 100_000  # observed rows held in memory; beyond that the journal is read again
IN_ORDER = ""  # `boot` of a view that was closed in order: whole, whatever happened to the machine since
UNFINISHED = "unfinished"  # `boot` of a view that lacks rows which are there
PATIENCE = 4  # commits that a gap in what was observed may last before the journal is read again

# Inputs that leave no trace in the view and need not be decoded; see `Envelope.id`.
_SILENT = ("venue:", "timer:")

# A view that cannot be written must not take the body with it: it is disposable.
_TROUBLE = (sqlite3.Error, OSError, ValueError, TypeError, ArithmeticError, OrganismError)

_payloads = Payloads()
log = logging.getLogger(__name__)


@dataclass
class _Trace:
    """A traceback that waits for its row, which comes through the journal a moment later."""

    wall_ns: int
    organ: str
    message: str
    why: str
    trace: str
    n_tries: int = 0

    def written(self, db: sqlite3.Connection) -> bool:
        self.n_tries += 1
        newest = "SELECT max(id) FROM dead_letters WHERE organ = ? AND message = ? AND traceback = ''"
        update = f"UPDATE dead_letters SET traceback = ? WHERE id = ({newest})"  # noqa: S608 - constant text
        if db.execute(update, (self.trace, self.organ, self.message)).rowcount:
            return True
        if self.n_tries < PATIENCE:
            return False
        insert = "INSERT INTO dead_letters VALUES (NULL, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        alone = f"unknown:{self.wall_ns}"
        db.execute(insert, (self.wall_ns, self.organ, alone, self.message, self.why, self.trace))
        return True


class ViewWriter:
    """The one writer of a view.

    `observe` is called by every organ's thread and only remembers; `catch_up` and `commit` belong to one
    thread. The view never shows what is not durable, so it never has to take anything back. Errors of the
    file are the view's own trouble: they are logged, and the view is built anew from the journal.

    has_to_stop   looked at while catching up, which may last: the view is then left behind, and goes on from there
    boot          which start of the machine this is: a view left open by an earlier one is built anew, because writes
                  are not synced and a power cut can mix old and new pages into a file that looks whole
    """

    def __init__(
        self,
        path: Path | str,
        *,
        has_to_stop: Callable[[], bool] = lambda: False,
        boot: str | None = None,
    ) -> None:
        self.seq = 0
        self.last_commit_ms = 0.0
        self._path = Path(path)
        self._db: sqlite3.Connection | None = None
        self._journal: Journal | None = None
        self._curve = Curve()
        self._seen: deque[tuple[int, StepFacts | None]] = deque()
        self._pending: dict[int, StepFacts | None] = {}
        self._has_to_stop = has_to_stop
        self._boot = this_boot() if boot is None else boot
        self._unfinished = False
        self._lost = False
        self._gap = (0, 0)
        self._traces: deque[_Trace] = deque(maxlen=100)

    # -------------------------------------------------------------- any thread

    def observe(self, seq: int, _organ: str, envelope: Envelope, effects: Effects, now: Now) -> None:
        """Remember a step that was just recorded. An observer of the spine: cheap, and it never raises."""
        if len(self._seen) >= MOST_SEEN:
            self._lost = True
            return
        message = envelope.message
        heard = message if type(message) in HEARD and envelope.is_external else None
        if heard is None and not effects:
            self._seen.append((seq, None))
        else:
            self._seen.append((seq, StepFacts(seq, heard, effects, now.market_ns, now.wall_ns)))

    def dead_letter(self, wall_ns: int, organ: str, message: str, why: str, trace: str) -> None:
        """Add the traceback to a message that was set aside: the journal knows the rest."""
        self._traces.append(_Trace(wall_ns, organ, message, why, trace))

    # -------------------------------------------------------------- the view's thread

    def catch_up(self, journal: Journal) -> int:
        """Bring the view up to what is durable; build it anew when it is missing, damaged or another's.

        Returns how many journal rows were read.
        """
        self._journal = journal
        until = journal.durable_seq
        if not self._opened() or self._stored("namespace") != journal.namespace or self.seq > journal.tip[0]:
            self._begin_anew(journal.namespace)
        n = 0
        try:
            for chunk in _chunks(journal, self.seq, until):
                self._project(chunk, journal)
                n += len(chunk)
                if self._has_to_stop():
                    self._lost = True
                    return n
        except (OrganismError, ValueError) as error:
            # Archived, damaged, or of a newer version: that is for `verify` and a person to judge. What happens from now on is shown.
            log.warning("the view begins at journal row %d, not earlier: %s", until + 1, error)
            self._write(Batch(), until, None)
            if isinstance(
                error.__cause__, sqlite3.Error
            ):  # the disk refused: the next start reads it all again
                self._unfinished = True
                with self._transaction() as db:
                    db.execute("INSERT OR REPLACE INTO meta VALUES ('boot', ?)", (UNFINISHED,))
        self._lost = False
        return n

    def commit(self, durable_seq: int, live: LiveSample | None = None) -> bool:
        """Write what was observed up to `durable_seq`, and the live sample. False: it will be tried again."""
        began = time.perf_counter()
        try:
            if self._lost or self._db is None or not self._path.exists():
                self._recover()
            batch, upto = self._gathered(durable_seq)
            self._write(batch, upto, live)
        except _TROUBLE as error:
            log.warning("the view could not be written: %s; the journal is read again", error)
            self._lost = True
            return False
        self.last_commit_ms = (time.perf_counter() - began) * 1e3
        return True

    @property
    def is_behind(self) -> bool:
        """Whether the journal must be read before anything newer can be written."""
        return self._lost or self._db is None

    def close(self) -> None:
        """Let go of the file. What was not committed is caught up at the next start."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                _synced(self._db)
                left = UNFINISHED if self._unfinished else IN_ORDER
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('boot', ?)", (left,))
            self._db.close()
            self._db = None

    # -------------------------------------------------------------- inside

    def _gathered(self, durable_seq: int) -> tuple[Batch, int]:
        """Operations of the rows after `self.seq`, without a gap: threads may observe out of order."""
        pending, batch, upto = self._pending, Batch(), self.seq
        while self._seen:
            seq, facts = self._seen.popleft()
            if seq > upto:
                pending[seq] = facts
        while upto < durable_seq and upto + 1 in pending:
            upto += 1
            found = pending.pop(upto)
            if found is not None:
                for op in project(found):
                    batch.add(op)
        if upto < durable_seq:
            at, times = self._gap
            self._gap = (upto, times + 1 if at == upto else 1)
            # Rows that nobody observed: recorded before this writer was there, or by a thread that died.
            self._lost = self._lost or self._gap[1] >= PATIENCE
        return batch, upto

    def _project(self, rows: list[Row], journal: Journal) -> None:
        runs, batch = journal.runs(), Batch()
        for row in rows:
            run = runs.get(row.run)
            version = PAYLOAD_VERSION if run is None else run.payload_version
            for op in project(_facts(row, version)):
                batch.add(op)
        self._write(batch, rows[-1].seq, None)

    def _write(self, batch: Batch, upto: int, live: LiveSample | None) -> None:
        with self._transaction() as db:
            batch.write(db, self._curve)
            if live is not None:
                _write_live(db, live, upto)
            for _ in range(len(self._traces)):
                trace = self._traces.popleft()
                if not trace.written(db):
                    self._traces.append(trace)
            if upto != self.seq:
                stored = {"seq": upto, "curve_n": self._curve.n, "curve_stride": self._curve.stride}
                db.executemany(
                    "INSERT OR REPLACE INTO meta VALUES (?, ?)", [(k, str(v)) for k, v in stored.items()]
                )
        self.seq = upto

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise sqlite3.OperationalError("the view is not open")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def _recover(self) -> None:
        if self._journal is None:
            raise sqlite3.OperationalError("the view was never opened; `catch_up` comes first")
        self.close()
        self._seen.clear()
        self._pending.clear()
        self.catch_up(self._journal)

    def _opened(self) -> bool:
        """Whether the file is a whole view of this schema; its counters are loaded then."""
        if not self._path.exists():
            return False
        try:
            if self._db is None:
                self._db = _connected(self._path)
            (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
            (schema,) = self._db.execute("PRAGMA user_version").fetchone()
            if verdict != "ok" or schema != SCHEMA:
                return False
            left = self._stored("boot")
            if left == IN_ORDER:
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('boot', ?)", (self._boot,))
                _synced(self._db)
            elif left != self._boot:
                return False
            self._db.execute("PRAGMA synchronous = OFF")  # disposable: see `boot`
            self.seq = int(self._stored("seq") or 0)
            self._curve = Curve(int(self._stored("curve_n") or 0), int(self._stored("curve_stride") or 1))
        except (sqlite3.Error, ValueError):
            return False
        return True

    def _stored(self, key: str) -> str | None:
        if self._db is None:
            return None
        found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def _begin_anew(self, namespace: str) -> None:
        if self._db is not None:
            self._db.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._db = _connected(self._path)
        self._db.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("INSERT INTO meta VALUES ('namespace', ?), ('boot', ?)", (namespace, self._boot))
        self.seq, self._curve, self._unfinished = 0, Curve(), False


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA journal_size_limit = 4194304")
        db.execute("PRAGMA cache_size = -512")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _synced(db: sqlite3.Connection) -> None:
    """Make everything written so far survive a power cut, and what is written next with this connection."""
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def this_boot() -> str:
    """Which start of this machine this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _chunks(journal: Journal, after_seq: int, until_seq: int) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in journal.rows(after_seq) if until_seq > after_seq else ():
        if row.seq > until_seq:
            break
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _facts(row: Row, version: int) -> StepFacts:
    message = None
    if row.input and not row.input_id.startswith(_SILENT):
        message = _payloads.envelope(row.input, version).message
    effects = () if row.effects == NO_EFFECTS else _payloads.effects(row.effects, version)
    return StepFacts(row.seq, message, effects, row.market_ns, row.wall_ns)


def _write_live(db: sqlite3.Connection, live: LiveSample, seq: int) -> None:
    wall_ns = live.body.updated_wall_ns
    keys = {
        "body": {**asdict(live.body), "seq": seq},
        "machine": dict(live.machine),
        "rates": dict(live.rates),
        "context": {"feeds": [asdict(one) for one in live.context]},
    }
    if live.limits:
        keys["limits"] = dict(live.limits)
    if live.invariants:
        keys["invariants"] = dict(live.invariants)
    if live.breeding:
        keys["breeding"] = dict(live.breeding)
    if live.vitals is not None:
        keys["health"] = health_of(live.vitals, wall_ns).value
    for key, value in keys.items():
        upsert(db, "state", {"key": key, "value": as_json(plain(value))})
    replace_all(db, "organs", [{**plain(asdict(o)), "updated_wall_ns": wall_ns} for o in live.organs])
    for feed in live.feeds:
        said = {name: text for name in ("state", "detail") if (text := getattr(feed, name))}
        upsert(db, "feeds", {"name": feed.name, "silent_s": plain(feed.silent_s), **said})
