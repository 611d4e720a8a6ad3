"""Whole genomes: checked, named by content, written and read, and made ready for engines."""

import math
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given

from genome.checking import bound, check, effective
from genome.documents import genome_text, parse_genome, read_genome
from genome.founders import founders
from genome.genes import CONSTANTS
from genome.genome import Genome, trees_of
from genome.grammar import parse_condition, parse_series
from genome.identity import genome_id
from genome.limits import MOST_GENOME_TEXT, MOST_JSON
from genome.trees import (
    Binary,
    Both,
    Column,
    Compare,
    Cross,
    Gene,
    Indicator,
    Not,
    Number,
    Truth,
    Unary,
)
from organism.errors import BadInput
from tests.genome.random_trees import conditions, genomes, names_in

CROSS = Genome(
    family="ema_crossover",
    generation=2,
    entry_long=parse_condition("ema(fast) crosses_above ema(slow)"),
    exit_long=parse_condition("ema(fast) crosses_below ema(slow)"),
    genes=(("fast", 12.0), ("slow", 26.0), ("stop", 0.05)),
)


def long(text, **genes):
    tree = parse_condition(text) if isinstance(text, str) else text
    return Genome(family="x", entry_long=tree, genes=tuple(sorted(genes.items())))


@pytest.mark.requirement("S4-22.5")
@given(genomes(timeframes=True, nested=2))
def test_every_random_genome_is_accepted_and_survives_text_and_json(genome):
    check(genome)

    assert parse_genome(genome_text(genome)) == genome
    assert Genome.from_json(genome.to_json()) == genome
    assert read_genome(genome.to_json()) == read_genome(genome_text(genome)) == genome
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(genome), type=Genome) == genome
    assert hash(genome) == hash(read_genome(genome.to_json()))


@pytest.mark.requirement("S4-12.4")
@given(genomes(), conditions())
def test_the_name_is_that_of_the_content_alone(genome, other):
    family, generation, digits = genome.genome_id.rsplit("_", 2)
    assert (family, generation, digits) == (genome.family, "0", genome.content_hash[:8])

    shuffled = msgspec.structs.replace(genome, genes=tuple(reversed(genome.genes)))
    assert shuffled.genome_id == genome.genome_id
    later = msgspec.structs.replace(genome, generation=9)
    assert later.content_hash == genome.content_hash
    if other != genome.exit_short:
        assert msgspec.structs.replace(genome, exit_short=other).content_hash != genome.content_hash


def test_side_and_purpose_of_a_condition_are_part_of_the_name():
    tree = parse_condition("close > open")
    names = {
        Genome(family="x", **{part: tree}).genome_id
        for part in ("entry_long", "exit_long", "entry_short", "exit_short")
    }
    assert len(names) == 4


def test_a_whole_number_has_the_name_of_the_equal_float():
    def made(n):
        return Genome(
            family="x",
            entry_long=Compare(">", Indicator("ema", (Number(n),)), Number(n)),
            genes=(("stop", 0.1),),
        )

    assert made(12).genome_id == made(12.0).genome_id
    assert read_genome(made(12).to_json()) == made(12)


@pytest.mark.requirement("S4-12.4")
def test_founders_keep_the_names_they_had_before_genomes_had_conditions():
    for name, strategy in founders():
        genome = Genome(family=strategy.family, genes=strategy.parameters)
        check(genome)
        assert genome.genome_id == name == genome_id(strategy.family, 0, strategy.parameters)
        assert parse_genome(genome_text(genome)) == genome
        assert effective(genome) == genome
    assert genome_id("ema_trend", 0, (("fast", 12.0), ("slow", 26.0))) == "ema_trend_0_567582e8"


def test_a_genome_reads_like_a_page_and_forgives_its_layout():
    text = genome_text(CROSS)
    assert text.splitlines() == [
        "family: ema_crossover",
        "generation: 2",
        "entry long: ema(fast) crosses_above ema(slow)",
        "exit long: ema(fast) crosses_below ema(slow)",
        "genes: fast=12 slow=26 stop=0.05",
    ]
    loose = (
        """
        # mine
    """
        "genes: slow=26,\n   fast=12  stop=5e-2\nFamily:ema_crossover # a seed\nexit  long: ema(fast)\n crosses_below ema(slow)\n"
    )
    loose += "entry long: (ema(fast) crosses_above ema(slow))\ngeneration: 2"
    assert parse_genome(loose) == CROSS


