"""Marks, funding rates and open interest come as candles do: once, as they were, past faults, each row with its source."""

import json

import numpy as np
import pytest

from organism.cli import run
from organism.errors import BadInput
from organism.lake.candles import Events
from organism.lake.fetching import standin
from organism.lake.fetching.backoff import Patience
from organism.lake.fetching.days import DAY_US
from organism.lake.fetching.events import stretches
from organism.lake.fetching.outcome import SourcesFailed
from organism.lake.fetching.rows import events_of
from organism.lake.names import Kind, series
from tests.lake.fetching.lanes import HOUR_US, MIDNIGHT_US, MINUTE_US, NOW_US, Bench, Hands, exchange

SYMBOL = "BTC/USDT:USDT"
VENUE = "binance-usdm"
RATES = series(VENUE, SYMBOL, "", Kind.FUNDING)
INTEREST = series(VENUE, SYMBOL, "", Kind.OPEN_INTEREST)
MARKS = series(VENUE, SYMBOL, "1m", Kind.MARK)
EIGHT_H_US = 8 * HOUR_US
# Funding and open interest tell whose they are; candles of marks do not. Funding of the stand-in is never torn.
FAULTS = {
    RATES: ("429", "418", "500", "wrong", "garbage", "drip", "redirect", "shape", "nan"),
    INTEREST: ("429", "418", "500", "empty", "short", "overlap", "wrong", "garbage", "drip", "redirect", "shape", "nan"),
    MARKS: ("429", "418", "500", "empty", "short", "overlap", "garbage", "drip", "redirect"),
}  # fmt: skip


@pytest.fixture
def served():
    servers = []

    def serve(**more):
        servers.append(standin.StandIn(now_us=NOW_US, **more))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def bench(tmp_path, server, *, call_s=20.0):
    hands, patience = Hands(), Patience(call_s=call_s)
    return Bench(tmp_path, exchange(VENUE, tmp_path, server, hands, patience), hands=hands, patience=patience)


def fetched(found, one, days):
    step = "5m" if one.kind is Kind.OPEN_INTEREST else ""
    return found.fetcher.fetch(one, MIDNIGHT_US - days * DAY_US, NOW_US, timeframe=step)


def assert_as_made(lake, one, days):
    if one.kind is Kind.MARK:
        stored = lake.read(one)
        opens = stored.candles.open_us.tolist()
        assert opens == list(range(MIDNIGHT_US - days * DAY_US, NOW_US - MINUTE_US + 1, MINUTE_US))
        made = [standin.mark("BTCUSDT", us, MINUTE_US) for us in opens]
        for place, column in enumerate(stored.candles.values()[:4], start=1):
            assert column.tolist() == [float(row[place]) for row in made]
        assert np.isnan(stored.candles.volume).all()
        assert stored.sources == (f"ccxt:{VENUE}",)
        return
    stored = lake.read_events(one)
    step_us = EIGHT_H_US if one.kind is Kind.FUNDING else 5 * MINUTE_US
    at = stored.events.at_us.tolist()
    assert at == list(range(MIDNIGHT_US - days * DAY_US, NOW_US, step_us))
    if one.kind is Kind.FUNDING:
        assert stored.events.values["rate"].tolist() == [float(standin.rate("BTCUSDT", us)) for us in at]
    else:
        made = [standin.interest("BTCUSDT", us) for us in at]
        assert stored.events.values["amount"].tolist() == [float(amount) for amount, _ in made]
        assert stored.events.values["value"].tolist() == [float(value) for _, value in made]
    assert stored.sources == (f"ccxt:{VENUE}",)


DAYS = {RATES: 400, INTEREST: 5, MARKS: 2}


@pytest.mark.parametrize(("one", "fault"), [(one, fault) for one in FAULTS for fault in FAULTS[one]])
def test_with_a_fault_on_every_third_call_everything_comes_once_and_as_it_was(tmp_path, served, one, fault):
    server = served(fault=lambda n, _what: fault if n % 3 == 0 else "")
    found = bench(tmp_path, server, call_s=0.6 if fault == "drip" else 20.0)
    outcome = fetched(found, one, DAYS[one])
    assert server.struck[fault] >= 1
    assert (outcome.missing, outcome.unanswered, found.lines) == (0, 0, [])
    assert_as_made(found.lake, one, DAYS[one])


