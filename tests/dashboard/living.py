"""A body that is only a view: fills `view.db` as a living organism would, for tests and for looking at the page.

`python tests/dashboard/living.py --state DIR [--scene living|halted|...] [--for SECONDS]`
"""

import argparse
import json
import math
import os
import random
import sqlite3
import time
from pathlib import Path
from typing import Any

from genome.documents import genome_text, parse_genome
from genome.founders import build
from organism.view.schema import SCHEMA, TABLES

MINUTE_NS = 60 * 10**9
START_NS = 1_709_640_000 * 10**9  # 2024-03-05 12:00 UTC
CASH = 10_000.0
PRICES = {"BTC/USDT": 64_210.5, "ETH/USDT": 3_512.8, "SOL/USDT": 142.34}
HELD = {"BTC/USDT": 0.0312, "SOL/USDT": 16.4}
ORGANS = ("supervisor", "nervous", "brain", "metabolism", "immune", "motor", "reproduction", "voice")
RATES = {
    "nervous>brain": 3.1, "nervous>metabolism": 3.1, "nervous>motor": 3.1, "brain>metabolism": 0.4,
    "metabolism>immune": 1.6, "immune>motor": 0.3, "immune>metabolism": 0.3, "motor>metabolism": 3.4,
    "motor>immune": 0.5, "metabolism>brain": 1.0, "immune>voice": 0.1, "metabolism>voice": 0.2,
}  # fmt: skip
LIMITS = {
    "max_order_notional": 5000.0, "max_asset_exposure": 0.35, "max_gross_exposure": 1.0, "max_net_exposure": 1.0,
    "max_daily_loss": 0.05, "halve_at_drawdown": 0.08, "no_entries_at_drawdown": 0.10, "halt_at_drawdown": 0.15,
    "max_consecutive_losses": 3, "max_positions": 10,
}  # fmt: skip
PARTS = (("organs", 109), ("feeds", 45), ("risk", 45), ("truth", 252), ("machine", 176))  # most each can cost
FOUNDERS = (("ema_trend", 0.30), ("donchian_breakout", 0.18))
BRED = (
    (0.34, """
family: ema_crossover
generation: 7
entry long: ema(fast) crosses_above ema(slow) and rsi(14) < 70
exit long: ema(fast) crosses_below ema(slow) or close < lowest(low, 20) * 0.98
genes: fast=12 slow=26 stop=0.05 sizing=risk risk=0.01
"""),
    (0.18, """
family: momentum
generation: 12
entry long: zscore(close, 48) < -1.5 and volume_ratio(20) > 1.2 and not (rsi(14) > 65 or ema(12) < ema(26) * 0.97)
    and (close > sma(200) or roc(24) > 0.01 and bb_width(20, 2) < 0.04) and hour > 6 and weekday < 5
exit long: zscore(close, 48) > 0.5
entry short: rsi(ema(close, 5), 14) > 80 and close crosses_below sma(50)@1h
exit short: rsi(14) < 45 or close > highest(high, 96)
genes: target=0.08 trailing=0.03 maximum_hold=288
"""),
)  # fmt: skip


def strategies() -> list[dict[str, Any]]:
    """Two founders and two bred genomes, as the view keeps them."""
    rows = [
        {"genome_id": f"{family}_0_{nth}a91c{nth}f", "family": family, "weight": weight,
         "parameters": json.dumps(dict(build(family).parameters))}
        for nth, (family, weight) in enumerate(FOUNDERS)
    ]  # fmt: skip
    for weight, text in BRED:
        genome = parse_genome(text)
        rows.append({"genome_id": genome.genome_id, "family": genome.family, "weight": weight,
                     "parameters": json.dumps(dict(genome.genes)), "text": genome_text(genome)})  # fmt: skip
    return rows


def bred(**changed: Any) -> dict[str, Any]:
    """The newest generation, as the view keeps it; the best of it is the last of `BRED`."""
    genome = parse_genome(BRED[-1][1])
    best = {
        "genome_id": genome.genome_id, "family": genome.family, "parameters": [list(pair) for pair in genome.genes],
        "text": genome_text(genome), "sharpe": 1.84, "consistency": 0.62, "max_drawdown": 0.071, "turnover": 212.0,
        "trades": 96.0,
    }  # fmt: skip
    return {
        "round": 3, "generation": 7, "generations": 10, "bars": 2_411, "until_ns": START_NS, "evaluations_per_s": 362.3,
        "evaluated": 840, "front": 23, "trials": 14_210, "wall_ns": time.time_ns(), "best": best,
    } | changed  # fmt: skip


