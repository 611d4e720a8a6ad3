"""What a browser may ask: strange wishes become the default, and nothing else gets through."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.pages.asked import DEFAULT, HOUR_NS, RANGES, asked
from dashboard.pages.exported import as_csv, safe

text = st.text(max_size=200)


@given(text, text, text, text)
def test_whatever_is_asked_is_one_of_ours(span, symbols, about, have):
    found = asked({"range": span, "symbols": symbols, "about": about, "have": have})
    assert found.span in RANGES
    assert len(found.symbols) <= 24
    for one in (*found.symbols, found.about):
        assert not set(one) & set("<>&\"'=;() \n")


def test_a_time_is_counted_back_from_the_newest_moment():
    assert asked({"range": "6h"}).since_ns(10 * HOUR_NS) == 4 * HOUR_NS
    assert asked({"range": "1w"}).since_ns(10 * HOUR_NS) == 0
    assert asked({"range": "1h"}).since_ns(None) == 0
    assert asked({}).span == DEFAULT


def test_chosen_are_only_those_that_there_are():
    assert asked({"symbols": "B,A,nowhere"}).chosen(["A", "B", "C"]) == ("A", "B")
    assert asked({}).chosen(["B", "A"]) == ("A", "B")


@given(text)
def test_no_cell_begins_like_a_formula_unless_it_is_a_number(value):
    found = safe(value)
    if found.lstrip(" \xa0")[:1] in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20") and found.strip():
        float(found)


def test_a_line_below_a_row_is_no_row_of_the_file():
    piece = {
        "heads": [{"t": "A"}],
        "rows": [["a", [{"v": "1"}]], ["a:rules", [{"rules": [], "more": [], "span": 1}]]],
    }
    assert as_csv(piece) == "A\r\n1\r\n"
