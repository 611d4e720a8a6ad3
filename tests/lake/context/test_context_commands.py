"""`organism data context` and `organism data universe` as a person types them."""

import json

import pytest

from organism.cli import run
from organism.lake.names import series
from organism.lake.store import Lake
from tests.lake.made import START_US, walk

DAY_US = 86_400_000_000


@pytest.fixture
def said(capsys, tmp_path):
    def perform(*words):
        status = run([*map(str, words), "--state", str(tmp_path / "state")])
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return perform


@pytest.fixture
def mood(tmp_path):
    path = tmp_path / "fear_greed.csv"
    path.write_text("timestamp,value\n1704067200000,20\n1704153600000,160\n1704240000000,60\n")
    return path


def test_a_file_is_imported_by_its_name_and_listed_as_it_was_known(said, mood):
    status, out, _ = said("data", "context", "import", mood)
    assert status == 0
    assert out.splitlines() == [
        "index FEAR-GREED context: 2 new, 0 the same, 0 revised, 1 refused",
        "    row 2: fear_greed is 0 to 100; was 160",
    ]
    (row,) = json.loads(said("data", "context", "list", "--as-of", "2024-01-03T12:00", "--json")[1])
    assert row == {
        "series": "index FEAR-GREED context",
        "rows": 1,
        "newest": 20.0,
        "of": "2024-01-01T00:00:00Z",
        "known_at": "2024-01-02T00:00:00Z",
    }
    assert "60  (2 rows)" in said("data", "context", "list", "--as-of", "2024-01-04")[1]
    assert "holds nothing of the kind" in said("data", "context", "list", "--as-of", "2024-01-01")[1]


def test_the_calendar_ahead_is_listed(said, tmp_path):
    path = tmp_path / "dates.csv"
    path.write_text("date,event,known_at\n2024-01-31T19:00:00Z,FOMC,2023-08-01\n")
    assert said("data", "context", "import", path, "--series", "calendar")[0] == 0
    (row,) = json.loads(said("data", "context", "list", "--as-of", "2024-01-15", "--json")[1])
    assert (row["series"], row["of"]) == ("calendar FOMC", "2024-01-31T19:00:00Z")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("context", "import"), "import needs a file"),
        (("context", "list", "x.csv"), "list takes no file"),
        (("context", "fetch", "--series", "vix"), "only fear_greed is fetched; was vix"),
        (("context", "fetch", "--url", "http://example.com/"), "asked over https"),
        (("context", "import", "numbers.csv"), "does not say what it holds"),
        (("universe", "--top", "0"), "--top is a whole number from 1 on; was 0"),
        (("universe", "--min-volume", "nan"), "min_volume is a number from 0 on; was nan"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(said, words, why):
    status, out, err = said("data", *words)
    assert status != 0
    assert out == ""
    assert why in err


def test_the_universe_of_a_date_is_printed_and_is_one_document(said, tmp_path):
    lake = Lake(tmp_path / "state" / "lake", now_us=lambda: START_US)
    for symbol, first, n in (("BTC/USDT", 0, 60), ("GFT/USDT", 0, 20), ("NEW/USDT", 40, 20)):
        candles = walk(n, "1d", START_US + first * DAY_US)
        lake.append(series("binance", symbol, "1d"), candles, source="x", received_us=1)
    found = json.loads(said("data", "universe", "--as-of", "2024-02-05", "--json")[1])
    assert [(one["symbol"], one["trading"]) for one in found] == [("BTC/USDT", True), ("GFT/USDT", False)]
    assert (found[1]["first"], found[1]["last"]) == ("2024-01-01T00:00:00Z", "2024-01-21T00:00:00Z")
    out = said("data", "universe", "--as-of", "2024-02-05", "--trading", "--by", "age")[1].splitlines()
    assert out[0] == "1 of 2 instruments as of 2024-02-05, by age"
    assert "BTC/USDT" in out[2]
    assert "holds no instrument" in said("data", "universe", "--as-of", "2023-01-01")[1]
    assert [
        one["symbol"] for one in json.loads(said("data", "universe", "--min-age", "55", "--json")[1])
    ] == ["BTC/USDT"]
    assert "History of binance ends on 2024-03-01" in said("data", "universe")[1]
