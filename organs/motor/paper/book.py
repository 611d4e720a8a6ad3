"""The paper venue's book of truth: durable before anything is answered, readable by anyone as the judge."""

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Self

import msgspec

from organism.errors import BadInput
from organism.journal.tip import sync_new_folder
from organism.portfolio import VenueOrder
from organism.trading import Fill
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.record import N_KEPT, number_of
from organs.motor.paper.resting import Resting

_SCHEMA = """
CREATE TABLE IF NOT EXISTS account(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS orders(client_order_id TEXT PRIMARY KEY, order_json BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS fills(
    number INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL, symbol TEXT NOT NULL, fill BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS fills_of ON fills(client_order_id);
CREATE TABLE IF NOT EXISTS positions(symbol TEXT PRIMARY KEY, quantity TEXT NOT NULL) STRICT;
"""
# In the text of an open order and of no other: quotes inside its texts are escaped.
_OPEN = b'"status":"open"'
_NEWEST = "WHERE number IN (SELECT max(number) FROM fills GROUP BY symbol)"
_encode = msgspec.json.encode


class PaperBook:
    """SQLite, WAL, synchronous=FULL; one commit a request that changed something."""

    def __init__(self, path: Path, *, durability: str = "full") -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
            if durability == "full":
                sync_new_folder(path.parent)
        try:
            self._db = _opened(path, "FULL" if durability == "full" else "OFF")
        except sqlite3.DatabaseError as error:
            raise BadInput(
                f"The paper venue's book {path} cannot be read ({error}); it holds your positions. "
                f"Put a good copy in its place, or begin with a new state folder."
            ) from error

    def load(self, exchange: PaperExchange) -> None:
        """Put what the book holds into a fresh exchange."""
        db = self._db
        account = dict(db.execute("SELECT key, value FROM account"))
        (n_trades,) = db.execute("SELECT ifnull(max(number), 0) FROM fills").fetchone()
        newest = "SELECT ifnull(max(rowid), 0) - ? FROM orders"
        orders = db.execute(
            f"SELECT order_json FROM orders WHERE instr(order_json, ?) OR rowid > ({newest}) ORDER BY rowid",  # noqa: S608 - constant text
            (_OPEN, N_KEPT),
        )
        fills = _fills(db, "WHERE number > ? ORDER BY number", n_trades - N_KEPT)
        exchange.record.restore((_resting(row[0]) for row in orders), fills, n_trades, self)
        exchange.restore({f.symbol: float(f.price) for f in _fills(db, _NEWEST)})
        if account:
            exchange.cash = Decimal(account["cash"])
            exchange.instant_ns = int(account["instant_ns"])
            exchange.n_orders = int(account["n_orders"])
            exchange.duplicates_refused = int(account.get("duplicates_refused", "0"))
        exchange.positions = _positions(self._db)

    def save(self, exchange: PaperExchange) -> None:
        """Commit everything that changed since the last time."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(
                "INSERT INTO orders VALUES (?, ?) ON CONFLICT(client_order_id) DO UPDATE SET order_json=excluded.order_json",
                [(key, _encode(resting)) for key, resting in exchange.touched.items()],
            )
            db.executemany(
                "INSERT INTO fills VALUES (?, ?, ?, ?)",
                [(number_of(f), f.client_order_id, f.symbol, _encode(f)) for f in exchange.new_fills],
            )
            db.executemany(
                "INSERT INTO positions VALUES (?, ?) ON CONFLICT(symbol) DO UPDATE SET quantity=excluded.quantity",
                [(f.symbol, str(exchange.positions[f.symbol])) for f in exchange.new_fills],
            )
            facts = {
                "cash": exchange.cash, "instant_ns": exchange.instant_ns, "n_orders": exchange.n_orders,
                "n_trades": exchange.record.n_trades, "duplicates_refused": exchange.duplicates_refused,
            }  # fmt: skip
            db.executemany(
                "INSERT INTO account VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
                [(key, str(value)) for key, value in facts.items()],
            )
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        exchange.touched.clear()
        exchange.new_fills.clear()
        exchange.changed = False
        exchange.record.tidy()

    def order(self, client_order_id: str) -> Resting | None:
        """An order, None when it never came."""
        select = "SELECT order_json FROM orders WHERE client_order_id = ?"
        row = self._db.execute(select, (client_order_id,)).fetchone()
        return None if row is None else _resting(row[0])

    def fills_of(self, client_order_id: str) -> tuple[Fill, ...]:
        """Fills of an order, oldest first."""
        return tuple(_fills(self._db, "WHERE client_order_id = ? ORDER BY number", client_order_id))

    def fills_between(self, after: int, until: int) -> tuple[Fill, ...]:
        """Fills with after < number ≤ until, oldest first."""
        return tuple(_fills(self._db, "WHERE number > ? AND number <= ? ORDER BY number", after, until))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _opened(path: Path, synchronous: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA cache_size=-256")
        db.execute(f"PRAGMA synchronous={synchronous}")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


class PaperTruth(msgspec.Struct, frozen=True):
    """What the venue says happened: the judge of every kill test, and of `organism verify`."""

    orders: tuple[VenueOrder, ...]
    fills: tuple[Fill, ...]
    positions: dict[str, Decimal]
    cash: Decimal | None
    duplicates_refused: int

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a book, also one that is in use."""
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
        try:
            db.execute("BEGIN")
            account = dict(db.execute("SELECT key, value FROM account"))
            orders = tuple(
                _resting(row[0]).report()
                for row in db.execute("SELECT order_json FROM orders ORDER BY rowid")
            )
            return cls(
                orders=orders,
                fills=tuple(_fills(db, "ORDER BY number")),
                positions=_positions(db),
                cash=Decimal(account["cash"]) if "cash" in account else None,
                duplicates_refused=int(account.get("duplicates_refused", "0")),
            )
        finally:
            db.close()

    def executed(self) -> dict[str, Decimal]:
        """Executed quantity by client order id."""
        found: dict[str, Decimal] = {}
        for fill in self.fills:
            found[fill.client_order_id] = found.get(fill.client_order_id, Decimal(0)) + fill.quantity
        return found


def _resting(content: bytes) -> Resting:
    return msgspec.json.decode(content, type=Resting)


def _fills(db: sqlite3.Connection, which: str, *values: int | str) -> list[Fill]:
    rows = db.execute(f"SELECT fill FROM fills {which}", values)  # noqa: S608 - `which` is constant text
    return [msgspec.json.decode(row[0], type=Fill) for row in rows]


def _positions(db: sqlite3.Connection) -> dict[str, Decimal]:
    return {s: Decimal(q) for s, q in db.execute("SELECT symbol, quantity FROM positions")}
