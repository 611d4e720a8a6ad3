"""F4: nothing that a genome may say takes long, grows, or never ends; what would is refused before it is run."""

import time
import tracemalloc

import msgspec
import pytest

from genome.checking import check
from genome.compiled import compiled
from genome.documents import canonical_text, read_genome
from genome.genome import Genome
from genome.limits import MOST_DEPTH, MOST_GENES, MOST_MEMORY, MOST_NESTED_SOURCES, MOST_NODES
from genome.lived import lived
from genome.trees import Both, Column, Compare, Indicator, Not, Number, Truth
from genome.vocabulary import MOST_BARS
from organism.errors import BadInput
from organism.market import NS_PER_S, Bar

NAMES = ("entry_long", "exit_long", "entry_short", "exit_short")
MOST_STEP_S = 0.05  # ten thousand times what a founder takes, and a six-thousandth of a bar
MOST_COMPILING_S = 60.0  # kernels come from the disk's cache, or are compiled once


def bars(n):
    """Prices that rise and fall, so that every indicator has something to do."""
    for i in range(n):
        at = 100.0 + (i * 37 % 23) - (i * 11 % 17)
        yield Bar(
            "X", i * 300 * NS_PER_S, (i + 1) * 300 * NS_PER_S, at, at + 2.0, at - 2.0, at + 1.0, 5.0 + i % 7
        )


def number(value):
    return Number(float(value))


def balanced(leaves):
    """All of them, in a tree that is as flat as it can be."""
    while len(leaves) > 1:
        odd = leaves[-1:] if len(leaves) % 2 else []
        leaves = [Both(a, b) for a, b in zip(leaves[::2], leaves[1::2], strict=False)] + odd
    return leaves[0]


def nested(window):
    """Three indicators in three nodes: nothing within the limits computes more."""
    inner = Indicator("ema", (number(window),), None, "")
    middle = Indicator("rsi", (number(window),), inner, "")
    return Indicator("macd_histogram", (number(window), number(window - 1), number(window)), middle, "")


def long(window):
    """As much memory as one node can hold."""
    return Indicator("stoch_k", (number(MOST_BARS), number(MOST_BARS), number(window)), None, "1w")


def full(of, n_leaves):
    """Four conditions of `n_leaves` comparisons of two indicators, no two of which are the same."""
    windows = iter(range(MOST_BARS, 2, -1))
    trees = {
        name: balanced([Compare(">", of(next(windows)), of(next(windows))) for _ in range(n_leaves)])
        for name in NAMES
    }
    return Genome(family="bomb", **trees)


def n_nodes(tree):
    below = (getattr(tree, name, None) for name in ("left", "right", "operand", "source"))
    return 1 + sum(n_nodes(one) for one in below if one is not None)


@pytest.mark.slow
def test_the_fullest_genome_is_compiled_and_stepped_in_bounded_time_and_memory():
    genome = full(nested, 32)
    assert [n_nodes(tree) for tree in genome.conditions.values()] == [MOST_NODES - 1] * 4

    began = time.perf_counter()
    strategy = lived(genome.genome_id, genome.family, genome.genes, canonical_text(genome))
    state = strategy.initial()
    took = []
    for bar in bars(300):
        before = time.perf_counter()
        state, forecast = strategy.step(state, bar)
        took.append(time.perf_counter() - before)
        assert len(state.memory) == strategy.n_bytes <= MOST_MEMORY
        assert forecast != forecast or -1.0 <= forecast <= 1.0  # noqa: PLR0124 - NaN
    assert time.perf_counter() - began < MOST_COMPILING_S
    assert sorted(took)[len(took) // 2] < MOST_STEP_S

    tracemalloc.start()
    try:
        state, _ = strategy.step(state, next(bars(1)))
        assert tracemalloc.get_traced_memory()[1] < 4 * MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_a_genome_that_keeps_as_much_as_it_may_is_lived_by_and_one_that_keeps_more_is_refused():
    one = compiled(full(long, 1)).n_bytes
    n_most = 1 + (MOST_MEMORY - one) // one
    assert compiled(full(long, n_most)).n_bytes > MOST_MEMORY - 2 * one
    bomb = full(long, 63)
    check(bomb)  # its text is as good as any
    with pytest.raises(BadInput, match=rf"{MOST_MEMORY:,} are the most; take fewer indicators"):
        lived(bomb.genome_id, bomb.family, bomb.genes, canonical_text(bomb))


CLOSE = Column("close")
FULL = balanced([Compare(">", CLOSE, number(n)) for n in range(64)])  # 255 nodes


def wrapped(tree, levels):
    for _ in range(levels):
        tree = Not(tree)
    return tree


def sources(n):
    found = None
    for _ in range(n + 1):
        found = Indicator("sma", (number(3),), found, "")
    return Compare(">", found, CLOSE)


@pytest.mark.parametrize(
    ("within", "beyond", "says"),
    [
        (
            wrapped(Truth(True), MOST_DEPTH - 1),
            wrapped(Truth(True), MOST_DEPTH),
            f"more than {MOST_DEPTH} levels",
        ),
        (wrapped(FULL, 1), wrapped(FULL, 2), f"more than {MOST_NODES} nodes"),
        (wrapped(Truth(True), 1), wrapped(Truth(True), 100_000), f"more than {MOST_DEPTH} levels"),
        (
            sources(MOST_NESTED_SOURCES),
            sources(MOST_NESTED_SOURCES + 1),
            f"more than {MOST_NESTED_SOURCES} sources",
        ),
        (
            Compare(">", Indicator("sma", (number(MOST_BARS),), None, ""), CLOSE),
            Compare(">", Indicator("sma", (number(MOST_BARS + 1),), None, ""), CLOSE),
            f"from 1 to {MOST_BARS}",
        ),
    ],
    ids=["one level too deep", "one node too many", "without end", "one source too many", "one bar too long"],
)
def test_one_step_beyond_each_limit_is_refused_in_a_sentence_and_at_once(within, beyond, says):
    check(Genome(family="bomb", entry_long=within))
    began = time.perf_counter()
    with pytest.raises(BadInput, match=says):
        compiled(Genome(family="bomb", entry_long=beyond))
    assert time.perf_counter() - began < 1.0


def test_more_genes_than_are_read_are_refused():
    genes = tuple((f"g{n:03}", 1.0) for n in range(MOST_GENES + 1))
    with pytest.raises(BadInput, match=f"at most {MOST_GENES} genes"):
        check(Genome(family="bomb", entry_long=Truth(True), genes=genes))


@pytest.mark.parametrize("levels", [1_000, 100_000])
def test_json_that_is_nested_without_end_is_refused(levels):
    text = '{"entry_long": ' + '{"not": ' * levels + "true" + "}" * levels + "}"
    with pytest.raises(BadInput):
        read_genome(text)


def test_a_genome_cannot_name_itself_and_so_cannot_loop():
    """Trees are values: what stands in one is a copy, and msgspec refuses to write over it."""
    tree = Not(Truth(True))
    with pytest.raises(AttributeError):
        tree.operand = tree
    assert msgspec.structs.replace(tree, operand=tree) == Not(Not(Truth(True)))
