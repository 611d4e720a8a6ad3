"""`/api/why`: the chain and the gate for programs, over a real journal."""

import pytest

from dashboard.api.answers import why
from dashboard.window import Window


@pytest.fixture(scope="module")
def window(life):
    return Window(life.folder, guarded=False, reading=life.reading)


def test_a_fill_is_walked_back_to_its_bar(life, window):
    fill = life.reading.fills()[-1]
    found = why(window, {"id": fill["key"]})
    assert found["chain"] == life.reading.chain(fill["key"])
    assert len(found["chain"]) >= 5
    assert found["gate"] is None


def test_a_bar_tells_what_stopped_it(life, window):
    fill = life.reading.fills()[-1]
    found = why(window, {"symbol": fill["symbol"], "at_ns": str(fill["at_ns"])})
    assert found["gate"] == life.reading.gate(fill["symbol"], fill["at_ns"])
    assert found["chain"] == []


@pytest.mark.parametrize(
    "query",
    [{}, {"id": "'; DROP TABLE rows; --"}, {"id": "x" * 10_000}, {"symbol": "BTC/USDT"}, {"symbol": "BTC/USDT", "at_ns": "-1"},
     {"symbol": "BTC/USDT", "at_ns": "9" * 30}, {"symbol": "\x00", "at_ns": "1"}],
    ids=str,
)  # fmt: skip
def test_strange_questions_have_answers_without_a_chain(window, query):
    assert why(window, query)["chain"] == []


def test_where_no_history_is_kept_nothing_is_known(tmp_path):
    assert why(Window(tmp_path, guarded=False), {"id": "x"}) == {"chain": [], "gate": None}
