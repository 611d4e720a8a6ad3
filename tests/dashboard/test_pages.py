"""The ten pages: each answers, in every condition, and one piece that fails takes none of the others with it."""

import csv
import io
import json
import re
import subprocess
import sys

import pytest

from dashboard.answers import Answers
from dashboard.condition import Condition, Judged
from dashboard.glimpse import Glimpse
from dashboard.pages import registry, trading
from dashboard.pages.asked import asked
from dashboard.pages.names import NAMED
from dashboard.pages.registry import PAGES, answered, table_of
from dashboard.pages.risk import correlation
from dashboard.sight import Kept, Sight
from dashboard.window import Window
from organism.alerts import acknowledge
from organism.errors import OrganismError
from tests.dashboard.living import PRICES, START_NS

NAMES = [page.name for page in NAMED]


def shown(home, name, query=""):
    """The pieces of a page, without their digests."""
    answer = home.browser.get(f"/api/page/{name}{query}")
    assert answer.status == 200
    return {piece: content for piece, (_, content) in answer.json["pieces"].items()}


@pytest.mark.requirement("S2-0.21")
@pytest.mark.parametrize("name", NAMES)
def test_every_page_begins_with_a_sentence_and_every_piece_has_its_place(home, name):
    found = shown(home, name)
    sentence = found.pop(f"{name}-sentence")
    assert sentence["lead"]
    assert sentence["tone"] in {"good", "watch", "act", "unknown"}
    assert found["frame"]["condition"] == "living"
    layout = home.browser.get("/_dash-layout").text
    for piece in found.keys() - {"frame", "health", "figures", "organs", "controls"}:
        assert f'"id":"{piece}"' in layout, piece
        assert "error" not in (found[piece] or {}), found[piece]


@pytest.mark.parametrize("name", NAMES)
def test_every_page_answers_where_no_body_ever_lived(tmp_path, name):
    found = answered(name, asked({}), Window(tmp_path, guarded=False).sight())
    assert found[f"{name}-sentence"]["lead"]
    assert json.dumps(found, allow_nan=False)
    if name not in {"settings", "reports"}:
        assert found[f"{name}-sentence"]["lead"] == "Not started yet."


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_one_document_whatever_its_address(home, name):
    path = next(page.path for page in NAMED if page.name == name)
    # What the plain address says at once is its own (`dashboard.early`).
    first, second = home.browser.get("/?range=1d"), home.browser.get(f"{path}?range=6h")
    assert (first.status, second.status) == (200, 200)
    assert _without_request_id(second.text) == _without_request_id(first.text)
    assert home.browser.get(f"{path}/").status == 404


def _without_request_id(text):
    """dash names each answer."""
    found, n = re.subn(r'"end_id":"[^"]*"', "", text)
    assert n <= 1
    return found


def test_amounts_name_the_currency_of_the_account(home):
    figures = shown(home, "vitals")["figures"]
    assert figures["equity"][2] == "USDT"
    assert figures["today"][2].endswith("USDT")
    assert Glimpse(exists=True).currency == ""


def test_an_unknown_page_is_told_and_not_served(home):
    answer = home.browser.get("/api/page/nowhere")
    assert answer.status == 404
    assert "there are vitals, trading" in answer.json["error"]
    assert home.browser.get("/nowhere").status == 404


@pytest.mark.parametrize(
    ("error", "says"),
    [(OrganismError("the store is locked"), "the store is locked"), (ZeroDivisionError("x"), "log says why")],
    ids=["told", "a mistake of ours"],
)
def test_a_piece_that_cannot_be_made_says_so_and_the_others_stay(home, monkeypatch, error, says):
    def fails(*_):
        raise error

    monkeypatch.setattr(trading, "by_symbol", fails)
    found = shown(home, "trading")
    assert says in found["trading-by-symbol"]["error"]
    assert found["trading-by-strategy"]["rows"]
    assert found["positions"]["rows"]


