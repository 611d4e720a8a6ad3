"""A run is kept whole: fronts, fame, births and deaths, and whoever is on a front can be rebuilt from its founders."""

import dataclasses
import sqlite3

import msgspec
import numpy as np
import pytest

from genome.breeding.flat import flock_of, genome_of
from genome.breeding.lexicon import lexicon
from genome.evolution.judge import Local
from genome.evolution.keys import keys, texts
from genome.evolution.loop import begin, founders, step
from genome.evolution.plan import Plan
from genome.store import GenomeStore
from genome.trials import packing
from genome.trials.count import Trials
from genome.trials.datasets import dataset_of
from genome.trials.evolved import generation_of, plan_of
from genome.trials.packing import packed, prevalence, unpacked
from genome.trials.runs import Birth, Generation, Member, Runs
from genome.trials.schema import StoreUnwritable
from organism.errors import BadInput
from tests.genome.results import bars
from tests.genome.trials.looking import data, flock

FLOCK = flock(6)
NAMES = texts(keys(FLOCK).whole)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "genome.db"


@pytest.fixture
def trials(path):
    made = Trials(path)
    yield made
    made.close()


@pytest.fixture
def runs(trials):
    return Runs(trials)


def started(runs, **rest):
    return runs.begin("evolve", 2**70, {"population": 6}, data(), code="1.0", at_s=100, **rest)


def made(number, births, front=(), **rest):
    """A generation of births (row of FLOCK, operator, rows of its parents), and a front of rows."""
    which = [row for row, _, _ in births]
    born = [Birth(NAMES[row], how, tuple(NAMES[p] for p in parents), "drawn") for row, how, parents in births]
    worth = np.array([[float(row), 0.5, -0.1, -2.0] for row in front]).reshape(-1, 4)
    return Generation(number, born, FLOCK.take(which), [NAMES[row] for row in front], worth, **rest)


def family(runs, run):
    """Rows 0 and 1 have the child 2, which has the child 3; nobody but 3 was ever on a front."""
    runs.generation(run, made(0, [(0, "seed", ()), (1, "random", ()), (5, "random", ())]), at_s=1)
    runs.generation(run, made(1, [(2, "crossover", (0, 1))], died={NAMES[5]: "outdone"}), at_s=2)
    runs.generation(run, made(2, [(3, "point mutation", (2,))], front=[3]), at_s=3)


def test_a_run_is_kept_with_its_plan_and_how_it_ended(runs):
    run = started(runs)
    family(runs, run)
    (kept,) = runs.all()
    assert (kept.id, kept.seed, kept.plan, kept.code, kept.outcome) == (
        run, str(2**70), {"population": 6}, "1.0", "running",
    )  # fmt: skip
    assert (kept.generations, kept.ended_s) == (3, None)
    runs.end(run, at_s=200, outcome="stopped")
    assert (runs.all()[0].outcome, runs.all()[0].ended_s) == ("stopped", 200)
    assert started(runs) == run + 1


def test_who_comes_on_a_front_is_written_with_all_its_ancestors_and_nobody_else_is(runs, path):
    run = started(runs)
    family(runs, run)
    store = GenomeStore(path, writable=False)
    kept = {record.generation: record for record in store.records() if record.generation}
    assert len(list(store.records())) == 4
    child = store.lineage(kept[2].genome_id)[0]
    assert child.genome() == genome_of(FLOCK, 3, "bred", 2)
    assert child.origin == "point mutation"
    assert child.parents == (kept[1].genome_id,)
    parents = [store.get(name).genome() for name in kept[1].parents]
    assert parents == [genome_of(FLOCK, 0, "bred", 0), genome_of(FLOCK, 1, "bred", 0)]
    store.close()
    assert runs.fronts(run) == {2: (Member(kept[2].genome_id, pytest.approx((3.0, 0.5, -0.1, -2.0))),)}


