"""The oracle on expressions (SEMANTICS.md, 2): a table of truth, and series of three bars."""

import math

import pytest

from genome.genome import Genome
from genome.trees import Binary, Both, Column, Compare, Cross, Either, Indicator, Not, Number, Truth, Unary
from tests.genome.making import FREE, bars
from tests.genome.oracle.both import run
from tests.genome.oracle.evaluate import both, either, levels, negation, series, signal

T, F, U = True, False, None


@pytest.mark.parametrize(
    ("a", "b", "a_and_b", "a_or_b"),
    [
        (T, T, T, T), (T, F, F, T), (T, U, U, T),
        (F, T, F, T), (F, F, F, F), (F, U, F, U),
        (U, T, U, T), (U, F, F, U), (U, U, U, U),
    ],
)  # fmt: skip
def test_kleene(a, b, a_and_b, a_or_b):
    assert both(a, b) is a_and_b
    assert either(a, b) is a_or_b
    assert (negation(T), negation(F), negation(U)) == (F, T, U)


UNKNOWN = Compare(">", Column("funding"), Number(0.0))  # a market without funding: NaN


@pytest.mark.parametrize("operator", [">", "<", ">=", "<="])
def test_a_comparison_with_nan_never_fires_also_under_not(operator):
    market = bars(1, 2, 3)
    comparison = Compare(operator, Column("funding"), Column("close"))

    assert levels(comparison, market) == levels(Not(comparison), market) == [U, U, U]
    assert signal(comparison, market) == signal(Not(comparison), market) == [F, F, F]
    assert signal(Either(Not(comparison), Truth(True)), market) == [T, T, T]
    assert levels(Both(Not(comparison), Truth(False)), market) == [F, F, F]


def test_comparisons_at_equality():
    market = bars(1, 2, 3)
    told = {op: levels(Compare(op, Column("close"), Number(2.0)), market) for op in (">", "<", ">=", "<=")}
    assert told == {">": [F, F, T], "<": [T, F, F], ">=": [F, T, T], "<=": [T, T, F]}


def test_a_cross_is_beyond_now_and_not_beyond_before():
    market = bars(1, 3, 4, 2, 2, 3)
    # At the first bar: not above is false for certain, above is unknown.
    assert levels(Cross("crosses_above", Column("close"), Number(2.0)), market) == [F, T, F, F, F, T]
    assert levels(Cross("crosses_below", Column("close"), Number(3.0)), market) == [U, F, F, T, F, F]


def test_a_cross_over_an_unknown_bar_is_unknown():
    market = bars(1, None, 3, 3)
    cross = Cross("crosses_above", Column("close"), Number(2.0))

    assert levels(cross, market) == [F, U, U, F]
    assert signal(cross, market) == [F, F, F, F]


@pytest.mark.parametrize(
    ("operator", "level", "entries"),
    [
        # Closes 3, void, 3, 1, 1, 3. Above 2: true ? true false false true, so the cross is ? ? ? false false true.
        ("crosses_above", 2.0, [4]),
        # Below 2: false ? false true true false; the cross: false ? false true false false. Filled one bar later.
        ("crosses_below", 2.0, [3, 5]),
    ],
)
def test_not_a_cross_fires_only_where_the_cross_is_known_to_be_false(operator, level, entries):
    market = bars(3, None, 3, 1, 1, 3, 3)
    genome = Genome(
        family="not",
        entry_long=Not(Cross(operator, Column("close"), Number(level))),
        genes=(("maximum_hold", 1.0),),
    )
    assert [t.entry_bar for t in run(market, genome, FREE).trades] == entries


def test_a_market_that_begins_beyond_has_not_crossed():
    genome = Genome(family="cross", entry_long=Cross("crosses_above", Column("close"), Number(2.0)))
    assert run(bars(3, 3, 3), genome, FREE).trades == []
    assert [t.entry_bar for t in run(bars(1, 3, 3), genome, FREE).trades] == [2]


def test_arithmetic():
    market = bars((4, 2), (0, 0), None)  # open and close
    opened, closed, two = Column("open"), Column("close"), Number(2.0)
    known = {
        "+": 6.0, "-": 2.0, "*": 8.0, "/": 2.0, "min": 2.0, "max": 4.0,
    }  # fmt: skip
    for operator, value in known.items():
        assert series(Binary(operator, opened, closed), market)[0] == value
        assert math.isnan(series(Binary(operator, opened, closed), market)[2])
        assert math.isnan(series(Binary(operator, two, Column("funding")), market)[0])
    assert math.isnan(series(Binary("/", opened, closed), market)[1])  # 0 / 0
    assert math.isnan(series(Binary("/", two, closed), market)[1])
    assert series(Unary("-", opened), market)[0] == -4.0
    assert series(Unary("abs", Unary("-", opened)), market)[0] == 4.0


def test_void_bars_hide_every_column():
    assert [math.isnan(x) for x in series(Column("hour"), bars(1, None, 1))] == [False, True, False]
    assert signal(Truth(True), bars(1, None, 1)) == [T, F, T]


def test_an_absent_condition_is_false():
    assert signal(None, bars(1, 2)) == [F, F]


@pytest.mark.requirement("S4-5.1")
def test_a_channel_of_previous_bars_breaks_out_and_one_that_holds_the_bar_itself_never_does():
    # Table 3.8: the source's own sample takes the maximum with the current bar inside. Highs are the closes here:
    # the three bars before bar 3 reach 12, those before bar 4 reach 12 too; 15 is the break, filled at bar 5.
    market = bars(10, 11, 12, 9, 15, 15)
    three = (Number(3.0),)
    breakout = Compare(">", Column("close"), Indicator("donchian_upper", three))
    never = Compare(">", Column("close"), Indicator("highest", three, Column("high")))

    assert signal(breakout, market) == [F, F, F, F, T, F]
    assert not any(signal(never, market))
    (trade,) = run(market, Genome(family="breakout", entry_long=breakout), FREE).trades
    assert (trade.entry_bar, trade.entry_price) == (5, 15.0)
