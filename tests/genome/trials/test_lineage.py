"""The lineage of a genome as a person sees it: text, JSON and a picture, and what damage does to it."""

import json
import re
import sqlite3

import numpy as np
import pytest

from genome.breeding.flat import genome_of
from genome.evolution.keys import keys, texts
from genome.store import GenomeRecord, GenomeStore
from genome.trials import picture
from genome.trials.count import Trials
from genome.trials.layout import layout
from genome.trials.lineage import Ancestor, Lineage, Unknown, lineage, lines, told_briefly
from genome.trials.runs import Birth, Generation, Runs
from organism.errors import BadInput
from tests.genome.trials.looking import data, flock

FLOCK = flock(5)
NAMES = texts(keys(FLOCK).whole)
BIRTHS = ((0, "seed", (), 0), (1, "random", (), 0), (2, "crossover", (0, 1), 1), (3, "point mutation", (2,), 3),
          (4, "crossover", (3, 0), 4))  # fmt: skip
GRANDCHILD = f"bred_4_{genome_of(FLOCK, 4, 'bred', 4).content_hash[:8]}"


def ids(row):
    generation = BIRTHS[row][3]
    return f"bred_{generation}_{genome_of(FLOCK, row, 'bred', generation).content_hash[:8]}"


@pytest.fixture
def path(tmp_path):
    """A store with a family: 0 and 1 have 2, which has 3, which has 4 with 0."""
    path = tmp_path / "genome.db"
    trials = Trials(path)
    runs = Runs(trials)
    run = runs.begin("evolve", 1, {}, data(), code="1", at_s=1)
    for row, how, parents, generation in BIRTHS:
        front = [NAMES[row]] if row in {2, 4} else []
        worth = np.array([[1.234, 0.5, -0.125, -3.0]])[: len(front)].reshape(-1, 4)
        died = {NAMES[2]: "of age"} if generation == 4 else {}
        birth = Birth(NAMES[row], how, tuple(NAMES[p] for p in parents), f"island {row + 1}")
        number = generation if row != 1 else 0
        runs.generation(run, Generation(number, [birth], FLOCK.take([row]), front, worth, died=died), at_s=1)
    trials.close()
    return path


def test_a_lineage_is_the_genome_and_all_its_ancestors_with_what_is_known_of_them(path):
    found = lineage(path, GRANDCHILD)
    assert [one.genome_id for one in found.ancestors] == [ids(4), ids(3), ids(0), ids(2), ids(1)]
    assert {one.genome_id for one in found.founders} == {ids(0), ids(1)}
    middle = found.ancestors[3]
    assert (middle.origin, middle.cause, middle.run, middle.fronts) == ("crossover", "island 3", 1, 1)
    assert middle.objectives == pytest.approx(
        {"sharpe": 1.234, "consistency": 0.5, "drawdown": -0.125, "turnover": -3.0}
    )
    assert middle.died == (4, "of age")
    assert found.ancestors[1].objectives is None
    assert found.warnings == ()


