"""The page of reports: one alone, two side by side, every strategy in one table; what is hostile is refused or stays text."""

import csv
import io
import json
from urllib.parse import quote

import pytest

from dashboard.pages.measures import MEASURES, less, ordered, written
from dashboard.pages.reported import flat
from tests.dashboard import shelved
from tests.dashboard.test_shelf import changed, path_of

EVIL = "<script>window.owned=1</script>"
ALWAYS = {"frame", "reports-sentence", "reports-list", "reports-strategies"}


def shown(home, *pair):
    """Pieces of the page with what is opened."""
    query = "&".join(f"{name}={quote(ref, safe='')}" for name, ref in zip("ab", pair, strict=False))
    answer = home.browser.get(f"/api/page/reports?{query}")
    assert answer.status == 200
    found = {piece: content for piece, (_, content) in answer.json["pieces"].items()}
    assert not [piece for piece, content in found.items() if content and "error" in content]
    return found


def filled(found):
    return {
        piece.removeprefix("reports-") for piece, content in found.items() if content and piece not in ALWAYS
    }


def rows(piece):
    return dict(piece["rows"])


def told(piece):
    """Facts by name."""
    return {name: (value, says) for name, value, says, *_ in piece["cells"]}


# ---------------------------------------------------------------- nothing, a list


def test_an_empty_folder_says_which_command_makes_a_report(home):
    found = shown(home)
    assert found["reports-sentence"]["lead"] == "No reports yet."
    assert "`./run backtest ema_crossover`" in found["reports-sentence"]["need"]
    assert filled(found) == set()
    assert found["reports-list"] == {}


def test_the_list_tells_what_when_on_what_and_leads_to_each(home):
    older, bred = shelved.backtest(home.state), shelved.evolution(home.state)
    found = shown(home)
    assert found["reports-sentence"]["lead"] == "2 reports to look at."
    assert "evolution, evolve on BTC/USDT" in found["reports-sentence"]["text"]
    assert [key for key, _ in found["reports-list"]["rows"]] == [bred, older]
    name, compare, made, days, sharpe, *_, looks = rows(found["reports-list"])[older]
    assert (name["v"], name["pair"], name["sub"]) == (
        "strategy 0 on BTC/USDT",
        [older],
        f"backtest {older[-8:]}",
    )
    assert made["ms"] == shelved.MADE_S * 1000
    assert (days["v"], sharpe["v"], looks["v"]) == ("100", "0.10", "7")
    assert compare["pair"] == [older]
    assert filled(found) == set()


def test_what_cannot_be_shown_is_named_on_the_page_and_breaks_nothing(home):
    good, new = shelved.backtest(home.state), shelved.backtest(home.state, nth=1)
    changed(home.state, new, schema=7)
    (home.state / "reports" / f"{EVIL[:8]}.txt").write_text("x")
    found = shown(home)
    assert "2 files cannot be shown" in found["reports-sentence"]["text"]
    assert found["reports-sentence"]["tone"] == "watch"
    assert [key for key, _ in found["reports-list"]["rows"]] == [good]
    said = {one["name"]: one["detail"] for one in found["reports-broken"]["items"]}
    assert said[f"{new}.json"].startswith("It is of schema 7, newer than 1")
    assert said[f"{EVIL[:8]}.txt"] == "It is not named as a report is."
    refused = shown(home, new)
    assert refused["reports-sentence"]["lead"] == "That cannot be opened."
    assert "newer than 1" in refused["reports-sentence"]["text"]


# ---------------------------------------------------------------- one


def test_one_backtest_is_opened_with_its_figures_curve_and_interval(home):
    name = shelved.backtest(home.state)
    found = shown(home, name)
    assert filled(found) == {"chosen", "curve", "key", "warnings", "figures", "asked"}
    said = found["reports-sentence"]
    assert said["lead"] == "strategy 0 on BTC/USDT."
    assert "over 100 days, 2024-01-01 to 2024-04-09" in said["text"]
    assert "(95 %: " in said["text"]
    assert "7 looks at these bars" in said["text"]
    growth, depth = found["reports-curve"]["panels"]
    series = growth["series"][0]
    assert (series["x"][0], series["y"][0]) == (shelved.FIRST_DAY * 86_400_000, 0.0)
    expected = 1.0
    for value in shelved.returns():
        expected *= 1.0 + value
    assert series["y"][-1] == pytest.approx(expected - 1.0, abs=1e-6)
    assert max(depth["series"][0]["y"]) == 0.0
    assert "95 %" in told(found["reports-key"])["Sharpe"][1]
    assert rows(found["reports-figures"])["max_drawdown"][1]["v"].startswith("10.1")
    asked = {key: cells[1]["v"] for key, cells in found["reports-asked"]["rows"]}
    assert asked["params.fast"] == "5"
    assert asked["costs.taker"] == "0.001"
    assert [one["name"] for one in found["reports-warnings"]["items"]] == ["warning 0"]


