"""How many bars a second the whole organism lives through in lockstep, journal included."""

import gc
import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from organism.body.lockstep import assemble
from organism.cli.benches import spread
from organism.journal.writer import SqliteJournal
from organism.settings import Settings
from organs.nervous.feeds import instants


def bench(*, quick: bool) -> dict[str, Any]:
    """All organs, one symbol of the bundled market, journal on disk (synchronous=OFF: nobody waits for a sync)."""
    n = 5_000 if quick else 20_000
    base = Settings()
    settings = msgspec.structs.replace(
        base, market=msgspec.structs.replace(base.market, symbols=("BTC/USDT",))
    )
    source = list(itertools.islice(instants(settings.market), n))
    rates, rows = [], 0
    for _ in range(3 if quick else 5):
        with tempfile.TemporaryDirectory() as folder:
            journal = SqliteJournal(Path(folder), durability="off", threaded=False, namespace="bench")
            assembled = assemble(settings, journal)
            gc.collect()
            gc.freeze()  # as the living body does once it is awake
            started = time.perf_counter()
            assembled.driver.run(source)
            journal.flush()
            rates.append(n / (time.perf_counter() - started))
            rows = journal.tip[0]
            journal.close()
    return {
        "bars": n,
        "bars_per_s": spread(rates, 0) | {"min": round(min(rates))},
        "journal_rows_per_bar": round(rows / n, 2),
        "target": ">= 8000 bars/s",
    }