def test_a_time_and_instruments_narrow_what_a_page_shows(home):
    whole, narrow = shown(home, "trading"), shown(home, "trading", "?range=1h&symbols=BTC/USDT")
    assert len(whole["trades"]["rows"]) == 9
    assert {cells[1]["x"] for _, cells in narrow["trades"]["rows"]} == {"BTC/USDT"}
    assert [panel["title"] for panel in narrow["trading-price"]["panels"]] == ["BTC"]
    assert [key for key, _ in narrow["positions"]["rows"]] == ["BTC/USDT"]
    x = narrow["trading-price"]["panels"][0]["series"][0]["x"]
    assert x[-1] - x[0] <= 3_600_000
    assert narrow["frame"]["symbols"] == sorted(PRICES)


def test_a_position_without_a_whole_stop_is_named_first(home):
    assert shown(home, "trading")["trading-sentence"]["need"] == ""
    home.body.db.execute(
        "UPDATE orders SET status = 'canceled' WHERE symbol = 'SOL/USDT' AND purpose = 'protect'"
    )
    home.body.live()
    found = answered("trading", asked({}), Window(home.state, guarded=False).sight())
    assert found["trading-sentence"]["need"] == "SOL without a whole stop: look at Positions."
    nth = [head["t"] for head in found["positions"]["heads"]].index("Protected")
    rows = dict(found["positions"]["rows"])
    assert (rows["SOL/USDT"][nth]["tag"], rows["SOL/USDT"][nth]["tone"]) == ("no", "act")
    assert rows["BTC/USDT"][nth]["tag"] == "whole"


@pytest.mark.requirement("S2-1.3")
@pytest.mark.requirement("S4-4.5")
def test_results_are_shared_among_the_strategies_that_decided_and_add_up(home):
    home.body.db.execute(
        "UPDATE trades SET genome_ids = ?", (json.dumps(["ema_trend_0_aa", "rsi_reversion_0_bb"]),)
    )
    found = answered("trading", asked({}), Window(home.state, guarded=False).sight())
    by_strategy = [cells for _, cells in found["trading-by-strategy"]["rows"]]
    by_symbol = [cells for _, cells in found["trading-by-symbol"]["rows"]]
    assert sum(cells[4]["s"] for cells in by_strategy) == pytest.approx(
        sum(cells[4]["s"] for cells in by_symbol)
    )
    assert {cells[0]["v"] for cells in by_strategy} == {"EMA trend", "RSI reversion"}
    assert "equal parts" in found["trading-by-strategy"]["note"]


def test_correlation_agrees_with_the_textbook_and_needs_enough():
    a = {n: 100.0 + (n * 7919 % 13) for n in range(60)}
    assert correlation(a, a) == pytest.approx(1.0)
    assert correlation(a, {at: 10_000.0 / price for at, price in a.items()}) == pytest.approx(-1.0)
    assert correlation(a, dict.fromkeys(a, 5.0)) is None
    assert correlation(a, {at: price for at, price in a.items() if at < 20}) is None
    assert correlation(a, {at + 1_000: price for at, price in a.items()}) is None


def test_settings_say_where_each_comes_from_and_show_no_secret(home):
    (home.state / "organism.toml").write_text("[risk]\nmax_positions = 7\n")
    found = shown(home, "settings")
    (chosen,) = found["settings-chosen"]["rows"]
    assert chosen[0] == "risk.max_positions"
    assert chosen[1][1]["v"] == "7"
    assert "organism.toml" in chosen[1][2]["tag"]
    assert len(found["settings-all"]["rows"]) > 100


def test_a_file_of_settings_that_is_wrong_now_breaks_nothing(home):
    (home.state / "organism.toml").write_text("[risk\n")
    assert shown(home, "settings")["settings-all"]["rows"]


def test_what_a_person_should_look_at_is_counted_on_every_page(home):
    assert shown(home, "market")["frame"]["unseen"] == 1


# ---------------------------------------------------------------- CSV


