"""Tables of the view. Raise `SCHEMA` with any change: a view of another schema is built anew."""

SCHEMA = 2

# Rows kept, newest first by the ordering of `NEWEST`. Open orders are kept whatever their number.
CAPS = {
    "alerts": 2_000, "fills": 20_000, "orders": 5_000, "trades": 20_000, "restarts": 1_000,
    "dead_letters": 500, "denials": 200,
}  # fmt: skip
EQUITY_POINTS = 20_000
MARKS_PER_SYMBOL = 2_000

# Order of `ViewReader.table`: what a person wants first.
NEWEST = {
    "state": "key", "organs": "name", "feeds": "name", "positions": "symbol",
    "orders": "updated_ns DESC, order_id DESC", "fills": "seq DESC, key DESC",
    "trades": "seq DESC, part DESC", "equity": "at_ns DESC", "marks": "at_ns DESC, symbol",
    "alerts": "wall_ns DESC, alert_id DESC", "strategies": "weight DESC, genome_id",
    "denials": "n DESC, reason", "restarts": "id DESC", "dead_letters": "id DESC",
}  # fmt: skip

KEYS = {
    "state": ("key",), "organs": ("name",), "feeds": ("name",), "positions": ("symbol",),
    "orders": ("order_id",), "fills": ("key",), "trades": ("seq", "part"), "equity": ("at_ns",),
    "marks": ("symbol", "at_ns"), "alerts": ("alert_id",), "strategies": ("genome_id",),
    "denials": ("reason",), "restarts": ("organ", "incarnation"), "dead_letters": ("organ", "envelope_id"),
}  # fmt: skip

# quantity, price, fee, pnl: decimal numbers as text, exact. *_ns: nanoseconds; wall_ns by this machine's clock,
# the others market time. JSON columns: value, tags, genome_ids, forecasts,
# parameters. text: a genome, as `StrategyFunded` carries it.
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) STRICT;
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT) STRICT;
CREATE TABLE organs (
    name TEXT PRIMARY KEY, state TEXT, incarnation INTEGER, restarts INTEGER, mailbox_depth INTEGER,
    oldest_s REAL, beat_age_s REAL, busy_s REAL, step INTEGER, conflated INTEGER, last_error TEXT,
    updated_wall_ns INTEGER) STRICT;
CREATE TABLE feeds (
    name TEXT PRIMARY KEY, state TEXT, last_bar_ns INTEGER, silent_s REAL, bars INTEGER DEFAULT 0,
    refused INTEGER DEFAULT 0, doubtful INTEGER DEFAULT 0, gaps INTEGER DEFAULT 0, detail TEXT) STRICT;
CREATE TABLE positions (
    symbol TEXT PRIMARY KEY, quantity TEXT, average_price TEXT, mark REAL, unrealised TEXT, exposure REAL,
    opened_ns INTEGER, stop_price TEXT) STRICT;
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY, client_order_id TEXT, symbol TEXT, side TEXT, quantity TEXT, kind TEXT,
    purpose TEXT, status TEXT, filled TEXT, price TEXT, created_ns INTEGER, updated_ns INTEGER,
    reason TEXT) STRICT;
CREATE TABLE fills (
    key TEXT PRIMARY KEY, order_id TEXT, symbol TEXT, side TEXT, quantity TEXT, price TEXT, fee TEXT,
    at_ns INTEGER, seq INTEGER) STRICT;
CREATE TABLE trades (
    seq INTEGER, part INTEGER DEFAULT 0, symbol TEXT, side TEXT, quantity TEXT, entry_price TEXT,
    exit_price TEXT, pnl TEXT, fees TEXT, opened_ns INTEGER, closed_ns INTEGER, genome_ids TEXT, purpose TEXT,
    PRIMARY KEY (seq, part)) STRICT;
CREATE TABLE equity (
    at_ns INTEGER PRIMARY KEY, session INTEGER, equity REAL, drawdown REAL, gross REAL, cash REAL,
    n INTEGER) STRICT;
CREATE TABLE marks (
    symbol TEXT, at_ns INTEGER, close REAL, PRIMARY KEY (symbol, at_ns)) STRICT, WITHOUT ROWID;
CREATE TABLE alerts (
    alert_id TEXT PRIMARY KEY, wall_ns INTEGER, market_ns INTEGER, severity TEXT, priority TEXT, title TEXT,
    body TEXT, tags TEXT, count INTEGER) STRICT;
CREATE TABLE strategies (
    genome_id TEXT PRIMARY KEY, family TEXT, weight REAL, state TEXT, forecasts TEXT DEFAULT '{}',
    parameters TEXT DEFAULT '{}', text TEXT DEFAULT '') STRICT;
CREATE TABLE denials (reason TEXT PRIMARY KEY, n INTEGER DEFAULT 0, last_ns INTEGER) STRICT;
CREATE TABLE restarts (
    id INTEGER PRIMARY KEY, wall_ns INTEGER, organ TEXT, incarnation INTEGER, why TEXT,
    UNIQUE (organ, incarnation)) STRICT;
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY, wall_ns INTEGER, organ TEXT, envelope_id TEXT, message TEXT, why TEXT,
    traceback TEXT, UNIQUE (organ, envelope_id)) STRICT;
CREATE INDEX orders_updated ON orders (updated_ns);
CREATE INDEX fills_seq ON fills (seq);
CREATE INDEX alerts_wall ON alerts (wall_ns);
"""
