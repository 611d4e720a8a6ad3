"""Pages over a real journal: chains, gates, times, and any past moment as it was."""

import pytest

from dashboard.pages.asked import asked
from dashboard.pages.registry import answered
from dashboard.window import Window

HOUR_NS = 3_600 * 10**9


@pytest.fixture(scope="module")
def window(life):
    return Window(life.folder, guarded=False, reading=life.reading)


def page(window, name, **query):
    wanted = asked({key: str(value) for key, value in query.items()})
    return answered(name, wanted, window.sight(wanted.at_ns))


def test_a_past_moment_is_shown_as_it_was_and_nothing_later_is_in_it(life, window):
    fill = life.reading.fills()[-1]
    at_ms = fill["at_ns"] // 1_000_000
    found = page(window, "trading", at=at_ms)
    assert found["frame"]["at_ms"] == at_ms
    assert found["frame"]["market_ms"] <= at_ms
    assert (
        max(series["x"][-1] for panel in found["trading-price"]["panels"] for series in panel["series"])
        <= at_ms
    )
    assert fill["symbol"] in {key for key, _ in found["positions"]["rows"]}
    assert {cells[0]["ms"] <= at_ms for _, cells in found["orders"]["rows"]} == {True}
    before = page(window, "trading", at=at_ms - 60_000)
    assert fill["symbol"] not in {key for key, _ in before["positions"].get("rows", [])}


def test_every_page_of_a_past_moment_answers_and_takes_no_command(life, window):
    at_ms = life.reading.newest_ns() // 2_000_000 + life.reading.fills()[-1]["at_ns"] // 2_000_000
    for name in ("vitals", "trading", "risk", "market", "why"):
        found = page(window, name, at=at_ms)
        assert found["frame"]["condition"] == "living"
        assert not [piece for piece in found.values() if isinstance(piece, dict) and "error" in piece]
    assert page(window, "vitals", at=at_ms)["organs"]["alive"] is False


def test_before_anything_was_there_nothing_is_claimed(window):
    found = page(window, "vitals", at=1)
    assert found["vitals-sentence"]["lead"] in {"Not started yet.", "Waking up."}
    assert found["vitals-curve"] == {}


def test_a_fill_is_walked_back_to_its_bar(life, window):
    fill = life.reading.fills()[-1]
    found = page(window, "why", about=fill["key"], at=life.reading.newest_ns() // 1_000_000)
    titles = [step["title"] for step in found["why-chain"]["steps"]]
    assert titles[0] == "The bar"
    assert "The target" in titles
    assert "The fill" in titles
    assert titles.index("The target") < titles.index("The proposal") < titles.index("The fill")
    assert page(window, "why", about="nobody", at=life.reading.newest_ns() // 1_000_000)["why-chain"]["error"]


def test_a_bar_says_how_far_it_came(life, window):
    at_ns = life.reading.newest_ns()
    found = page(window, "why", about=f"bar:BTC/USDT:{at_ns}", at=at_ns // 1_000_000)
    last = found["why-chain"]["steps"][-1]
    assert last["title"].startswith(("It ended here", "It went through"))
    assert last["body"]
    for strange in ("bar:nowhere:1", "bar:BTC/USDT:" + "9" * 19):
        assert page(window, "why", about=strange, at=at_ns // 1_000_000)["why-chain"]["steps"]
    for strange in (
        "bar:",
        "bar::",
        "bar:BTC/USDT:x",
        "bar:BTC/USDT:" + "9" * 25,
        "bar:7:1",
        "9" * 40 + ".1",
        "1.99",
    ):
        said = page(window, "why", about=strange, at=at_ns // 1_000_000)["why-chain"]["error"]
        assert said.startswith("Nothing is known")


def test_messages_events_and_regimes_come_from_the_journal(life, window):
    machine = page(window, "machine")
    assert {cells[1]["v"] for _, cells in machine["machine-flow"]["rows"]} & {"BarClosed", "PortfolioMarked"}
    assert machine["machine-events"]["rows"]
    trading = page(window, "trading", at=life.reading.newest_ns() // 1_000_000)
    whole = sum(cells[4]["s"] for _, cells in trading["trading-by-symbol"]["rows"])
    for other in ("trading-by-strategy", "trading-by-regime"):
        assert sum(cells[4]["s"] for _, cells in trading[other]["rows"]) == pytest.approx(whole)


def test_a_drawn_line_has_every_extreme_of_its_bars(life, window):
    history = window.sight().over(0)
    symbol = life.reading.symbols()[0]
    bars = life.reading.prices(symbol, "all", 1_000_000)
    line = history.line(symbol, 60)
    assert len(line) < 200
    assert min(price for _, price in line[1:]) == pytest.approx(min(one["low"] for one in bars), rel=1e-3)
    assert max(price for _, price in line[1:]) == pytest.approx(max(one["high"] for one in bars), rel=1e-3)
    assert [at for at, _ in line] == sorted(at for at, _ in line)


def test_the_journal_is_narrowed_by_organ_level_and_beginning(life, window):
    whole = page(window, "machine")["machine-events"]["rows"]
    organ = whole[0][1][1]["v"]
    narrow = page(window, "machine", about=f"organ:{organ}")["machine-events"]["rows"]
    assert {cells[1]["v"] for _, cells in narrow} == {organ}
    root = whole[0][1][4]["v"]
    same = page(window, "machine", about=f"root:{root}")
    assert {cells[4]["v"] for _, cells in same["machine-events"]["rows"]} == {root}
    levels = {
        cells[2]["tag"] for _, cells in page(window, "machine", about="level:debug")["machine-events"]["rows"]
    }
    assert "debug" in levels
    assert page(window, "machine", about="organ:nobody;level:strange")["machine-events"] == {}
    fill = life.reading.fills()[0]
    assert page(window, "why", about=fill["id"], at=life.reading.newest_ns() // 1_000_000)["why-chain"][
        "steps"
    ]
