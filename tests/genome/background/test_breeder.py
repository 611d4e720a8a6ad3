"""Rounds on a body's journal: reproducible, resumable, counted; and nobody is funded."""

import msgspec
import numpy as np
import pytest

from genome.background.breeder import Paced, best_of
from genome.background.duty import Stopped
from genome.background.rounds import begun
from genome.background.told import heard
from genome.evolution.judge import Local
from genome.evolve import words_of
from genome.trials.count import counting
from genome.trials.runs import Runs
from tests.genome.background.lives import SMALL, Past, breeder, instant


@pytest.fixture
def homes(tmp_path):
    """State folders of bodies that lived the same 150 instants."""
    pasts = []

    def home(name, n=150):
        folder = tmp_path / name
        folder.mkdir()
        pasts.append(Past(folder))
        pasts[-1].live(instant(i) for i in range(n))
        return pasts[-1]

    yield home
    for past in pasts:
        past.close()


def fame(state):
    """Hall of fame of every run in a store."""
    with counting(state / "genome.db", writable=False) as trials:
        runs = Runs(trials)
        return [[(m.genome_id, m.objectives) for m in runs.fame(run.id)] for run in runs.all()]


def n_trials(state):
    with counting(state / "genome.db", writable=False) as trials:
        return trials.connection.execute("SELECT count(*) FROM batches").fetchone()[0]


def test_too_young_a_body_is_told_how_many_bars_are_missing(homes):
    past = homes("a", 100)
    assert breeder(past.state).turn() > 0.0
    told = heard(past.state / "evolution")
    assert (told.phase, told.needed, told.bred) == ("waiting", 20, None)
    assert not (past.state / "genome.db").exists()


def test_a_round_is_bred_counted_written_and_told_and_then_it_rests(homes):
    past = homes("a")
    one = breeder(past.state)
    assert one.turn() == 0.0
    told = heard(past.state / "evolution")
    assert (told.bred.round, told.bred.generation, told.bred.bars) == (1, 3, 150)
    assert told.bred.until_ns == instant(149).at_ns
    assert told.bred.trials >= told.bred.evaluated > 16
    assert told.bred.best.genome_id in {genome_id for genome_id, _ in fame(past.state)[0]}
    assert one.turn() > 0.0
    assert (heard(past.state / "evolution").phase, heard(past.state / "evolution").needed) == ("resting", 15)
    assert begun(past.state / "evolution").done
    assert list((past.state / "evolution").glob("*.npz")) == []


def test_killed_between_generations_another_goes_on_and_comes_to_the_same_front(homes):
    whole, cut = homes("whole"), homes("cut")
    breeder(whole.state).turn()
    lives = 0
    while not begun(cut.state / "evolution") or not begun(cut.state / "evolution").done:
        lives += 1
        try:
            breeder(cut.state, has_room=lambda: False).turn()  # ends after each generation
        except Stopped:
            assert list((cut.state / "evolution").glob("*.npz"))
        cut.live([instant(150 + lives)])  # what is lived meanwhile is not part of the round
        assert lives < 10
    assert lives == 5  # founders, three generations, and one that found nothing left to do
    assert fame(cut.state) == fame(whole.state)
    assert n_trials(cut.state) == n_trials(whole.state)


def test_a_damaged_checkpoint_costs_its_round_and_no_more(homes):
    whole, cut = homes("whole"), homes("cut")
    breeder(whole.state).turn()
    with pytest.raises(Stopped):
        breeder(cut.state, has_room=lambda: False).turn()
    (saved,) = (cut.state / "evolution").glob("*.npz")
    saved.write_bytes(saved.read_bytes()[:-100])
    breeder(cut.state).turn()
    assert fame(cut.state)[-1] == fame(whole.state)[0]


def test_another_seed_breeds_others(homes):
    one, other = homes("one"), homes("other")
    breeder(one.state).turn()
    breeder(other.state, seed=2).turn()
    assert fame(one.state) != fame(other.state)


def test_in_pieces_a_flock_is_worth_what_it_is_worth_in_one(homes):
    past = homes("a")
    one = breeder(past.state)
    one._bars.more(one.history, lambda: None)
    markets = one.history.markets(one.history.longest, one.place.instruments)
    judge = Local(markets, one.place.costs, 10_000.0, None, 0, threads=1)
    _, seeds = words_of(markets)
    flock = seeds.take(np.arange(100) % len(seeds))
    rests = []
    pieces = Paced(judge, lambda: rests.append(1))(flock)
    whole = judge(flock)
    assert len(rests) == 4
    for name in ("values", "violations", "returns", "trades"):
        assert np.array_equal(getattr(pieces, name), getattr(whole, name), equal_nan=True)


def test_trouble_is_told_and_tried_again(homes, monkeypatch):
    past = homes("a")
    (past.state / "genome.db").write_bytes(b"no database at all" * 100)
    waits = []

    def wait(seconds):
        waits.append(seconds)
        return seconds == 30.0

    with pytest.raises(Stopped):
        breeder(past.state, wait=wait).live()
    told = heard(past.state / "evolution")
    assert told.phase == "troubled"
    assert "genome.db" in told.detail


def test_a_fault_of_its_own_is_told_until_another_has_bred_a_generation(homes, monkeypatch):
    past = homes("a")
    folder = past.state / "evolution"
    seen = []
    with monkeypatch.context() as patched:
        patched.setattr("genome.background.breeder.evolve", lambda *_, **__: {}["nothing"])
        for _ in range(2):
            with pytest.raises(KeyError):
                breeder(past.state, wait=lambda _: seen.append(heard(folder).phase)).live()
            told = heard(folder)
            assert (told.phase, told.bred) == ("troubled", None)
            assert "see its log: KeyError: 'nothing'" in told.detail
    assert "breeding" not in seen
    one = breeder(past.state)
    one.turn()
    assert heard(folder).bred.generation == 3
    assert (heard(folder).phase, heard(folder).detail) == ("resting", "")


def test_bars_of_too_few_days_end_a_round_with_a_sentence(homes):
    past = homes("a", 20)
    settings = msgspec.structs.replace(SMALL, min_bars=5)
    state = past.state
    assert breeder(state, settings).turn() == 0.0
    assert "days" in heard(state / "evolution").detail


def test_a_state_without_fame_has_no_best():
    class Hall:
        def __len__(self):
            return 0

    class State:
        hall = Hall()

    assert best_of(State()) is None
