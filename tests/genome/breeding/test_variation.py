"""Children are genomes that every engine runs, differ from their mothers, and are the same for the same seed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.breeding import lexicon as lx
from genome.breeding.flat import GENE_NAMES, TREES, flock_of, genomes_of, joined
from genome.breeding.growing import ramped
from genome.breeding.kinds import kinds_in
from genome.breeding.lexicon import lexicon
from genome.breeding.tokens import ARGUMENT, SERIES, measure
from genome.breeding.variation import Limits, Operator, vary
from genome.checking import check
from genome.genes import GENES
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.jit import kernel
from genome.trees import Binary, Column, Compare, Cross, Indicator, Number, Unary
from genome.vocabulary import COLUMNS, WORDS
from organism.errors import BadInput
from tests.genome.random_trees import genomes

EVERY = tuple(COLUMNS)
WORDS_KNOWN = lexicon(EVERY, ("4h", "1d"))
TREE_OPERATORS = (Operator.CROSSOVER, Operator.SUBTREE, Operator.POINT, Operator.CONSTANT)


def parents(n=300, seed=1):
    return ramped(n, np.random.default_rng(seed), WORDS_KNOWN)


def generation(flock, n, seed, operator=None, **options):
    rng = np.random.default_rng(seed)
    mothers, fathers = rng.integers(0, len(flock), (2, n))
    operators = rng.integers(0, len(Operator), n) if operator is None else np.full(n, int(operator))
    return mothers, fathers, vary(flock, mothers, fathers, operators, rng, WORDS_KNOWN, **options)


def test_every_child_of_ten_generations_is_a_genome():
    flock, seen = parents(1_000), 0
    for seed in range(10):
        flock = generation(flock, 1_000, seed)[2]
        for genome in genomes_of(flock, "bred", seed + 1):
            check(genome)
            seen += 1
    assert seen == 10_000


def test_ramped_genomes_are_genomes_of_all_depths_and_sides():
    some = genomes_of(parents(1_000), "new")
    for genome in some:
        check(genome)
    depths = {depth_of(genome.entry_long) for genome in some if genome.entry_long is not None}
    assert {2, 3, 4, 5} <= depths
    sides = {(genome.entry_long is not None, genome.entry_short is not None) for genome in some}
    assert sides == {(True, False), (False, True), (True, True)}
    assert len({genome.content_hash for genome in some}) > 990


def depth_of(node):
    inside = [getattr(node, name, None) for name in ("left", "right", "operand", "source")]
    return 1 + max((depth_of(child) for child in inside if child is not None), default=0)


@settings(deadline=None, max_examples=40)
@given(st.lists(genomes(depth=3, timeframes=True, nested=2), min_size=2, max_size=6), st.integers(0, 1_000))
def test_children_of_any_genomes_are_genomes(some, seed):
    flock = flock_of(some)
    for genome in genomes_of(generation(flock, 40, seed)[2], "bred"):
        check(genome)


def test_the_same_seed_gives_the_same_children():
    flock = parents()
    one, two, other = (generation(flock, 500, seed)[2] for seed in (3, 3, 4))
    assert one.same(two)
    assert not one.same(other)
    assert parents(seed=9).same(parents(seed=9))
    assert not parents(seed=9).same(parents(seed=8))


@pytest.mark.parametrize("operator", Operator)
def test_parents_are_not_written_to(operator):
    flock = parents()
    before = flock.take(range(len(flock)))
    generation(flock, 500, 5, operator)
    assert flock.same(before)


@pytest.mark.parametrize("operator", TREE_OPERATORS)
def test_an_operator_changes_nearly_every_child(operator):
    flock = parents()
    mothers, _, children = generation(flock, 500, 6, operator)
    changed = [
        child.trees != mother.trees
        for mother, child in zip(genomes_of(flock.take(mothers), "t"), genomes_of(children, "t"), strict=True)
    ]
    assert np.mean(changed) > 0.9


def test_without_an_operator_and_rates_a_child_is_its_mother():
    flock = parents()
    mothers, _, children = generation(flock, 400, 7, Operator.NONE, mutation=0.0, switching=0.0)
    assert children.same(flock.take(mothers))


def test_a_constant_mutation_moves_one_number_and_nothing_else():
    flock = parents()
    mothers, _, children = generation(flock, 400, 8, Operator.CONSTANT)
    before = flock.take(mothers)
    np.testing.assert_array_equal(children.tokens, before.tokens)
    moved = children.values != before.values
    of = np.searchsorted(children.offsets[TREES::TREES], np.flatnonzero(moved), side="right")
    assert np.bincount(of).max() == 1
    assert np.all(children.tokens[moved] <= 1)  # an argument or a constant


@kernel
def _kinds(tokens, length, level, place, sources, kind):
    measure(tokens, 0, tokens.size, length, level, place, sources)
    kinds_in(tokens, 0, tokens.size, length, kind)


def subtrees(flock, g):
    """Of a genome, all subtrees as (place, kind, tokens, values)."""
    found = []
    for k in range(TREES):
        begin, end = flock.offsets[TREES * g + k], flock.offsets[TREES * g + k + 1]
        if end > begin:
            tokens, values = flock.tokens[begin:end], flock.values[begin:end]
            length, level, place, sources, kind = np.zeros((5, len(tokens)), np.int64)
            _kinds(tokens, length, level, place, sources, kind)
            found += [
                (int(place[i]), int(kind[i]), tokens[i : i + length[i]].tolist(), values[i : i + length[i]].tolist(), k, i)
                for i in range(len(tokens))
                if tokens[i] != ARGUMENT
            ]  # fmt: skip
    return found


def test_crossover_puts_a_subtree_of_the_father_where_one_of_the_same_place_and_kind_was():
    flock, n = parents(80), 300
    mothers, fathers, children = generation(flock, n, 9, Operator.CROSSOVER, mutation=0.0, switching=0.0)
    known = {g: subtrees(flock, g) for g in range(len(flock))}
    exchanged = 0
    for c in range(n):
        trees = tree_of(children, c), tree_of(flock, mothers[c])
        if trees[0] == trees[1]:
            continue
        assert any(
            replaced(trees[1], k, i, tokens, donor) == trees[0]
            for place, kind, tokens, _, k, i in known[mothers[c]]
            for donor in known[fathers[c]]
            if donor[:2] == (place, kind)
        )
        exchanged += 1
    assert exchanged > 0.8 * n


def tree_of(flock, g):
    """Of a genome, its four trees as lists of (token, value)."""
    at = flock.offsets[TREES * g : TREES * g + TREES + 1]
    return [
        list(zip(flock.tokens[a:b].tolist(), flock.values[a:b].tolist(), strict=True))
        for a, b in pairwise(at)
    ]


def replaced(trees, k, i, old, donor):
    new = list(zip(donor[2], donor[3], strict=True))
    return [tree[:i] + new + tree[i + len(old) :] if j == k else tree for j, tree in enumerate(trees)]


def test_children_keep_to_the_limits():
    flock = parents(600)
    limits = Limits(nodes=12, depth=4, grown=3)
    small = joined(
        [flock.take([g]) for g in range(len(flock)) if sizes(flock, g) <= 12 and levels(flock, g) <= 4]
    )
    assert len(small) > 50
    for seed in range(8):
        small = generation(small, 300, seed, limits=limits)[2]
    assert max(sizes(small, g) for g in range(300)) <= 12
    assert max(levels(small, g) for g in range(300)) <= 4


def sizes(flock, g):
    at = flock.offsets[TREES * g : TREES * g + TREES + 1]
    return max(np.count_nonzero(flock.tokens[a:b] != ARGUMENT) for a, b in pairwise(at))


def levels(flock, g):
    return max(depth_of(tree) for tree in genomes_of(flock.take([g]), "t")[0].conditions.values())


def test_new_numbers_lie_within_breeding_bounds():
    flock = parents(1_000)
    for genome in genomes_of(flock, "t"):
        for name, value in genome.genes:
            low, high = GENES[name].breeding
            assert low <= value <= high, name
        for tree in genome.conditions.values():
            for node in nodes_of(tree):
                if isinstance(node, Indicator):
                    assert all(2.0 <= a.value <= 200.0 for a, p in windows_of(node)), node


def nodes_of(node):
    yield node
    for name in ("left", "right", "operand", "source"):
        child = getattr(node, name, None)
        if child is not None:
            yield from nodes_of(child)


def windows_of(node):
    pairs = zip(node.arguments, WORDS[node.name].parameters, strict=True)
    return [
        (a, p)
        for a, p in pairs
        if p.name in {"n", "fast", "slow", "window", "k"} and p.integer and node.name != "lag"
    ]


def test_windows_are_drawn_alike_on_every_scale():
    drawn = [
        a.value
        for genome in genomes_of(parents(1_500), "t")
        for tree in genome.conditions.values()
        for node in nodes_of(tree)
        if isinstance(node, Indicator) and node.name in {"sma", "ema", "wma", "atr", "highest", "lowest"}
        for a in node.arguments
    ]
    assert len(drawn) > 500
    assert 0.4 < np.mean(np.array(drawn) < 20.0) < 0.6  # √(2·200)


def unit(node):
    """What a series is measured in; None for a constant."""
    match node:
        case Number():
            return None
        case Column(name=name):
            return {"volume": "volume", "fear_greed": "percent"}.get(name, "price" if name in {"open", "high", "low", "close", "typical"} else name)  # fmt: skip
        case Indicator(name=name, source=source):
            word = WORDS[name]
            return unit(source) if word.kind == "price" and source is not None else word.kind
        case Unary(operand=operand):
            return unit(operand)
        case Binary(left=left, right=right):
            return unit(left) or unit(right)
    raise AssertionError(node)


def test_new_trees_compare_like_with_like():
    compared = 0
    for genome in genomes_of(parents(800), "t"):
        for tree in genome.conditions.values():
            for node in nodes_of(tree):
                if isinstance(node, Compare | Cross):
                    left, right = unit(node.left), unit(node.right)
                    assert right is None or left == right, node
                    assert not (left == "price" and right is None), node
                    compared += 1
    assert compared > 2_000


def test_genes_of_children_lie_between_the_bounds_and_are_whole_where_they_have_to_be():
    flock = parents(200)
    for seed in range(10):
        flock = generation(flock, 200, seed, Operator.CROSSOVER, mutation=0.3, switching=0.1)[2]
    for k, name in enumerate(GENE_NAMES):
        values = flock.genes[:, k]
        values = values[~np.isnan(values)]
        low, high = GENES[name].breeding
        assert values.size > 0, name
        assert np.all((values >= low) & (values <= high)), name
        assert not GENES[name].integer or np.all(values == np.round(values)), name
        assert len(np.unique(values)) > 1, name


def test_children_of_sbx_keep_the_mean_of_their_parents():
    tree = parse_condition("close > open")
    pair = flock_of([Genome(family="t", entry_long=tree, genes=(("size", s),)) for s in (0.4, 0.6)])
    n = 40_000
    children = vary(
        pair, np.zeros(n, np.int64), np.ones(n, np.int64), np.full(n, int(Operator.CROSSOVER)),
        np.random.default_rng(2), WORDS_KNOWN, mutation=0.0, switching=0.0,
    )  # fmt: skip
    sizes_drawn = children.genes[:, GENE_NAMES.index("size")]
    assert abs(sizes_drawn.mean() - 0.5) < 0.003  # six standard errors
    assert 0.07 < np.abs(sizes_drawn - 0.5).mean() < 0.13
    assert np.mean(np.abs(sizes_drawn - 0.5) > 0.1) > 0.3  # a contracting operator would lose diversity


def test_what_markets_lack_is_not_drawn():
    plain = lexicon()
    flock = ramped(500, np.random.default_rng(3), plain)
    names = {node.name for g in genomes_of(flock, "t") for t in g.conditions.values() for node in nodes_of(t) if isinstance(node, Column)}  # fmt: skip
    assert names == {"open", "high", "low", "close", "volume", "typical", "hour", "weekday"}
    assert not {w.name for w in WORDS.values() if w.panel} & words_in(flock)
    assert words_in(flock) >= {w.name for w in WORDS.values() if not w.panel and w.kind != "number"}


def words_in(flock):
    return {node.name for g in genomes_of(flock, "t") for t in g.conditions.values() for node in nodes_of(t) if isinstance(node, Indicator)}  # fmt: skip


def test_kinds_follow_sources_and_constants_take_the_kind_of_what_they_meet():
    flock = flock_of(
        [Genome(family="t", entry_long=parse_condition("sma(rsi(14), 5) < 30 and not close * 2 > open"))]
    )
    found = {tuple(t): (place, kind) for place, kind, t, *_ in subtrees(flock, 0)}
    kinds = [kind for place, kind, *_ in subtrees(flock, 0) if place == SERIES]
    assert kinds == [lx.PERCENT, lx.PERCENT, lx.PRICE, lx.PRICE, lx.ANY, lx.PRICE]
    assert len(found) > 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, r: vary(f, np.array([99]), np.array([0]), np.array([1]), r, WORDS_KNOWN), "a mother was 99"),
        (lambda f, r: vary(f, np.array([0]), np.array([-1]), np.array([1]), r, WORDS_KNOWN), "a father was -1"),
        (lambda f, r: vary(f, np.array([0]), np.array([0]), np.array([7]), r, WORDS_KNOWN), "an operator was 7"),
        (lambda f, r: vary(f, np.array([0]), np.array([0, 0]), np.array([1]), r, WORDS_KNOWN), "one each a child"),
        (lambda f, r: vary(f, np.array([0]), np.array([0]), np.array([1]), r, WORDS_KNOWN, mutation=2.0), "probabilities"),
        (lambda f, r: ramped(5, r, WORDS_KNOWN, depths=(1, 3)), "depths were"),
        (lambda f, r: ramped(5, r, WORDS_KNOWN, exits=1.5), "shares lie between"),
        (lambda f, r: lexicon(("volume",)), "needs a price"),
        (lambda f, r: lexicon(words=("smaa",)), "knows no 'smaa'"),
        (lambda f, r: lexicon(longest=1.0), "longest window was 1.0"),
        (lambda f, r: Limits(nodes=1_000), "limits were 1000 nodes"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(call, message):
    with pytest.raises(BadInput, match=message):
        call(parents(5), np.random.default_rng(0))


def test_no_children_are_no_children():
    nobody = np.zeros(0, np.int64)
    assert len(vary(parents(5), nobody, nobody, nobody, np.random.default_rng(0), WORDS_KNOWN)) == 0
