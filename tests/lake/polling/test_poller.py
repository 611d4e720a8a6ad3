"""The poller against a stand-in on this machine, with everything that a service does wrong; only the clock is the test's."""

import logging
import random

import pytest

from organism.errors import BadInput
from organism.lake.context import as_known, context_series, vintages
from organism.lake.context.lags import DAY_US
from organism.lake.fetching import standin
from organism.lake.fetching.backoff import Patience
from organism.lake.fetching.client import Exchange
from organism.lake.fetching.faults import Failed
from organism.lake.fetching.instrument import instrument
from organism.lake.fetching.standin import CONTEXT_FAULTS, StandIn, fear_greed, rate
from organism.lake.polling import feeds
from organism.lake.polling.feeds import FearGreed, Funding, rates_of, stood_in
from organism.lake.polling.poller import LOOK_S, Poller
from organism.lake.polling.schedule import HOUR_US, MINUTE_US, Cadence
from organism.lake.polling.told import FILE, heard
from organism.lake.store import Lake
from tests.lake.fetching.lanes import MIDNIGHT_US, Hands

NOON_US = MIDNIGHT_US + 12 * HOUR_US
EVERY_US = 5 * MINUTE_US
PERPETUAL = instrument("BTC/USDT:USDT")
RATES = context_series("funding", venue="binance-usdm", symbol=PERPETUAL.symbol)
MOOD = context_series("fear_greed")
QUESTIONS = {"fear_greed": "fng", "funding BTC/USDT:USDT": "fundingRate"}


class Place:
    """A stand-in, a lake, and pollers that come and go, all by one clock."""

    def __init__(self, folder, now_us=NOON_US, deadline_s=20.0):
        self.folder, self.deadline_s = folder, deadline_s
        self.hands = Hands(now_us)
        self.server = StandIn(now_us=now_us)
        self.lake = Lake(folder / "lake", now_us=self.hands.clock.wall_us)
        self.moves = 0

    def feeds(self, *names):
        share, folder = (lambda: 0.9), self.folder / "budget"
        venue = Exchange(
            "binance-usdm", folder=folder, clock=self.hands.clock, share=share,
            patience=Patience(call_s=self.deadline_s, block_s=20.0), endpoint=self.server.endpoint,
        )  # fmt: skip
        mood = FearGreed(
            self.lake, folder=folder, clock=self.hands.clock, share=share, every_us=EVERY_US,
            endpoint=self.server.endpoint, deadline_s=self.deadline_s,
        )  # fmt: skip
        every = (mood, Funding(self.lake, venue, PERPETUAL, every_us=EVERY_US))
        return [one for one in every if not names or one.name in names]

    def poller(self, *names, feeds=None):
        return Poller(
            self.feeds(*names) if feeds is None else feeds, self.folder, clock=self.hands.clock,
            chance=random.Random(1), moved=self._moved,
        )  # fmt: skip

    def wait(self, poller, until):
        """Turn after turn, as it would live, until something holds; how many turns."""
        for n in range(1, 20_000):
            self.set(self.hands.now_us + int(poller.turn() * 1e6))
            if until():
                return n
        raise AssertionError("it never came")

    def set(self, now_us):
        self.hands.now_us = self.server.now_us = now_us

    def asked(self, what):
        return self.server.asked.count(what)

    def _moved(self):
        self.moves += 1


@pytest.fixture
def place(tmp_path):
    found = Place(tmp_path)
    yield found
    found.server.close()


def known(lake, series, now_us):
    read = as_known(vintages(lake, series), now_us)
    return dict(zip(read.at_us.tolist(), read.values.tolist(), strict=True))


# ---------------------------------------------------------------- what is asked, and when


def test_a_first_look_brings_history_and_shows_the_newest_that_is_known(place):
    poller = place.poller()
    poller.turn()
    mood, funding = poller.standings["fear_greed"], poller.standings["funding BTC/USDT:USDT"]
    yesterday_us = MIDNIGHT_US - DAY_US
    assert (mood.at_us, mood.known_us, mood.value) == (yesterday_us, MIDNIGHT_US, fear_greed(yesterday_us))
    settled_us = MIDNIGHT_US + 8 * HOUR_US
    assert (funding.at_us, funding.value) == (settled_us, float(rate("BTCUSDT", settled_us)))
    assert funding.period_us == 8 * HOUR_US
    assert place.lake.span(RATES).first_us == NOON_US - 30 * DAY_US + 4 * HOUR_US
    assert place.lake.sources(RATES) == ("ccxt:binance-usdm",)
    assert heard(place.folder).feeds == poller.standings
    assert place.moves >= 4


