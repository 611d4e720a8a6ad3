"""How far one instrument came at one bar, and what stopped it there."""

import sqlite3

from dashboard.reading.answers import Row, plain, rows
from dashboard.reading.chain import decided

BACK_OFF_BARS = 12  # the brain's silence after a refusal
_QUIET = {
    "weak": "the blended opinion lay below the least forecast that is acted on",
    "long only": "the opinion was to be short, and the instrument cannot be",
    "nobody is warm": "no strategy had seen enough bars yet",
    "session closing": "the session was about to end",
}  # fmt: skip
_ENDS = {"canceled", "expired", "rejected"}


def gate(db: sqlite3.Connection, symbol: str, at_ns: int) -> Row:
    """What became of an instrument at the newest bar not later than a moment of market time.

    stopped    "unknown", "no_bar", "warm_up", "closing", "no_change", "below_threshold", "sized_to_zero", "denied",
               "not_sent", "waiting" or "" where it went through to a fill
    sentence   for a person; `passed` names the gates that let it through; `steps` are those of `chain` that there were;
               `orders` what was proposed
    """
    at_ns = min(max(0, at_ns), 2**63 - 1)
    row = db.execute(
        "SELECT * FROM instants WHERE at_ns <= ? ORDER BY at_ns DESC LIMIT 1", (at_ns,)
    ).fetchone()
    if row is None:
        return _answer(symbol, at_ns, "unknown", "No bar is known from that time.")
    instant = plain(row)
    at_ns = instant["at_ns"]
    bar = db.execute(
        "SELECT b.flags FROM bars b JOIN symbols s ON s.id = b.symbol WHERE s.name = ? AND b.at_ns = ?",
        (symbol, at_ns),
    ).fetchone()
    if bar is None:
        late = symbol in instant["missing"].split(",")
        why = "its bar did not come in time" if late else "no bar of it closed then"
        return _answer(symbol, at_ns, "no_bar", f"Nothing was decided on {symbol}: {why}.")
    if instant["warmup"]:
        return _answer(
            symbol,
            at_ns,
            "warm_up",
            "The bar only warmed the indicators up: nothing is decided on it.",
            ("bar",),
        )
    found = db.execute(
        "SELECT * FROM decisions WHERE symbol = ? AND at_ns = ? LIMIT 1", (symbol, at_ns)
    ).fetchone()
    if found is None:
        stopped, sentence = _undecided(db, symbol, instant, bar["flags"])
        return _answer(symbol, at_ns, stopped, sentence, ("bar",))
    return _sized(db, symbol, plain(found))


def _answer(
    symbol: str, at_ns: int, stopped: str, sentence: str, passed: tuple[str, ...] = (), steps: list[Row] | None = None,
    orders: list[Row] | None = None,
) -> Row:  # fmt: skip
    return {
        "symbol": symbol, "at_ns": at_ns, "stopped": stopped, "sentence": sentence, "passed": list(passed),
        "steps": steps or [], "orders": orders or [],
    }  # fmt: skip


def _undecided(db: sqlite3.Connection, symbol: str, instant: Row, flags: str) -> tuple[str, str]:
    """Why the brain said nothing, as far as the journal tells: it records what was decided, not what was not."""
    at_ns = instant["at_ns"]
    if instant["closing"] or instant["final"]:
        return "closing", "The session was about to end: positions are closed then, and nothing is opened."
    before = db.execute(
        "SELECT * FROM decisions WHERE symbol = ? AND at_ns < ? ORDER BY at_ns DESC LIMIT 1", (symbol, at_ns)
    ).fetchone()
    acted = (
        f"what was last acted on was {before['forecast']:+.2f}"
        if before is not None and before["forecast"] is not None
        else "nothing had been acted on before"
    )
    causes = []
    if "outlier" in flags:
        causes.append("its bar was doubtful, and nothing is opened on such a price")
    if refused := _refused(db, symbol, at_ns):
        causes.append(
            f"risk control had refused it a little while ago ({refused}), and the brain stays silent after that"
        )
    if standing := _restricted(db, at_ns):
        causes.append(f"trading was {standing}, so that a position could not have grown")
    if why := _barred(db, symbol, at_ns):
        causes.append(f"a person had barred entries into it ({why})")
    if causes:
        return "no_change", f"The brain changed nothing ({acted}); {'; '.join(causes)}."
    return "no_change", (
        f"The brain changed nothing: {acted}, and the new forecast was the same, too weak, or too small a change to pay for "
        "what trading it costs."
    )


def _refused(db: sqlite3.Connection, symbol: str, at_ns: int) -> str:
    earliest = db.execute(
        "SELECT min(at_ns) FROM (SELECT at_ns FROM instants WHERE at_ns < ? ORDER BY at_ns DESC LIMIT ?)",
        (at_ns, BACK_OFF_BARS),
    ).fetchone()[0]
    found = db.execute(
        "SELECT reason FROM denials WHERE symbol = ? AND at_ns BETWEEN ? AND ? ORDER BY at_ns DESC LIMIT 1",
        (symbol, earliest or 0, at_ns - 1),
    ).fetchone()
    return str(found[0]) if found else ""


