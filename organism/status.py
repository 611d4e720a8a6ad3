"""How the organism is, from its view and its guardian's file alone: fast, and right also when nothing runs."""

import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from organism.called import called
from organism.guardian.lock import read_note
from organism.processes import lives, may_live
from organism.reasons import cause
from organism.view.evolution import NOT_FUNDED, evolution_of
from organism.view.reader import NeverStarted, ViewReader, ViewUnreadable

FRESH_S = 5.0  # a body that has not written its view for longer does not run, even if its process lives
_SECOND_NS = 1_000_000_000
_WELL = 70.0
_WIDE = 100  # characters of a line of a strategy's conditions
_SHOWN = 30  # characters of a feed's or organ's detail
_BODY = (
    "pid", "started_wall_ns", "updated_wall_ns", "mode", "safe", "version", "feed", "speed", "venue", "seed",
    "session", "market_ns", "last_bar_ns", "seq",
)  # fmt: skip
_MONEY = (
    "equity", "cash", "drawdown", "starting_cash", "fees", "day_start", "gross_exposure", "net_exposure",
    "consecutive_losses",
)  # fmt: skip


def status(state_dir: Path | str, *, now_ns: Callable[[], int] = time.time_ns) -> dict[str, Any]:
    """Everything a person or a script may ask about the organism that lives in a state folder.

    mode   ACTIVE, REDUCING, HALTED, HIBERNATING, DOWN (nothing runs) or NEVER_STARTED
    Never raises for a missing or unreadable view: that is an answer, too. `now_ns` is the wall clock.
    """
    folder = Path(state_dir)
    guardian = _guardian_pid(folder)
    reader, trouble = ViewReader(folder / "view.db"), ""
    seen: dict[str, Any] = {}
    alerts: list[dict[str, Any]] = []
    never = False
    try:
        seen = reader.status()
        alerts = reader.table("alerts", 5)
    except NeverStarted:
        never = not (folder / "journal.db").exists()
        trouble = "there is no view yet"
    except ViewUnreadable as error:
        trouble = str(error)
    body, standing = _part(seen, "body"), _part(seen, "standing")
    updated = body.get("updated_wall_ns")
    age_s = max(0.0, (now_ns() - updated) / _SECOND_NS) if isinstance(updated, int) else None
    fresh = age_s is not None and age_s <= FRESH_S
    running = guardian is not None and fresh and may_live(body.get("pid"))
    mode, reason = _mode(standing, body, running=running, never=never)
    if mode == "DOWN":
        reason = _why_down(guardian, age_s, trouble)
    portfolio, health, reconciled = _part(seen, "portfolio"), _part(seen, "health"), _part(seen, "reconciled")
    return {
        "mode": mode,
        "reason": reason,
        "running": running,
        "guardian_pid": guardian,
        "age_s": None if age_s is None else round(age_s, 3),
        "health": health.get("health"),
        "health_parts": health.get("parts", []),
        **{name: portfolio.get(name) for name in _MONEY},
        "limits": _part(seen, "limits"),
        "positions": seen.get("positions", []),
        "organs": seen.get("organs", []),
        "feeds": [*seen.get("feeds", []), *_context(seen)],
        "strategies": seen.get("strategies", []),
        "evolution": evolution_of(seen),
        "unexplained_quantity": _unexplained(reconciled),
        "unexplained": reconciled.get("unexplained", []),
        "unknown_orders": reconciled.get("unknown", []),
        "last_bar_at": utc(_last_bar_ns(body, seen)),
        "standing": standing,
        "invariants": _part(seen, "invariants"),
        "body": {name: body.get(name) for name in _BODY} if body else {},
        "machine": _part(seen, "machine"),
        "denials": seen.get("denials", []),
        "alerts": alerts,
        "trouble": trouble,
    }