def test_the_running_day_is_kept_and_seen_by_nobody_before_its_midnight(place):
    poller = place.poller("fear_greed")
    poller.turn()
    read = vintages(place.lake, MOOD)
    assert int(read.at_us[-1]) == MIDNIGHT_US, "its value of now is in the lake"
    assert int(read.known_us[-1]) == MIDNIGHT_US + DAY_US
    assert MIDNIGHT_US not in known(place.lake, MOOD, MIDNIGHT_US + DAY_US - 1)
    assert poller.standings["fear_greed"].at_us == MIDNIGHT_US - DAY_US


def test_a_day_costs_one_question_of_mood_and_three_of_funding(place):
    poller = place.poller()
    poller.turn()
    before = {what: place.asked(what) for what in ("fng", "fundingRate", "exchangeInfo")}
    end_us = NOON_US + 4 * DAY_US
    place.wait(poller, lambda: place.hands.now_us >= end_us)
    assert place.asked("fng") - before["fng"] == 4
    assert place.asked("fundingRate") - before["fundingRate"] == 12
    assert place.asked("exchangeInfo") == before["exchangeInfo"] == 1
    assert poller.standings["funding BTC/USDT:USDT"].at_us == NOON_US + 4 * DAY_US - 4 * HOUR_US
    assert place.lake.corrections(RATES) == place.lake.corrections(MOOD) == 0


def test_each_value_is_seen_minutes_after_it_can_be_known(place):
    poller = place.poller()
    poller.turn()
    settled_us = MIDNIGHT_US + 16 * HOUR_US
    place.wait(poller, lambda: poller.standings["funding BTC/USDT:USDT"].at_us == settled_us)
    assert MINUTE_US <= place.hands.now_us - settled_us <= 3 * MINUTE_US
    place.wait(poller, lambda: poller.standings["fear_greed"].at_us == MIDNIGHT_US)
    assert 5 * MINUTE_US <= place.hands.now_us - MIDNIGHT_US - DAY_US <= 16 * MINUTE_US


def test_a_correction_is_a_revision_that_is_known_from_now_on_and_what_was_believed_stays(place, monkeypatch):
    poller = place.poller()
    poller.turn()
    settled_us, yesterday_us = MIDNIGHT_US + 8 * HOUR_US, MIDNIGHT_US - DAY_US
    before = float(rate("BTCUSDT", settled_us)), float(fear_greed(yesterday_us))
    honest = standin.rate
    monkeypatch.setattr(standin, "rate", lambda s, us: "0.00250000" if us == settled_us else honest(s, us))
    monkeypatch.setattr(standin, "fear_greed", lambda us: 3 if us == yesterday_us else fear_greed(us))
    told_us = NOON_US + DAY_US
    place.wait(poller, lambda: place.hands.now_us >= told_us)
    for series, at_us, old, new in (
        (RATES, settled_us, before[0], 0.0025), (MOOD, yesterday_us, before[1], 3.0),
    ):  # fmt: skip
        assert place.lake.corrections(series) == 1
        assert known(place.lake, series, NOON_US)[at_us] == old, "what was believed then"
        assert known(place.lake, series, told_us)[at_us] == new