def test_evolution_is_opened_with_its_course_front_and_genomes_as_text(home):
    name = shelved.evolution(home.state)
    found = shown(home, name)
    assert filled(found) == {"chosen", "curve", "key", "course", "front", "genomes", "figures", "asked"}
    assert "on the bars it was bred on" in found["reports-sentence"]["text"]
    best, median = found["reports-course"]["panels"][0]["series"]
    assert best["y"] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert set(median["y"]) == {-1.0}
    fronts = found["reports-front"]["panels"][0]["series"]
    assert [one["symbol"] for one in fronts] == ["circle-open", "circle-open", "circle"]
    genomes = found["reports-genomes"]["rows"]
    assert genomes[0][1][0]["pair"] == [f"{name}:bred_5_00"]
    assert genomes[1][1][0]["rules"] == [["entry long", "ema(12) crosses_above ema(26)"]]


def test_a_curve_that_grows_beyond_every_number_stops_there(home):
    name = shelved.backtest(home.state, returns=[1e6] * 100)
    series = shown(home, name)["reports-curve"]["panels"][0]["series"][0]
    assert 40 < len(series["x"]) < 60
    assert json.dumps(series, allow_nan=False)


def test_a_run_without_days_has_no_curve_and_no_interval(home):
    name = shelved.backtest(home.state, days=[], returns=[])
    assert "curve" not in filled(shown(home, name))
    found = shown(home, name, shelved.evolution(home.state))
    assert "The daily returns of A were not kept" in found["reports-sentence"]["text"]


# ---------------------------------------------------------------- two


@pytest.mark.requirement("S3-3.2.8")
def test_two_stand_side_by_side_with_their_difference_and_its_interval(home):
    first, second = (
        shelved.backtest(home.state, mean=0.004),
        shelved.backtest(home.state, nth=1, mean=-0.004, seed=2),
    )
    found = shown(home, first, second)
    assert filled(found) == {"chosen", "curve", "apart", "warnings", "figures", "asked"}
    assert found["reports-sentence"]["lead"] == "A has the higher Sharpe ratio."
    assert "On 100 common days" in found["reports-sentence"]["text"]
    assert "7 behind A and 7 behind B" in found["reports-sentence"]["need"]
    assert [one["says"] for one in found["reports-curve"]["panels"][0]["series"]] == ["A gained", "B gained"]
    gap = told(found["reports-apart"])
    assert gap["Common days"] == ("100", "2024-01-01 to 2024-04-09")
    assert gap["Sharpe, A − B"][0].startswith("+")
    assert "95 %" in gap["Mean day, A − B"][1]
    assert gap["Blocks"][0].startswith("5")
    figures = rows(found["reports-figures"])
    assert figures["total_return"][3]["v"].startswith("▲ +80.0")
    assert figures["max_drawdown"][3]["tone"] == "loss", "the deeper one is the worse one"
    asked = [(key, cells[-1]["tag"]) for key, cells in found["reports-asked"]["rows"]]
    assert ("params.fast", "differs") in asked
    assert [tag for _, tag in asked] == sorted(
        (tag for _, tag in asked), key=["differs", "only A", "only B", "same"].index
    )
    compare = {key: cells[1] for key, cells in found["reports-list"]["rows"]}
    assert (compare[first]["tag"], compare[second]["tag"]) == ("A", "B")
    assert [pair["pair"] for pair in found["reports-chosen"]["groups"][0][1]] == [
        [second],
        [first],
        [second, first],
        [],
    ]


def test_the_same_one_twice_does_not_differ(home):
    name = shelved.backtest(home.state)
    found = shown(home, name, name)
    assert found["reports-sentence"]["lead"] == "The same one twice."
    assert told(found["reports-apart"])["Sharpe, A − B"] == ("0.00", "a year; 95 % 0.00 to 0.00")


def test_what_luck_explains_is_said_so(home):
    found = shown(home, shelved.backtest(home.state), shelved.backtest(home.state, nth=1, seed=5))
    assert found["reports-sentence"]["lead"] == "They cannot be told apart by their Sharpe ratios."
    assert found["reports-sentence"]["need"] == "Luck alone explains as much."


