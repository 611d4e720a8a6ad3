"""`organism data fetch` as a person runs it, against an exchange on this machine."""

import fcntl
import json

import pytest

from organism.cli import run
from organism.lake.fetching.standin import StandIn
from tests.lake.fetching.lanes import MIDNIGHT_US

SPAN = ["--start", "2024-01-01", "--end", "2024-01-03"]


@pytest.fixture
def server(monkeypatch):
    found = StandIn(now_us=MIDNIGHT_US + 1_000 * 86_400_000_000, symbols=(("BTC", "USDT"), ("BTC", "USD")))
    monkeypatch.setenv("ORGANISM_HISTORY__ENDPOINT", found.endpoint)
    yield found
    found.close()


def _fetched(tmp_path, capsys, *more):
    status = run(["data", "fetch", "--state", str(tmp_path), "--timeframe", "1h", *SPAN, "--json", *more])
    return status, json.loads(capsys.readouterr().out)


def test_it_fetches_once_and_then_has_it(tmp_path, capsys, server):
    status, rows = _fetched(tmp_path, capsys, "--venue", "binance", "--symbols", "btc-usdt")
    assert (status, rows[0]["rows"], rows[0]["missing"]) == (0, {"ccxt:binance": 48}, 0)
    asked = len(server.asked)
    status, rows = _fetched(tmp_path, capsys, "--venue", "binance", "--symbols", "BTC/USDT")
    assert (status, rows[0]["cached"], rows[0]["asked"], len(server.asked)) == (0, 48, 0, asked)


def test_without_a_venue_the_primary_and_its_fallbacks_of_the_settings_are_asked(
    tmp_path, capsys, server, monkeypatch
):
    monkeypatch.setenv("ORGANISM_HISTORY__FALLBACKS", "binance")
    server.fault = lambda _n, what: "500" if what.startswith("get-") else ""
    monkeypatch.setattr("organism.lake.fetching.asking.wait_s", lambda *_: 0.0)
    status, rows = _fetched(tmp_path, capsys, "--symbols", "BTC/USDT")
    assert (status, rows[0]["venue"], rows[0]["rows"]) == (0, "cryptocom", {"ccxt:binance": 48})
    assert list(rows[0]["failures"]) == ["cryptocom"]


def test_one_symbol_that_nobody_has_is_an_error_after_the_others_are_kept(tmp_path, capsys, server):
    del server
    arguments = ["--venue", "binance", "--symbols", "DOGE/USDT,BTC/USDT"]
    status, rows = _fetched(tmp_path, capsys, *arguments)
    assert status == 1
    assert [row["unanswered"] for row in rows] == [48, 0]
    assert "does not list DOGE/USDT" in rows[0]["failures"]["binance"]


def test_a_proxy_is_kept_apart(tmp_path, capsys, server):
    del server
    more = ["--venue", "cryptocom", "--symbols", "BTC/USDT", "--proxy", "binance:BTC/USD"]
    status, rows = _fetched(tmp_path, capsys, *more)
    assert (status, rows[0]["venue"], rows[0]["rows"]) == (0, "proxy:cryptocom", {"ccxt:binance BTC/USD": 48})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--symbols", "BTCUSDT"], "A symbol names what is traded and for what"),
        (["--symbols", "BTC/USDT", "--venue", "proxy:binance"], "--venue names a venue that can be asked"),
        (
            ["--symbols", "BTC/USDT,ETH/USDT", "--proxy", "a:BTC/USD"],
            "--proxy is VENUE:SYMBOL for one of --symbols",
        ),
        (["--symbols", "BTC/USDT", "--venue", "../x"], "'../x' is no venue that ccxt knows"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(tmp_path, capsys, more, said):
    status = run(["data", "fetch", "--state", str(tmp_path), *SPAN, *more])
    assert status == 2
    assert said in capsys.readouterr().err


def test_beside_a_living_body_it_takes_at_most_half_of_what_the_venue_allows(tmp_path, capsys, server):
    _fetched(tmp_path, capsys, "--venue", "binance", "--symbols", "BTC/USDT")
    budget = tmp_path / "budget" / "binance.json"
    kept = json.loads(budget.read_text())
    kept["spent"] = [
        [kept["saved_us"] + 3_000_000, 0.6 * 6_000]
    ]  # between half and nine tenths, for another 3 s
    more = ["--venue", "binance", "--symbols", "BTC/USD"]
    with (tmp_path / "body.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        budget.write_text(json.dumps(kept))
        asked = len(server.asked)
        status, rows = _fetched(tmp_path, capsys, *more)
        waited_us = json.loads(budget.read_text())["saved_us"] - kept["saved_us"]
    assert (status, rows[0]["missing"], len(server.asked) > asked) == (0, 0, True)
    assert waited_us >= 3_000_000
