"""What the page of evolution reads from the genome store: the same as the store's own readers, and nothing that was changed."""

import shutil
import sqlite3

import pytest

from dashboard.condition import Condition, Judged
from dashboard.glimpse import Glimpse
from dashboard.pages import bred
from dashboard.pages.asked import asked
from dashboard.pages.evolution import pieces
from dashboard.sight import Sight
from genome.evolution.judge import Local
from genome.evolution.plan import Plan
from genome.store import GenomeStore
from genome.trials.count import counting
from genome.trials.runs import Runs
from tests.genome.evolution.worlds import noise
from tests.genome.test_evolve import Kept

PLAN = Plan(population=24, generations=3, islands=2, migration=2, seed=5)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run with its store."""
    made = Kept(tmp_path_factory.mktemp("run"), PLAN, Local([noise(700)], threads=1, fewest_trades=3))
    made.run()
    return made.store


@pytest.fixture
def state(kept, tmp_path):
    for part in kept.parent.glob(f"{kept.name}*"):
        shutil.copy(part, tmp_path / part.name.replace(kept.name, bred.FILE))
    return tmp_path


def shown(state, **query):
    judged = Judged(condition=Condition.LIVING, age_s=0.0)
    wanted = asked(query)
    found = pieces(wanted, Sight(glimpse=Glimpse(exists=True), judged=judged, state=state, now_ns=0))
    return {name.removeprefix("evolution-"): make() for name, make in found.items()}


def test_runs_reports_and_fronts_are_those_of_the_stores_own_reader(state, kept):
    with counting(kept, writable=False) as trials, bred.opened(state) as store:
        runs = Runs(trials)
        (run,) = runs.all()
        (found,) = bred.runs(store)
        assert (found.id, found.generations, found.outcome) == (run.id, run.generations, run.outcome)
        assert [one["generation"] for one in bred.reports(store, run.id)] == sorted(runs.reports(run.id))
        last = max(runs.fronts(run.id))
        members = bred.fronts(store, run.id, [last])[last]
        assert [one.genome_id for one in members] == [one.genome_id for one in runs.fronts(run.id)[last]]
        assert [tuple(one)[1:] for one in members] == [
            pytest.approx(one.objectives) for one in runs.fronts(run.id)[last]
        ]
        assert found.looks == sum(one["looks"] for one in bred.looks(store)) > 24


def test_ancestors_are_all_of_them_each_once_down_to_the_founders(state, kept):
    store = GenomeStore(kept, writable=False)
    with bred.opened(state) as connection:
        youngest = max((one for one in store.records() if one.parents), key=lambda one: one.generation)
        found = bred.ancestors(connection, youngest.genome_id, 10_000)
        assert {one.genome_id for one in found} == {
            one.genome_id for one in store.lineage(youngest.genome_id)
        }
        assert len(found) == len({one.genome_id for one in found})
        assert found[0].genome_id == youngest.genome_id
        assert bred.record(connection, youngest.genome_id) == youngest
        assert len(bred.ancestors(connection, youngest.genome_id, 2)) == 2
    store.close()


def test_the_page_shows_the_run_with_its_trials_and_its_best_as_readable_text(state):
    found = shown(state)
    assert len(found["course"]["panels"]) == 2
    assert "judged" in found["course"]["note"]
    assert "luck alone" in found["members"]["note"]
    names = [key for key, _ in found["members"]["rows"] if not key.endswith(":rules")]
    assert names
    assert found["tree"]["nodes"][0]["name"] == names[0]
    rules = dict(found["members"]["rows"])[f"{names[0]}:rules"][0]
    assert rules["rules"][0][0].startswith("entry")
    other = shown(state, about=names[-1])
    assert other["tree"]["nodes"][0]["name"] == names[-1]
    assert shown(state, about="run:1")["course"] == found["course"]
    assert shown(state, about="run:99")["course"] == found["course"]


def test_what_was_changed_after_it_was_written_is_left_out(state):
    with sqlite3.connect(state / bred.FILE) as db:
        db.execute("UPDATE fronts SET genome_id = 'bred_0_deadbeef'")
        db.execute("UPDATE genomes SET genes = '{\"stop\": 0.5}'")
    db.close()
    with bred.opened(state) as store:
        assert bred.fronts(store, 1, [0, 3]) == {0: [], 3: []}
        name = store.execute("SELECT genome_id FROM genomes LIMIT 1").fetchone()[0]
        assert bred.record(store, name) is None
        assert bred.ancestors(store, name)[0].origin == "lost"
    found = shown(state)
    assert found["front"] == {}
    assert found["runs"]["rows"]


@pytest.mark.parametrize("content", [None, b"", b"no database" * 500])
def test_without_a_store_that_can_be_read_nothing_is_claimed(tmp_path, content):
    if content is not None:
        (tmp_path / bred.FILE).write_bytes(content)
    found = shown(tmp_path)
    for name in ("course", "front", "tree", "members", "runs", "looks"):
        assert found[name] == {}, name
