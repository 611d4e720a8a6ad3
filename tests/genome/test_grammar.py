"""Expressions as text: read, written, and refused in one sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.grammar import parse_condition, parse_series
from genome.limits import MOST_DEPTH, MOST_TEXT
from genome.printing import to_text
from genome.trees import (
    Binary,
    Both,
    Column,
    Compare,
    Cross,
    Either,
    Gene,
    Indicator,
    Not,
    Number,
    Truth,
    Unary,
)
from genome.vocabulary import WORDS
from organism.errors import BadInput
from tests.genome.random_trees import conditions, prices

CLOSE = Column("close")
A, B, C = (Compare(">", CLOSE, Number(float(i))) for i in range(3))


def ind(name, *arguments, source=None, timeframe=""):
    return Indicator(name, tuple(Number(float(a)) for a in arguments), source, timeframe)


@pytest.mark.requirement("S4-13.12")
@given(conditions(timeframes=True, nested=2))
def test_what_is_written_reads_back_to_the_same_tree(tree):
    text = to_text(tree)

    assert parse_condition(text) == tree
    assert to_text(parse_condition(text)) == text


numbers = st.floats(allow_nan=False, allow_infinity=False).map(Number)
series = st.recursive(
    st.one_of(numbers, st.just(CLOSE), st.just(Gene("g"))),
    lambda inner: st.one_of(
        st.builds(Unary, st.sampled_from(("-", "abs")), inner),
        st.builds(Binary, st.sampled_from(("+", "-", "*", "/", "min", "max")), inner, inner),
    ),
    max_leaves=8,
)


@given(series)
def test_signs_and_brackets_never_change_a_series(tree):
    assert parse_series(to_text(tree)) == tree


@given(prices(timeframes=True), st.sampled_from((" ", "\n", "\t ", " # said a person\n")))
def test_white_space_and_comments_mean_nothing(tree, gap):
    text = to_text(tree)

    assert parse_series(gap + text.replace("(", f"({gap}").replace(",", f"{gap},") + gap) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (
            "ema(12) crosses_above ema(26) and rsi(14) < 70",
            Both(Cross("crosses_above", ind("ema", 12), ind("ema", 26)), Compare("<", ind("rsi", 14), Number(70.0))),
        ),
        ("close > 0 or close > 1 and close > 2", Either(A, Both(B, C))),
        ("(close > 0 or close > 1) and close > 2", Both(Either(A, B), C)),
        ("not close > 0 and close > 1", Both(Not(A), B)),
        ("not (close > 0 and close > 1)", Not(Both(A, B))),
        ("close > 0 and (close > 1 and close > 2)", Both(A, Both(B, C))),
        ("true", Truth(True)),
        ("ema(high, 12)@4h >= rsi()", Compare(">=", ind("ema", 12, source=Column("high"), timeframe="4h"), ind("rsi", 14))),
        ("vwap(week) > vwap_upper(day)", Compare(">", ind("vwap", 1), ind("vwap_upper", 0, 2))),
        ("sma(rsi(14), 5) > 5e-1", Compare(">", ind("sma", 5, source=ind("rsi", 14)), Number(0.5))),
        ("ema(fast) < level", Compare("<", Indicator("ema", (Gene("fast"),)), Gene("level"))),
        ("macd(8) > .5", Compare(">", ind("macd", 8, 26, 9), Number(0.5))),
    ],
)  # fmt: skip
def test_words_mean_what_a_person_expects(text, tree):
    assert parse_condition(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1 - 2 - 3", Binary("-", Binary("-", Number(1.0), Number(2.0)), Number(3.0))),
        ("1 - (2 - 3)", Binary("-", Number(1.0), Binary("-", Number(2.0), Number(3.0)))),
        ("1 + 2 * 3", Binary("+", Number(1.0), Binary("*", Number(2.0), Number(3.0)))),
        ("-close * 2", Binary("*", Unary("-", CLOSE), Number(2.0))),
        ("-5", Number(-5.0)),
        ("-(5)", Unary("-", Number(5.0))),
        ("close - -5", Binary("-", CLOSE, Number(-5.0))),
        ("max(abs(close), 2)", Binary("max", Unary("abs", CLOSE), Number(2.0))),
    ],
)
def test_arithmetic_binds_as_at_school(text, tree):
    assert parse_series(text) == tree
    assert to_text(tree) == text


def test_numbers_are_written_as_short_as_they_can_be():
    assert [to_text(Number(x)) for x in (12.0, 0.1, 1e-7, -3.0, 1e22)] == [
        "12",
        "0.1",
        "1e-07",
        "-3",
        "1e+22",
    ]
    with pytest.raises(BadInput, match="finite"):
        to_text(Number(float("nan")))


def test_every_word_can_be_written_without_arguments_and_is_printed_with_all():
    for word in WORDS.values():
        tree = parse_series(f"{word.name}()")
        assert tree.arguments == tuple(Number(p.default) for p in word.parameters)
        assert parse_series(to_text(tree)) == tree


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "column 1: a value, a name or a parenthesis was expected, was the end"),
        ("close >", "column 8: .*was the end"),
        ("emma(3) > 1", "column 1: there is no indicator 'emma'. Did you mean 'ema'"),
        ("close > 1 close", "column 11: an operator or the end was expected, was 'close'"),
        ("(close > 1", r"'\)' was expected for the parenthesis of column 1"),
        ("close > 1)", "the end was expected"),
        ("0 < close < 2", "column 11: '<' compares two series.*join both with and"),
        ("close and close > 1", "column 1: 'and' takes conditions"),
        ("not close", "column 5: 'not' takes conditions"),
        ("(close > 1) + 2 > 1", r"'\+' takes series"),
        ("abs(close > 1) > 2", "column 5: 'abs' takes series"),
        ("ema > 2", r"'ema' needs its parentheses"),
        ("ema(close + 1, 3) > 1", "was '\\+'"),
        ("ema(3, close) > 1", "column 8: only the first argument of ema"),
        ("ema(1, 2, 3) > 1", "ema takes n, was given more"),
        ("atr(close, 3) > 1", "column 5: atr is computed of the bars themselves"),
        ("sma(abs(close), 3) > 1", "source of sma is a column or an indicator"),
        ("vwap(fractal) > 1", "'anchor' of vwap is day or week or month"),
        ("rsi(14)@5h > 2", "column 8: after @ a timeframe was expected"),
        ("close == 1", "column 7: '=' means nothing here; write >= and <="),
        ("close && open", "'&' means nothing here; write and"),
        ("1e999 > close", "too large for a number"),
        ("day > 1", "'day' cannot stand here"),
        ("close > and", "a value was expected, was 'and'"),
        ("__import__('os') > 1", "column 12: .* means nothing here"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_where(text, says):
    with pytest.raises(BadInput, match=says) as caught:
        parse_condition(text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith((".", "?"))


def test_a_series_is_no_condition_and_a_condition_no_series():
    with pytest.raises(BadInput, match="compare it with something"):
        parse_condition("close + 1")
    with pytest.raises(BadInput, match="this is a condition"):
        parse_series("close > 1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("(" * 5_000 + "close" + ")" * 5_000, "levels of nesting"),
        ("-" * 5_000 + "close", "levels of nesting"),
        ("not " * 2_000 + "true", "levels of nesting"),
        ("sma(" * 2_000, "levels of nesting"),
        ("true" + " and true" * MOST_DEPTH, f"more than {MOST_DEPTH} levels deep"),
        ("close > " + "-" * MOST_DEPTH + "close", f"more than {MOST_DEPTH} levels deep"),
        ("x" * 10_000_000, f"at most {MOST_TEXT:,} are read"),
        ("x" * 100 + " > 1", "a name has at most"),
    ],
)
def test_absurd_texts_are_refused_before_they_cost_anything(text, says):
    with pytest.raises(BadInput, match=says):
        parse_condition(text)


def test_a_condition_has_a_limited_number_of_nodes():
    def wide(n):
        return "close > 1" if n == 0 else f"({wide(n - 1)}) and ({wide(n - 1)})"

    parse_condition(wide(5))
    with pytest.raises(BadInput, match="more than 256 nodes"):
        parse_condition(wide(7))
