"""A real organism asks for values of context beside its trading, shows them, and loses its poller."""

import json
import os
import re
import signal
import time
from pathlib import Path

import msgspec
import pytest

from organism.body.aside import Life
from organism.body.polled import PolledEar
from organism.body.poller import MOST_BYTES, feeds_of
from organism.guardian.lock import read_note
from organism.lake.context import as_known, context_series, vintages
from organism.lake.context.lags import DAY_US
from organism.lake.fetching import standin
from organism.lake.fetching.shared import Clock
from organism.lake.fetching.standin import StandIn, fear_greed, rate
from organism.lake.polling.schedule import HOUR_US, Standing
from organism.lake.polling.told import FILE, Told, tell
from organism.lake.store import Lake
from organism.settings import ContextSettings, HistorySettings, MarketSettings, Settings
from organism.view.reader import ViewReader
from tests.body.house import House, organism
from tests.body.waiting import until

chaos = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(240)]
ON = ("context.fear_greed=true", "context.funding=true", "context.every_s=1")
BTC, SOL = "funding BTC/USDT:USDT", "funding SOL/USDT:USDT"
RATES = context_series("funding", venue="binance-usdm", symbol="BTC/USDT:USDT")
NOON_US = 20_000 * DAY_US + 12 * HOUR_US


@pytest.fixture
def service():
    # Real processes live by the real clock: nothing is to settle between two looks of one test.
    until(lambda: time.time() % (8 * 3_600) < 8 * 3_600 - 45, "a settlement that is near", 60.0)
    server = StandIn(
        now_us=time.time_ns() // 1_000
    )  # of BTC and ETH; the third symbol of the market it does not list
    yield server
    server.close()


@pytest.fixture
def living(tmp_path):
    houses = []

    def live(*settings):
        houses.append(House(tmp_path / "state", *settings, speed="6000"))
        houses[-1].start()
        return houses[-1]

    yield live
    for house in houses:
        house.end()


def pollers_pid(house):
    return read_note(house.state).get("children", {}).get("poller")


def rows(house):
    return {row["name"]: row for row in house.status()["feeds"] if "bars" not in row}


def told(house, name, claim):
    """The row of a feed once this holds of it."""
    return until(
        lambda: next((row for row in [rows(house).get(name)] if row is not None and claim(row)), None),
        lambda: f"{name}: {house.status()['feeds']} {house.said[-800:]}",
        60.0,
    )


