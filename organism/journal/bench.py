"""How fast the journal is here, beside what the disk allows."""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from organism.core import Now
from organism.effects import Effects, Publish
from organism.journal.writer import SqliteJournal
from organism.market import Bar
from organism.messages import BarClosed, Envelope

_AT_NS = 1_704_067_500_000_000_000
N_LEAST = 2  # measurements that quantiles need
_BATCH = 1_000  # records between two looks at the clock


def bench_journal(path: Path, seconds: float = 3.0) -> dict[str, float]:
    """Measure in a folder that must not hold a journal; a third of the time for each measurement.

    grouped_events_per_s          rows a second, encoding, chain and FULL commits included, until all are durable
    single_commits_per_s          steps a second when each waits until it is durable
    single_commit_p50_ms, _p99_ms of those waits
    fsyncs_per_s                  raw writes of 4 KiB with fsync on the same disk
    fsync_p50_ms, fsync_p99_ms    of those
    """
    share = seconds / 3
    message = BarClosed(
        at_ns=_AT_NS,
        session=1,
        bars=(Bar("BTC/USDT", _AT_NS - 300 * 10**9, _AT_NS, 42000.1, 42012.2, 41988.3, 42000.7, 12.345),),
    )
    effects: Effects = (Publish(to=("motor", "brain", "metabolism"), message=message),)
    envelope = Envelope("1.0", "nervous", 1, _AT_NS, "bar:1:1", message)
    now = Now(_AT_NS, 1, _AT_NS, 1)
    journal = SqliteJournal(path)
    try:
        incarnation = journal.begin_incarnation("bench")

        def record() -> None:
            journal.record("bench", incarnation, 1, envelope, effects, now)

        def record_durably() -> None:
            record()
            journal.flush()

        n, began = 0, time.perf_counter()
        while time.perf_counter() - began < share:
            for _ in range(_BATCH):
                record()
            n += _BATCH
        journal.flush()
        grouped = n / (time.perf_counter() - began)
        singles = _time_each(record_durably, share)
    finally:
        journal.close()
    syncs = _fsyncs(path / "fsync.bench", share)
    return {
        "grouped_events_per_s": round(grouped),
        "single_commits_per_s": round(len(singles) / sum(singles), 1),
        "single_commit_p50_ms": _quantile_ms(singles, 50),
        "single_commit_p99_ms": _quantile_ms(singles, 99),
        "fsyncs_per_s": round(len(syncs) / sum(syncs), 1),
        "fsync_p50_ms": _quantile_ms(syncs, 50),
        "fsync_p99_ms": _quantile_ms(syncs, 99),
    }


def _fsyncs(path: Path, seconds: float) -> list[float]:
    block = os.urandom(4096)
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:

        def write() -> None:
            os.write(handle, block)
            os.fsync(handle)

        return _time_each(write, seconds)
    finally:
        os.close(handle)
        path.unlink()


def _time_each(act: Callable[[], None], seconds: float) -> list[float]:
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while len(taken) < N_LEAST or time.perf_counter() < until:
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return taken


def _quantile_ms(taken: list[float], percent: int) -> float:
    return round(statistics.quantiles(taken, n=100, method="inclusive")[percent - 1] * 1e3, 3)