def utc(at_ns: Any) -> str | None:
    """ISO 8601, whole seconds.

    >>> utc(1_700_000_000_000_000_000)
    '2023-11-14T22:13:20Z'
    """
    if not isinstance(at_ns, int) or at_ns <= 0:
        return None
    return datetime.fromtimestamp(at_ns // _SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def render(found: dict[str, Any]) -> str:
    """For a person: the first sentence says how it is and what to do, then the figures."""
    lines = [sentence(found), ""]
    if found["mode"] == "NEVER_STARTED":
        return lines[0]
    if found["equity"] is not None:
        cash = _number(found["cash"], 2)
        equity, start = found["equity"], found["starting_cash"]
        gained = f" ({equity / start - 1:+.2%} since the start)" if start else ""
        lines += [
            f"equity    {_number(equity, 2)}{gained}, cash {cash}",
            f"drawdown  {_percent(found['drawdown'])}",
        ]
    weak = "; ".join(f"{p['name']}: {p['detail']}" for p in found["health_parts"] if p.get("detail"))
    lines += [
        f"health    {_number(found['health'], 0)}{f' ({weak})' if weak else ''}",
        f"market    {found['last_bar_at'] or 'no bar yet'}",
        f"truth     unexplained quantity {_number(found['unexplained_quantity'], 8)}"
        + (f", {len(found['unknown_orders'])} orders unproven" if found["unknown_orders"] else ""),
        f"promises  {_promises(found['invariants'])}",
        "",
    ]
    lines += _aligned(
        "positions", [
            [p["symbol"], p["quantity"], f"at {_plain(p['average_price'])}", f"now {_number(p['mark'], 2)}",
             f"unrealised {_number(p['unrealised'], 2)}", f"stop {_plain(p['stop_price']) if p['stop_price'] else 'none'}"]
            for p in found["positions"]
        ],
    )  # fmt: skip
    lines += _aligned(
        "organs", [
            [o["name"], o["state"], f"incarnation {o['incarnation']}", f"{o['restarts']} restarts",
             f"mailbox {o['mailbox_depth']}", f"beat {_number(o['beat_age_s'], 1)} s ago"]
            for o in found["organs"]
        ],
    )  # fmt: skip
    lines += _aligned(
        "feeds", [
            [f["name"], f["state"], f"{f['bars']} bars", f"{f['refused']} refused", f"{f['doubtful']} doubtful",
             str(f["detail"] or "")[:_SHOWN]]
            for f in found["feeds"] if "bars" in f
        ],
    )  # fmt: skip
    lines += _aligned(
        "context", [[called(f["name"]), f["state"], f["detail"]] for f in found["feeds"] if "bars" not in f]
    )
    lines += _strategies(found["strategies"])
    lines += _evolution(found["evolution"])
    lines += _aligned(
        "last alerts", [[utc(a["wall_ns"]), a["severity"], a["title"]] for a in found["alerts"]]
    )
    return "\n".join(lines).rstrip()


def _mode(standing: dict[str, Any], body: dict[str, Any], *, running: bool, never: bool) -> tuple[str, str]:
    if never:
        return "NEVER_STARTED", "no organism has run on this folder"
    if not running:
        return "DOWN", ""
    state, reason = str(standing.get("state", "active")), str(standing.get("reason", "started"))
    until, now = standing.get("hibernating_until_ns"), body.get("market_ns")
    # A halt is the worse news: it does not end by itself.
    if state != "halted" and isinstance(until, int) and isinstance(now, int) and now < until:
        return "HIBERNATING", reason
    return {"active": "ACTIVE", "reducing": "REDUCING"}.get(state, "HALTED"), reason


def _why_down(guardian: int | None, age_s: float | None, trouble: str) -> str:
    silent = "has not spoken yet" if age_s is None else f"was last heard {_span(age_s)} ago"
    if guardian is not None:
        return f"the guardian lives, but the body {silent}"
    return f"nothing runs; the body {silent}" + (f" ({trouble})" if trouble else "")


def sentence(found: dict[str, Any]) -> str:
    """How it is, why, and what a person should do, from what `status` found."""
    mode, reason = found["mode"], cause(found["reason"])
    until = found["standing"].get("hibernating_until_ns")
    match mode:
        case "NEVER_STARTED":
            return "NEVER STARTED: no organism has run on this folder. Start one with `organism start`."
        case "HALTED":
            return f'HALTED: {reason}. Nothing is opened until you resume it: `organism resume --note "why"`.'
        case "REDUCING":
            return f"REDUCING: {reason}. Only orders that shrink a position pass."
        case "HIBERNATING":
            return (
                f"HIBERNATING: {reason}. It wakes by itself at {utc(until)} market time; `organism resume "
                '--note "why"` wakes it now.'
            )
        case "DOWN" if found["guardian_pid"] is not None:
            return f"DOWN: {reason}. It is restarted by itself; if this lasts, see the log folder."
        case "DOWN":
            was = found["standing"]
            halted = (
                f" It was HALTED ({cause(str(was['reason']))}) and will be again."
                if was.get("state") == "halted"
                else ""
            )
            return f"DOWN: {reason}. Start it with `organism start`.{halted}"
    if found["unexplained_quantity"]:
        return f"{mode}: {reason}. But the venue holds what nobody can explain: `organism verify` says more."
    health = found["health"]
    if health is not None and health < _WELL:
        return f"{mode}: {reason}. But health is {health:.0f} of 100; the parts below say why."
    return f"{mode}: {reason}. Nothing needs you."


def _guardian_pid(folder: Path) -> int | None:
    """Process id of the guardian, None when it does not live."""
    pid = read_note(folder).get("pid")
    return pid if isinstance(pid, int) and not isinstance(pid, bool) and lives(pid) else None


def _unexplained(reconciled: dict[str, Any]) -> float | int | None:
    """Sum of |venue − ours| over instruments; 0 is healthy, None means never compared."""
    if not reconciled:
        return None
    total = sum(abs(float(quantity)) for _, quantity in reconciled.get("unexplained", []))
    return total or 0


def _promises(invariants: dict[str, Any]) -> str:
    if not invariants:
        return "not judged yet"
    if invariants.get("trouble"):
        return str(invariants["trouble"])
    broken, behind = invariants.get("broken") or {}, invariants.get("behind") or 0
    far = f"judged to journal row {invariants.get('judged_seq', 0):,}" + (
        f", {behind:,} behind" if behind else ""
    )
    if not broken:
        return f"every invariant holds, {far}"
    newest = (invariants.get("newest") or [{}])[-1]
    return f"BROKEN: {', '.join(broken)} ({far}). {newest.get('text', '')} `organism verify` says more."


def _context(seen: dict[str, Any]) -> list[dict[str, Any]]:
    """Values of context that are polled: {name, state, silent_s, value, known_at, detail}."""
    rows = _part(seen, "context").get("feeds")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _last_bar_ns(body: dict[str, Any], seen: dict[str, Any]) -> int | None:
    known = [feed["last_bar_ns"] for feed in seen.get("feeds", [])] + [body.get("last_bar_ns")]
    return max((ns for ns in known if isinstance(ns, int)), default=None)


def _part(seen: dict[str, Any], key: str) -> dict[str, Any]:
    found = seen.get(key)
    return found if isinstance(found, dict) else {}


def _aligned(title: str, rows: list[list[Any]]) -> list[str]:
    if not rows:
        return []
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    body = ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in texts]
    return [title, *body, ""]


