"""Venue, dashboard and sender as they really are: they beat, and who stops beating is replaced."""

import os
import signal
import time

import pytest

from organism.chaos.habitat import habitat
from organism.chaos.kills import SENDER
from tests.body.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(200)]

SERVICES = ("venue", "dashboard", "sender")
QUICK = ("guardian.venue_silence_s=3", "guardian.service_silence_s=3")


def pass_time(span_s):
    end = time.monotonic() + span_s
    until(lambda: time.monotonic() > end)


def test_services_that_stand_still_for_ever_are_replaced_and_trading_goes_on(tmp_path):
    with habitat(tmp_path, SENDER, *QUICK, dashboard=True) as home:
        home.start()
        home.trades(3)
        first = {name: home.pid(name) for name in ("body", *SERVICES)}
        until((home.state / "log" / "tracebacks-dashboard.log").exists, "the page", 60.0)
        pass_time(5.0)
        assert {name: home.pid(name) for name in first} == first, (
            "who beats is left alone, however little it does"
        )
        for name in SERVICES:
            os.kill(first[name], signal.SIGSTOP)
        until(lambda: all(home.replaced(name, first[name]) for name in SERVICES), "their successors", 30.0)
        home.trades(3)
        assert home.pid("body") == first["body"]
        assert home.stop()[0] == 0
        for name in SERVICES:
            assert f"{name} was silent for 3." in home.said