class TestLiving:
    """With real processes and a service on this machine."""

    pytestmark = chaos

    def test_values_are_seen_when_they_are_known_and_a_killed_poller_is_replaced(
        self, service, living, monkeypatch
    ):
        monkeypatch.setenv("EXCHANGE_API_KEY", "canary-in-the-environment")
        house = living(*ON, f"history.endpoint={service.endpoint}")
        mood = told(house, "fear_greed", lambda row: row["value"] is not None)
        funding = told(house, BTC, lambda row: row["value"] is not None)

        # What is shown is of yesterday; the value of the running day lies in the lake, and nobody knows it yet.
        lake = Lake(house.state / "lake", now_us=lambda: time.time_ns() // 1_000)
        known_us = int(service.now_us // DAY_US * DAY_US)
        assert (mood["state"], mood["value"]) == ("fresh", fear_greed(known_us - DAY_US))
        assert mood["known_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(known_us // 1_000_000))
        read = vintages(lake, context_series("fear_greed"))
        assert int(read.known_us[-1]) == known_us + DAY_US
        assert int(as_known(read, service.now_us).at_us[-1]) == known_us - DAY_US
        settled_us = int(service.now_us // (8 * HOUR_US) * 8 * HOUR_US)
        assert (funding["state"], funding["value"]) == ("fresh", float(rate("BTCUSDT", settled_us)))

        # What is not listed is told, and hinders nobody.
        refused = told(house, SOL, lambda row: row["state"] == "failing")
        assert refused["value"] is None
        assert "binance-usdm: it does not list SOL/USDT:USDT" in refused["detail"]

        # A person sees the same, in text, as JSON and in the view.
        shown = json.loads(organism("status", "--json", state=house.state).stdout)
        assert {row["name"] for row in shown["feeds"]} >= {"fear_greed", BTC, SOL}
        assert f"{fear_greed(known_us - DAY_US)}, " in organism("status", state=house.state).stdout
        view = ViewReader(house.state / "view.db").status()["context"]["feeds"]
        assert {row["name"]: row["value"] for row in view}["fear_greed"] == mood["value"]

        body, killed = house.body_pid, until(lambda: pollers_pid(house), "a poller to kill")
        assert b"canary" in Path(f"/proc/{body}/environ").read_bytes()
        assert b"canary" not in Path(f"/proc/{killed}/environ").read_bytes()

        limits = Path(f"/proc/{killed}/limits").read_text()
        assert re.search(rf"^Max data size +{MOST_BYTES} +{MOST_BYTES}", limits, re.MULTILINE)

        # Killed, without its memory, while the service has put the newest rate right.
        honest = standin.rate
        monkeypatch.setattr(
            standin, "rate", lambda symbol, us: "0.00250000" if us == settled_us else honest(symbol, us)
        )
        (house.state / FILE).unlink()
        os.kill(killed, signal.SIGKILL)
        again = told(house, BTC, lambda row: row["value"] == 0.0025)
        assert again["known_at"] == funding["known_at"]
        assert pollers_pid(house) not in {None, killed}
        assert house.body_pid == body, "nobody fell with it"
        assert lake.corrections(RATES) == 1
        first_us = int(lake.read_events(RATES).received_us[-1])
        before = as_known(vintages(lake, RATES), first_us - 1)
        assert float(before.values[-1]) == funding["value"], "what was believed before is still there"

        assert house.stop()[0] == 0
        assert house.verify()["ok"]

    def test_whoever_died_asks_no_sooner_than_was_planned(self, service, living):
        house = living(*ON, "context.funding=false", f"history.endpoint={service.endpoint}")
        told(house, "fear_greed", lambda row: row["value"] is not None)
        for _ in range(2):
            killed = until(lambda: pollers_pid(house), "a poller to kill")
            os.kill(killed, signal.SIGKILL)
            until(
                lambda killed=killed: pollers_pid(house) not in {None, killed},
                lambda: f"another poller: {house.said[-800:]}",
                60.0,
            )
        assert service.asked == ["fng"]
        assert house.stop()[0] == 0

    def test_a_service_in_trouble_is_told_and_trading_goes_on(self, service, living):
        service.fault = lambda *_: "500"
        house = living(*ON, f"history.endpoint={service.endpoint}")
        row = told(house, "fear_greed", lambda row: row["state"] == "failing")
        assert "answered 500" in row["detail"]
        assert row["silent_s"] is None
        house.wait_trading(1)
        assert house.status()["mode"] == "ACTIVE"
        service.fault = lambda *_: ""
        told(house, "fear_greed", lambda row: row["value"] is not None)
        assert house.stop()[0] == 0

    def test_unless_somebody_wants_it_nobody_is_asked(self, service, living):
        house = living(f"history.endpoint={service.endpoint}")
        until(lambda: house.status()["running"], lambda: house.said[-800:])
        until(lambda: house.body_pid, "a body")
        assert pollers_pid(house) is None
        assert rows(house) == {}
        assert house.stop()[0] == 0
        assert service.asked == []
        assert not (house.state / "lake").exists()
        assert not (house.state / FILE).exists()


# ---------------------------------------------------------------- the body's ear


def settings(**context):
    return Settings(
        context=ContextSettings(**context),
        market=MarketSettings(symbols=("BTC/USDT",)),
        history=HistorySettings(endpoint="http://127.0.0.1:9"),
    )


def heard(ear, us):
    return {row.name: row for row in ear.live(us * 1_000)}


def test_before_anything_was_heard_there_is_a_row_for_each_value(tmp_path):
    ear = PolledEar(tmp_path, settings(fear_greed=True, funding=True))
    found = heard(ear, NOON_US)
    assert list(found) == ["fear_greed", BTC]
    assert {(row.state, row.value, row.silent_s, row.detail) for row in found.values()} == {
        ("waiting", None, None, "nothing heard yet")
    }
    assert PolledEar(tmp_path, settings()).live(NOON_US * 1_000) == ()


def test_a_value_ages_while_nobody_speaks_and_is_unknown_before_its_time(tmp_path):
    midnight_us = 20_000 * DAY_US
    one = Standing(
        at_us=midnight_us - DAY_US, known_us=midnight_us, value=24.0, period_us=DAY_US,
        answered_us=midnight_us + HOUR_US,
    )  # fmt: skip
    tell(tmp_path, Told({"fear_greed": one, "of somebody else": one}))
    ear = PolledEar(tmp_path, settings(fear_greed=True))
    (row,) = ear.live(NOON_US * 1_000)
    assert (row.state, row.value, row.silent_s) == ("fresh", 24.0, 11 * 3_600.0)
    assert row.known_at == "2024-10-04T00:00:00Z"
    assert row.detail == "24, Extreme Fear, of 2024-10-03"
    assert heard(ear, NOON_US + 2 * DAY_US)["fear_greed"].state == "stale"
    early = heard(ear, midnight_us - 1)["fear_greed"]
    assert (early.state, early.value, early.known_at, early.silent_s) == ("waiting", None, None, 0.0)


def test_a_failure_is_told_beside_the_value_and_nonsense_instead_of_one(tmp_path):
    ear = PolledEar(tmp_path, settings(funding=True))
    one = Standing(at_us=NOON_US, known_us=NOON_US, value=-0.00012, period_us=8 * HOUR_US, error="HTTP 429")
    tell(tmp_path, Told({BTC: one}))
    assert heard(ear, NOON_US)[BTC].detail == "-0.0120%, settled 12:00 UTC; HTTP 429"
    assert heard(ear, NOON_US + DAY_US)[BTC].detail == "-0.0120%, settled 12:00 UTC of 2024-10-04; HTTP 429"
    (tmp_path / FILE).write_bytes(b'{"feeds": {"fund')
    torn = heard(ear, NOON_US)[BTC]
    assert (torn.state, torn.value) == ("failing", None)
    assert "says what the poller never writes" in torn.detail
    tell(tmp_path, Told({BTC: msgspec.structs.replace(one, error="")}))
    assert heard(ear, NOON_US)[BTC].detail == "-0.0120%, settled 12:00 UTC"
    (tmp_path / FILE).unlink()
    assert heard(ear, NOON_US)[BTC].value == one.value, "what was heard is known"


# ---------------------------------------------------------------- the process


def test_the_settings_say_what_is_asked_and_nothing_is_by_default(tmp_path):
    clock = Clock()
    assert list(feeds_of(Settings(), tmp_path, clock)) == []
    both = feeds_of(settings(fear_greed=True, funding=True, every_s=60.0), tmp_path, clock)
    assert [(one.name, one.source) for one in both] == [
        ("fear_greed", "alternative-me"), (BTC, "binance-usdm"),
    ]  # fmt: skip
    assert {one.cadence.every_us for one in both} == {60_000_000}
    assert list(tmp_path.iterdir()) == [], "nothing is made or asked yet"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("context.every_s=0", "every_s"), ("context.every_s=nan", "every_s"), ("context.funding=perhaps", "funding"),
        ("context.funding_venue=Binance!", "funding_venue"), ("context.mood=true", "mood"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_meant_is_refused_by_name(tmp_path, given, said):
    done = organism("config", "explain", "--set", given, state=tmp_path / "state")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    shown = organism("config", "explain", "--set", "context.fear_greed=true", state=tmp_path / "state")
    assert "context.fear_greed" in shown.stdout


def test_who_does_not_get_on_falls_silent():
    class Heart:
        beats = 0

        def beat(self):
            self.beats += 1

    class Turns:
        """Waits nobody waits for: three, then the end."""

        left = 3

        def wait(self, _seconds):
            self.left -= 1
            return self.left < 0

    for hang_s, beats in ((1e9, 3), (-1.0, 0)):
        life, heart = Life(hang_s), Heart()
        life.stopping = Turns()
        life.beat(heart)
        assert (life.hangs, heart.beats) == (hang_s < 0, beats)
