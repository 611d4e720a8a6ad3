"""The shelf of reports: each file is read once, what is damaged is named, and what is far apart is told with its interval."""

import json
import os

import pytest

from dashboard.shelf import MOST_BRED, Shelf, checked
from organism import reports
from organism.errors import BadInput
from tests.dashboard import shelved


def path_of(state, name):
    return state / "reports" / f"{name}.json"


def changed(state, name, **fields):
    path = path_of(state, name)
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    os.utime(path, ns=(1, 1))  # another stamp, whatever the clock of the file system


@pytest.fixture
def reads(monkeypatch):
    """Names of the reports that are read, as they are."""
    found, real = [], reports.read
    monkeypatch.setattr(reports, "read", lambda state, name: found.append(name) or real(state, name))
    return found


def test_an_empty_folder_has_an_empty_shelf(tmp_path):
    assert Shelf().listing(tmp_path) == ((), (), 0, 0)


def test_reports_are_listed_newest_first_with_what_was_tried(tmp_path):
    older, bred = shelved.backtest(tmp_path), shelved.evolution(tmp_path, genomes=MOST_BRED + 6)
    listing = Shelf().listing(tmp_path)
    assert [one.id for one in listing.known] == [bred, older]
    assert [(one.id, one.nth) for one in listing.known[1].tried] == [("ema_0_00000000", None)]
    assert len(listing.known[0].tried) == MOST_BRED
    best = listing.known[0].tried[0]
    assert best.figures == {
        "sharpe": 1.5,
        "consistency": 0.5,
        "max_drawdown": 0.07,
        "turnover": 20.0,
        "n_trades": 30.0,
    }


def test_a_file_is_read_once_and_again_when_it_changed(tmp_path, reads):
    name, shelf = shelved.backtest(tmp_path), Shelf()
    for _ in range(3):
        assert shelf.listing(tmp_path).known[0].title == "strategy 0 on BTC/USDT"
    assert reads == [name]
    changed(tmp_path, name, title="another")
    assert shelf.listing(tmp_path).known[0].title == "another"
    assert len(reads) == 2
    path_of(tmp_path, name).unlink()
    assert shelf.listing(tmp_path).known == ()


def test_a_look_reads_so_much_and_the_next_one_reads_on(tmp_path):
    names = [shelved.backtest(tmp_path, nth=nth) for nth in range(3)]
    shelf = Shelf(most_read=1)  # the first file goes beyond it
    assert [len(shelf.listing(tmp_path).known) for _ in range(4)] == [1, 2, 3, 3]
    assert [one.id for one in shelf.listing(tmp_path).known] == names[::-1]
    assert Shelf(most_read=1).listing(tmp_path).waiting == 2


def test_older_ones_than_are_listed_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("dashboard.shelf.MOST_LISTED", 2)
    for nth in range(5):
        shelved.backtest(tmp_path, nth=nth)
    listing = Shelf().listing(tmp_path)
    assert (len(listing.known), listing.older) == (2, 3)


def test_what_cannot_be_shown_is_named_and_hides_nothing(tmp_path):
    good, new, cut = (shelved.backtest(tmp_path, nth=nth) for nth in range(3))
    changed(tmp_path, new, schema=99)
    path_of(tmp_path, cut).write_text('{"schema": 1')
    (tmp_path / "reports" / "notes.txt").write_text("mine")
    (tmp_path / "reports" / "backtest-20240101T000000Z-00000000.json").mkdir()
    listing = Shelf().listing(tmp_path)
    assert [one.id for one in listing.known] == [good]
    said = {one.name: one.why for one in listing.broken}
    assert "newer than 1" in said[f"{new}.json"]
    assert "is damaged" in said[f"{cut}.json"]
    assert "no plain file" in said["backtest-20240101T000000Z-00000000.json"]
    assert said["notes.txt"] == "it is not named as a report is"


