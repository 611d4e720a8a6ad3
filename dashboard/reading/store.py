"""Writing the read model: one transaction a batch, cursor included, so that what is there is always whole."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dashboard.reading.harvest import Harvest, Values
from dashboard.reading.schema import FLOW_WIDTHS, TABLES, VERSION, WIDTHS, forget, open_writer
from organism.journal.rows import Row, Run

_PLAIN = {
    "events": 13, "instants": 10, "equity": 7, "decisions": 12, "steps": 10, "fills": 16, "denials": 10, "standings": 5,
    "strategies": 7, "shares": 7, "trades": 14, "barred": 4,
}  # fmt: skip
_INSERT = {t: f"INSERT OR REPLACE INTO {t} VALUES ({', '.join('?' * n)})" for t, n in _PLAIN.items()}  # noqa: S608
_BAR = "INSERT OR REPLACE INTO bars VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_BAR_SUMMED = (
    "INSERT INTO bars_summed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (symbol, width, bucket) DO UPDATE SET"
    " high = max(high, excluded.high), low = min(low, excluded.low), close = excluded.close,"
    " volume = volume + excluded.volume, n = n + excluded.n"
)
_EQUITY_SUMMED = (
    "INSERT INTO equity_summed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (width, bucket) DO UPDATE SET"
    " low_ns = iif(excluded.low < low, excluded.low_ns, low_ns), low = min(low, excluded.low),"
    " high_ns = iif(excluded.high > high, excluded.high_ns, high_ns), high = max(high, excluded.high),"
    " last = excluded.last, last_ns = excluded.last_ns, drawdown = max(drawdown, excluded.drawdown),"
    " gross = excluded.gross, n = n + excluded.n"
)
_FLOW = "INSERT INTO flow VALUES (?, ?, ?, ?, ?) ON CONFLICT (width, bucket, edge, age) DO UPDATE SET n = n + excluded.n"
_ORDERS = {
    "propose": (
        "INSERT INTO orders (order_id, symbol, side, quantity, kind, purpose, reference_price, limit_price, stop_price,"
        " reduce_only, genome_ids, created_ns, updated_ns, proposal, cause, cause_kind, decision, nth, root, status,"
        " filled, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'proposed', '0', '')"
        " ON CONFLICT (order_id) DO NOTHING"
    ),
    "verdict": "UPDATE orders SET status = ?, reason = ?, updated_ns = ? WHERE order_id = ?",
    "update": (
        "INSERT INTO orders (order_id, client_order_id, symbol, status, filled, updated_ns, reason) VALUES (?, ?, ?, ?, ?,"
        " ?, ?) ON CONFLICT (order_id) DO UPDATE SET client_order_id = excluded.client_order_id,"
        " status = excluded.status, filled = excluded.filled, updated_ns = excluded.updated_ns, reason = excluded.reason"
    ),
    "stand": "UPDATE strategies SET state = ? WHERE genome_id = ?",
}  # fmt: skip
# The regime in which the target was decided whose order opened the position.
_REGIME = (
    "UPDATE trades SET regime = coalesce((SELECT d.regime FROM fills f JOIN orders o ON o.order_id = f.order_id"
    " JOIN decisions d ON d.id = o.decision AND d.nth = o.nth WHERE f.symbol = trades.symbol"
    " AND f.at_ns = trades.opened_ns LIMIT 1), '') WHERE pos = ?"
)
MOST_POINTS = 1_500_000  # bars, and marks of equity, kept one by one; older ones stay in sums by the hour
MOST_EVENTS = 500_000
MOST_CHECKPOINTS = 20_000  # beyond, every second of the older half goes
FINE_NS = 2 * 24 * 3_600 * 10**9  # flow by the minute is kept for this much market time


class Store:
    """The one writer of a read model file.

    seq, digest   the newest row that is in it
    """

    def __init__(self, path: Path) -> None:
        self.seq = 0
        self.digest = b""
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._symbols: dict[str, int] = {}
        self._edges: dict[tuple[str, str, str], int] = {}
        self._runs: set[int] = set()

    @property
    def db(self) -> sqlite3.Connection:
        """The open connection. Raises `sqlite3.OperationalError` when there is none."""
        if self._db is None:
            raise sqlite3.OperationalError("the read model is not open")
        return self._db

    def open(self) -> str | None:
        """Open what is there; answers the namespace of the journal it was read from, None when it is of no use."""
        self.close()
        if not self._path.exists():
            return None
        try:
            self._db = open_writer(self._path)
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                return None
            meta = dict(self._db.execute("SELECT key, value FROM meta"))
            self.seq, self.digest = int(meta["seq"]), bytes.fromhex(meta["digest"])
            self._symbols = dict(self._db.execute("SELECT name, id FROM symbols"))
            self._edges = {tuple(row[1:]): row[0] for row in self._db.execute("SELECT * FROM edges")}
            self._runs = {row[0] for row in self._db.execute("SELECT run FROM runs")}
            return str(meta["namespace"])
        except (sqlite3.DatabaseError, KeyError, ValueError, TypeError) as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            return None

    def is_whole(self) -> bool:
        """Whether every page of it can be read: asked after something could not."""
        try:
            (verdict,) = self.db.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError:
            return False
        return bool(verdict == "ok")

    def begin(self, namespace: str, seq: int, digest: bytes) -> None:
        """Begin anew, after a row (0: from the first one on)."""
        self.close()
        forget(self._path)
        self._db = db = open_writer(self._path)
        values = {
            "namespace": namespace,
            "first": seq,
            "seq": seq,
            "digest": digest.hex(),
            "wall_ns": 0,
            "market_ns": 0,
        }
        db.executescript(f"BEGIN; {TABLES}")
        db.executemany("INSERT INTO meta VALUES (?, ?)", [(key, str(value)) for key, value in values.items()])
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")  # all of it at once: whoever reads finds a whole file, or one of no version
        self.seq, self.digest = seq, digest
        self._symbols, self._edges, self._runs = {}, {}, set()

    def write(self, rows: list[Row], out: Harvest, runs: list[Run], checkpoint: bytes | None) -> None:
        """Write what rows led to, and that they were read."""
        last = rows[-1]
        with self._transaction() as db:
            self._write_runs(db, runs)
            for table, values in out.tables.items():
                if table == "bars":
                    self._write_bars(db, values)
                else:
                    db.executemany(_INSERT[table], values)
            if marks := out.tables.get("equity"):
                db.executemany(_EQUITY_SUMMED, list(_equity_sums(marks)))
            for name, parameters in out.orders:
                db.execute(_ORDERS[name], parameters)
            for trade in out.tables.get("trades", ()):
                db.execute(_REGIME, (trade[0],))
            self._write_flow(db, out)
            if checkpoint is not None:
                db.execute(
                    "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)",
                    (last.seq, last.market_ns, last.wall_ns, last.run, last.digest, checkpoint),
                )
            where = {"seq": str(last.seq), "digest": last.digest.hex(), "wall_ns": str(last.wall_ns),
                     "market_ns": str(last.market_ns)}  # fmt: skip
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", where.items())
        self.seq, self.digest = last.seq, last.digest

    def newest_decisions(self) -> dict[str, tuple[str, int, int]]:
        """Newest decision on each instrument: id, number within it, market time."""
        found = self.db.execute("SELECT symbol, id, nth, max(at_ns) FROM decisions GROUP BY symbol")
        return {symbol: (identity, nth, at_ns) for symbol, identity, nth, at_ns in found}

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        """Row and body of the newest checkpoint."""
        found = self.db.execute("SELECT seq, body FROM checkpoints ORDER BY seq DESC LIMIT 1").fetchone()
        return None if found is None else (found[0], found[1])

    def tidy(self, market_ns: int) -> None:
        """Keep within bounds, however long the organism lives: sums are kept for ever, single points are not."""
        with self._transaction() as db:
            db.execute("DELETE FROM flow WHERE width = ? AND bucket < ?",
                       (FLOW_WIDTHS[0], (market_ns - FINE_NS) // FLOW_WIDTHS[0]))  # fmt: skip
            for table, most in (("equity", MOST_POINTS), ("instants", MOST_POINTS)):
                _keep_newest(db, table, "at_ns", most)
            found = db.execute("SELECT at_ns FROM equity ORDER BY at_ns LIMIT 1").fetchone()
            (n,) = db.execute("SELECT count(*) FROM bars").fetchone()
            if n > MOST_POINTS * max(1, len(self._symbols)) and found:
                db.execute("DELETE FROM bars WHERE at_ns < ?", found)
            _keep_newest(db, "events", "pos", MOST_EVENTS)
            self._thin_checkpoints(db)

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    # -------------------------------------------------------------- inside

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            # What was numbered in the transaction is not there: number it again.
            self._symbols = dict(db.execute("SELECT name, id FROM symbols"))
            self._edges = {tuple(row[1:]): row[0] for row in db.execute("SELECT * FROM edges")}
            raise

    def _write_runs(self, db: sqlite3.Connection, runs: list[Run]) -> None:
        for run in runs:
            if run.run not in self._runs:
                values = (run.run, run.started_wall_ns, run.code_version, run.settings_hash, run.seed)
                db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)", values)
                self._runs.add(run.run)

    def _write_bars(self, db: sqlite3.Connection, bars: list[Values]) -> None:
        numbered = [(self._symbol(db, bar[0]), *bar[1:]) for bar in bars]
        db.executemany(_BAR, numbered)
        sums: dict[tuple[int, int, int], list[Any]] = {}
        for symbol, at_ns, first, high, low, last, volume, _ in numbered:
            for width in WIDTHS:
                key = (symbol, width, at_ns // width)
                held = sums.get(key)
                if held is None:
                    sums[key] = [first, high, low, last, volume, 1]
                else:
                    held[1] = max(held[1], high)
                    held[2] = min(held[2], low)
                    held[3] = last
                    held[4] += volume
                    held[5] += 1
        db.executemany(_BAR_SUMMED, [(*key, *held) for key, held in sums.items()])

    def _write_flow(self, db: sqlite3.Connection, out: Harvest) -> None:
        counted = [
            (w, bucket, self._edge(db, edge), age, n) for (w, bucket, edge, age), n in out.flow.items()
        ]
        db.executemany(_FLOW, counted)

    def _symbol(self, db: sqlite3.Connection, name: str) -> int:
        found = self._symbols.get(name)
        if found is None:
            found = db.execute("INSERT INTO symbols (name) VALUES (?) RETURNING id", (name,)).fetchone()[0]
            self._symbols[name] = found
        return found

    def _edge(self, db: sqlite3.Connection, edge: tuple[str, str, str]) -> int:
        found = self._edges.get(edge)
        if found is None:
            insert = "INSERT INTO edges (sender, receiver, kind) VALUES (?, ?, ?) RETURNING id"
            found = db.execute(insert, edge).fetchone()[0]
            self._edges[edge] = found
        return found

    @staticmethod
    def _thin_checkpoints(db: sqlite3.Connection) -> None:
        (n,) = db.execute("SELECT count(*) FROM checkpoints").fetchone()
        if n > MOST_CHECKPOINTS:
            db.execute(
                "DELETE FROM checkpoints WHERE seq IN (SELECT seq FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS nth"
                " FROM checkpoints) WHERE nth <= ? AND nth % 2 = 0)",
                (n // 2,),
            )


def _keep_newest(db: sqlite3.Connection, table: str, column: str, most: int) -> None:
    last = f"SELECT {column} FROM {table} ORDER BY {column} DESC LIMIT 1 OFFSET ?"  # noqa: S608
    found = db.execute(last, (most,)).fetchone()
    if found:
        db.execute(f"DELETE FROM {table} WHERE {column} <= ?", found)  # noqa: S608


def _equity_sums(marks: list[Values]) -> Iterator[Values]:
    sums: dict[tuple[int, int], list[Any]] = {}
    for at_ns, equity, drawdown, gross, *_ in marks:
        for width in WIDTHS:
            key = (width, at_ns // width)
            held = sums.get(key)
            if held is None:
                sums[key] = [equity, at_ns, equity, at_ns, equity, at_ns, drawdown or 0.0, gross, 1]
                continue
            if equity < held[0]:
                held[0:2] = (equity, at_ns)
            if equity > held[2]:
                held[2:4] = (equity, at_ns)
            held[4:6] = (equity, at_ns)
            held[6] = max(held[6], drawdown or 0.0)
            held[7] = gross
            held[8] += 1
    for key, held in sums.items():
        yield (*key, *held)