def test_what_is_told_again_after_a_resume_stays_as_it_was(runs, path):
    run = started(runs)
    family(runs, run)
    again = Trials(path)
    family(Runs(again), run)
    again.close()
    assert {generation: len(front) for generation, front in runs.fronts(run).items()} == {2: 1}
    assert runs.all()[0].generations == 3


def test_two_runs_that_bred_the_same_share_its_record(runs, path):
    for _ in range(2):
        family(runs, started(runs))
    assert runs.fronts(1) == runs.fronts(2)
    store = GenomeStore(path, writable=False)
    assert len(list(store.records())) == 4
    store.close()


def test_the_hall_of_fame_keeps_who_ever_was_in_it(runs):
    run = started(runs)
    runs.generation(
        run,
        made(0, [(0, "seed", ()), (1, "seed", ())], fame=[NAMES[0]], fame_objectives=np.ones((1, 4))),
        at_s=1,
    )
    runs.generation(run, made(1, [], fame=[NAMES[1]], fame_objectives=np.zeros((1, 4))), at_s=2)
    assert [member.objectives[0] for member in runs.fame(run)] == [1.0, 0.0]


def test_reports_and_the_survival_of_genes_come_back_by_generation(runs):
    run = started(runs)
    whole = dataclasses.replace(made(0, [(0, "seed", ())]), living=FLOCK, report={"best": 1.5})
    runs.generation(run, whole, at_s=1)
    runs.generation(run, dataclasses.replace(made(1, []), living=FLOCK.take([0])), at_s=2)
    assert runs.reports(run)[0]["best"] == 1.5
    first, second = prevalence(FLOCK), prevalence(FLOCK.take([0]))
    found = runs.survival(run)
    assert set(found) == set(first)
    for name, shares in found.items():
        assert shares == pytest.approx((first[name], second.get(name, 0.0)), abs=1e-4)


def test_prevalence_is_the_share_of_genomes_that_have_a_word():
    from genome.genome import Genome
    from genome.grammar import parse_condition

    def one(text, **genes):
        return Genome(family="x", entry_long=parse_condition(text), genes=tuple(genes.items()))

    found = prevalence(
        flock_of([one("rsi(14) > rsi(7)"), one("rsi(3) > sma(9)", stop=0.1), one("close > open")])
    )
    assert found == pytest.approx({"rsi": 2 / 3, "sma": 1 / 3, "gene stop": 1 / 3})
    assert prevalence(flock_of([])) == {}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (made(1, [(2, "crossover", (0, 4))], front=[2]), "its own birth was never told"),
        (made(1, [(2, "x", (3,)), (3, "x", (2,))], front=[2]), "each other's parents"),
        (dataclasses.replace(made(1, [(2, "x", ())]), flock=FLOCK.take([3])), "not named by the keys"),
        (dataclasses.replace(made(1, [(2, "x", ())]), flock=FLOCK.take([])), "each needs its own"),
    ],
)
def test_a_family_tree_that_cannot_be_is_refused_whole(runs, path, wrong, says):
    run = started(runs)
    runs.generation(run, made(0, [(0, "seed", ()), (1, "seed", ())]), at_s=1)
    with pytest.raises(BadInput, match=says):
        runs.generation(run, wrong, at_s=2)
    assert runs.all()[0].generations == 1
    assert runs.fronts(run) == {}
    with pytest.raises(BadInput, match="there is no run 99"):
        runs.generation(99, made(0, []), at_s=1)


def test_a_full_disk_leaves_the_generation_before(runs, trials):
    run = started(runs)
    family(runs, run)
    pages = trials.connection.execute("PRAGMA page_count").fetchone()[0]
    trials.connection.execute(f"PRAGMA max_page_count = {pages}")
    big = dataclasses.replace(made(3, [(4, "random", ())], front=[4]), report={"much": "x" * 100_000})
    with pytest.raises(StoreUnwritable, match="full"):
        runs.generation(run, big, at_s=4)
    assert runs.all()[0].generations == 3
    trials.connection.execute(f"PRAGMA max_page_count = {pages + 1_000}")
    runs.generation(run, big, at_s=4)
    assert set(runs.fronts(run)) == {2, 3}


