"""Unmodified ccxt against an exchange on this machine, with everything that an exchange does wrong."""

import subprocess
import sys

import pytest

from organism.errors import BadInput
from organism.lake.fetching.backoff import Patience
from organism.lake.fetching.days import DAY_US
from organism.lake.fetching.endpoints import addresses, redirected
from organism.lake.fetching.faults import Failed, Fault
from organism.lake.fetching.instrument import instrument
from organism.lake.fetching.outcome import SourcesFailed
from organism.lake.fetching.standin import FAULTS, StandIn
from organism.lake.names import series
from tests.lake.fetching.lanes import HOUR_US, MIDNIGHT_US, NOW_US, Bench, Hands, are_as_made, exchange

VENUES = ("binance", "cryptocom")
PAIR = instrument("BTC/USDT")


@pytest.fixture
def served():
    servers = []

    def serve(**more):
        servers.append(StandIn(now_us=NOW_US, **more))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def _bench(tmp_path, server, *names, patience=None, hands=None):
    hands = hands or Hands()
    patience = patience or Patience(call_s=20.0)
    return Bench(
        tmp_path,
        *(exchange(name, tmp_path, server, hands, patience) for name in names),
        hands=hands,
        patience=patience,
    )


# Binance's candles do not say whose they are: nobody can tell that they are another's.
_FAULTY = [(venue, fault) for venue in VENUES for fault in FAULTS if (venue, fault) != ("binance", "wrong")]


@pytest.mark.parametrize(("venue", "fault"), _FAULTY)
def test_with_a_fault_on_every_third_call_everything_comes_once_and_as_it_was(tmp_path, served, venue, fault):
    server = served(fault=lambda n, _what: fault if n % 3 == 0 else "")
    one = series(venue, "BTC/USDT", "1m")
    short = Patience(call_s=0.6) if fault == "drip" else None
    bench = _bench(tmp_path, server, venue, patience=short)
    outcome = bench.fetcher.fetch(one, MIDNIGHT_US - 2 * DAY_US, NOW_US)
    assert server.struck[fault] >= 1
    assert (outcome.missing, bench.lines) == (0, [])
    assert outcome.rows[f"ccxt:{venue}"] == 2 * 1_440 + 300
    assert are_as_made(bench.lake, one, "BTCUSDT")


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("fault", ["500", "garbage", "redirect", "418", "429"])
def test_a_venue_that_never_answers_well_fails_and_the_fallback_fills(tmp_path, served, venue, fault):
    sick, well = served(fault=lambda *_: fault), served()
    hands = Hands()
    other = next(name for name in VENUES if name != venue)
    bench = Bench(
        tmp_path, exchange(venue, tmp_path, sick, hands), exchange(other, tmp_path, well, hands), hands=hands
    )
    one = series(venue, "BTC/USDT", "1h")
    outcome = bench.fetcher.fetch(one, MIDNIGHT_US - 3 * DAY_US, MIDNIGHT_US)
    assert dict(outcome.rows) == {f"ccxt:{other}": 72}
    assert [line.partition(" failed")[0] for line in bench.lines] == [f"{venue} BTC/USDT 1h: {venue}"]
    assert "http" not in bench.lines[0].replace("HTTP", "")


@pytest.mark.parametrize("status", ["429", "418"])
def test_retry_after_holds_for_every_process_and_ends(tmp_path, served, status):
    server = served(fault=lambda n, _what: status if n == 2 else "", retry_after="40")
    hands = Hands()
    first = exchange("binance", tmp_path, server, hands)
    first.listed(PAIR, "1m")
    with pytest.raises(Failed) as raised:
        first.page(PAIR, "1m", MIDNIGHT_US, 10)
    assert (raised.value.fault, raised.value.wait_s) == (Fault.LIMITED, 40.0)
    before_us, asked = hands.now_us, len(server.asked)
    second = exchange("binance", tmp_path, server, hands)  # shares nothing with the first but the file
    second.listed(PAIR, "1m")
    assert hands.now_us - before_us >= 40_000_000
    assert len(server.asked) == asked + 1


def test_a_ban_longer_than_our_patience_fails_at_once_without_asking(tmp_path, served):
    server = served(fault=lambda *_: "418", retry_after="7200")
    bench = _bench(tmp_path, server, "binance")
    with pytest.raises(SourcesFailed, match="not to be asked again for 7,200 s"):
        bench.fetcher.fetch(series("binance", "BTC/USDT", "1h"), MIDNIGHT_US - DAY_US, MIDNIGHT_US)
    again = _bench(tmp_path, server, "binance", hands=bench.hands)
    with pytest.raises(SourcesFailed, match="not to be asked again"):
        again.fetcher.fetch(series("binance", "BTC/USDT", "1h"), MIDNIGHT_US - DAY_US, MIDNIGHT_US)
    assert len(server.asked) == 1