@pytest.mark.parametrize("one", list(FAULTS))
def test_what_is_there_is_not_asked_for_again_and_only_what_is_missing_is(tmp_path, served, one):
    server = served()
    found = bench(tmp_path, server)
    first = fetched(found, one, DAYS[one])
    assert sum(first.rows.values()) > 0
    asked = len(server.asked)
    again = fetched(found, one, DAYS[one])
    assert (again.asked, len(server.asked), sum(again.rows.values())) == (0, asked, 0)
    assert again.cached == sum(first.rows.values())
    earlier = fetched(found, one, DAYS[one] + 1)
    assert sum(earlier.rows.values()) == {RATES: 3, INTEREST: 288, MARKS: 1_440}[one]
    assert_as_made(found.lake, one, DAYS[one] + 1)


@pytest.mark.parametrize("one", list(FAULTS))
@pytest.mark.parametrize("fault", ["500", "garbage", "418"])
def test_a_venue_that_never_answers_well_is_an_error_and_nothing_is_made_up(tmp_path, served, one, fault):
    found = bench(tmp_path, served(fault=lambda *_: fault))
    with pytest.raises(SourcesFailed, match=rf"no source gave .* that are missing \({VENUE}: "):
        fetched(found, one, 1)
    assert found.lake.span(one) is None
    assert [line.partition(" failed")[0] for line in found.lines] == [f"{one.text}: {VENUE}"]


@pytest.mark.parametrize("one", [RATES, INTEREST])
def test_what_came_before_a_source_failed_is_kept_by_whole_days(tmp_path, served, one):
    what = "fundingRate" if one is RATES else "openInterestHist"
    server = served()
    server.fault = lambda _n, asked: "500" if asked == what and server.asked.count(what) > 2 else ""
    found = bench(tmp_path, server)
    days = 500 if one is RATES else 10
    with pytest.raises(SourcesFailed) as raised:
        fetched(found, one, days)
    kept = found.lake.read_events(one).events.at_us
    assert kept.size == sum(raised.value.outcome.rows.values()) > 0
    a_day = 3 if one is RATES else 288
    assert kept.size % a_day == 0
    assert raised.value.outcome.unanswered > 0
    server.fault = lambda *_: ""
    found.hands.now_us += 3_600_000_000  # the breaker's time is over
    found.fetcher.fetch(one, MIDNIGHT_US - days * DAY_US, NOW_US, timeframe="5m" if one is INTEREST else "")
    assert_as_made(found.lake, one, days)


def test_a_day_that_another_source_began_is_left_to_it(tmp_path, served):
    found = bench(tmp_path, served())
    begun = MIDNIGHT_US - 2 * DAY_US
    rates = Events(np.array([begun]), {"rate": np.array([0.3])})
    found.lake.append_events(RATES, rates, source="ccxt:bybit", received_us=NOW_US)
    outcome = fetched(found, RATES, 4)
    stored = found.lake.read_events(RATES)
    of_day = stored.events.at_us // DAY_US == begun // DAY_US
    assert stored.events.values["rate"][of_day].tolist() == [0.3]
    assert (outcome.missing, outcome.unanswered) == (2, 0)


def test_open_interest_of_long_ago_is_not_told_and_that_is_said(tmp_path, served):
    found = bench(tmp_path, served())
    outcome = fetched(found, INTEREST, 60)
    assert f"{VENUE} tells of the last 30 days only" in found.lines[0]
    assert found.lake.span(INTEREST).first_us >= NOW_US - 30 * DAY_US
    assert outcome.missing >= 29 * 288
    assert outcome.unanswered == 0