def test_choices_are_written_by_name():
    genome = long("close > open", sizing=1.0, risk=0.01, stop=0.02)
    assert "sizing=risk" in genome_text(genome)
    assert parse_genome(genome_text(genome)) == genome
    assert parse_genome(genome_text(genome).replace("risk ", "1 ")) == genome


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "says no family"),
        ("family x", "line 1: 'family x' is no label.*Did you mean 'family'"),
        ("family: x\nentry lnog: true", "line 2: .*Did you mean 'entry long'"),
        ("family: x\nfamily: y", "line 2: 'family' stands on line 1 already"),
        ("family: x\nentry long: close >", "line 2, entry long: column 8"),
        ("family: x\ngeneration: -1\nentry long: true", "line 2: a generation is a whole number"),
        ("family: x\nentry long: true\ngenes: stop", "line 3: gene 'stop' needs a number"),
        ("family: x\nentry long: true\ngenes: sizing=most", "needs one of fixed, risk, volatility, kelly"),
        ("family: x\nentry long: true\ngenes: stop=0.1 stop=0.1", "given twice"),
        ("family: x\nentry long: true\ngenes: stop=nan", "must be finite"),
        ("family: x\nentry long: true\ngenes: " + "a=1 " * 200, "at most 128 genes"),
        ("family: x y\nentry long: true", "a family is named"),
        ("family: x", "no entry, so it would never trade"),
        ("family: x\nexit long: true", "exits but no entry"),
        ("family: ema_trend\ngenes: stop=0.1", "ema_trend has no gene 'stop'"),
        ("x" * 10_000_000, f"at most {MOST_GENOME_TEXT:,} are read"),
    ],
)
def test_a_mistake_in_a_text_is_one_sentence_that_says_where(text, says):
    with pytest.raises(BadInput, match=says) as caught:
        parse_genome(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


NESTED = Indicator(
    "sma", (Number(3.0),), Indicator("rsi", (Number(3.0),), Indicator("ema", (Number(3.0),), Column("high")))
)


@pytest.mark.parametrize(
    ("genome", "says"),
    [
        (long("ema(0) > 1"), "entry long: 'n' of ema is from 1 to 2000; was 0"),
        (long("ema(2001) > 1"), "was 2001"),
        (long("ema(2.5) > 1"), "'n' of ema is a whole number; was 2.5"),
        (long("ema(fast) > 1", fast=5_000.0), r"was 5000 \(the constant 'fast'\)"),
        (long("ema(fast) > 1"), "the constant 'fast' has no value"),
        (long("clse > 1"), "'clse' has no value.*Did you mean 'close'"),
        (long("close > sizing", sizing=0.0), "'sizing' is a choice"),
        (long("vwap(3) > 1"), "'anchor' of vwap is day or week or month; was 3"),
        (long("close > open", stopp=0.05), "gene 'stopp' is unknown.*Did you mean 'stop'"),
        (long("close > open", fast=12.0), "gene 'fast' is unknown, and no condition uses it"),
        (long("close > open", stop=0.5), r"gene 'stop' \(fraction\) lies between 0.01 and 0.15; was 0.5"),
        (long("close > open", cool_down=1.5), "whole number"),
        (long("close > open", sizing=1.0), "sizing=risk measures the distance to a stop"),
        (long("sma(rsi(3)@4h, 3) > 1"), "rsi has a timeframe, but it is the source of sma"),
        (long(Compare(">", Indicator("sma", (Number(2.0),), NESTED), Number(1.0))), "nests more than 2 sources"),
        (long(Compare("=>", Column("close"), Number(1.0))), "no operator '=>'"),
        (long(Cross("crosses", Column("close"), Number(1.0))), "no operator 'crosses'"),
        (long(Compare(">", Unary("!", Column("close")), Number(1.0))), "no operator '!'"),
        (long(Compare(">", Binary("**", Column("close"), Number(1.0)), Number(1.0))), "no operator"),
        (long(Compare(">", Column("clsoe"), Number(1.0))), "no column 'clsoe'. Did you mean 'close'"),
        (long(Compare(">", Indicator("emma", (Number(1.0),)), Number(1.0))), "no indicator 'emma'. Did you mean 'ema'"),
        (long(Compare(">", Indicator("ema"), Number(1.0))), "ema takes n; was given 0"),
        (long(Compare(">", Indicator("obv", (Number(1.0),)), Number(1.0))), "obv takes no argument; was given 1"),
        (long(Compare(">", Indicator("ema", (Number(5.0),), timeframe="3h"), Number(1.0))), "timeframe '3h'"),
        (long(Compare(">", Indicator("atr", (Number(5.0),), Column("close")), Number(1.0))), "takes no source"),
        (long(Compare(">", Indicator("sma", (Number(5.0),), Number(5.0)), Number(1.0))), "source of sma is a column or"),
        (long(Compare(">", Indicator("sma", (Column("close"),)), Number(1.0))), "'n' of sma is a number or a name"),
        (long(Compare(">", Column("close"), Number(math.nan))), "constants are finite"),
        (long(Compare(">", Column("close"), Number(math.inf))), "constants are finite"),
        (long(Compare(">", Column("close"), Gene("day")), day=1.0), "cannot be named 'day'"),
        (long(Column("close")), "a condition was expected, was Column"),
        (long(Not(Column("close"))), "a condition was expected, was Column"),
        (long(Compare(">", Truth(True), Number(1.0))), "a series of numbers was expected, was Truth"),
        (Genome(family="x", exit_short=Truth(True)), "exits but no entry"),
        (Genome(family="../etc", entry_long=Truth(True)), "a family is named"),
        (Genome(family="x", generation=-1, entry_long=Truth(True)), "from 0 up; was -1"),
        (Genome(family="linear_svc", genes=(("volatility_multiple", 2.0),)), "has no conditions; leave it out"),
        (Genome(family="linear_svc", genes=(("nonsense", 2.0),)), "no gene 'nonsense'"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_sentence(genome, says):
    with pytest.raises(BadInput, match=says) as caught:
        check(genome)
    assert "\n" not in str(caught.value)


def test_two_nested_sources_are_accepted():
    check(long(Compare(">", NESTED, Number(50.0))))


def deep(levels):
    tree = Truth(True)
    for _ in range(levels):
        tree = Not(tree)
    return tree


@pytest.mark.parametrize("levels", [16, 100, 5_000])
def test_absurd_depth_is_refused_without_overflowing(levels):
    with pytest.raises(BadInput, match="more than 16 levels deep"):
        check(long(deep(levels)))
    check(long(deep(15)))


def test_too_many_nodes_are_refused():
    tree = parse_condition("close > open")
    for _ in range(7):
        tree = Both(tree, tree)
    with pytest.raises(BadInput, match="more than 256 nodes"):
        check(long(tree))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "the JSON is no genome"),
        ('{"family": 7}', "the JSON is no genome"),
        ('{"family": "x", "entry_long": {"is": "' + "y" * 9_000 + '"}}', "the JSON is no genome"),
        ('{"family": "x", "entry_long": {"is": "exec"}}', "no genome: .*exec"),
        ('{"family": "x", "entry_long": {"is": "number", "value": 1}}', "the JSON is no genome"),
        ('{"family": "x", "entry_long": {"is": "not", "operand": {"is": "column", "name": "close"}}}', "no genome"),
        ('{"family": "x", "hello": 1}', "unknown field"),
        ('{"family": "x", "genes": {"stop": NaN}}', "no genome"),
        ('{"family": "x", "genes": {"stop": "0.05"}}', "no genome"),
        ('{"family": "x", "entry_long": ' + '{"is": "not", "operand": ' * 5_000, "nested too deeply"),
        ('{"family": ' + "[" * 100_000, "no genome|nested too deeply"),
        ("{" + " " * 10_000_000, f"at most {MOST_JSON:,} are read"),
        ('{"family": "x", "entry_long": {"is": "truth", "value": true}, "genome_id": "x_0_00000000"}', "an id is never chosen"),
    ],
)  # fmt: skip
def test_json_that_is_no_genome_is_refused_in_one_sentence(text, says):
    with pytest.raises(BadInput, match=says) as caught:
        read_genome(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_trees_alone_read_back():
    assert {k: v for k, v in trees_of(CROSS.trees).items() if v is not None} == CROSS.conditions
    assert Genome(family="x").trees == ""
    assert set(trees_of("").values()) == {None}


@given(genomes(timeframes=True))
def test_an_effective_genome_has_no_names_left_and_stays_itself(genome):
    ready = effective(genome)

    check(ready)
    assert names_in(*ready.conditions.values()) == set()
    assert effective(ready) == ready
    assert set(ready.conditions) == set(genome.conditions)


def test_names_become_numbers_and_whole_ones_are_rounded():
    genome = long("ema(n) > level and bb_upper(20, k) > close", n=12.6, level=0.75, k=2.5)

    assert effective(genome) == long("ema(13) > 0.75 and bb_upper(20, 2.5) > close")
    assert check(genome) is None


def test_a_bound_genome_keeps_its_genes_and_its_regime_apart():
    genome = long("ema(n) > close", n=12.6, volatility_multiple=2.0)

    assert bound(genome) == long("ema(13) > close", n=12.6, volatility_multiple=2.0)
    with pytest.raises(BadInput, match="'n' has no value"):
        bound(long("ema(n) > close"))


def test_equal_programs_are_equal_whatever_their_constants_are_called():
    assert effective(long("ema(a) > close", a=5.0)) == effective(long("ema(b) > close", b=5.2))


@pytest.mark.requirement("S4-22.3")
def test_the_regime_vetoes_entries_and_never_exits():
    always = Truth(True)
    genome = Genome(
        family="x",
        entry_long=always,
        exit_long=always,
        entry_short=always,
        genes=(
            ("fear_greed_sensitivity", 0.5),
            ("stop", 0.1),
            ("volatility_floor", 0.5),
            ("volatility_multiple", 2.0),
        ),
    )

    ready = effective(genome)

    quiet = "true and volatility_ratio(20, 100) >= 0.5 and volatility_ratio(20, 100) <= 2"
    assert ready.entry_long == parse_condition(f"{quiet} and fear_greed <= 75")
    assert ready.entry_short == parse_condition(f"{quiet} and fear_greed >= 25")
    assert ready.exit_long == always
    assert ready.genes == (("stop", 0.1),)


def test_a_sensitivity_of_zero_asks_nothing():
    assert effective(long("true", fear_greed_sensitivity=0.0)) == long("true")


@pytest.mark.requirement("S4-20.19")
def test_an_indicator_engine_blends_by_weights_that_are_genes():
    """Thirteen genes: eight windows and thresholds, and a weight from 0 to 1 for each of five measures."""
    genome = long(
        "(50 - rsi(rsi_period)) / 50 * rsi_weight - zscore(lookback) / 3 * z_weight"
        " + roc(lookback) / momentum * momentum_part - bb_z(lookback) / bb_k * bb_weight"
        " + macd_histogram(fast, slow, 9) / atr(rsi_period) * macd_part > threshold and volume_ratio(lookback) > floor",
        rsi_period=14.0, lookback=20.0, momentum=0.05, bb_k=2.0, fast=12.0, slow=26.0, threshold=0.5, floor=1.0,
        rsi_weight=0.4, z_weight=0.2, momentum_part=0.4, bb_weight=0.3, macd_part=0.1,
    )  # fmt: skip
    check(genome)
    assert len(genome.genes) == 13
    assert parse_genome(genome_text(genome)) == genome


@pytest.mark.requirement("S4-18.2")
@pytest.mark.parametrize("name", [n for n, s in CONSTANTS.items() if s.unit == "bars"])
def test_shared_windows_are_within_what_indicators_accept(name):
    for value in CONSTANTS[name].breeding:
        check(long(f"rsi({name}) > 50", **{name: float(value)}))


def test_a_series_is_read_and_bound_like_a_condition():
    assert parse_series("-ema(fast)").operand == Indicator("ema", (Gene("fast"),))


def test_reading_and_checking_need_nothing_heavy():
    read = "import sys; from genome.documents import read_genome; from genome.store import GenomeStore; "
    read += "read_genome('family: x\\nentry long: ema() > close'); "
    read += "print([m for m in ('numba', 'pandas', 'sklearn', 'scipy', 'sqlite_utils') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "[]\n"
