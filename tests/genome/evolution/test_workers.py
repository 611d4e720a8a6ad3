"""Judging by processes: the same numbers as here, whoever judges, and whoever dies over it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from genome.breeding.flat import joined as flocks_joined
from genome.breeding.growing import ramped
from genome.costs import Costs
from genome.evolution.judge import Local
from genome.evolution.workers.pool import Pool, WorkersFailed, _Shares
from genome.evolution.workers.shelf import put, taken
from genome.market import market
from organism.errors import BadInput
from organism.market import AssetClass
from tests.genome.evolution.dying_worker import WEAKNESS
from tests.genome.evolution.worlds import START, WORDS, noise

HOUR = 3_600


def flock(n=200, seed=1):
    return ramped(n, np.random.default_rng(seed), WORDS)


def local(**rest):
    return Local([noise(600), noise(500, seed=2, symbol="Y/USD")], threads=1, fewest_trades=5, **rest)


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in ("values", "violations", "returns", "days", "trades")
    )


def funded(n=300):
    made = noise(n)
    rng = np.random.default_rng(3)
    return market(
        "P/USD:USD", made.open_s, HOUR, tuple(made.columns[:5]), asset_class=AssetClass.CRYPTO_PERPETUAL, tick=0.01,
        funding=rng.normal(size=n) * 1e-4, mark_high=made.column("high") * 1.001, funding_open=rng.normal(size=n) * 1e-4,
    )  # fmt: skip


def test_a_market_comes_back_from_the_shelf_as_it_was(tmp_path):
    there, costs = funded(), Costs(taker=0.002, book_offsets=(0.1, 0.2, 0.3), book_depths=(1.0, 2.0, 3.0))
    put(tmp_path, [there], costs, 500.0, 7)
    contents, (back,) = taken(tmp_path)
    assert (contents.costs, contents.capital, contents.fewest_trades) == (costs, 500.0, 7)
    assert Local([back], costs, 500.0, None, 7).data == Local([there], costs, 500.0, None, 7).data
    assert back.mark_low is None
    assert np.array_equal(back.mark_high, there.mark_high)
    back.columns[0, 0] = -1.0  # copy on write: the file and the other processes do not see it
    assert taken(tmp_path)[1][0].columns[0, 0] == there.columns[0, 0]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_numbers_of_none_to_the_last_bit(workers):
    judge, crowd = local(slice=(START + 24 * HOUR, START + 480 * HOUR)), flock()
    with Pool(judge, workers) as pool:
        assert pool.data == judge.data
        assert same(pool(crowd), judge(crowd))
        assert same(pool(crowd.take([])), judge(crowd.take([])))
        assert len(set(pool.pids)) == workers
        assert pool.deaths == 0


def test_a_worker_killed_in_the_middle_of_a_flock_costs_nothing_but_time():
    judge, crowd, told = local(), flock(), []
    small = crowd.take(np.arange(10))
    with Pool(judge, 1, limit_s=60.0, tell=told.append) as pool:
        pool(small)
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)  # so that it surely still has the flock when it dies
        found = []
        asking = threading.Thread(target=lambda: found.append(pool(crowd)))
        asking.start()
        os.kill(pid, signal.SIGKILL)
        asking.join(60.0)
        assert same(found[0], judge(crowd))
        assert pool.pids != [pid]


@pytest.mark.parametrize("kind", ["die", "hang"])
def test_a_genome_that_nobody_survives_is_judged_by_no_number_and_the_others_as_ever(kind, monkeypatch):
    crowd, judge, told = flock(40), local(), []
    lengths = np.diff(crowd.offsets[::4])
    worst = int(np.flatnonzero(lengths == lengths.max())[0])
    monkeypatch.setenv(WEAKNESS, f"{kind} {lengths.max()}")
    small = crowd.take(np.sort(np.concatenate([np.flatnonzero(lengths < lengths.max())[:5], [worst]])))
    at = int(np.flatnonzero(np.diff(small.offsets[::4]) == lengths.max())[0])
    limit_s = 60.0 if kind == "die" else 4.0
    with Pool(
        judge, 1, tell=told.append, limit_s=limit_s, module="tests.genome.evolution.dying_worker"
    ) as pool:
        found, known = pool(small), judge(small)
        assert pool.deaths == len([line for line in told if "a worker died" in line]) >= 4
    assert found.violations[at] == np.inf
    assert np.all(found.values[at] == -np.inf)
    others = np.arange(len(small)) != at
    assert np.array_equal(found.values[others], known.values[others], equal_nan=True)
    assert ("killed by signal 9" if kind == "die" else "no answer within 4 s") in told[0]
    assert told[-1] == "one genome kills whoever judges it; it is judged by no number"


def test_a_worker_that_has_grown_too_large_is_replaced_and_nobody_notices():
    judge, crowd = local(), flock(30)
    with Pool(judge, 1, memory_mb=1.0) as pool:
        first = pool(crowd)
        pids = pool.pids
        again = pool(crowd)
        assert pool.pids != pids
        assert pool.deaths == 0
    assert same(first, judge(crowd))
    assert same(again, first)


def test_a_worker_has_not_grown_by_what_the_process_that_starts_it_had_in_use():
    np.ones(100_000_000)  # 800 MB, given back at once
    asked = "from genome.evolution.workers.worker import _peak_mb; print(_peak_mb())"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert 20.0 < float(told) < 600.0


def test_closing_ends_every_process_and_clears_up_and_a_closed_pool_says_so():
    with Pool(local(), 2) as pool:
        pool(flock(100))
        pids, folder = pool.pids, pool._folder
        assert folder.exists()
    assert not folder.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with pytest.raises(WorkersFailed, match="the workers have ended"):
        pool(flock(1))


def test_closing_while_somebody_waits_lets_him_go(monkeypatch):
    crowd = flock(5)
    monkeypatch.setenv(WEAKNESS, f"hang {np.diff(crowd.offsets[::4])[0]}")
    pool = Pool(local(), 1, limit_s=600.0, module="tests.genome.evolution.dying_worker")
    failed = []

    def ask():
        try:
            pool(crowd)
        except WorkersFailed as error:
            failed.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    deadline = time.monotonic() + 60.0
    while not pool.pids and time.monotonic() < deadline:
        asking.join(0.01)
    pool.close()
    asking.join(60.0)
    assert not asking.is_alive()
    assert len(failed) == 1


def test_workers_that_cannot_start_are_told_at_once():
    with (
        Pool(local(), 1, module="tests.genome.evolution.nowhere") as pool,
        pytest.raises(WorkersFailed, match="ended before it could judge anything: it ended with status 1"),
    ):
        pool(flock(3))


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({"workers": 0}, "workers were 0"),
        ({"nice": 20}, "nice 20"),
        ({"memory_mb": float("nan")}, "nan MB"),
        ({"limit_s": 0.0}, "0 s"),
    ],
)
def test_nonsense_is_refused(rest, words):
    with pytest.raises(BadInput, match=words):
        Pool(local(), **rest)


def test_flocks_joined_are_judged_as_their_parts():
    judge, one, other = local(), flock(20, 1), flock(30, 2)
    whole = judge(flocks_joined([one, other]))
    assert np.array_equal(whole.values[:20], judge(one).values, equal_nan=True)
    assert np.array_equal(whole.values[20:], judge(other).values, equal_nan=True)


def test_a_worker_begins_with_its_own_parts_and_then_takes_the_last_of_who_has_most():
    shares = _Shares(6, 3)
    assert [shares.next(1), shares.next(0), shares.next(1)] == [2, 0, 3]
    assert [shares.next(1), shares.next(1), shares.next(1), shares.next(1)] == [5, 1, 4, None]
    assert [shares.next(0), shares.next(2)] == [None, None]


@pytest.mark.parametrize(("parts", "workers"), [(1, 4), (3, 4), (7, 2), (8, 8)])
def test_every_part_is_given_out_once_also_where_there_are_fewer_than_workers(parts, workers):
    shares = _Shares(parts, workers)
    found = [shares.next(i % workers) for i in range(parts + workers)]
    assert sorted(part for part in found if part is not None) == list(range(parts))
