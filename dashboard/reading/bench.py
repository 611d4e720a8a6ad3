"""What the read model costs and how fast it answers, on a journal that is there."""

import random
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil

from dashboard.reading.bare import Position
from dashboard.reading.keeper import SHARE
from dashboard.reading.reading import Reading

PACED_S = 10.0  # how long the first build is watched at its own pace
DAY_NS = 86_400 * 10**9
_RANGES = ("1h", "6h", "1d", "7d", "30d", "180d", "all")


def build(state: Path, *, paced_s: float = PACED_S) -> dict[str, Any]:
    """Build a read model from nothing: for a while at its own pace, then interrupted and finished as fast as it goes.

    share_of_core   what the pace really took of one core; `whole_paced_s` what all of it would take at that pace
    """
    process = psutil.Process()
    before_mb = process.memory_info().rss / 2**20
    reading = Reading(state)
    began, worked = time.perf_counter(), time.process_time()
    reading.start()
    threading.Event().wait(paced_s)
    at_pace = reading.progress().events_done
    share = (time.process_time() - worked) / (time.perf_counter() - began)
    reading.close()
    reading = Reading(state)
    began, worked = time.perf_counter(), time.thread_time()
    first = at_pace
    reading.keeper.read_all()
    wall_s, cpu_s = time.perf_counter() - began, time.thread_time() - worked
    done = reading.progress().events_done
    reading.close()
    n = max(1, done - first)
    size_mb = sum(p.stat().st_size for p in reading.keeper.path.parent.glob("read.db*")) / 2**20
    return {
        "events": done,
        "events_per_cpu_s": round(n / max(cpu_s, 1e-9)),
        "events_per_s_unpaced": round(n / max(wall_s, 1e-9)),
        "share_of_core": round(share, 3),
        "share_wanted": SHARE,
        "whole_paced_s": round(paced_s * done / at_pace, 1) if 0 < at_pace < done else None,
        "size_mb": round(size_mb, 1),
        "memory_mb": round(process.memory_info().rss / 2**20 - before_mb, 1),
    }


def answers(state: Path, n: int = 100, seed: int = 1) -> list[dict[str, Any]]:
    """Time every query `n` times with arguments drawn anew each time; the worst p95 is the figure that counts."""
    reading = Reading(state)
    reading.keeper.step()
    try:
        draw = random.Random(seed)
        return [_timed(name, ask, n) for name, ask in _questions(reading, draw)]
    finally:
        reading.close()


def _questions(reading: Reading, draw: random.Random) -> list[tuple[str, Callable[[], object]]]:
    symbols = reading.symbols() or [""]
    fills = [f["key"] for f in reading.fills(limit=5_000)] or [""]
    orders = [o["order_id"] for o in reading.orders(limit=5_000)] or [""]
    curve = reading.equity()
    first, last = (curve[0]["at_ns"], curve[-1]["at_ns"]) if curve else (0, 1)
    events = [e["id"] for e in reading.events(limit=1_000).rows] or [""]
    walls = [e["wall_ns"] for e in reading.events(limit=1_000).rows] or [0]

    def span() -> Any:
        """A length before the end, or a stretch anywhere of such a length."""
        if draw.random() < 0.5:  # noqa: PLR2004
            return draw.choice(_RANGES)
        start = draw.randrange(first, last)
        return (start, start + draw.choice((DAY_NS // 24, DAY_NS, 30 * DAY_NS, 365 * DAY_NS)))

    def moment() -> int:
        return draw.randrange(first, last)

    def opened() -> int:
        return max(first, last - draw.choice((DAY_NS // 24, DAY_NS, 30 * DAY_NS)))

    def anywhere() -> int | None:
        return draw.choice((None, draw.randrange(1, reading.progress().events_done + 1) * 1_024))

    return [
        ("events", lambda: reading.events(span(), limit=200)),
        ("events by organ", lambda: reading.events(span(), organ=draw.choice(("brain", "motor", "voice")))),
        ("events by kind", lambda: reading.events(span(), kind=draw.choice(("Filled", "TradingStateChanged", "Notify")))),
        ("events warning", lambda: reading.events(span(), level="warning")),
        ("events debug", lambda: reading.events("all", level="debug", limit=100, before=anywhere())),
        ("events correlated", lambda: reading.events(correlation=draw.choice(events))),
        ("events correlated debug", lambda: reading.events(correlation=draw.choice(events), level="debug")),
        ("flow", lambda: reading.flow(span())),
        ("orders", lambda: reading.orders(span())),
        ("order", lambda: reading.order(draw.choice(orders))),
        ("fills", lambda: reading.fills(span(), symbols[:1])),
        ("trades", lambda: reading.trades(span())),
        ("decisions", lambda: reading.decisions(span(), draw.choice(symbols))),
        ("chain", lambda: reading.chain(draw.choice(fills))),
        ("chain of any event", lambda: reading.chain(draw.choice(events))),
        ("bare", lambda: reading.bare(Position(draw.choice(symbols), Decimal(1), opened(), last, last))),
        ("gate", lambda: reading.gate(draw.choice(symbols), moment())),
        ("equity", lambda: reading.equity(span(), 700)),
        ("prices", lambda: reading.prices(draw.choice(symbols), span(), 700)),
        ("denials", lambda: reading.denials(span())),
        ("attribution", lambda: reading.attribution(span(), draw.choice(("strategy", "symbol", "regime", "purpose")))),
        ("as_of market", lambda: reading.as_of(market_ns=moment())),
        ("as_of wall", lambda: reading.as_of(wall_ns=draw.choice(walls))),
    ]  # fmt: skip


def _timed(name: str, ask: Callable[[], object], n: int) -> dict[str, Any]:
    ask()
    taken: list[float] = []
    for _ in range(n):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1e3)
    return {"query": name, **milliseconds(taken)}


def milliseconds(taken: Sequence[float]) -> dict[str, float]:
    """Median, p95 and maximum of some milliseconds, at least two."""
    cut = statistics.quantiles(taken, n=20, method="inclusive")
    return {"p50_ms": round(cut[9], 2), "p95_ms": round(cut[18], 2), "max_ms": round(max(taken), 2)}
