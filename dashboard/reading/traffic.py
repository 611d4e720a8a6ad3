"""Who says how much to whom, and how long it waits there."""

import sqlite3

from dashboard.reading.answers import Row
from dashboard.reading.harvest import age_of
from dashboard.reading.schema import FLOW_WIDTHS
from dashboard.reading.span import Range

_MOST_NS = {FLOW_WIDTHS[0]: 12 * 3_600 * 10**9, FLOW_WIDTHS[1]: 60 * 86_400 * 10**9}


def flow(db: sqlite3.Connection, span: Range) -> list[Row]:
    """Messages in a range by sender, receiver and kind, most first.

    n              how many
    per_s          of them a second of the wall clock; None where the range is too short to tell
    age_p50_s, age_p99_s   from being said to being dealt with, by a monotonic clock, within a fifth; None: not known
    from_ns, to_ns what was really counted: whole minutes, hours or days of market time, by the length of the range
    """
    (newest,) = db.execute("SELECT max(bucket) FROM flow WHERE width = ?", (FLOW_WIDTHS[1],)).fetchone()
    if newest is None:
        return []
    newest_ns = (newest + 1) * FLOW_WIDTHS[1]
    (oldest,) = db.execute("SELECT min(bucket) FROM flow WHERE width = ?", (FLOW_WIDTHS[1],)).fetchone()
    start_ns = max(span.start_ns, oldest * FLOW_WIDTHS[1] if oldest else 0)
    end_ns = min(span.end_ns, newest_ns)
    width = _width(db, start_ns, end_ns)
    first, last = start_ns // width, end_ns // width
    counted = db.execute(
        "SELECT e.sender, e.receiver, e.kind, f.age, sum(f.n) FROM flow f JOIN edges e ON e.id = f.edge"
        " WHERE f.width = ? AND f.bucket BETWEEN ? AND ? GROUP BY f.edge, f.age",
        (width, first, last),
    )
    edges: dict[tuple[str, str, str], dict[int, int]] = {}
    for sender, receiver, kind, age, n in counted:
        edges.setdefault((sender, receiver, kind), {})[age] = n
    span_s = _wall_s(db, first * width, (last + 1) * width)
    found = [
        {
            "sender": edge[0], "receiver": edge[1], "kind": edge[2], "n": (n := sum(ages.values())),
            "per_s": n / span_s if span_s else None, "age_p50_s": _quantile(ages, 0.5),
            "age_p99_s": _quantile(ages, 0.99), "from_ns": first * width, "to_ns": (last + 1) * width,
        }
        for edge, ages in edges.items()
    ]  # fmt: skip
    return sorted(found, key=lambda row: (-row["n"], row["sender"], row["receiver"], row["kind"]))


def _width(db: sqlite3.Connection, start_ns: int, end_ns: int) -> int:
    """The finest counts that are few enough and reach back to the start: minutes are kept for the newest days alone."""
    minute, hour, day = FLOW_WIDTHS
    length_ns = end_ns - start_ns
    if length_ns <= _MOST_NS[minute]:
        (oldest,) = db.execute("SELECT min(bucket) FROM flow WHERE width = ?", (minute,)).fetchone()
        if oldest is not None and oldest * minute < start_ns:
            return minute
    return hour if length_ns <= _MOST_NS[hour] else day


def _wall_s(db: sqlite3.Connection, start_ns: int, end_ns: int) -> float:
    """Wall seconds between the first and the last instant of a range."""
    query = "SELECT wall_ns FROM instants WHERE at_ns {} ? ORDER BY at_ns {} LIMIT 1"
    first = db.execute(query.format(">=", "ASC"), (start_ns,)).fetchone()
    last = db.execute(query.format("<=", "DESC"), (end_ns,)).fetchone()
    return max(0.0, (last[0] - first[0]) / 1e9) if first and last else 0.0


def _quantile(ages: dict[int, int], share: float) -> float | None:
    known = sorted((age, n) for age, n in ages.items() if age >= 0)
    total = sum(n for _, n in known)
    passed = 0
    for age, n in known:
        passed += n
        if passed >= share * total:
            return age_of(age)
    return None
