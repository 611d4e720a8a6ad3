"""A genome is known again by what it computes, whoever it stands beside."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.breeding.flat import GENE_INDEX, Flock, flock_of, genomes_of, joined
from genome.breeding.growing import ramped
from genome.breeding.packing import packed
from genome.evolution.keys import as_bytes, fresh, keys, places, texts
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.simulator import evaluate
from tests.genome.evolution.worlds import WORDS, noise
from tests.genome.random_trees import genomes


def genome(long, short=None, **genes):
    return Genome(
        family="t", entry_long=parse_condition(long), entry_short=short and parse_condition(short),
        genes=tuple(sorted(genes.items())),
    )  # fmt: skip


def key_of(*given, **genes):
    return texts(keys(flock_of([genome(*given, **genes)])).whole)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rsi(14) < 30 and close > open", "close > open and rsi(14) < 30"),
        ("rsi(14) < 30 or close > open", "close > open or rsi(14) < 30"),
        ("close < sma(20)", "sma(20) > close"),
        ("close <= sma(20)", "sma(20) >= close"),
        ("ema(5) crosses_below ema(9)", "ema(9) crosses_above ema(5)"),
        ("close + open > 2 * high", "open + close > high * 2"),
        ("max(open, close) > min(high, low)", "max(close, open) > min(low, high)"),
        ("close - 0 > open", "close - -0 > open"),
    ],
)
def test_two_ways_to_write_one_thing_share_a_key(one, other):
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("close < sma(20)", "close > sma(20)"),
        ("close < sma(20)", "close <= sma(20)"),
        ("close < sma(20)", "close < sma(21)"),
        ("close < sma(20)", "close < ema(20)"),
        ("close - open > high", "open - close > high"),
        ("close / open > 1", "open / close > 1"),
        ("rsi(14) < 30 and close > open", "rsi(14) < 30 or close > open"),
        ("macd(12, 26, 9) > 0", "macd(12, 26, 8) > 0"),
        ("sma(ema(close, 5), 20) > close", "ema(sma(close, 5), 20) > close"),
        ("not close > open", "close > open"),
    ],
)
def test_what_differs_has_keys_that_differ(one, other):
    assert key_of(one) != key_of(other)


def test_sides_and_genes_count_and_their_absence_too():
    found = [
        key_of("close > open"), key_of("close > open", "close > open"), key_of("close > open", stop=0.02),
        key_of("close > open", stop=0.03), key_of("close > open", target=0.02), key_of("close > open", stop=0.02, target=0.02),
    ]  # fmt: skip
    assert len(set(found)) == len(found)
    flock = flock_of([genome("close > open")])
    moved = Flock(
        flock.tokens, flock.values, np.array([0, 0, 0, len(flock.tokens), len(flock.tokens)]), flock.genes
    )
    assert texts(keys(moved).whole) != texts(keys(flock).whole)


def test_genes_do_not_count_among_the_trees():
    one, two = (keys(flock_of([genome("close > open", stop=stop)])) for stop in (0.02, 0.03))
    assert texts(one.trees) == texts(two.trees)
    assert texts(one.whole) != texts(two.whole)


@settings(deadline=None, max_examples=30)
@given(st.lists(genomes(depth=3, timeframes=True, nested=2), min_size=2, max_size=8))
def test_a_key_does_not_depend_on_the_neighbours(some):
    alone = [texts(keys(flock_of([one])).whole)[0] for one in some]
    assert texts(keys(flock_of(some)).whole) == alone
    assert texts(keys(flock_of(some[::-1])).whole) == alone[::-1]


def test_a_key_is_the_same_in_every_process_and_version():
    """These are written down: the count of trials in the store lives longer than any process."""
    assert key_of("close > open") == EXPECTED[0]
    assert key_of("rsi(14) < 30 and close crosses_above sma(20)", stop=0.02) == EXPECTED[1]


EXPECTED = ("d3a570e2c790f76c41673192b47b14cb", "9ed17b4df5063d32ffad9ead1255548e")


def test_equal_keys_trade_alike_and_other_content_has_other_keys():
    market = noise(600)
    rng = np.random.default_rng(3)
    flock = ramped(400, rng, WORDS)
    both = joined([flock, flock.take(np.arange(400)[::-1])])
    found = as_bytes(keys(both).whole)
    returns = evaluate(packed(both), [market]).returns[0]
    by_key = {}
    for i, key in enumerate(found):
        np.testing.assert_array_equal(returns[by_key.setdefault(key, i)], returns[i])
    assert len(by_key) == len({genome.content_hash for genome in genomes_of(both, "t")})


def test_fresh_are_the_first_of_each_kind_that_nobody_knows():
    rng = np.random.default_rng(1)
    flock = ramped(6, rng, WORDS)
    found = keys(flock.take([0, 1, 0, 2, 3, 2, 5])).whole
    known = keys(flock.take([3, 4])).whole
    assert fresh(found, known).tolist() == [0, 1, 3, 6]
    assert fresh(found[:0], known).tolist() == []


def test_a_gene_of_minus_zero_is_zero():
    flock = flock_of([genome("close > open", stop=0.02)])
    rows = []
    for zero in (0.0, -0.0):
        genes = flock.genes.copy()
        genes[0, GENE_INDEX["fear_greed_sensitivity"]] = zero
        rows.append(texts(keys(Flock(flock.tokens, flock.values, flock.offsets, genes)).whole))
    assert rows[0] == rows[1]


FEW = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=40)


@given(FEW, FEW)
def test_the_table_of_keys_says_what_a_set_and_a_dictionary_say(found, known):
    """Many equal keys, and many in the same slot."""
    found, known = (np.array(rows, np.uint64).reshape(-1, 2) for rows in (found, known))
    seen, kept = set(as_bytes(known)), []
    for i, key in enumerate(as_bytes(found)):
        if key not in seen:
            seen.add(key)
            kept.append(i)
    assert fresh(found, known).tolist() == kept
    last = {key: i for i, key in enumerate(as_bytes(known))}
    inside = np.array([key in last for key in as_bytes(found)], np.bool_)
    assert places(found[inside], known).tolist() == [last[key] for key in as_bytes(found[inside])]
    if not inside.all():
        with pytest.raises(LookupError):
            places(found, known)
