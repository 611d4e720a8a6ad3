"""`organism data import` and `data check` as a person types them, and evolve's refusal of poor data."""

import json

import pytest

from organism.cli import run
from tests.lake.test_importing import dump
from tests.organism import swinging

KEYS = {"venue", "symbol", "timeframe", "first", "last", "rows", "refused", "duplicates", "gaps", "score"}


@pytest.fixture
def said(capsys, tmp_path):
    def perform(*words):
        status = run([*map(str, words), "--state", str(tmp_path / "state")])
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return perform


@pytest.fixture
def dumped(tmp_path):
    lines = dump(1000, [(100 + i % 7, 110, 90, 101 + i % 5, 10.5 + i) for i in range(400)]).splitlines(
        keepends=True
    )
    del lines[100]
    lines[7] = lines[7].replace(",110.0,", ",NaN,")
    path = tmp_path / "BTCUSDT-1m-2021-01.csv"
    path.write_text("".join([*lines, lines[3]]))
    return path


def test_what_was_imported_is_one_document_and_lies_in_the_lake(said, dumped):
    status, out, _ = said("data", "import", dumped, "--json")
    (found,) = json.loads(out)
    assert status == 0
    assert found.keys() >= KEYS
    assert (found["venue"], found["symbol"], found["timeframe"]) == ("binance", "BTC/USDT", "1m")
    assert (found["rows"], found["refused"], found["duplicates"], found["gaps"]) == (398, 1, 1, 2)
    assert found["refused_rows"][0] | {"rule": ""} == {
        "file": dumped.name,
        "row": 8,
        "rule": "",
        "value": "NaN",
    }
    assert 90 < found["score"] < 100
    (listed,) = json.loads(said("data", "list", "--json")[1])
    assert (listed["rows"], listed["first"]) == (398, found["first"]) == (398, "2021-01-01T00:00:00Z")


def test_a_person_is_told_which_row_was_refused_and_why(said, dumped):
    out = said("data", "import", dumped)[1]
    assert "row 8: high is a positive number up to 1e+15; was 'NaN'" in out
    assert "1 equal duplicates" in out


def test_overrides_stand_above_what_a_file_says(said, dumped):
    (found,) = json.loads(said("data", "import", dumped, "--venue", "mine", "--symbol", "A/B", "--json")[1])
    assert (found["venue"], found["symbol"]) == ("mine", "A/B")


def test_what_cannot_be_imported_is_said_in_one_sentence(said, tmp_path):
    assert said("data", "import", tmp_path / "none.csv")[0] == 2
    status, _, err = said("data", "import", tmp_path, "--tz", "Nowhere/At")
    assert (status, "Nowhere/At" in err) == (2, True)


def test_a_check_of_the_lake_and_one_of_the_file_tell_of_the_same_gaps(said, dumped, tmp_path):
    said("data", "import", dumped, "--json")
    status, out, _ = said("data", "check", "binance BTC/USDT 1m", "--json", "--report", tmp_path / "q.html")
    (lake,) = json.loads(out)
    (file,) = json.loads(said("data", "check", "--data", dumped, "--json")[1])
    assert status == 0
    assert lake["gaps"] == file["gaps"] == 2
    assert file["score"] < lake["score"]  # the lake does not hold what was refused
    assert file["defects"]["refused"]["bars"] == 1
    page = (tmp_path / "q.html").read_text()
    assert "binance BTC/USDT 1m" in page
    assert page.count("<svg") == 1
    assert "missing: 2021-01-01T01:40:00Z" in page
    assert "http" not in page.replace("http-equiv", "")


def test_an_unknown_series_is_refused_with_those_that_are_there(said, dumped):
    said("data", "import", dumped)
    status, _, err = said("data", "check", "binance ETH/USDT 1m")
    assert status == 2
    assert "'binance BTC/USDT 1m'" in err


SMALL = ("--population", "12", "--generations", "1", "--islands", "2", "--min-trades", "3")


def test_nothing_is_bred_on_poor_data_unless_a_person_insists_and_then_the_result_says_so_for_ever(
    said, tmp_path
):
    path = swinging.hours(tmp_path / "XYZ.csv", 40)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:300], *lines[420:]]) + "\n")
    status, _, err = said("evolve", "--data", path, *SMALL)
    assert status == 2
    assert "below 95" in err
    assert "--allow-poor-data" in err
    status, out, _ = said(
        "evolve", "--data", path, *SMALL, "--allow-poor-data", "--json", "--report", tmp_path / "e.html"
    )
    found = json.loads(out)
    assert status == 0
    assert found["poor_data"]["XYZ"] < 95
    assert any("Bred on poor data: XYZ" in sentence for sentence in found["warnings"])
    assert "Bred on poor data: XYZ" in (tmp_path / "e.html").read_text()
    from genome.trials.count import counting
    from genome.trials.runs import Runs

    with counting(tmp_path / "state" / "genome.db") as trials:
        assert Runs(trials).all()[-1].plan["poor_data"] == found["poor_data"]