def test_a_damaged_birth_is_not_bred_from(runs, trials, path):
    run = started(runs)
    runs.generation(run, made(0, [(0, "seed", ())]), at_s=1)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE births SET operator = 'miracle'")
    database.close()
    with pytest.raises(BadInput, match="is not what was written; begin a new run"):
        runs.generation(run, made(1, [], front=[0]), at_s=2)


def test_a_packed_genome_comes_back_and_one_of_another_vocabulary_is_refused():
    for i in range(len(FLOCK)):
        assert unpacked(packed(FLOCK, i), "bred", 3) == genome_of(FLOCK, i, "bred", 3)
    raw = packed(FLOCK, 0)
    with pytest.raises(BadInput, match="another version of the code"):
        unpacked(bytes(8) + raw[8:], "bred", 0)
    with pytest.raises(BadInput, match="cannot be read"):
        unpacked(raw[:20], "bred", 0)
    assert len(packing._LEXICON) == 8


# ---------------------------------------------------------------- with the loop itself


@pytest.fixture(scope="module")
def evolved():
    """A short run of the loop: what it reported, state by state."""
    walk = 100 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.01, 2_000)))
    local = Local([bars(walk)], fewest_trades=2)
    plan = Plan(population=32, generations=4, islands=2, migration=2, seed=3)
    seeds = founders(("open", "high", "low", "close", "volume", "typical"))
    words = lexicon()
    state, report = begin(plan, local, words, seeds)
    told, before = [(None, state, report)], state
    while not state.finished:
        state, report = step(before, local, words)
        told.append((before, state, report))
        before = state
    return local, plan, seeds, told


def test_a_run_of_the_loop_is_kept_and_every_member_of_every_front_goes_back_to_founders(
    evolved, runs, trials, path
):
    local, plan, seeds, told = evolved
    dataset = dataset_of(local.cut, local.data)
    run = runs.begin("evolve", plan.seed, plan_of(plan), dataset, code="1", at_s=1)
    count = trials.counter(dataset, run=run)
    for before, after, report in told:
        births = report.births
        asked = [births.names[i] for i in births.judged]
        assert count.add(local.data, asked, births.scores, "evolve") <= len(asked)
        runs.generation(run, generation_of(before, after, report, seeds), at_s=2)
    looked_at = {name for _, _, report in told for name in report.births.names}
    assert trials.total(dataset) == len(looked_at)
    fronts = runs.fronts(run)
    for _, _, report in told:  # who migrated is there twice, and is told once
        assert report.front - report.migrated <= len(fronts[report.generation]) <= report.front
    store = GenomeStore(path, writable=False)
    for member in {m.genome_id for front in fronts.values() for m in front} | {
        m.genome_id for m in runs.fame(run)
    }:
        family_tree = store.lineage(member)
        assert {r.origin for r in family_tree if not r.parents} <= {"seed", "random", "newcomer"}
        assert all(
            r.generation > max(store.get(p).generation for p in r.parents) for r in family_tree if r.parents
        )
    store.close()
    assert runs.all()[0].plan["population"] == 32
    assert msgspec.json.encode(runs.reports(run))
    origins = {r[3] for r in trials.connection.execute("SELECT * FROM births")}
    assert {"seed", "random", "crossover"} <= origins


def test_what_the_store_holds_changes_nothing_of_what_is_told(evolved, path):
    local, plan, seeds, told = evolved
    kept = []
    for _ in range(2):
        trials = Trials(path)
        runs = Runs(trials)
        run = runs.begin(
            "evolve", plan.seed, plan_of(plan), dataset_of(local.cut, local.data), code="1", at_s=1
        )
        for before, after, report in told:
            runs.generation(run, generation_of(before, after, report, seeds), at_s=2)
        kept.append((runs.fronts(run), runs.fame(run), runs.reports(run)))
        trials.close()
    assert kept[0] == kept[1]
