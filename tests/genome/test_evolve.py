"""A run that lasts: counted, written down, saved, and the same whatever happened to it."""

import os
import signal
import sqlite3

import numpy as np
import pytest

from genome.evolution.judge import Local
from genome.evolution.plan import Plan
from genome.evolution.workers.pool import Pool
from genome.evolve import DONE, STOPPED, checkpoint_of, evolve, words_of
from genome.trials.count import counting
from genome.trials.datasets import dataset_of
from genome.trials.runs import Runs
from organism.errors import BadInput
from tests.genome.evolution.worlds import SMALL, Pretended, noise

PLAN = Plan(population=40, generations=4, islands=2, migration=2, seed=5)


def judged(**rest):
    return Local([noise(700)], threads=1, fewest_trades=3, **rest)


def front(found):
    return [(one.genome.genome_id, one.objectives) for one in found.front]


class Kept:
    """A run on a store of its own."""

    def __init__(self, folder, plan=PLAN, judge=None):
        self.judge, self.plan = judge or judged(), plan
        self.store, self.saved = folder / "genome.db", checkpoint_of(folder, plan, self.judge.data)
        market = noise(700)
        self.words, self.seeds = words_of([market])
        self.dataset = dataset_of([market], self.judge.data)

    def run(self, evaluator=None, *, plan=None, resume=False, **rest):
        with counting(self.store) as trials:
            return evolve(
                plan or self.plan, evaluator or self.judge, self.words, self.seeds, trials=trials, dataset=self.dataset,
                saved=self.saved, resume=resume, now_s=lambda: 1_000.0, **rest,
            )  # fmt: skip

    def rows(self, question):
        with sqlite3.connect(self.store) as db:
            return db.execute(question).fetchall()


def stopping_after(n):
    """Says stop when n generations are over."""
    seen = []
    return {"watch": lambda state, _report: seen.append(state), "stop": lambda: len(seen) >= n}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An undisturbed run, and where it was kept."""
    kept = Kept(tmp_path_factory.mktemp("whole"))
    return kept, kept.run()


def test_a_run_leaves_its_count_its_fronts_and_a_genome_for_everybody_in_the_hall_of_fame(whole):
    kept, found = whole
    assert found.outcome == DONE
    assert found.state.generation == PLAN.generations
    assert (
        found.new_trials
        == found.state.evaluated
        == found.tally.trials
        == sum(r.evaluated for r in found.reports)
    )
    assert 0.0 < found.judged_s < found.seconds
    known = {row[0] for row in kept.rows("SELECT genome_id FROM genomes")}
    assert {one.genome.genome_id for one in found.front} <= known
    sharpe = [one.objectives[0] for one in found.front]
    assert sharpe == sorted(sharpe, reverse=True)
    with counting(kept.store, writable=False) as trials:
        (run,) = Runs(trials).all()
        assert (run.outcome, run.generations, run.seed) == (DONE, PLAN.generations + 1, "5")
        assert set(Runs(trials).fronts(run.id)) == set(range(PLAN.generations + 1))


def test_a_run_stopped_and_resumed_is_the_run_that_was_not(whole, tmp_path):
    kept = Kept(tmp_path)
    first = kept.run(**stopping_after(2))
    assert (first.outcome, first.state.generation) == (STOPPED, 1)
    with pytest.raises(BadInput, match="stopped after generation 1 of 4; go on with --resume"):
        kept.run()
    second = kept.run(resume=True)
    assert front(second) == front(whole[1])
    assert first.new_trials + second.new_trials == whole[1].new_trials
    assert kept.rows("SELECT count(*) FROM runs") == [(1,)]
    assert kept.rows("SELECT genome, generation FROM births ORDER BY 1, 2") == whole[0].rows(
        "SELECT genome, generation FROM births ORDER BY 1, 2"
    )


def test_a_crash_after_the_count_and_before_the_checkpoint_costs_one_generation_and_counts_nothing_twice(
    whole, tmp_path
):
    kept = Kept(tmp_path)
    kept.run(**stopping_after(2))
    older = kept.saved.read_bytes()
    kept.run(resume=True, **stopping_after(1))
    kept.saved.write_bytes(older)  # as if the power had gone before it was saved
    last = kept.run(resume=True)
    assert front(last) == front(whole[1])
    assert last.tally.trials == whole[1].tally.trials


def test_what_the_store_already_holds_changes_nothing_but_what_is_new(whole):
    kept, found = whole
    again = kept.run()
    assert front(again) == front(found)
    assert again.new_trials == 0
    assert again.tally.trials == found.tally.trials


def test_workers_and_a_death_among_them_change_nothing(whole, tmp_path):
    kept = Kept(tmp_path)
    killed = []
    with Pool(kept.judge, 2) as pool:

        def watch(state, _report):
            if state.generation == 1:
                os.kill(pool.pids[0], signal.SIGKILL)
                killed.append(state.generation)

        found = kept.run(pool, watch=watch)
    assert killed == [1]
    assert front(found) == front(whole[1])


def test_more_generations_may_be_asked_of_a_run_that_is_done(tmp_path):
    short = Plan(population=40, generations=2, islands=2, migration=2, seed=5)
    kept = Kept(tmp_path, short)
    kept.run()
    longer = kept.run(plan=PLAN, resume=True)
    assert longer.state.generation == PLAN.generations
    assert len(longer.reports) == PLAN.generations - short.generations


def test_a_run_without_a_store_needs_no_disk():
    market = noise(700)
    words, seeds = words_of([market])
    found = evolve(SMALL, Pretended(), words, seeds)
    assert (found.run, found.tally, found.new_trials) == (None, None, 0)
    assert len(found.reports) == SMALL.generations + 1


def test_nothing_to_resume_and_half_a_count_are_told(tmp_path):
    kept = Kept(tmp_path)
    with pytest.raises(BadInput, match="there is no checkpoint"):
        kept.run(resume=True)
    with pytest.raises(BadInput, match="stopped before its founders"):
        kept.run(stop=lambda: True)
    with counting(kept.store) as trials, pytest.raises(BadInput, match="give both or none"):
        evolve(PLAN, kept.judge, kept.words, kept.seeds, trials=trials)


def test_what_the_markets_do_not_all_have_is_not_bred_of():
    plain, funded = noise(50), noise(50)
    funded.column("funding")[:] = 0.0001
    assert not np.array_equal(words_of([funded])[0].columns, words_of([funded, plain])[0].columns)
    assert len(words_of([funded])[1]) > len(words_of([plain])[1])