def test_text_shows_the_tree_and_tells_nobody_twice(path):
    told = list(lines(lineage(path, GRANDCHILD)))
    assert told[0].startswith(
        f"{ids(4)}  crossover, generation 4, island 5, Sharpe 1.23, consistency 0.50, drawdown 0.1"
    )
    heads = [re.match(r"[│├└─ ]*(bred_\S+)", line) for line in told]
    named = [(m.group(1), line.index("bred_") // 3) for m, line in zip(heads, told, strict=True) if m]
    assert named == [(ids(4), 0), (ids(3), 1), (ids(2), 2), (ids(0), 3), (ids(1), 3), (ids(0), 1)]
    assert sum("│" in line or "├" in line or "└" in line for line in told) > 5


def test_a_long_lineage_ends_with_how_many_were_left_out(path):
    found = lineage(path, GRANDCHILD)
    assert list(lines(found, most=2))[-1] == "… and 3 more ancestors; --json tells all."


def test_whoever_was_told_is_not_told_again_with_parents():
    def one(name, *parents):
        return Ancestor(genome_id=name, family="x", generation=0, origin="x", parents=parents, text="")

    found = Lineage(genome_id="d", ancestors=(one("d", "b", "c"), one("b", "a"), one("c", "b"), one("a")))
    assert [line.strip("│├└─ ").split()[0] for line in lines(found)] == ["d", "b", "a", "c", "b"]
    assert list(lines(found))[-1].endswith("(its parents are above)")


def test_json_says_all(path):
    document = json.loads(json.dumps(lineage(path, GRANDCHILD).document()))
    assert document["genome_id"] == GRANDCHILD
    assert document["founders"] == [ids(0), ids(1)]
    assert {tuple(one["parents"]) for one in document["ancestors"]} == {
        (),
        (ids(0), ids(1)),
        (ids(2),),
        (ids(3), ids(0)),
    }


def test_a_founder_and_a_genome_from_before_runs_have_a_lineage_too(tmp_path):
    path = tmp_path / "genome.db"
    store = GenomeStore(path)
    founder = GenomeRecord.of("ema_trend", 0, (("fast", 120.0), ("slow", 480.0)))
    child = GenomeRecord.of(
        "ema_trend", 1, (("fast", 110.0), ("slow", 480.0)), (founder.genome_id,), "mutation"
    )
    store.put(founder)
    store.put(child)
    store.close()
    found = lineage(path, child.genome_id)
    assert [(one.origin, one.run) for one in found.ancestors] == [("mutation", None), ("founder", None)]
    assert picture.sentence(lineage(path, founder.genome_id)).endswith("is a founder: nobody bred it.")
    assert "mutation" in picture.page(found)


def tamper(path, genome_id):
    with sqlite3.connect(path) as database:
        database.execute("UPDATE genomes SET origin = 'luck' WHERE genome_id = ?", (genome_id,))
    database.close()


def test_a_damaged_ancestor_is_shown_as_lost_and_said_so(path):
    tamper(path, ids(2))
    found = lineage(path, GRANDCHILD)
    by_id = {one.genome_id: one for one in found.ancestors}
    assert by_id[ids(2)].origin == "lost"
    assert by_id[ids(2)].generation == 1
    assert ids(1) not in by_id
    assert any("is not what was written" in sentence for sentence in found.warnings)
    assert any("what came before it is not known" in sentence for sentence in found.warnings)
    assert 'class="lost"' in picture.page(found)


def test_an_unknown_genome_a_damaged_one_and_no_store_are_one_sentence_each(path, tmp_path):
    with pytest.raises(Unknown, match="no genome 'nobody'"):
        lineage(path, "nobody")
    tamper(path, GRANDCHILD)
    with pytest.raises(BadInput, match="is not what was written"):
        lineage(path, GRANDCHILD)
    with pytest.raises(BadInput, match="does not exist"):
        lineage(tmp_path / "none.db", GRANDCHILD)


def test_the_page_needs_nothing_else_and_escapes_what_it_is_told(path):
    found = lineage(path, GRANDCHILD)
    page = picture.page(found)
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    assert page.count("<tr id=") == page.count("<rect") == 5
    assert page.count("<path") == 5
    assert all(f'href="#{one.genome_id}"' in page for one in found.ancestors)
    evil = Ancestor(
        genome_id="<b>", family="<i>", generation=0, origin="<script>", parents=(), text="a < b & c"
    )
    page = picture.page(Lineage(genome_id="<b>", ancestors=(evil,), warnings=("<u>",)))
    assert not {"<b>", "<i>", "<script>", "<u>"} & set(re.findall(r"<(?:b|i|script|u)>(?=[^0-9])", page))
    assert "a &lt; b &amp; c" in page


def test_a_page_that_cannot_be_written_is_refused(path, tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        picture.write(tmp_path / "none" / "x.html", lineage(path, GRANDCHILD))


def test_a_line_that_passes_a_row_keeps_clear_of_who_stands_there():
    rows = [["a", "b"], ["c"], ["d"]]
    made = layout(rows, {"c": ("b",), "d": ("c", "a")}, wide=100, step=50)
    (points,) = (points for child, parent, points in made.lines if (child, parent) == ("d", "a"))
    assert len(points) == 3
    assert abs(points[1].x - made.places["c"].x) > 50
    assert {name: place.y for name, place in made.places.items()} == {"a": 0, "b": 0, "c": 50, "d": 100}


def test_rows_are_ordered_so_that_lines_do_not_cross():
    parents = {f"child {i}": (f"parent {3 - i}",) for i in range(4)}
    made = layout(
        [[f"parent {i}" for i in range(4)], [f"child {i}" for i in range(4)]], parents, wide=30, step=50
    )
    ends = sorted((points[0].x, points[-1].x) for _, _, points in made.lines)
    assert [x for _, x in ends] == sorted(x for _, x in ends)


def test_what_made_it_is_told_in_the_fields_words():
    one = Ancestor(
        genome_id="x", family="x", generation=3, origin="crossover", parents=("a", "b"), text="",
        cause="island 1", fronts=2, objectives={"sharpe": -0.5, "drawdown": -0.25, "consistency": None},
    )  # fmt: skip
    assert (
        told_briefly(one)
        == "crossover, generation 3, island 1, Sharpe −0.50, drawdown 0.25, consistency none, on 2 fronts"
    )