def read(home, piece, query=""):
    answer = home.browser.get(f"/api/csv/{piece}{query}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{piece}.csv"'
    return list(csv.reader(io.StringIO(answer.text)))


def test_a_table_is_exported_with_exact_values(home):
    heads, *rows = read(home, "trades")
    assert heads[0] == "Closed"
    assert len(rows) == 9
    for row in rows:
        assert row[0].endswith("Z")
        assert row[1] in PRICES
        float(row[-1])
    assert {row[1] for row in read(home, "trades", "?symbols=ETH/USDT")[1:]} == {"ETH/USDT"}
    assert read(home, "trades", "?symbols=nowhere") == [[]]


def test_what_a_stranger_wrote_is_no_formula_in_a_spreadsheet(home):
    for nth, evil in enumerate(("=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "-2+3", "\t=1")):
        home.body.row("restarts", id=50 + nth, wall_ns=1, organ=evil, incarnation=nth, why=evil)
    found = [row for row in read(home, "machine-restarts")[1:] if "brain" not in row]
    assert len(found) == 5
    for row in found:
        assert row[1].startswith("'")
        assert row[3].startswith("'")


@pytest.mark.parametrize("piece", ["nowhere", "trading-price", "alerts", "..%2fview.db", "health"])
def test_what_is_no_table_is_not_exported(home, piece):
    assert home.browser.get(f"/api/csv/{piece}").status == 404


def test_every_table_of_every_page_can_be_exported(home):
    sight, n = Window(home.state, guarded=False).sight(), 0
    for page in PAGES.values():
        for name, make in page.pieces(asked({}), sight).items():
            if "heads" in (make() or {}):
                assert table_of(name, asked({}), sight)
                assert len(read(home, name)) > 1, name
                n += 1
    assert n > 15


# ---------------------------------------------------------------- inside


def test_what_is_kept_is_made_once_and_never_grows_beyond_its_bound():
    now, made = [0.0], []
    kept = Kept(lambda: now[0])
    for _ in range(3):
        kept.get("a", 1.0, lambda: made.append(1))
    assert len(made) == 1
    now[0] = 1.5
    kept.get("a", 1.0, lambda: made.append(1))
    assert len(made) == 2
    for nth in range(500):
        kept.get(nth, 1.0, lambda: None)
    assert len(kept._found) <= 64


def test_a_mistake_of_a_piece_is_never_the_whole_page():
    sight = Sight(
        glimpse=Glimpse(exists=True),
        judged=Judged(condition=Condition.LIVING, age_s=0.0),
        state=registry.__file__,
        now_ns=START_NS,
    )
    assert registry._made("x", lambda: {}["nothing"], None)["error"]
    assert registry._made("x", lambda: {}["nothing"], 7) == 7
    assert sight.market_ns is None


# ---------------------------------------------------------------- the past, from a journal


def test_while_nothing_is_read_the_past_is_not_shown_and_why_says_how_far_it_is(home):
    found = shown(home, "vitals", "?at=1709700000000")
    assert found["frame"]["at_ms"] is None
    why = shown(home, "why", "?about=paper|SOL/USDT|2")
    assert [step["title"] for step in why["why-chain"]["steps"]] == ["The fill"]
    assert why["why-gates"] == {}


def test_what_listens_first_loads_none_of_the_pages():
    """A browser that is early waits instead of being refused, and the environment is cleaned before dash reads it."""
    said = subprocess.run(
        [sys.executable, "-c", "import sys, dashboard.server; print(*{'dash', 'fastapi', 'numpy'} & sys.modules.keys())"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout == "\n"


def test_viewers_of_one_moment_share_one_answer(home, monkeypatch):
    made, now = [], [0.0]
    monkeypatch.setattr("dashboard.answers.answered", lambda *given: made.append(given) or {})
    answers = Answers(Window(home.state, guarded=False), lambda: now[0])
    for _ in range(20):
        answers.page("trading", asked({"have": "frame:x"}))
    assert len(made) == 1
    answers.page("trading", asked({"range": "6h"}))
    answers.page("risk", asked({}))
    assert len(made) == 3
    now[0] = 1.0
    answers.page("trading", asked({}))
    assert len(made) == 4
    acknowledge(home.state, "a1")
    answers.page("trading", asked({}))
    assert len(made) == 5, "what a person said is seen at once"
