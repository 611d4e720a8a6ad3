"""How many bars a second the whole organism lives through in lockstep, journal included: alone, judged, and struck."""

import gc
import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from organism.body.lockstep import assemble
from organism.body.past import rules_of
from organism.cli.benches import spread
from organism.invariants import Judge
from organism.journal.writer import SqliteJournal
from organism.lockstep import Faults
from organism.messages import BarsArrived
from organism.settings import Settings
from organs.nervous.feeds import instants

FAULTS = Faults(
    drop=0.005,
    delay=0.01,
    delay_s=2.0,
    duplicate=0.02,
    raise_=0.005,
    hang=0.005,
    lose_reply=0.05,
    delay_reply=0.05,
)
WAYS = ("alone", "judged", "judged_struck")


def bench(*, quick: bool) -> dict[str, Any]:
    """All organs, one symbol of the bundled market, journal on disk (synchronous=OFF: nobody waits for a sync).

    Three ways by turns, so that a busy machine slows all of them: alone; with every invariant judged after every
    step; and judged while faults strike.
    """
    n = 5_000 if quick else 20_000
    base = Settings()
    settings = msgspec.structs.replace(
        base, market=msgspec.structs.replace(base.market, symbols=("BTC/USDT",))
    )
    source = list(itertools.islice(instants(settings.market), n))
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    rows = n_struck = n_broken = 0
    for _ in range(3 if quick else 5):
        for way in WAYS:
            rate, found = _lived(settings, source, way)
            rates[way].append(rate)
            rows = found["rows"] if way == "alone" else rows
            n_struck += found["struck"]
            n_broken += found["broken"]
    return {
        "bars": n,
        "bars_per_s": spread(rates["alone"], 0) | {"min": round(min(rates["alone"]))},
        "journal_rows_per_bar": round(rows / n, 2),
        "target": ">= 8000 bars/s",
        "judged_bars_per_s": spread(rates["judged"], 0) | {"min": round(min(rates["judged"]))},
        "judged_and_struck_bars_per_s": spread(rates["judged_struck"], 0)
        | {"min": round(min(rates["judged_struck"]))},
        "judged_target": ">= 2000 bars/s judged and struck",
        "faults_struck": n_struck,
        "invariants_broken": n_broken,
    }


def _lived(settings: Settings, source: list[BarsArrived], way: str) -> tuple[float, dict[str, int]]:
    """One life; bars a second, and what came of it."""
    judge = None if way == "alone" else Judge(rules_of(settings))
    faults = FAULTS if way == "judged_struck" else None
    with tempfile.TemporaryDirectory() as folder:
        journal = SqliteJournal(Path(folder), durability="off", threaded=False, namespace="bench")
        assembled = assemble(settings, journal, judge=judge, faults=faults)
        gc.collect()
        gc.freeze()  # as the living body does once it is awake
        started = time.perf_counter()
        assembled.driver.run(source)
        journal.flush()
        rate = len(source) / (time.perf_counter() - started)
        rows = journal.tip[0]
        journal.close()
    return rate, {
        "rows": rows,
        "struck": sum(assembled.driver.struck.values()),
        "broken": 0 if judge is None else len(judge.breaches),
    }
