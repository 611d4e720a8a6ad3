"""Fits are made once, wherever they are made: cache, worker processes and shared features change no bit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from genome.genome import Genome
from genome.learned import FitCache, Known, Limits, Trainer, dumps, features, latest, walk, walks
from genome.market import Market
from organism.errors import BadInput
from tests.genome.learned.planted import random_walk, told

SHORT = {"window": 300.0, "refit": 100.0, "horizon": 1.0, "embargo": 2.0, "band": 0.001}


def genome(family, **genes):
    return Genome(family=family, genes=tuple(sorted({**SHORT, **genes}.items())))


SVC, PTQ = genome("linear_svc"), genome("pca_tree_quantile")
MARKET, KNOWN = told(1_000)
HARD = genome("linear_svc", loss=0.0, C=1_000.0, max_iter=500.0, band=0.005)


def same(one, other):
    assert one.predictions.tobytes() == other.predictions.tobytes()
    assert one.quantiles.tobytes() == other.quantiles.tobytes()
    assert one.steps == other.steps
    assert [dumps(fit) for fit in one.fits] == [dumps(fit) for fit in other.fits]


@pytest.fixture(scope="module")
def alone():
    return [walk(one, MARKET, known=KNOWN) for one in (SVC, PTQ)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_number_of_workers_changes_no_bit(alone, workers):
    with Trainer(workers) as trainer:
        for one, other in zip(alone, walks((SVC, PTQ), MARKET, known=KNOWN, trainer=trainer), strict=True):
            same(one, other)
        trainer.close()  # it starts anew when there is more to learn
        same(alone[0], walk(SVC, MARKET, known=KNOWN, trainer=trainer))


def test_a_worker_says_why_there_is_no_model():
    noisy, known = random_walk(700), np.random.default_rng(1).standard_normal((700, KNOWN.shape[1]))
    here = walk(HARD, noisy, known=known)
    with Trainer(2) as trainer:
        there = walk(HARD, noisy, known=known, trainer=trainer)
    assert there.steps == here.steps
    assert there.refused == len(there.steps) > 0


def test_a_fit_is_made_once(alone):
    cache = FitCache()
    trainer = Trainer(cache=cache)
    for one, other in zip(alone, walks((SVC, PTQ), MARKET, known=KNOWN, trainer=trainer), strict=True):
        same(one, other)
    made = len(cache)
    assert made == cache.misses == sum(len(one.steps) for one in alone)
    # What does not touch the fit touches no key: stops are the simulator's.
    same(alone[0], walk(genome("linear_svc", stop=0.05), MARKET, known=KNOWN, trainer=trainer))
    assert (cache.misses, cache.hits) == (made, len(alone[0].steps))


def test_equal_lessons_of_one_call_are_learned_once(alone):
    cache = FitCache()
    both = walks((SVC, genome("linear_svc", stop=0.05)), MARKET, known=KNOWN, trainer=Trainer(cache=cache))
    assert cache.misses == len(cache) == len(alone[0].steps)
    for one in both:
        same(alone[0], one)


@pytest.mark.parametrize(
    "other",
    [
        genome("linear_svc", C=0.2),
        genome("linear_svc", band=0.002),
        genome("linear_svc", class_weight=0.0),
        genome("linear_svc", window=301.0),
        genome("linear_svc", horizon=2.0),
        PTQ,
    ],
)
def test_whatever_the_fit_depends_on_is_in_its_key(other):
    cache = FitCache()
    trainer = Trainer(cache=cache)
    fit = latest(SVC, MARKET, known=KNOWN, trainer=trainer)
    assert dumps(latest(SVC, MARKET, known=KNOWN, trainer=trainer)) == dumps(fit)
    assert (cache.hits, cache.misses) == (1, 1)
    latest(other, MARKET, known=KNOWN, trainer=trainer)
    assert (cache.hits, cache.misses) == (1, 2)


def test_one_other_bit_in_the_data_is_another_fit():
    cache = FitCache()
    trainer = Trainer(cache=cache)
    latest(SVC, MARKET, known=KNOWN, trainer=trainer)
    changed = KNOWN.copy()
    changed[900, 3] = np.nextafter(changed[900, 3], 9.0)
    latest(SVC, MARKET, known=changed, trainer=trainer)
    assert (cache.hits, cache.misses) == (0, 2)


def test_a_market_that_has_grown_finds_the_fits_of_its_past():
    cache = FitCache()
    trainer = Trainer(cache=cache)
    cut = 800
    young = Market(
        MARKET.symbol, MARKET.open_s[:cut], MARKET.bar_s, np.ascontiguousarray(MARKET.columns[:, :cut])
    )
    before = walk(SVC, young, known=KNOWN[:cut], trainer=trainer)
    after = walk(SVC, MARKET, known=KNOWN, trainer=trainer)
    assert cache.hits == len(before.steps) > 0
    assert [dumps(fit) for fit in after.fits[: len(before.fits)]] == [dumps(fit) for fit in before.fits]


def test_refusals_are_remembered_but_not_those_of_a_clock():
    noisy, known = random_walk(700), np.random.default_rng(1).standard_normal((700, KNOWN.shape[1]))
    cache = FitCache()
    for _ in range(2):
        refused = walk(HARD, noisy, known=known, trainer=Trainer(cache=cache)).refused
    assert cache.hits == cache.misses == refused
    slow, clock = FitCache(), Limits(seconds=0.0)
    assert walk(SVC, MARKET, known=KNOWN, limits=clock, trainer=Trainer(cache=slow)).refused > 0
    assert len(slow) == 0


def test_the_least_recently_used_is_forgotten():
    one = FitCache()
    latest(SVC, MARKET, known=KNOWN, trainer=Trainer(cache=one))
    cache = FitCache(most_bytes=3 * one.n_bytes)  # room for three
    trainer = Trainer(cache=cache)
    for c in (0.1, 0.2, 0.3, 0.1, 0.4):
        latest(genome("linear_svc", C=c), MARKET, known=KNOWN, trainer=trainer)
    assert len(cache) == 3
    assert cache.n_bytes <= 3 * one.n_bytes
    hits = cache.hits
    latest(genome("linear_svc", C=0.1), MARKET, known=KNOWN, trainer=trainer)  # used again, so kept
    assert cache.hits == hits + 1
    latest(genome("linear_svc", C=0.2), MARKET, known=KNOWN, trainer=trainer)  # the oldest
    assert cache.hits == hits + 1


def test_a_folder_keeps_fits_for_another_run(tmp_path, alone):
    first = FitCache(folder=tmp_path / "fits")
    walks((SVC, PTQ), MARKET, known=KNOWN, trainer=Trainer(cache=first))
    second = FitCache(folder=tmp_path / "fits")
    for one, other in zip(
        alone, walks((SVC, PTQ), MARKET, known=KNOWN, trainer=Trainer(cache=second)), strict=True
    ):
        same(one, other)
    assert second.misses == 0
    assert {path.suffix for path in (tmp_path / "fits").iterdir()} == {".json"}


def test_a_broken_document_counts_as_none_and_is_written_anew(tmp_path):
    fit = latest(SVC, MARKET, known=KNOWN, trainer=Trainer(cache=FitCache(folder=tmp_path)))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    cache = FitCache(folder=tmp_path)
    assert dumps(latest(SVC, MARKET, known=KNOWN, trainer=Trainer(cache=cache))) == dumps(fit)
    assert cache.misses == 1
    assert path.read_bytes() == whole


def test_threads_share_a_cache(alone):
    cache = FitCache()
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda _: walk(SVC, MARKET, known=KNOWN, trainer=Trainer(cache=cache)), range(4))
        )
    for one in found:
        same(alone[0], one)
    assert len(cache) == len(alone[0].steps)


def test_features_are_computed_once_for_all_genomes(monkeypatch):
    market, calls = random_walk(800), []

    def counted(of):
        calls.append(of)
        return features(of)

    monkeypatch.setattr("genome.learned.training.features", counted)
    together = walks((SVC, PTQ, HARD), market)
    assert len(calls) == 1
    known = Known.of(market)
    same(together[0], walk(SVC, market, known=known))
    assert len(calls) == 2


def test_what_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(BadInput, match="workers was 0"):
        Trainer(0)
    with pytest.raises(BadInput, match="most_bytes was 0"):
        FitCache(0)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="fits cannot be kept in file"):
        FitCache(folder=tmp_path / "file")
    with pytest.raises(BadInput, match="features were of shape"):
        Known.of(MARKET, KNOWN[:5])
