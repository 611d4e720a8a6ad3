"""What the lists of the page say."""

import json

import pytest

from dashboard.glimpse import Glimpse, look
from dashboard.tables import lately_body, strategies
from genome.documents import genome_text, parse_genome
from organism.view.schema import SCHEMA
from tests.dashboard.living import FakeBody

BRED = parse_genome(
    "family: ema_crossover\ngeneration: 7\nentry long: ema(fast) crosses_above ema(26) and rsi(14) < 70\n"
    "exit long: close < sma(9)\ngenes: fast=12 stop=0.05"
)


def row(**changed):
    return {
        "genome_id": BRED.genome_id, "family": BRED.family, "weight": 0.5, "state": "funded",
        "forecasts": json.dumps({"BTC/USDT": 0.5, "ETH/USDT": -1.0}), "text": genome_text(BRED),
        "parameters": json.dumps(dict(BRED.genes)),
    } | changed  # fmt: skip


def told(**changed):
    """Head and rules of one strategy."""
    (key, cells), (rules_key, (rules,)) = strategies(Glimpse(tables={"strategies": [row(**changed)]}))["rows"]
    assert rules_key == f"{key}:rules"
    assert rules["span"] == len(cells)
    return rules["rules"], rules["more"]


def test_a_bred_strategy_is_told_with_numbers_and_its_exits_unfold():
    assert told() == (
        [["entry long", "ema(12) crosses_above ema(26) and rsi(14) < 70"]],
        [["exit long", "close < sma(9)"], ["genes", "stop=0.05"]],
    )


def test_a_founder_is_told_by_its_genes_and_has_nothing_to_unfold():
    genes = json.dumps({"slow": 480.0, "fast": 120.0})
    assert told(genome_id="f", family="ema_trend", text="", parameters=genes) == (
        [["genes", "fast=120 slow=480"]],
        [],
    )


def test_a_seed_is_told_by_its_conditions_though_it_came_without_a_text():
    short, _ = told(genome_id="s", text="", parameters=json.dumps({"fast": 5.0, "slow": 20.0}))
    assert [label for label, _ in short] == ["entry long", "entry short"]
    assert "ema(5) crosses_above ema(20)" in short[0][1]


def test_a_long_condition_is_cut_at_first_and_whole_when_unfolded():
    condition = " and ".join(f"volume_ratio({n}) < 1.5" for n in range(5, 17))
    genome = parse_genome(f"family: long\nentry long: {condition}\nexit long: close < sma(9)")
    short, more = told(genome_id=genome.genome_id, family="long", text=genome_text(genome), parameters="{}")
    ((label, cut),) = short

    assert label == "entry long"
    assert len(cut) <= 200
    assert cut[-1] == "…"
    assert condition.startswith(cut[:-1])
    assert more == [["entry long", condition], ["exit long", "close < sma(9)"]]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"text": genome_text(BRED).replace("70", "71")}, "never chosen"),
        ({"text": "<script>alert(1)</script>"}, "no label"),
        ({"parameters": "{"}, "other genes"),
        ({"parameters": "[1]"}, "other genes"),
        ({"family": None}, "another family"),
        ({"text": None, "family": "<img src=x>"}, "no strategy family"),
        ({"text": None, "family": "ema_trend", "parameters": '{"nose": 1}'}, None),
    ],
)
def test_what_cannot_be_read_says_so_and_stops_nothing(changed, says):
    short, more = told(**changed)
    assert more == []
    if says is not None:
        assert [label for label, _ in short] == ["refused"]
        assert says in short[0][1]


def test_a_retired_strategy_decides_nothing_and_is_not_shown(tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=5)
    before = {r["genome_id"] for r in look(body.path).rows("strategies")}
    gone = min(before)
    body.row("strategies", genome_id=gone, family="x", weight=0.9, state="retired")
    after = {r["genome_id"] for r in look(body.path).rows("strategies")}
    body.close()

    assert len(before) == 4
    assert after == before - {gone}


def test_a_view_of_an_older_organism_shows_what_it_has(tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=5)
    body.db.execute("ALTER TABLE strategies DROP COLUMN text")
    body.db.execute("ALTER TABLE strategies DROP COLUMN parameters")
    body.db.execute(f"PRAGMA user_version = {SCHEMA - 1}")
    rows = strategies(look(body.path))["rows"]
    body.close()

    assert [key for key, _ in rows if not key.endswith(":rules")] == [r["genome_id"] for r in sorted_rows()]


def sorted_rows():
    from tests.dashboard.living import strategies as written

    return sorted(written(), key=lambda r: (-r["weight"], r["genome_id"]))


def test_a_body_that_its_guardian_started_anew_is_told_with_how_often():
    seen = Glimpse(state={"body": {"started_wall_ns": 7_000_000}})
    assert lately_body(seen) == []
    ((key, found),) = lately_body(seen, "twice")
    assert key == "reborn"
    assert found["ms"] == 7
    assert "by its guardian, twice" in found["body"]