@pytest.mark.parametrize("venue", VENUES)
def test_the_clock_of_a_venue_is_noticed(tmp_path, served, venue):
    bench = _bench(tmp_path, served(ahead_us=-2 * HOUR_US), venue)
    one = series(venue, "BTC/USDT", "1h")
    bench.fetcher.fetch(one, MIDNIGHT_US, NOW_US + DAY_US)
    assert bench.lake.span(one).last_us == MIDNIGHT_US + 2 * HOUR_US
    assert f"{venue}: its clock is 7,200 s behind" in bench.lines[0]


def test_used_weight_that_others_caused_holds_us_back(tmp_path, served):
    server, hands = served(), Hands()
    source = exchange("binance", tmp_path, server, hands)
    source.listed(PAIR, "1m")
    for _ in range(2_800):  # others at this address
        server.weighed("klines")
    before_us = hands.now_us
    source.page(PAIR, "1m", MIDNIGHT_US, 10)
    source.page(PAIR, "1m", MIDNIGHT_US, 10)
    assert hands.now_us - before_us >= 59_000_000


def test_an_instrument_that_is_not_listed_or_is_another_type_is_not_asked_for_again(tmp_path, served):
    server = served()
    source = exchange("binance", tmp_path, server, Hands())
    for text, why in (("DOGE/USDT", "does not list"), ("BTC/USDT:USDT", "ask the venue binance-usdm")):
        with pytest.raises(Failed, match=why) as raised:
            source.listed(instrument(text), "1m")
        assert raised.value.fault is Fault.LASTING
    with pytest.raises(Failed, match="no candles of 7m"):
        source.listed(PAIR, "7m")


def test_a_venue_nobody_knows_is_refused_with_those_near_it(tmp_path, served):
    with pytest.raises(BadInput, match=r"'binanze' is no venue that ccxt knows.*binance"):
        exchange("binanze", tmp_path, served(), Hands()).listed(PAIR, "1m")


@pytest.mark.parametrize(
    "venue", [*VENUES, "coinbase", "kraken", "okx", "bybit", "binanceusdm", "hyperliquid"]
)
def test_no_address_outside_this_machine_is_left(venue):
    import ccxt

    one = getattr(ccxt, venue)()
    assert any("127.0.0.1" not in address for address in addresses(one))
    redirected(one, "http://127.0.0.1:9")
    assert addresses(one)
    assert all("//127.0.0.1:9/" in address for address in addresses(one))


@pytest.mark.parametrize(
    "endpoint", ["http://example.org", "https://127.0.0.1:9", "http://127.0.0.1.example.org:9"]
)
def test_an_endpoint_elsewhere_is_refused(endpoint):
    import ccxt

    with pytest.raises(BadInput, match="endpoint is for a stand-in on this machine"):
        redirected(ccxt.binance(), endpoint)


def test_a_damaged_budget_counts_as_all_spent_for_a_window(tmp_path, served):
    (tmp_path / "budget").mkdir()
    (tmp_path / "budget" / "binance.json").write_bytes(b'{"boot": 1')
    hands = Hands()
    before_us = hands.now_us
    exchange("binance", tmp_path, served(), hands).listed(PAIR, "1m")
    assert 59_000_000 <= hands.now_us - before_us <= 62_000_000


_FETCH = """
import random, sys
from pathlib import Path
from organism.lake.fetching.backoff import Patience
from organism.lake.fetching.client import Exchange
from organism.lake.fetching.fetcher import Fetcher
from organism.lake.fetching.shared import Clock
from organism.lake.fetching.venues import Venue
from organism.lake.names import series
from organism.lake.store import Lake
root, endpoint, symbol, start, end = Path(sys.argv[1]), *sys.argv[2:]
clock, patience = Clock(), Patience()
known = Venue("binance", 50, 1_000_000, 5.0, "x-mbx-used-weight-1m", ("spot",))
source = Exchange("binance", folder=root / "budget", clock=clock, share=lambda: 0.9, patience=patience,
                  endpoint=endpoint, known=known)
lake = Lake(root / "lake", now_us=clock.wall_us)
told = Fetcher(lake, [source], clock=clock, chance=random.Random(1), patience=patience,
               warn=lambda _line: None)
outcome = told.fetch(series("binance", symbol, "1m"), int(start), int(end))
print(outcome.missing)
"""


def test_two_processes_that_fetch_at_once_never_exceed_what_the_venue_allows(tmp_path, served):
    server = served(limit=50, window_s=1.0)
    spans = [str(MIDNIGHT_US - 20 * DAY_US), str(MIDNIGHT_US)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _FETCH, str(tmp_path), server.endpoint, symbol, *spans],
            stdout=subprocess.PIPE,
            text=True,
        )
        for symbol in ("BTC/USDT", "ETH/USDT")
    ]
    said = [process.communicate(timeout=90)[0].strip() for process in processes]
    assert said == ["0", "0"]
    assert server.n_over == 0
    assert 40 <= server.most_weight <= 45


def test_ccxt_is_not_imported_before_something_is_asked():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, organism.lake.fetching.client; print('ccxt' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