def test_too_few_common_days_are_unknown_with_the_reason(home):
    first, second = (
        shelved.backtest(home.state),
        shelved.backtest(home.state, nth=1, first=shelved.FIRST_DAY + 60),
    )
    found = shown(home, first, second)
    assert found["reports-sentence"]["lead"] == "How far apart is unknown."
    assert told(found["reports-apart"])["A − B"] == ("unknown", "40 days are common to both; 60 are needed.")


def test_two_genomes_are_compared_gene_by_gene(home):
    name = shelved.evolution(home.state)
    found = shown(home, f"{name}:bred_5_00", f"{name}:bred_5_01")
    does = [
        (key, *(cell["v"] for cell in cells[1:3]), cells[3]["tag"])
        for key, cells in found["reports-does"]["rows"]
    ]
    assert does == [
        ("stop", "0.01", "0.02", "differs"), ("entry long", *["ema(12) crosses_above ema(26)"] * 2, "same"), ("size", "0.5", "0.5", "same"),
    ]  # fmt: skip
    assert "The daily returns of B were not kept" in found["reports-sentence"]["text"]
    assert "course" not in filled(found)
    best = shown(home, f"{name}:bred_5_00")
    assert {"curve", "does"} <= filled(best)


def test_two_runs_of_evolution_share_their_figures(home):
    found = shown(home, shelved.evolution(home.state), shelved.evolution(home.state, nth=1))
    assert [one["label"] for one in found["reports-course"]["panels"][0]["series"]] == ["A best", "B best"]
    assert [one["symbol"] for one in found["reports-front"]["panels"][0]["series"]] == ["circle", "diamond"]
    assert "best genome" in found["reports-does"]["aside"]


# ---------------------------------------------------------------- strategies


@pytest.mark.requirement("S0-4.1.9")
def test_every_strategy_has_a_row_and_leads_to_a_comparison(home):
    name, bred = shelved.backtest(home.state), shelved.evolution(home.state)
    home.body.db.execute(
        "UPDATE trades SET genome_ids = ? WHERE seq < 4", (json.dumps(["ema_trend_0_0a91c0f"]),)
    )
    found = rows(shown(home, name)["reports-strategies"])
    assert sum(key.startswith("body:") for key in found) == 4
    assert [key for key in found if key.startswith(bred)] == [f"{bred}:bred_5_0{nth}" for nth in range(3)]
    lives = found["body:ema_trend_0_0a91c0f"]
    assert (lives[0]["v"], lives[2]["tag"], lives[8]["v"]) == ("EMA trend", "living", "4")
    assert found[name][1]["tag"] == "open"
    assert found[f"{bred}:bred_5_01"][1]["pair"] == [name, f"{bred}:bred_5_01"]
    beside = shown(home, name, "body:ema_trend_0_0a91c0f")
    assert "keeps equity of all its strategies together" in beside["reports-sentence"]["text"]
    assert rows(beside["reports-figures"])["weight"][2]["v"].startswith("30.0")


def test_the_tables_leave_as_csv_with_exact_values(home):
    name = shelved.backtest(home.state, title="=cmd()", nth=3)
    answer = home.browser.get("/api/csv/reports-strategies")
    found = list(csv.reader(io.StringIO(answer.text)))
    assert found[0][:3] == ["Strategy", "Compare", "From"]
    assert {len(row) for row in found} == {12}
    (mine,) = [row for row in found if row[0] == "ema_0_00000003"]
    assert mine[3] == "0.1"
    figures = list(
        csv.reader(io.StringIO(home.browser.get(f"/api/csv/reports-figures?a={name}&b={name}").text))
    )
    assert figures[0] == ["Figure", "A", "B", "A − B"]
    assert ["Sharpe", "0.1", "0.1", "0.0"] in figures


# ---------------------------------------------------------------- hostile


@pytest.mark.parametrize(
    "ref", ["../../etc/passwd", "backtest-20240101T000000Z-00000000/../../view.db", "body:nobody", EVIL, "\x00\x1b[31m", "x" * 5_000,
            "backtest-20240101T000000Z-00000000", "backtest-20240101T000000Z-00000000:x"],
)  # fmt: skip
def test_a_trick_in_the_address_is_refused_in_a_sentence(home, ref):
    name = shelved.backtest(home.state)
    for pair in ((ref,), (name, ref), (ref, name)):
        found = shown(home, *pair)
        assert found["reports-sentence"]["lead"] == "That cannot be opened."
        assert found["reports-sentence"]["text"].endswith(".")
        assert len(found["reports-sentence"]["text"]) < 600
        assert "figures" in filled(found) or len(pair) == 1
        assert rows(found["reports-list"])


