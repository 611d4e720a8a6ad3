"""What lockstep decides is what the living body decides, fill for fill."""

import itertools
import signal
import sqlite3
import subprocess
import sys

import msgspec
import pytest

from organism.body.lockstep import assemble
from organism.journal.port import MemoryJournal
from organism.settings import Settings
from organs.motor.paper.book import PaperTruth
from organs.nervous.feeds import instants
from tests.body.waiting import until

BUSY = {"no_trade_band": 0.05, "cost_multiple": 0.1, "min_forecast": 0.03}
N_BARS = 900
STOPS_S = 10.0  # the longest an orderly stop may take


def in_lockstep():
    replace = msgspec.structs.replace
    base = Settings()
    settings = replace(
        base,
        market=replace(base.market, max_bars=N_BARS, speed=0.0),
        brain=replace(base.brain, **BUSY),
        sizing=replace(base.sizing, rebalance_band=0.01),
        # Orders a minute count on the monotonic clock, which a replay at full speed outruns.
        risk=replace(base.risk, max_orders_per_minute=100_000),
    )
    assembled = assemble(settings, MemoryJournal())
    assembled.driver.run(itertools.islice(instants(settings.market), N_BARS))
    return assembled.exchange.fills


def fills_in(book):
    try:
        return PaperTruth.read(book).fills
    except sqlite3.OperationalError:  # the venue has not made its book yet
        return ()


@pytest.mark.slow
def test_the_living_body_fills_what_lockstep_fills(tmp_path):
    expected = in_lockstep()
    assert len(expected) >= 20
    settings = {f"brain.{key}": value for key, value in BUSY.items()}
    settings |= {"sizing.rebalance_band": 0.01, "market.max_bars": N_BARS, "market.speed": 0}
    settings |= {"risk.max_orders_per_minute": 100_000}
    flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    argv = [sys.executable, "-m", "organism.body", "--state", str(tmp_path), *flags]
    body = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    try:
        book = tmp_path / "paper_venue.db"
        last_ns = expected[-1].at_ns
        until(lambda: any(f.at_ns > last_ns for f in fills_in(book)), "a fill in the second session", 60.0)
    finally:
        body.send_signal(signal.SIGTERM)
        try:
            code = body.wait(STOPS_S)
        finally:
            body.kill()
            body.wait()
    assert code == 0
    lived = [f for f in PaperTruth.read(book).fills if f.at_ns <= last_ns]
    facts = [
        [(f.symbol, f.side, f.quantity, f.price, f.fee, f.at_ns) for f in fills]
        for fills in (lived, expected)
    ]
    assert facts[0] == facts[1]
