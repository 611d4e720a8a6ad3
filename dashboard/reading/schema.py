"""Tables of the read model. Raise `VERSION` with any change of them or of what is written there: it is built anew."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

VERSION = 1
FOLDER = "dashboard"
FILE = "read.db"
N_PARTS = (
    1_024  # `pos` of an event is seq × this + part; part 0 is what was heard, i + 1 the row's i-th effect
)
HOUR_NS = 3_600 * 10**9
WIDTHS = (
    HOUR_NS,
    6 * HOUR_NS,
    24 * HOUR_NS,
)  # lengths of the buckets that curves and prices are summed up in
MINUTE_NS = 60 * 10**9
FLOW_WIDTHS = (MINUTE_NS, HOUR_NS, 24 * HOUR_NS)

# id, cause: envelope ids; root: the envelope from outside that all of it stems from. Decimals are text, exact.
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY, started_wall_ns INTEGER, code_version TEXT, settings_hash TEXT, seed INTEGER) STRICT;
CREATE TABLE symbols (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT;
CREATE TABLE events (
    pos INTEGER PRIMARY KEY, at_ns INTEGER, wall_ns INTEGER, organ TEXT, sender TEXT, receivers TEXT, kind TEXT,
    level INTEGER, symbol TEXT, id TEXT, cause TEXT, root TEXT, text TEXT) STRICT;
CREATE INDEX events_at ON events (at_ns);
CREATE INDEX events_organ ON events (organ, at_ns);
CREATE INDEX events_kind ON events (kind, at_ns);
CREATE INDEX events_root ON events (root);
CREATE INDEX events_bad ON events (at_ns) WHERE level >= 2;
CREATE TABLE edges (id INTEGER PRIMARY KEY, sender TEXT, receiver TEXT, kind TEXT,
    UNIQUE (sender, receiver, kind)) STRICT;
CREATE TABLE flow (
    width INTEGER, bucket INTEGER, edge INTEGER, age INTEGER, n INTEGER,
    PRIMARY KEY (width, bucket, edge, age)) STRICT, WITHOUT ROWID;
CREATE TABLE instants (
    at_ns INTEGER PRIMARY KEY, wall_ns INTEGER, id TEXT, cause TEXT, session INTEGER, warmup INTEGER, seam INTEGER,
    closing INTEGER, final INTEGER, missing TEXT) STRICT;
CREATE TABLE bars (
    symbol INTEGER, at_ns INTEGER, open REAL, high REAL, low REAL, close REAL, volume REAL, flags TEXT,
    PRIMARY KEY (symbol, at_ns)) STRICT, WITHOUT ROWID;
CREATE TABLE bars_summed (
    symbol INTEGER, width INTEGER, bucket INTEGER, open REAL, high REAL, low REAL, close REAL, volume REAL,
    n INTEGER, PRIMARY KEY (symbol, width, bucket)) STRICT, WITHOUT ROWID;
CREATE TABLE equity (
    at_ns INTEGER PRIMARY KEY, equity REAL, drawdown REAL, gross REAL, net REAL, cash REAL, session INTEGER) STRICT;
CREATE TABLE equity_summed (
    width INTEGER, bucket INTEGER, low REAL, low_ns INTEGER, high REAL, high_ns INTEGER, last REAL, last_ns INTEGER,
    drawdown REAL, gross REAL, n INTEGER, PRIMARY KEY (width, bucket)) STRICT, WITHOUT ROWID;
CREATE TABLE decisions (
    id TEXT, nth INTEGER, at_ns INTEGER, wall_ns INTEGER, symbol TEXT, forecast REAL, volatility REAL, regime TEXT,
    reasons TEXT, contributions TEXT, cause TEXT, root TEXT, PRIMARY KEY (id, nth)) STRICT;
CREATE INDEX decisions_symbol ON decisions (symbol, at_ns);
CREATE INDEX decisions_at ON decisions (at_ns);
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY, client_order_id TEXT, symbol TEXT, side TEXT, quantity TEXT, kind TEXT, purpose TEXT,
    status TEXT, filled TEXT, reference_price TEXT, limit_price TEXT, stop_price TEXT, reduce_only INTEGER,
    genome_ids TEXT, created_ns INTEGER, updated_ns INTEGER, reason TEXT, proposal TEXT, cause TEXT, cause_kind TEXT,
    decision TEXT, nth INTEGER, root TEXT) STRICT;
CREATE INDEX orders_created ON orders (created_ns);
CREATE INDEX orders_symbol ON orders (symbol, created_ns);
CREATE INDEX orders_client ON orders (client_order_id);
CREATE INDEX orders_decision ON orders (decision);
CREATE TABLE steps (
    order_id TEXT, pos INTEGER, at_ns INTEGER, wall_ns INTEGER, what TEXT, status TEXT, filled TEXT, reason TEXT,
    id TEXT, cause TEXT, PRIMARY KEY (order_id, pos)) STRICT, WITHOUT ROWID;
CREATE TABLE fills (
    key TEXT PRIMARY KEY, order_id TEXT, client_order_id TEXT, venue TEXT, symbol TEXT, side TEXT, quantity TEXT,
    price TEXT, fee TEXT, fee_currency TEXT, maker INTEGER, at_ns INTEGER, wall_ns INTEGER, id TEXT, cause TEXT,
    root TEXT) STRICT;
CREATE INDEX fills_at ON fills (at_ns);
CREATE INDEX fills_symbol ON fills (symbol, at_ns);
CREATE INDEX fills_order ON fills (order_id);
CREATE TABLE trades (
    pos INTEGER PRIMARY KEY, symbol TEXT, side TEXT, quantity TEXT, entry_price TEXT, exit_price TEXT, pnl TEXT,
    fees TEXT, opened_ns INTEGER, closed_ns INTEGER, genome_ids TEXT, purpose TEXT, regime TEXT, cause TEXT) STRICT;
CREATE INDEX trades_closed ON trades (closed_ns);
CREATE INDEX trades_symbol ON trades (symbol, closed_ns);
CREATE TABLE shares (
    closed_ns INTEGER, pos INTEGER, nth INTEGER, genome_id TEXT, share REAL, pnl REAL, fees REAL,
    PRIMARY KEY (closed_ns, pos, nth)) STRICT, WITHOUT ROWID;
CREATE TABLE denials (
    pos INTEGER PRIMARY KEY, at_ns INTEGER, wall_ns INTEGER, order_id TEXT, symbol TEXT, reason TEXT, most REAL,
    observed REAL, id TEXT, cause TEXT) STRICT;
CREATE INDEX denials_at ON denials (at_ns);
CREATE TABLE standings (pos INTEGER PRIMARY KEY, at_ns INTEGER, state TEXT, cause TEXT, value TEXT) STRICT;
CREATE INDEX standings_at ON standings (at_ns);
CREATE TABLE barred (pos INTEGER PRIMARY KEY, at_ns INTEGER, symbols TEXT, reason TEXT) STRICT;
CREATE TABLE strategies (
    genome_id TEXT PRIMARY KEY, family TEXT, weight REAL, parameters TEXT, text TEXT, state TEXT, at_ns INTEGER) STRICT;
CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY, market_ns INTEGER, wall_ns INTEGER, run INTEGER, digest BLOB,
    body BLOB) STRICT;
CREATE INDEX checkpoints_market ON checkpoints (market_ns);
CREATE INDEX checkpoints_wall ON checkpoints (wall_ns);
"""


def place(state: Path) -> Path:
    """Where the read model of a state folder lies."""
    return state / FOLDER / FILE


def open_writer(path: Path) -> sqlite3.Connection:
    """Open for the one writer, creating the file (0600) and its folder (0700) where they are missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():  # SQLite gives -wal and -shm the mode of the database
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "PRAGMA synchronous = NORMAL"
        )  # whole after a power cut, which is all that is asked
        connection.execute("PRAGMA journal_size_limit = 8388608")
        connection.execute("PRAGMA cache_size = -8192")
        connection.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open for queries: it cannot write."""
    address = f"file:{quote(os.fspath(path.absolute()))}?mode=ro"
    connection = sqlite3.connect(
        address, uri=True, timeout=1.0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cache_size = -4096")
        connection.row_factory = sqlite3.Row
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def forget(path: Path) -> None:
    """Remove a read model with what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