class FakeBody:
    """Writes one second of life per `step`."""

    def __init__(self, state: Path, *, seed: int = 7, scene: str = "living") -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.scene = scene
        self.random = random.Random(seed)
        self.path = state / "view.db"
        fresh = not self.path.exists()
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        if fresh:
            self.db.executescript(TABLES)
            self.db.execute(f"PRAGMA user_version = {SCHEMA}")
        self.prices = dict(PRICES)
        self.n = 0
        self.seq = 0
        self.cash = CASH - sum(HELD[s] * PRICES[s] for s in HELD)
        self.peak = CASH

    def put(self, key: str, value: Any) -> None:
        self.db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, json.dumps(value)))

    def row(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self.db.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608

    def begin(self, bars: int = 600) -> None:
        """A past of some bars, with trades, alerts and a restart in it."""
        self.db.execute("BEGIN")
        for _ in range(bars):
            self._bar()
        wall_ns = time.time_ns()
        for nth in range(9):
            self._trade(nth)
        self._said(wall_ns)
        self._strategies()
        self.live()
        self.db.execute("COMMIT")

    def step(self) -> None:
        """One more second."""
        self.db.execute("BEGIN")
        self._bar()
        if self.n % 5 == 0:
            self._strategies()
        self.live()
        self.db.execute("COMMIT")

    def _bar(self) -> None:
        self.n += 1
        at_ns = START_NS + self.n * 5 * MINUTE_NS
        drift = 0.0007 if math.sin(self.n / 70) > -0.35 else -0.0012
        if self.scene == "halted":
            drift = -0.0006
        for symbol, price in self.prices.items():
            wild = {"BTC/USDT": 0.0022, "ETH/USDT": 0.0026, "SOL/USDT": 0.0042}[symbol]
            self.prices[symbol] = price * math.exp(self.random.gauss(drift * 0.5, wild))
            self.row("marks", symbol=symbol, at_ns=at_ns, close=self.prices[symbol])
        value = sum(HELD[s] * self.prices[s] for s in HELD)
        equity = self.cash + value
        self.peak = max(self.peak, equity)
        drawdown = 1 - equity / self.peak
        self.row("equity", at_ns=at_ns, session=1, equity=equity, drawdown=drawdown, gross=value / equity,
                 cash=self.cash, n=self.n)  # fmt: skip
        self.put("portfolio", {
            "at_ns": at_ns, "session": 1, "equity": equity, "cash": f"{self.cash:.2f}", "peak": self.peak,
            "drawdown": drawdown, "day_start": equity * 0.9958, "gross_exposure": value / equity,
            "net_exposure": value / equity, "realised": "84.20", "unrealised": "31.10", "fees": "12.41",
            "consecutive_losses": 1, "starting_cash": CASH,
        })  # fmt: skip
        for symbol, size in HELD.items():
            entry = PRICES[symbol] * 0.997
            self.row("positions", symbol=symbol, quantity=str(size), average_price=f"{entry:.2f}",
                     mark=self.prices[symbol], unrealised=f"{size * (self.prices[symbol] - entry):.2f}",
                     exposure=size * self.prices[symbol] / equity, opened_ns=at_ns - 7200 * 10**9,
                     stop_price=f"{entry * 0.94:.2f}")  # fmt: skip
            self.row("orders", order_id=f"stop-{symbol}", client_order_id=f"c-{symbol}", symbol=symbol, side="sell",
                     quantity=str(size), kind="stop", purpose="protect", status="acked", filled="0",
                     price=f"{entry * 0.94:.2f}", created_ns=at_ns, updated_ns=at_ns, reason="")  # fmt: skip

    def _trade(self, nth: int) -> None:
        symbol = list(PRICES)[nth % 3]
        pnl = self.random.gauss(6, 22)
        price = PRICES[symbol] * (1 + self.random.gauss(0, 0.01))
        size = 900 / price
        closed = START_NS + (nth * 60 + 40) * 5 * MINUTE_NS
        self.row("trades", seq=nth, part=0, symbol=symbol, side="buy", quantity=f"{size:.4f}",
                 entry_price=f"{price:.2f}", exit_price=f"{price * (1 + pnl / 900):.2f}", pnl=f"{pnl:.2f}", fees="1.80",
                 opened_ns=closed - self.random.randrange(1800, 40000) * 10**9, closed_ns=closed, genome_ids="[]",
                 purpose="cut_loss" if pnl < -25 else "target")  # fmt: skip
        self.row("fills", key=f"paper|{symbol}|{nth}", order_id=f"o{nth}", symbol=symbol, side="sell",
                 quantity=f"{size:.4f}", price=f"{price:.2f}", fee="0.90", at_ns=closed, seq=nth)  # fmt: skip

    def _said(self, wall_ns: int) -> None:
        self.row("alerts", alert_id="a1", wall_ns=wall_ns - 400 * 10**9, market_ns=START_NS, severity="success",
                 priority="low", title="Body started", body="Session 1, paper venue, replay at 300×.", tags="[]",
                 count=1)  # fmt: skip
        self.row("alerts", alert_id="a2", wall_ns=wall_ns - 130 * 10**9, market_ns=START_NS, severity="warning",
                 priority="high", title="brain was restarted", body="ValueError in one message; serving again after 4 ms.",
                 tags="[]", count=2)  # fmt: skip
        self.row("alerts", alert_id="a3", wall_ns=wall_ns - 20 * 10**9, market_ns=START_NS, severity="info",
                 priority="low", title="SOL is up 10 %", body="The open position gained 10.2 % since entry.", tags="[]",
                 count=1)  # fmt: skip
        self.row("restarts", id=1, wall_ns=wall_ns - 130 * 10**9, organ="brain", incarnation=4,
                 why="ValueError: forecast was NaN")  # fmt: skip
        self.row("denials", reason="price_band", n=2, last_ns=START_NS + 900 * MINUTE_NS)

    def _strategies(self) -> None:
        for nth, row in enumerate(strategies()):
            forecasts = {s: round(math.sin(self.n / (9 + nth * 4) + nth + len(s)), 2) for s in PRICES}
            self.row("strategies", **row, state="funded", forecasts=json.dumps(forecasts))

    def live(self, **body: Any) -> None:
        """What the supervisor measures."""
        now_ns = time.time_ns()
        self.seq = 41_200 + self.n * 9
        at_ns = START_NS + self.n * 5 * MINUTE_NS
        self.put("body", {
            "pid": os.getpid(), "started_wall_ns": now_ns - 400 * 10**9, "updated_wall_ns": now_ns, "mode": "paper",
            "safe": False, "version": "0.1.0", "feed": "replay", "speed": 300.0, "venue": "paper", "seed": 1,
            "session": 1, "market_ns": at_ns, "last_bar_ns": at_ns, "seq": self.seq, "commit_ms": 1.8, **body,
        })  # fmt: skip
        halted = self.scene == "halted"
        self.put("standing", {
            "state": "halted" if halted else "active",
            "reason": "drawdown 15.2 % reached the limit of 15 %" if halted else "started",
            "since_ns": at_ns, "metabolic_rate": 0.5 if halted else 1.0, "hibernating_until_ns": None,
            "no_entries_until_ns": None,
        })  # fmt: skip
        lost = {"risk": (17.0, "drawdown 15.2 %")} if halted else {"machine": (1.0, "load 2.7")}
        costs = [(name, weight, *lost.get(name, (0.0, ""))) for name, weight in PARTS]
        parts = [{"name": n, "weight": w, "points": w - cost, "detail": d} for n, w, cost, d in costs]
        self.put(
            "health",
            {
                "health": 100.0 - sum(p["weight"] - p["points"] for p in parts),
                "parts": parts,
                "wall_ns": now_ns,
            },
        )
        self.put(
            "reconciled", {"clean": True, "unexplained": [], "unknown": [], "foreign": [], "wall_ns": now_ns}
        )
        self.put("machine", {
            "cpu": 0.11 + self.random.random() * 0.06, "memory_mb": 212 + self.random.random(),
            "memory_slope_mb_min": 0.02, "threads": 19, "descriptors": 48, "disk_free_mb": 48_200, "load": 0.62,
        })  # fmt: skip
        self.put(
            "rates", {key: round(rate * (0.8 + self.random.random() * 0.4), 2) for key, rate in RATES.items()}
        )
        self.put("limits", LIMITS)
        self.put("breeding", {"phase": "breeding", "needed": 0, "detail": "", "silent_s": 1.0, "after_s": 60.0,
                              "min_bars": 1000, "cpu_share": 0.25})  # fmt: skip
        self.put("evolution", bred())
        for name in ORGANS:
            self.row("organs", name=name, state="running", incarnation=4 if name == "brain" else 3,
                     restarts=1 if name == "brain" else 0, mailbox_depth=self.random.choice((0, 0, 0, 1, 3, 12)),
                     oldest_s=0.01, beat_age_s=self.random.random() * 0.4, busy_s=0.0, step=self.n * 3, conflated=0,
                     last_error="ValueError: forecast was NaN" if name == "brain" else "",
                     updated_wall_ns=now_ns)  # fmt: skip
        self.row("feeds", name="replay", state="live", last_bar_ns=at_ns, silent_s=0.6, bars=self.n * 3, refused=0,
                 doubtful=2, gaps=0, detail="")  # fmt: skip

    def close(self) -> None:
        self.db.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--scene", default="living", choices=("living", "halted"))
    parser.add_argument("--for", dest="seconds", type=float, default=600.0)
    wanted = parser.parse_args()
    body = FakeBody(wanted.state, scene=wanted.scene)
    body.begin()
    until = time.monotonic() + wanted.seconds
    while time.monotonic() < until:
        body.step()
        time.sleep(1.0)


if __name__ == "__main__":
    main()