def _barred(db: sqlite3.Connection, symbol: str, at_ns: int) -> str:
    found = db.execute(
        "SELECT * FROM barred WHERE at_ns <= ? ORDER BY at_ns DESC, pos DESC LIMIT 1", (at_ns,)
    ).fetchone()
    if found is None:
        return ""
    barred = plain(found)
    return (barred["reason"] or "no reason given") if symbol in barred["symbols"] else ""


def _restricted(db: sqlite3.Connection, at_ns: int) -> str:
    found = db.execute(
        "SELECT * FROM standings WHERE at_ns <= ? ORDER BY at_ns DESC, pos DESC LIMIT 1", (at_ns,)
    ).fetchone()
    if found is None:
        return ""
    standing = plain(found)
    until_ns = max(standing["value"].get(k) or 0 for k in ("no_entries_until_ns", "hibernating_until_ns"))
    if standing["state"] == "active" and until_ns <= at_ns:
        return ""
    state = standing["state"] if standing["state"] != "active" else "without entries"
    return f"{state} ({standing['cause']})"


def _sized(db: sqlite3.Connection, symbol: str, d: Row) -> Row:
    steps = decided(db, d)
    at_ns = d["at_ns"]
    proposed = rows(db.execute(
        "SELECT * FROM orders WHERE decision = ? AND nth = ? ORDER BY created_ns, order_id", (d["id"], d["nth"])
    ))  # fmt: skip
    quiet = next((_QUIET[r] for r in d["reasons"] if r in _QUIET), "")
    if not proposed:
        why = _nothing_to_do(db, symbol, d)
        if quiet:
            return _answer(
                symbol,
                at_ns,
                "below_threshold",
                f"The target was nothing, because {quiet}; {why}.",
                ("bar",),
                steps,
            )
        sentence = f"The brain aimed at {_aim(d)}, and no order came of it: {why}."
        return _answer(symbol, at_ns, "sized_to_zero", sentence, ("bar", "forecast"), steps)
    return _judged(symbol, d, steps, proposed)


def _judged(symbol: str, d: Row, steps: list[Row], proposed: list[Row]) -> Row:
    order = proposed[0]
    what = f"{order['side']} {order['quantity']} {symbol}"
    passed = ("bar", "forecast", "size")
    if order["status"] == "denied":
        return _answer(
            symbol,
            d["at_ns"],
            "denied",
            f"Risk control refused to {what}: {order['reason']}.",
            passed,
            steps,
            proposed,
        )
    if any(o["status"] == "filled" or o["filled"] not in {"0", None} for o in proposed):
        sentence = f"It went through: the order to {what} was filled."
        return _answer(symbol, d["at_ns"], "", sentence, (*passed, "risk", "venue"), steps, proposed)
    allowed = (*passed, "risk")
    if order["status"] in _ENDS:
        why = order["reason"] or f"it was {order['status']}"
        return _answer(
            symbol,
            d["at_ns"],
            "not_sent",
            f"The order to {what} came to nothing: {why}.",
            allowed,
            steps,
            proposed,
        )
    return _answer(
        symbol, d["at_ns"], "waiting", f"The order to {what} is {order['status']}.", allowed, steps, proposed
    )


def _nothing_to_do(db: sqlite3.Connection, symbol: str, d: Row) -> str:
    """Why metabolism proposed nothing: what can be told from what was held and under way."""
    at_ns = d["at_ns"]
    held = db.execute(
        "SELECT sum(iif(side = 'buy', 1, -1) * CAST(quantity AS REAL)) FROM fills WHERE symbol = ? AND at_ns <= ?",
        (symbol, at_ns),
    ).fetchone()[0]
    if d["forecast"] == 0.0 and abs(held or 0.0) < 1e-12:  # noqa: PLR2004 - below every venue's lot
        return "nothing was held, so there was nothing to close"
    busy = db.execute(
        "SELECT order_id FROM orders WHERE symbol = ? AND purpose != 'protect' AND created_ns BETWEEN ? AND ?"
        " AND (updated_ns >= ? OR status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'denied')) LIMIT 1",
        (symbol, at_ns - 10 * 86_400 * 10**9, at_ns, at_ns),
    ).fetchone()
    if busy:
        return f"order {busy[0]} was at work on it already"
    if standing := _restricted(db, at_ns):
        return f"trading was {standing}"
    return (
        "the change lay within the rebalancing band, or was too small for the venue or for the cash there was"
    )


def _aim(d: Row) -> str:
    return "nothing" if not d["forecast"] else f"{d['forecast']:+.2f}"


def nothing(symbol: str, at_ns: int) -> Row:
    """The answer while nothing is known."""
    return _answer(symbol, at_ns, "unknown", "Nothing is known of that time yet.")