def _strategies(rows: list[dict[str, Any]]) -> list[str]:
    """Who trades, and under each, where the caller knows it, what it does (`rules`: label, text)."""
    head = [[s["genome_id"], s["state"], f"weight {_number(s['weight'], 2)}"] for s in rows]
    title, *lines = _aligned("strategies", head) or [""]
    told = [title] if title else []
    for row, line in zip(rows, lines, strict=False):
        told.append(line)
        told += _rules(row)
    return [*told, ""] if told else []


def _rules(row: dict[str, Any]) -> list[str]:
    return [
        line
        for label, text in row.get("rules", [])
        for line in textwrap.wrap(
            text, _WIDE, initial_indent=f"    {label}: ", subsequent_indent=" " * 8, break_on_hyphens=False
        )
    ]


def _evolution(found: dict[str, Any]) -> list[str]:
    """What is bred, and the best of it where the caller knows what it does (`rules`)."""
    lines = ["evolution", f"  {found['sentence']}"]
    best = found["best"]
    if best is not None:
        lines += [
            f"  {_number(found['evaluations_per_s'], 0)} evaluations/s, {_number(found['trials_total'], 0)} trials in all",
            (
                f"  best      {best['genome_id']}  Sharpe {_number(best['sharpe'], 2)}  drawdown {_percent(best['max_drawdown'])}  "
                f"{_number(best['trades'], 0)} trades, on the bars it was bred on"
            ),
            *_rules(best),
        ]
    return [*lines, f"  {NOT_FUNDED}" if found["enabled"] or best else "", ""]


def _plain(price: object) -> str:
    """A price without the zeros that a division left."""
    return format(Decimal(str(price)).normalize(), "f")


def _number(value: Any, places: int) -> str:
    if value is None:
        return "not known"
    number = float(value)
    text = f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places > 2 and "." in text else text  # noqa: PLR2004 - quantities


def _percent(value: Any) -> str:
    return "not known" if value is None else f"{value:.2%}"


def _span(span_s: float) -> str:
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if span_s >= size:
            return f"{span_s / size:.0f} {unit}"
    return f"{span_s:.0f} s"