def test_rates_that_settle_later_and_rows_that_are_none_are_left_out():
    good = {"symbol": SYMBOL, "timestamp": 1_000, "fundingRate": 0.0001}
    rows = [good, {**good, "timestamp": 2_000}, {**good, "fundingRate": float("nan")}, {**good, "symbol": "ETH/USDT:USDT"},
            {**good, "fundingRate": 0.6}, {**good, "timestamp": True}, None, [1], {**good, "fundingRate": "0.1"}]  # fmt: skip
    page = events_of(rows, Kind.FUNDING, SYMBOL, 2_000_000)
    assert page.events.at_us.tolist() == [1_000_000]
    assert len(page.refused) == 7
    interest = {"symbol": SYMBOL, "timestamp": 1_000, "openInterestAmount": 5.0, "openInterestValue": None}
    rows = [interest, {**interest, "openInterestAmount": None}, {**interest, "openInterestAmount": -1.0}]
    page = events_of(rows, Kind.OPEN_INTEREST, SYMBOL, 2_000_000)
    assert np.isnan(page.events.values["value"]).all()
    assert len(page.refused) == 2


def test_stretches_follow_a_venue_that_changes_its_interval():
    h = HOUR_US
    at = np.array([0, 8, 16, 24, 32, 40, 44, 48, 52, 56, 60, 64]) * h
    assert stretches(at, 0, 68 * h, 0) == []
    assert stretches(np.delete(at, 2), 0, 68 * h, 0) == [(8 * h + 1_000, 24 * h, 1)]
    assert stretches(at, -24 * h, 80 * h, 0) == [(-24 * h, 0, 3), (64 * h + 1_000, 80 * h, 3)]
    assert stretches(np.empty(0, np.int64), 0, 10, 0) == [(0, 10, 1)]
    assert stretches(np.empty(0, np.int64), 10, 10, 0) == []
    assert stretches(at + 8_000, 0, 68 * h, 0) == []  # stamps some milliseconds late


def test_trades_are_imported_and_not_fetched(tmp_path, served):
    found = bench(tmp_path, served())
    with pytest.raises(BadInput, match="is not fetched; import a file"):
        found.fetcher.fetch(series(VENUE, SYMBOL, "", Kind.TRADES), 0, NOW_US)


@pytest.mark.parametrize("kind", ["mark", "funding", "open_interest"])
def test_a_person_fetches_each_kind_and_sees_it_listed(tmp_path, capsys, monkeypatch, kind):
    server = standin.StandIn(now_us=NOW_US)
    monkeypatch.setenv("ORGANISM_HISTORY__ENDPOINT", server.endpoint)
    monkeypatch.setattr("organism.cli.data.context.now_us", lambda: NOW_US)
    monkeypatch.setattr("time.time_ns", lambda: NOW_US * 1_000)
    day, end = (str(np.datetime64(us, "us"))[:10] for us in (MIDNIGHT_US - 2 * DAY_US, MIDNIGHT_US))
    words = [
        "data",
        "fetch",
        "--state",
        str(tmp_path),
        "--venue",
        VENUE,
        "--kind",
        kind,
        "--start",
        day,
        "--end",
        end,
    ]
    more = ["--timeframe", "1h"] if kind != "funding" else []
    try:
        assert run([*words, *more, "--symbols", SYMBOL, "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["kind"], row["missing"], row["rows"]) == (
            kind, 0, {f"ccxt:{VENUE}": 6 if kind == "funding" else 48},
        )  # fmt: skip
        assert run(["data", "list", "--state", str(tmp_path), "--json"]) == 0
        assert [one["kind"] for one in json.loads(capsys.readouterr().out)] == [kind]
        assert run([*words, *more, "--symbols", "BTC/USDT"]) == 2
        assert "is of perpetuals, and BTC/USDT is none" in capsys.readouterr().err
        assert run([*words, *more, "--symbols", SYMBOL, "--proxy", f"bybit:{SYMBOL}"]) == 2
        assert "--proxy is for candles" in capsys.readouterr().err
        if kind == "funding":
            assert run([*words, "--timeframe", "8h", "--symbols", SYMBOL]) == 2
            assert "funding has no timeframe" in capsys.readouterr().err
    finally:
        server.close()
