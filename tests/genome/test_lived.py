"""A genome travels as text, and is believed only where its id is that of its content."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.compiled import Compiled, compiled
from genome.documents import canonical_text, genome_text, identified, parse_genome, readable
from genome.founders import build
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.lived import carried, in_words, lived, warm
from genome.trees import Not, Truth
from organism.errors import BadInput
from organism.market import NS_PER_S, Bar
from tests.genome.random_trees import genomes

TEXT = """family: ema_crossover
generation: 3
entry long: ema(fast) crosses_above ema(slow) and rsi(14) < 70
exit long: ema(fast) crosses_below ema(slow)
genes: fast=12 slow=26 stop=0.05 sizing=risk risk=0.01
"""
BRED = parse_genome(TEXT)
AS_SENT = (BRED.genome_id, BRED.family, BRED.genes, canonical_text(BRED))


def deep(levels):
    """A condition of so many levels."""
    tree = Truth(True)
    for _ in range(levels):
        tree = Not(tree)
    return tree


@pytest.mark.requirement("S4-12.4")
@given(genomes(timeframes=True))
def test_the_text_of_any_genome_reads_back_to_the_genome_of_that_id(genome):
    text = canonical_text(genome)

    assert identified(genome.genome_id, text) == genome
    assert genome_text(identified(genome.genome_id, text)) == text


def test_a_genome_that_no_engine_could_run_has_no_text_to_travel_by():
    with pytest.raises(BadInput, match="no entry"):
        canonical_text(Genome(family="x", exit_long=parse_condition("true")))
    with pytest.raises(BadInput, match="levels deep"):
        canonical_text(Genome(family="x", entry_long=deep(100)))


@pytest.mark.parametrize(
    "change", [("12", "13"), ("generation: 3", "generation: 4"), ("< 70", "< 71"), ("_c", "_d")]
)
def test_a_text_that_says_anything_else_is_another_genomes(change):
    with pytest.raises(BadInput, match="an id is never chosen"):
        identified(BRED.genome_id, canonical_text(BRED).replace(*change, 1))


def test_the_family_and_the_genes_that_come_with_a_text_must_be_its_own():
    genome_id, family, genes, text = AS_SENT

    assert carried(*AS_SENT) == BRED
    assert carried(genome_id, family, tuple(reversed(genes)), text) == BRED
    for given_family, given_genes in ((family, genes[1:]), ("ema_trend", genes)):
        with pytest.raises(BadInput, match="another family or other genes"):
            carried(genome_id, given_family, given_genes, text)


@pytest.mark.parametrize("bar_s", [60, 300, 3_600])
def test_a_text_with_conditions_is_compiled_for_the_bars_that_the_brain_sees(bar_s):
    strategy = lived(*AS_SENT, bar_s)

    assert isinstance(strategy, Compiled)
    assert strategy.bar_s == bar_s
    assert strategy is lived(*AS_SENT, bar_s)
    assert strategy is compiled(BRED, bar_s)


def test_without_a_text_it_is_family_and_parameters_as_ever():
    genes = (("fast", 60.0), ("slow", 240.0))
    child = Genome(family="ema_trend", generation=4, genes=genes)

    assert lived("anything", "ema_trend", genes) is build("ema_trend", genes, 300)
    assert lived(child.genome_id, "ema_trend", genes, canonical_text(child)) is build("ema_trend", genes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("entry long: close >", "says no family"),
        ("family: x\nentry long: close >", "entry long"),
        ("family: x\nentry long: " + "not " * 2_000 + "true", "levels|nested|deep"),
        ("family: x\nentry long: " + "(" * 9_000 + "true", "nested|deep|levels"),
        ("family: x\n#" + "y" * 100_000, "90,000"),
        (canonical_text(BRED).replace("70", "71"), "an id is never chosen"),
        ("{}", "no label"),
        ("\x00", "no label"),
    ],
)
def test_what_cannot_be_lived_by_is_refused_in_one_sentence(text, says):
    with pytest.raises(BadInput, match=says) as told:
        lived(BRED.genome_id, BRED.family, BRED.genes, text)
    (label, reason), *rest = in_words(BRED.genome_id, BRED.family, BRED.genes, text)

    assert "\n" not in str(told.value)
    assert (label, rest) == ("refused", [])
    assert reason == str(told.value)


@given(st.text(max_size=300))
def test_no_text_whatever_does_more_than_be_refused(text):
    if text:
        with pytest.raises(BadInput):
            lived(BRED.genome_id, BRED.family, BRED.genes, text)
        assert in_words(BRED.genome_id, BRED.family, BRED.genes, text)[0][0] == "refused"


def test_a_genome_in_words_has_numbers_for_names_and_the_genes_of_the_simulator():
    assert in_words(*AS_SENT) == (
        ("entry long", "ema(12) crosses_above ema(26) and rsi(14) < 70"),
        ("exit long", "ema(12) crosses_below ema(26)"),
        ("genes", "risk=0.01 sizing=risk stop=0.05"),
    )


@given(genomes(timeframes=True))
def test_the_words_of_any_genome_are_conditions_that_mean_the_same(genome):
    words = dict(readable(genome))
    written = {label.replace(" ", "_") for label in words} - {"genes"}

    assert written == set(genome.conditions)
    for label in written:
        assert parse_condition(words[label.replace("_", " ")]) == readable_tree(genome, label)


def readable_tree(genome, name):
    from genome.checking import bound

    return bound(genome).conditions[name]


def test_founders_and_seeds_are_told_without_a_text():
    assert in_words("g", "ema_trend", (("slow", 480.0), ("fast", 120.0))) == (("genes", "fast=120 slow=480"),)
    seed = dict(in_words("g", "ema_crossover", (("fast", 5.0), ("slow", 20.0))))
    assert "ema(5) crosses_above ema(20)" in seed["entry long"]
    assert in_words("g", "<b>nobody</b>", ())[0][0] == "refused"


def test_words_need_nothing_heavy():
    import subprocess

    read = f"import sys; from genome.lived import in_words; in_words(*{AS_SENT!r}); print('numba' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", read], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_what_steps_genomes_is_compiled_once_ahead_of_the_first_bar():
    from genome.simulator.living import live

    warm(lived(*AS_SENT))
    assert len(live.signatures) == 1
    strategy = lived(*AS_SENT)
    strategy.step(strategy.initial(), Bar("X", 0, 300 * NS_PER_S, 2.0, 2.0, 2.0, 2.0, 1.0))
    assert len(live.signatures) == 1