def test_a_whole_report_stays_in_memory_until_it_changes_or_others_push_it_out(tmp_path, reads):
    names, shelf = [shelved.backtest(tmp_path, nth=nth) for nth in range(12)], Shelf()
    assert shelf.read(tmp_path, names[0]) is shelf.read(tmp_path, names[0])
    for name in names:
        shelf.read(tmp_path, name)
    assert len(shelf._open) <= 8
    reads.clear()
    shelf.read(tmp_path, names[0])
    shelf.read(tmp_path, names[-1])
    assert reads == [names[0]]
    with pytest.raises(BadInput, match="no id of a report"):
        shelf.read(tmp_path, "../view.db")


# ---------------------------------------------------------------- intervals


def pair(state, **second):
    shelf = Shelf()
    names = shelved.backtest(state), shelved.backtest(state, nth=1, **second)
    return shelf, *(shelf.read(state, name) for name in names)


def test_the_same_two_have_the_same_interval_whichever_stands_first(tmp_path):
    shelf, first, second = pair(tmp_path, seed=2, mean=0.0)
    there, back = shelf.apart(first, second), shelf.apart(second, first)
    assert there == Shelf().apart(first, second)
    assert there.n_days == 100
    assert there.days == (shelved.FIRST_DAY, shelved.FIRST_DAY + 99)
    assert there.found.sharpe.value > 0
    assert list(there.found.sharpe) == pytest.approx(
        [-back.found.sharpe.value, -back.found.sharpe.high, -back.found.sharpe.low]
    )


def test_a_report_does_not_differ_from_itself(tmp_path):
    shelf, first, _ = pair(tmp_path)
    assert shelf.apart(first, first).found.sharpe == (0.0, 0.0, 0.0)


def test_only_days_that_both_have_count(tmp_path):
    shelf, first, second = pair(tmp_path, first=shelved.FIRST_DAY + 30, n=120, seed=3)
    found = shelf.apart(first, second)
    assert (found.n_days, found.days) == (70, (shelved.FIRST_DAY + 30, shelved.FIRST_DAY + 99))
    assert found.found.mean.value == pytest.approx((sum(first.returns[30:]) - sum(second.returns[:70])) / 70)


@pytest.mark.parametrize(
    ("later", "says"),
    [(41, "59 days are common to both; 60 are needed"), (99, "1 day is common"), (100, "no day is common")],
)
def test_too_few_common_days_are_unknown_with_the_reason(tmp_path, later, says):
    shelf, first, second = pair(tmp_path, first=shelved.FIRST_DAY + later)
    found = shelf.apart(first, second)
    assert found.found is None
    assert says in found.why


def test_one_alone_has_an_interval_of_its_own(tmp_path):
    shelf, first, short = pair(tmp_path, n=59)
    found = shelf.alone(first)
    assert found.found.sharpe.low < found.found.sharpe.value < found.found.sharpe.high
    assert shelf.alone(short).found is None
    assert "59 days; 60" in shelf.alone(short).why


def test_a_report_that_changed_under_its_name_is_judged_anew(tmp_path):
    shelf, first, second = pair(tmp_path, seed=2)
    before = shelf.apart(first, second)
    changed(tmp_path, second.id, returns=[0.0] * 100)
    assert shelf.apart(first, shelf.read(tmp_path, second.id)) != before


# ---------------------------------------------------------------- references

ID = "evolve-20240101T000000Z-00000000"


@pytest.mark.parametrize(
    ("text", "found"), [(ID, (ID, "")), (f"{ID}:bred_1_ab", (ID, "bred_1_ab")), ("body:x:y", ("body", "x:y"))]
)
def test_a_reference_names_a_report_or_a_genome(text, found):
    assert checked(text) == found


@pytest.mark.parametrize(
    "text",
    ["../../etc/passwd", f"../{ID}", f"{ID}/../x", f"{ID}\n", f"{ID}:", "body", "body:", "<script>", "%2e%2e", "x" * 240, f"{ID}.json"],
)  # fmt: skip
def test_a_trick_is_refused_in_a_sentence(text):
    with pytest.raises(BadInput, match="names no") as told:
        checked(text)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 160


def test_an_unreadable_file_is_named(tmp_path, monkeypatch):
    shelved.backtest(tmp_path)

    def fails(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(reports, "read", fails)
    (said,) = Shelf().listing(tmp_path).broken
    assert "Input/output error" in said.why