def test_pages_that_are_shorter_than_asked_for_are_asked_for_until_now_is_reached(place):
    class Short:
        name = "binance-usdm"
        asked = 0

        def funding(self, one, since_us, _limit):
            self.asked += 1
            begin = -(-since_us // (8 * HOUR_US))
            stamps = [n * 8 * HOUR_US for n in range(begin, begin + 20) if n * 8 * HOUR_US <= NOON_US]
            return [{"symbol": one.symbol, "timestamp": us // 1_000, "fundingRate": 1e-4} for us in stamps]

    venue = Short()
    Funding(place.lake, venue, PERPETUAL, every_us=EVERY_US).ask()
    assert place.lake.span(RATES).last_us == MIDNIGHT_US + 8 * HOUR_US
    assert place.lake.span(RATES).rows == 90
    assert venue.asked == 5


# ---------------------------------------------------------------- what services do wrong


@pytest.mark.parametrize("fault", CONTEXT_FAULTS)
@pytest.mark.parametrize("name", QUESTIONS)
def test_with_a_fault_nothing_is_learnt_and_without_it_all_is_well_again(place, name, fault):
    poller = place.poller(name)
    poller.turn()
    first = poller.standings[name]
    place.server.fault = lambda _n, what: fault if what == QUESTIONS[name] else ""
    slow = fault in ("hang", "drip")
    if slow:
        place.deadline_s = 0.5
        poller = place.poller(name)
    series = MOOD if name == "fear_greed" else RATES
    rows = place.lake.span(series).rows
    place.wait(poller, lambda: poller.standings[name].failures == 2)
    sick = poller.standings[name]
    assert place.server.struck[fault] >= 1
    assert sick.error
    assert "\n" not in sick.error
    assert len(sick.error) < 400
    assert (sick.value, sick.at_us) == (first.value, first.at_us)
    assert place.lake.span(series).rows == rows
    assert place.lake.corrections(series) == 0
    place.server.fault = lambda *_: ""
    place.deadline_s = 20.0
    if slow:
        poller = place.poller(name)  # half a second is not enough for an answer on a busy machine
    place.wait(poller, lambda: not poller.standings[name].error)
    assert poller.standings[name].failures == 0


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_service_that_asks_for_patience_is_not_asked_before(place, name):
    place.server.retry_after = "7200"
    place.server.fault = lambda _n, what: "429" if what == QUESTIONS[name] else ""
    poller = place.poller(name)
    poller.turn()
    assert poller.standings[name].next_us >= NOON_US + 2 * HOUR_US
    del poller
    again = place.poller(name)  # killed meanwhile: the plan, and what the venue wants, are remembered
    place.wait(again, lambda: place.hands.now_us >= NOON_US + 2 * HOUR_US - 2 * MINUTE_US)
    assert place.asked(QUESTIONS[name]) == 1
    (place.folder / FILE).unlink()
    place.poller(name).turn()
    assert place.asked(QUESTIONS[name]) == 1, "also without its memory: the budget of the machine remembers"
    place.server.fault = lambda *_: ""
    place.wait(again, lambda: again.standings[name].value is not None)
    assert place.hands.now_us >= NOON_US + 2 * HOUR_US


def test_a_source_that_fails_on_and_on_is_left_alone(place):
    place.server.fault = lambda *_: "500"
    poller = place.poller("fear_greed")
    place.wait(poller, lambda: place.hands.now_us >= NOON_US + 2 * DAY_US)
    assert 10 < place.asked("fng") < 40
    place.server.fault = lambda *_: ""
    place.wait(poller, lambda: not poller.standings["fear_greed"].error)
    assert place.hands.now_us < NOON_US + 2 * DAY_US + 7 * HOUR_US


def test_a_machine_without_a_network_asks_nobody_to_come(place):
    place.server.close()
    poller = place.poller()
    for _ in range(3):
        place.set(place.hands.now_us + int(poller.turn() * 1e6) + HOUR_US)
    assert all(one.failures and one.error and one.value is None for one in poller.standings.values())
    assert heard(place.folder).feeds == poller.standings


def test_an_instrument_that_is_not_listed_is_asked_for_seldom(place):
    share = lambda: 0.9  # noqa: E731
    venue = Exchange(
        "binance-usdm", folder=place.folder / "budget", clock=place.hands.clock, share=share,
        patience=Patience(call_s=20.0), endpoint=place.server.endpoint,
    )  # fmt: skip
    one = Funding(place.lake, venue, instrument("DOGE/USDT:USDT"), every_us=EVERY_US)
    poller = place.poller(feeds=[one])
    poller.turn()
    assert "does not list DOGE/USDT:USDT" in poller.standings[one.name].error
    assert poller.standings[one.name].next_us == NOON_US + 6 * HOUR_US


def test_an_odd_row_among_good_ones_is_left_out_and_told_once(place, monkeypatch, caplog):
    odd_us = MIDNIGHT_US - DAY_US
    monkeypatch.setattr(standin, "rate", lambda s, us: "7.5" if us == odd_us else rate(s, us))
    with caplog.at_level(logging.WARNING, "poller"):
        poller = place.poller("funding BTC/USDT:USDT")
        poller.turn()
    assert odd_us not in place.lake.read_events(RATES).events.at_us.tolist()
    assert place.lake.span(RATES).rows == 89
    assert (
        "1 of its rows were refused: row 86: a rate of BTC/USDT:USDT that has settled is needed"
        in caplog.text
    )


# ---------------------------------------------------------------- what may happen to the poller


def test_whoever_died_of_a_question_does_not_put_it_again_at_once(place):
    class Deadly:
        name, source = "fear_greed", "alternative-me"
        cadence = Cadence(EVERY_US, MINUTE_US, MINUTE_US)
        asked = 0

        def ask(self):
            self.asked += 1
            raise SystemExit  # stands for a kill: nothing after it runs

        def newest(self):
            return None

    feed = Deadly()
    with pytest.raises(SystemExit):
        place.poller(feeds=[feed]).turn()
    again = place.poller(feeds=[feed])
    assert 0 < again.turn() <= LOOK_S
    assert feed.asked == 1
    place.set(NOON_US + EVERY_US)
    with pytest.raises(SystemExit):
        again.turn()
    assert feed.asked == 2


@pytest.mark.parametrize(
    "error", [RuntimeError("odd"), OSError(28, "No space left on device"), BadInput("full")]
)
def test_whatever_a_feed_raises_is_a_failure_of_its_own(place, error):
    class Odd:
        name, source = "funding BTC/USDT:USDT", "odd"
        cadence = Cadence(EVERY_US, MINUTE_US, MINUTE_US)

        def ask(self):
            raise error

        def newest(self):
            raise error

    poller = place.poller(feeds=[Odd(), *place.feeds("fear_greed")])
    poller.turn()
    assert poller.standings[Odd.name].failures == 1
    assert poller.standings["fear_greed"].value is not None
    assert poller.standings[Odd.name].next_us <= NOON_US + 2 * EVERY_US + HOUR_US, "a person may mend it soon"


def test_a_disk_that_is_full_keeps_what_was_there_and_is_told(place, monkeypatch):
    poller = place.poller("fear_greed")
    poller.turn()
    before = known(place.lake, MOOD, NOON_US)

    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    place.set(NOON_US + DAY_US)
    with monkeypatch.context() as patched:
        patched.setattr("organism.lake.parts.write", full)
        patched.setattr("organism.lake.polling.poller.tell", full)
        poller.turn()
        assert "could not be written" in poller.standings["fear_greed"].error
    assert known(place.lake, MOOD, NOON_US) == before
    place.wait(poller, lambda: not poller.standings["fear_greed"].error)
    assert poller.standings["fear_greed"].at_us == MIDNIGHT_US


@pytest.mark.parametrize(
    "data", [b"", b'{"feeds": {"fear_gre', b"\x00" * 100, b'{"feeds":{"fear_greed":{"next_us":-5}}}']
)
def test_a_torn_memory_is_made_anew_from_the_lake(place, data):
    place.poller().turn()
    (place.folder / FILE).write_bytes(data)
    poller = place.poller()
    assert all(one.value is not None for one in poller.standings.values())
    assert heard(place.folder).feeds == poller.standings


def test_a_damaged_lake_is_told_and_the_other_value_goes_on(place):
    place.poller().turn()
    for path in place.lake.files(RATES):
        path.write_bytes(b"not parquet")
    place.set(NOON_US + DAY_US)
    poller = place.poller()
    poller.turn()
    assert "funding" in poller.standings["funding BTC/USDT:USDT"].error
    assert poller.standings["funding BTC/USDT:USDT"].value is None
    assert poller.standings["fear_greed"].at_us == MIDNIGHT_US


def test_a_lake_that_was_put_away_is_filled_again_though_not_at_once(place):
    place.poller().turn()
    (place.folder / "lake").rename(place.folder / "elsewhere")
    poller = place.poller()
    assert all(one.value is None for one in poller.standings.values())
    poller.turn()
    assert place.asked("fng") == 1
    place.wait(poller, lambda: all(one.value is not None for one in poller.standings.values()))
    assert place.hands.now_us <= NOON_US + 2 * EVERY_US


def test_a_clock_that_was_years_ahead_is_forgotten_when_it_is_right(tmp_path):
    place = Place(tmp_path, NOON_US + 2_000 * DAY_US)
    try:
        place.poller().turn()
        place.set(NOON_US)
        poller = place.poller()
        place.wait(
            poller,
            lambda: all(
                one.answered_us and one.answered_us <= place.hands.now_us for one in poller.standings.values()
            ),
        )
        assert place.hands.now_us <= NOON_US + 2 * EVERY_US
        for name, one in poller.standings.items():
            assert one.known_us <= place.hands.now_us, name
    finally:
        place.server.close()


def test_it_looks_twice_a_minute_at_least_and_ends_when_told(place):
    poller, waits = place.poller(), []

    def stopping(seconds):
        waits.append(seconds)
        return len(waits) == 3

    poller.live(stopping)
    assert len(waits) == 3
    assert all(0 <= wait <= LOOK_S for wait in waits)
    assert place.poller(feeds=[]).turn() == LOOK_S


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    "row",
    [
        None, 7, "x", [], {}, {"symbol": "ETH/USDT:USDT", "timestamp": 1, "fundingRate": 0.0},
        {"symbol": PERPETUAL.symbol, "timestamp": True, "fundingRate": 0.0},
        {"symbol": PERPETUAL.symbol, "timestamp": 1.5, "fundingRate": 0.0},
        {"symbol": PERPETUAL.symbol, "timestamp": 0, "fundingRate": 0.0},
        {"symbol": PERPETUAL.symbol, "timestamp": 10**30, "fundingRate": 0.0},
        {"symbol": PERPETUAL.symbol, "timestamp": 1, "fundingRate": float("nan")},
        {"symbol": PERPETUAL.symbol, "timestamp": 1, "fundingRate": float("inf")},
        {"symbol": PERPETUAL.symbol, "timestamp": 1, "fundingRate": "0.1"},
        {"symbol": PERPETUAL.symbol, "timestamp": 1, "fundingRate": True},
        {"symbol": PERPETUAL.symbol, "timestamp": 1, "fundingRate": 0.51},
    ],
)  # fmt: skip
def test_what_is_no_settled_rate_of_the_instrument_is_refused(row):
    events, refused = rates_of([row], PERPETUAL.symbol, NOON_US)
    assert len(events) == 0
    assert len(refused) == 1


def test_rates_rise_and_of_two_the_later_counts():
    row = lambda ms, value: {"symbol": PERPETUAL.symbol, "timestamp": ms, "fundingRate": value}  # noqa: E731
    events, refused = rates_of([row(2, 0.2), row(1, 0.1), row(2, -0.3)], PERPETUAL.symbol, NOON_US)
    assert events.at_us.tolist() == [1_000, 2_000]
    assert events.values["rate"].tolist() == [0.1, -0.3]
    assert refused == ()


def test_only_a_stand_in_on_this_machine_is_asked_in_place_of_the_service():
    assert stood_in(feeds.SERVICE, "") == "https://api.alternative.me/fng/"
    with pytest.raises(BadInput, match="stand-in on this machine"):
        stood_in(feeds.SERVICE, "http://example.org:80")


def test_a_venue_without_perpetuals_or_without_a_name_is_one_sentence(place):
    for name, said in (("binance", "ask the venue binance-usdm"), ("nobody", "is no venue that ccxt knows")):
        venue = Exchange(
            name, folder=place.folder / "budget", clock=place.hands.clock, share=lambda: 0.9,
            patience=Patience(call_s=20.0), endpoint=place.server.endpoint,
        )  # fmt: skip
        one = Funding(place.lake, venue, PERPETUAL, every_us=EVERY_US)
        with pytest.raises((Failed, BadInput), match=said):
            one.ask()
    assert place.asked("fundingRate") == 0
