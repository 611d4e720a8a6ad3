"""The page of a run: what it says, that it covers the whole run, and that it needs nothing else."""

import re
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from genome.costs import Costs
from genome.evolution.judge import Local
from genome.evolution.plan import Plan
from genome.evolution_report import Setting, page, story_of, write
from genome.evolution_report.best import front_chart
from genome.evolution_report.words import by_luck
from genome.evolve import STOPPED
from genome.reporting.courses import Course, course_chart, spark, stretched
from genome.trials.count import counting
from genome.trials.runs import Runs
from genome.tuning.words import luck
from organism.errors import BadInput
from tests.genome.evolution.worlds import noise
from tests.genome.test_evolve import Kept, stopping_after
from tests.genome.test_report import Seen

PLAN = Plan(population=24, generations=3, islands=2, migration=2, seed=5)
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'"
PARTS = {
    "sharpe", "front", "hypervolume", "diversity", "best", "on-price", "equity", "drawdown", "price", "operators", "words",
    "genes", "speed", "newborn", "generations", "assumed",
}  # fmt: skip


def judge(fewest_trades=3):
    return Local([noise(700)], threads=1, fewest_trades=fewest_trades)


def setting(**other):
    return Setting(
        **{
            "markets": [noise(700)], "costs": Costs(), "capital": 10_000.0, "source": "noise.csv", "warnings": ("Careful.",),
            "fewest_trades": 3,
        } | other
    )  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run with its store, and what came of it."""
    kept = Kept(tmp_path_factory.mktemp("run"), PLAN, judge())
    return kept, kept.run()


@pytest.fixture
def story(kept):
    return story_of(kept[1], kept[0].store)


def figure(text, name):
    """The markup of one figure or section."""
    return text[text.index(f'id="{name}"') :].split("</figure>")[0].split("</section>")[0]


def words(text):
    return " ".join(" ".join(Seen(text).words).split())


def test_the_page_has_every_part_asks_for_nothing_and_is_the_same_again(story, kept):
    text = page(story, setting())
    seen = Seen(text)
    assert seen.open == []
    assert set(seen.addresses) == {"data:,"}
    assert not re.search(r"https?://|@import|url\(", text)
    assert len(seen.ids) == len(set(seen.ids))
    assert set(seen.ids) >= PARTS
    said = words(text)
    assert "nan" not in said.lower().split()
    assert "NaN" not in text
    assert "3 generations of 24 genomes left" in said
    assert "Careful." in said
    for one in kept[1].front[:8]:
        assert f"organism genome lineage {one.genome.genome_id}" in said
    assert text == page(story_of(kept[1], kept[0].store), setting())


def test_it_tells_how_often_somebody_looked_what_luck_would_show_and_that_nothing_is_funded(story):
    found = story.found
    said = words(page(story, setting()))
    assert f"{found.state.evaluated:,} genomes were judged in this run" in said
    assert f"{found.tally.trials:,} trials are counted on these bars and bars that overlap them" in said
    assert "The best of so many looks good by luck alone" in said
    assert "Nothing here is funded." in said
    assert by_luck(story, setting()) == luck(found.tally.clusters, len(found.state.days), 365.0) > 1.0
    assert "is not above the" in said  # noise holds nothing, and the page says so


def test_every_generation_can_be_pointed_at_and_tells_its_figures(story):
    text = page(story, setting())
    for report in story.found.reports:
        told = f"Generation {report.generation}: best {report.best[0]:+.2f}".replace("-", "−")
        assert told in figure(text, "sharpe")
    assert figure(text, "hypervolume").count('class="column"') == 4
    shown = figure(text, "operators")
    bred = sum(sum(report.bred) for report in story.found.reports[1:])
    stayed = sum(sum(report.survived) for report in story.found.reports[1:])
    assert f"<td>{bred}</td><td>{stayed}</td>" in shown


def test_points_of_the_front_tell_all_four_objectives(story, kept):
    text = front_chart(story, setting())
    assert text.count('class="dot one') == len(kept[1].front)
    best = kept[1].front[0]
    sharpe, consistency, drawdown, turnover = best.objectives
    assert (
        f"{best.genome.genome_id}: Sharpe {sharpe:+.2f}, consistency {consistency:.2f}, drawdown {-100 * drawdown:.1f}\u202f%, "
        f"turnover {-turnover:,.1f} a year, {best.trades:.0f} trades"
    ).replace("-", "−") in text
    assert "founders" in text  # where the front began is drawn, too
    assert set(story.fronts) == {0, 1, 2}


def test_a_run_that_was_resumed_is_told_from_its_beginning(kept, story, tmp_path):
    again = Kept(tmp_path, PLAN, judge())
    again.run(**stopping_after(2))
    last = again.run(resume=True)
    assert [report.generation for report in last.reports] == [2, 3]
    told = story_of(last, again.store)
    assert told.generations.tolist() == [0, 1, 2, 3]

    def untimed(one):
        return [{k: v for k, v in row.items() if k not in {"seconds", "judged_s"}} for row in one.history]

    assert untimed(told) == untimed(story)
    assert front_chart(told, setting()) == front_chart(story, setting())
    over = story_of(again.run(resume=True), again.store)  # nothing was left to do
    assert over.generations.tolist() == [0, 1, 2, 3]


def test_a_run_that_was_stopped_says_how_to_go_on(tmp_path):
    stopped = Kept(tmp_path, PLAN, judge())
    found = stopped.run(**stopping_after(1))
    assert found.outcome == STOPPED
    said = words(page(story_of(found, stopped.store), setting()))
    assert "Stopped after generation 0 of 3; the same command with --resume goes on." in said
    assert "24 founders were judged and not bred from yet" in said
    assert "Nothing is known of any children: only founders were judged." in said


def test_where_nobody_trades_enough_the_page_says_so_and_draws_no_front(tmp_path):
    poor = Kept(tmp_path, replace(PLAN, generations=1), judge(fewest_trades=100_000))
    text = page(story_of(poor.run(), poor.store), setting(fewest_trades=100_000))
    said = words(text)
    assert "In 1 generation of 24 genomes nobody closed 100,000 trades: nothing was found." in said
    assert "lower --min-trades" in said
    assert "there is no front" in said
    assert "there is no Sharpe to draw" in said
    assert "nothing is dominated" in said
    assert not {"equity", "price"} & set(Seen(text).ids)
    assert "NaN" not in text


def test_hostile_words_are_shown_and_nothing_more(story, kept):
    market = replace(noise(700), symbol=EVIL)
    history = [{**one, "prevalence": {EVIL: 0.5}} for one in story.history]
    text = page(replace(story, history=history), setting(markets=[market], source=EVIL, warnings=(EVIL,)))
    assert "<script>alert" not in text
    assert "<img" not in text
    seen = Seen(text)
    assert seen.open == []
    assert set(seen.addresses) == {"data:,"}
    assert words(text).count("<img src=x onerror=alert(1)>") >= 4


def test_of_a_hundred_assets_the_best_is_shown_on_the_first_by_name_and_the_page_says_so(story):
    one = noise(700)
    many = [replace(one, symbol=f"A{i:03}/USD") for i in range(99, -1, -1)]
    text = page(story, setting(markets=many, warnings=[f"A{i:03}/USD: a hole." for i in range(100)]))
    said = words(text)
    assert "Evolution · 100 assets ·" in said
    assert f"The best on price: {story.found.front[0].genome.genome_id} on A000/USD" in said
    assert "A000/USD is the first by name of the 100 assets that it was judged on together." in said
    assert "and 94 more" in said
    assert "The first 20 by name are shown." in said
    assert len(re.findall("<tr>", figure(text, "assets"))) == 21
    only = figure(text, "on-price")
    made = re.search(r"([+−][\d.]+\u202f%) after costs", only)[1]
    assert (
        figure(text, "assets").count(f">{made}</td>") == 20
    )  # the assets are equal, and so is what it made on them
    assert "… and 92 more about the bars" in said
    assert "A050/USD: a hole." not in said


def test_generations_that_the_store_lost_leave_a_hole_and_are_told(kept, tmp_path):
    store = tmp_path / "genome.db"
    with sqlite3.connect(kept[0].store) as source, sqlite3.connect(store) as target:
        source.backup(target)
        target.execute("UPDATE generations SET report = '{}' WHERE generation = 1")
    other = replace(kept[1], reports=())
    told = story_of(other, store)
    assert told.generations.tolist() == [0, 2, 3]
    text = page(told, setting())
    assert "What 1 generation had to tell is not in the store" in words(text)
    (line,) = re.findall(r'class="line main" d="([^"]+)"', figure(text, "hypervolume"))
    assert line.count("M") == 2


def test_a_store_of_an_older_version_that_told_less_still_makes_a_page(story):
    older = [
        {k: v for k, v in one.items() if k not in {"median", "seconds", "judged_s", "prevalence"}}
        for one in story.history
    ]
    text = page(replace(story, history=older), setting())
    said = words(text)
    assert "The store does not tell how long generations took." in said
    assert "did not keep which words the living had" in said
    assert "NaN" not in text


def test_without_a_store_the_page_tells_what_was_done_this_time(kept):
    found = replace(kept[1], run=None, tally=None)
    told = story_of(found)
    assert told.generations.tolist() == [0, 1, 2, 3]
    said = words(page(told, setting()))
    assert "genomes were judged in this run. The best of so many" in said
    assert "genome.db" not in said
    nothing = page(story_of(replace(found, reports=())), setting())
    assert Seen(nothing).open == []


def test_a_long_run_stays_a_small_file(story):
    many = [{**story.history[i % 3 + 1], "generation": i} for i in range(5_000)]
    state = replace(story.found.state, generation=4_999)
    long = replace(story, history=many, found=replace(story.found, state=state))
    text = page(long, setting())
    assert len(text) < 600_000
    assert "Every 125th of 5,000 generations." in words(text)
    assert figure(text, "sharpe").count('class="column"') == 200


def test_a_line_is_torn_where_there_is_no_value_and_where_a_step_is_missing():
    values = np.array([1.0, 2.0, np.nan, 3.0, 4.0, 5.0])
    text = course_chart(
        "x", "X", np.array([0, 1, 2, 3, 5, 6]), [Course(values, "main", area=True)], ["t"] * 6, "number"
    )
    (line,) = re.findall(r'class="line main" d="([^"]+)"', text)
    assert (line.count("M"), line.count("L")) == (3, 2)
    (area,) = re.findall(r'class="area main" d="([^"]+)"', text)
    assert area.count("Z") == 3


def test_one_value_is_a_point_in_a_chart_and_a_level_in_a_cell():
    text = course_chart("x", "X", np.array([7]), [Course(np.array([2.0]), "main")], ["seven"], "number")
    assert 'class="point main"' in text
    assert ">7</span>" in text
    assert "<title>seven</title>" in text
    assert spark(np.array([0.5]), 1.0, "half").count("L") >= 1
    assert (
        spark(np.array([np.nan]), 1.0, "none") == spark(np.zeros(0), 1.0, "none") == '<td class="spark"></td>'
    )
    assert np.isnan(stretched(np.array([np.nan, np.nan]), 1)).all()


def test_a_page_that_cannot_be_written_is_said(story, tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        write(tmp_path / "absent" / "a.html", story, setting())
    write(tmp_path / "a.html", story, setting())
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_store_tells_how_long_each_generation_took_and_fronts_of_some_of_them(kept):
    with counting(kept[0].store, writable=False) as trials:
        runs = Runs(trials)
        told = runs.reports(kept[1].run)
        assert all(0.0 < one["judged_s"] <= one["seconds"] for one in told.values())
        every = runs.fronts(kept[1].run)
        assert runs.fronts(kept[1].run, since=1, until=3) == {at: every[at] for at in (1, 2)}
