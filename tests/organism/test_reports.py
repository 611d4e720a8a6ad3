"""Reports that runs leave for the page: whole, bounded, and nothing in a strange file is believed."""

import json
import os
import stat

import pytest

from organism import reports
from organism.cli.reported import commit, keep, thinned
from organism.errors import BadInput

DAYS = [19_000, 19_001, 19_002]


def content(**changed):
    return {
        "title": "x on BTC", "figures": {"sharpe": 1.0, "cagr": None}, "days": DAYS, "returns": [0.01, -0.02, 0.0],
    } | changed  # fmt: skip


def test_what_is_written_is_read_back_and_is_its_owners_alone(tmp_path):
    name = reports.write(tmp_path, "backtest", 1_700_000_000, content())
    found = reports.read(tmp_path, name)
    assert (found.id, found.kind, found.title, found.days) == (name, "backtest", "x on BTC", DAYS)
    assert found.figures == {"sharpe": 1.0, "cagr": None}
    path = tmp_path / "reports" / f"{name}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert reports.names(tmp_path) == [name]


@pytest.mark.parametrize(
    "name",
    ["../journal.db", "backtest-20240101T000000Z-0000000g", "", "/etc/passwd", "backtest-20240101T000000Z-00000000/../x",
     "backtest-20240101T000000Z-00000000\n"],
)  # fmt: skip
def test_a_path_trick_is_no_id(tmp_path, name):
    with pytest.raises(BadInput, match="is no id of a report"):
        reports.read(tmp_path, name)


def damaged(tmp_path, change):
    name = reports.write(tmp_path, "backtest", 1_700_000_000, content())
    path = tmp_path / "reports" / f"{name}.json"
    path.write_bytes(change(path.read_bytes()))
    return name


def replaced(**fields):
    return lambda data: json.dumps(json.loads(data) | fields).encode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data[: len(data) // 2], "is damaged"),
        (lambda data: b"\x80\x04pickle", "is damaged"),
        (lambda data: b"[" * 100_000, "is damaged"),
        (lambda data: b'"text"', "is damaged"),
        (replaced(schema=99), "newer than 1"),
        (replaced(id="backtest-20240101T000000Z-00000000"), "its name says"),
        (replaced(kind="evolve"), "its name says"),
        (replaced(returns=[0.1]), "differ in number"),
        (replaced(returns=[0.1, -7.0, 0.0]), "no fraction"),
        (replaced(returns=[0.1, 1e300, 0.0]), "no fraction"),
        (replaced(days=[3, 2, 1]), "not in order"),
        (replaced(days=[1, 2, 10**40]), "no day"),
        (replaced(days=[-5, 2, 3]), "no day"),
        (replaced(made_s=10**12), "is damaged"),
        (replaced(generations=[{"generation": 10**40}]), "is damaged"),
        (lambda data: data.replace(b"x on BTC", rb"\ud800"), "is damaged"),
        (replaced(figures={"sharpe": "<b>"}), "is damaged"),
        (lambda data: data.replace(b"0.01", b"NaN "), "is damaged"),
        (lambda data: data + b" " * reports.MOST_BYTES, "at most"),
    ],
)
def test_a_strange_file_is_told_in_a_sentence(tmp_path, change, says):
    with pytest.raises(BadInput, match=says) as told:
        reports.read(tmp_path, damaged(tmp_path, change))
    assert "\n" not in str(told.value)


def test_a_link_and_a_pipe_are_not_followed(tmp_path):
    name = reports.write(tmp_path, "backtest", 1_700_000_000, content())
    path = tmp_path / "reports" / f"{name}.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(BadInput, match="cannot be read"):
        reports.read(tmp_path, name)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BadInput, match="no plain file"):
        reports.read(tmp_path, name)
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInput, match="no plain file"):
        reports.read(tmp_path, name)


def test_what_is_half_written_is_not_listed_and_what_is_foreign_is_named(tmp_path):
    name = reports.write(tmp_path, "evolve", 1_700_000_000, content())
    (tmp_path / "reports" / f"{name}.json.tmp").write_text("{")
    (tmp_path / "reports" / "notes.txt").write_text("mine")
    assert reports.names(tmp_path) == [name]
    assert [one.name for one in reports.strangers(tmp_path)] == ["notes.txt"]


def test_the_newest_come_first_and_the_oldest_of_a_kind_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "MOST_KEPT", 2)
    first = reports.write(tmp_path, "evolve", 1_600_000_000, content())
    made = [reports.write(tmp_path, "backtest", 1_700_000_000 + n, content()) for n in range(3)]
    assert reports.names(tmp_path) == [made[2], made[1], first]


@pytest.mark.parametrize("returns", [[float("nan"), 0.0, 0.0], [0.0, 0.0], [float("inf"), 0.0, 0.0]])
def test_what_no_reader_could_use_is_not_written(tmp_path, returns):
    with pytest.raises(BadInput, match="does not hold"):
        reports.write(tmp_path, "backtest", 1_700_000_000, content(returns=returns))
    assert reports.names(tmp_path) == []


def test_what_is_too_large_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "MOST_BYTES", 100)
    with pytest.raises(BadInput, match="at most 100"):
        reports.write(tmp_path, "backtest", 1_700_000_000, content())


def test_a_report_that_cannot_be_kept_breaks_no_run(tmp_path, capsys):
    (tmp_path / "reports").write_text("a file where the folder should be")
    assert keep(tmp_path, "backtest", content) == ""
    assert "no report was kept" in capsys.readouterr().err


def test_an_interrupt_while_the_report_is_made_lets_the_run_print_what_it_found(tmp_path, capsys):
    def impatient():
        raise KeyboardInterrupt

    assert keep(tmp_path, "backtest", impatient) == ""
    assert "it was interrupted" in capsys.readouterr().err
    assert reports.names(tmp_path) == []


def test_the_commit_is_read_where_there_is_one(tmp_path):
    assert commit(tmp_path) == ""
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack\n{'a' * 40} refs/heads/main\n")
    assert commit(tmp_path) == "a" * 40


def test_thinning_keeps_the_ends():
    assert thinned(range(1_000), 5) == [0, 250, 500, 749, 999]
    assert thinned([1, 2], 5) == [1, 2]