def test_hostile_words_stay_text_and_compute_nothing_in_a_spreadsheet(home):
    evil = {
        "title": f"={EVIL}",
        "warnings": [EVIL],
        "asked": {EVIL: {"=x": EVIL}, "genome_id": f"@{EVIL}"},
        "figures": {f"+{EVIL}": 1.0},
    }
    name = shelved.backtest(home.state, **evil)
    bred = shelved.evolution(home.state)
    changed(
        home.state,
        bred,
        genomes=[{"id": EVIL, "says": [[EVIL, EVIL], ["genes", f"{EVIL}=1"]], "objectives": {EVIL: 1.0}}],
    )
    found = shown(home, name, f"{bred}:{EVIL}")
    assert EVIL in json.dumps(found), "as text, which the browser never obeys"
    for piece in ("list", "strategies", "figures", "asked", "does"):
        text = home.browser.get(f"/api/csv/reports-{piece}?a={name}&b={quote(f'{bred}:{EVIL}')}").text
        assert not [
            cell for row in csv.reader(io.StringIO(text)) for cell in row if cell.startswith(("=", "@", "+<"))
        ]


def test_deep_and_wide_settings_are_cut():
    deep = {}
    for _ in range(50):
        deep = {"x": deep, "y": 1}
    assert max(name.count(".") for name in flat(deep)) <= 4
    assert len(flat({str(n): n for n in range(5_000)})) <= 160
    assert flat({"a": [{"b": 1}], "c": [], "d": {}}) == {"a": '[{"b": 1}]', "c": "–", "d": "–"}


# ---------------------------------------------------------------- figures


def test_a_difference_says_which_is_better_and_unknown_is_no_difference():
    assert less("sharpe", 2.0, 1.0)["v"].startswith("▲ +1.00")
    assert less("max_drawdown", 0.2, 0.1)["title"] == "B is better"
    assert less("n_trades", 5.0, 2.0)["v"] == "+3"
    assert less("sharpe", 1.0, 1.0)["v"] == "0.00"
    for missing in (None, float("nan")):
        assert less("sharpe", missing, 1.0)["v"] == "–"


def test_every_figure_is_written_and_strange_ones_come_last():
    for name, one in MEASURES.items():
        assert written(name, 1.5) != "–", name
        assert written(name, None) == "–", name
        assert one.better in {-1, 0, 1}
    assert ordered({"zeta": 1.0, "sharpe": 1.0}, {"total_return": 1.0, "alpha": 2.0}) == [
        "total_return",
        "sharpe",
        "alpha",
        "zeta",
    ]


# ---------------------------------------------------------------- for programs


def test_programs_list_reports_and_ask_for_two(home):
    first, second = shelved.backtest(home.state), shelved.backtest(home.state, nth=1, seed=2, mean=0.0)
    listed = home.browser.get("/api/reports").json
    assert [one["id"] for one in listed["reports"]] == [second, first]
    assert listed["broken"] == []
    few = home.browser.get("/api/reports?limit=1").json
    assert ([one["id"] for one in few["reports"]], few["not_listed"]) == ([second], 1)
    one = home.browser.get(f"/api/reports?a={first}").json
    assert one["reports"][0]["returns"] == shelved.returns()
    assert one["difference"] is None
    two = home.browser.get(f"/api/reports?a={first}&b={second}").json["difference"]
    assert two["days"] == 100
    assert two["sharpe"]["low"] <= two["sharpe"]["value"] <= two["sharpe"]["high"]
    assert two == home.browser.get(f"/api/reports?a={first}&b={second}").json["difference"]


def test_programs_are_refused_in_a_sentence(home):
    cut = shelved.backtest(home.state)
    path_of(home.state, cut).write_text("{")
    for ref, says in (
        ("../view.db", "no id of a report"),
        ("backtest-20240101T000000Z-00000000", "there is no report"),
        (cut, "is damaged"),
    ):
        answer = home.browser.get(f"/api/reports?a={quote(ref, safe='')}")
        assert answer.status == 400
        assert says in answer.json["error"]
    assert home.browser.get("/api/reports").json["broken"][0]["name"] == f"{cut}.json"


def test_programs_are_told_why_a_difference_is_unknown(home):
    first, second = (
        shelved.backtest(home.state),
        shelved.backtest(home.state, nth=1, first=shelved.FIRST_DAY + 60),
    )
    found = home.browser.get(f"/api/reports?a={first}&b={second}").json["difference"]
    assert found == {"days": 40, "unknown": "40 days are common to both; 60 are needed"}
