"""A feed as a supervised child."""

import gc
import queue
import threading
import weakref
from itertools import pairwise

import pytest

from organism.messages import BarsArrived
from organism.settings import MarketSettings
from organs.nervous.corrupted import Corrupted, FeedFaults
from organs.nervous.feeds import instants
from organs.nervous.live import FeedBroken, LiveFeed

SETTINGS = MarketSettings(feed="simulated", symbols=("BTC/USDT",), warmup_bars=3, closing_bars=1, max_bars=20)
SOON_S = 10.0


class Body:
    """Takes what a feed says. credit is given by `permits`."""

    def __init__(self, permits=10**9, speed=0.0, after=None, settings=SETTINGS):
        self.delivered = queue.Queue()
        self.reports = queue.Queue()
        self.permits = threading.Semaphore(permits)
        self.feed = LiveFeed(
            "simulated",
            lambda cursor: instants(settings, cursor),
            bar_s=settings.bar_s,
            speed=speed,
            credit=lambda timeout_s: self.permits.acquire(timeout=timeout_s),
            deliver=self.delivered.put,
            report=self.reports.put,
            after=after,
        )

    def take(self, n):
        return [self.delivered.get(timeout=SOON_S) for _ in range(n)]


@pytest.fixture
def body():
    made = []

    def make(**options):
        made.append(Body(**options))
        return made[-1]

    yield make
    for one in made:
        assert one.feed.stop(SOON_S)


def true(n):
    source = instants(SETTINGS)
    return [next(source) for _ in range(n)]


def test_it_delivers_every_instant_in_order(body):
    one = body(permits=30)
    one.feed.start()

    assert one.take(30) == true(30)
    assert one.reports.get(timeout=SOON_S).condition == "connected"


def test_it_waits_until_the_instant_before_is_digested(body):
    one = body(permits=2)
    one.feed.start()
    one.take(2)
    with pytest.raises(queue.Empty):
        one.delivered.get(timeout=0.3)
    one.permits.release()

    assert one.take(1) == true(3)[2:]


def test_warm_up_is_not_paced_and_the_rest_is(body):
    """At 3,000 market seconds a second a bar of 300 s takes a tenth of a second."""
    clock_s = []
    one = body(speed=3_000.0)
    put = one.delivered.put
    one.feed._deliver = lambda instant: (clock_s.append(one.feed._monotonic()), put(instant))
    one.feed.start()
    one.take(7)
    steps = [b - a for a, b in pairwise(clock_s[3:])]

    assert clock_s[2] - clock_s[0] < 0.1
    assert 0.15 < sum(steps[:3]) < 3.0


@pytest.mark.requirement("S4-26.10")
def test_a_feed_that_died_goes_on_after_the_last_instant_it_delivered(body):
    one = body(permits=5)
    one.feed.start()
    before = one.take(5)
    one.feed.die()
    one.feed._thread.join(SOON_S)
    conditions = [one.reports.get(timeout=SOON_S) for _ in range(2)]

    assert not one.feed.is_alive
    assert isinstance(one.feed.last_error, FeedBroken)
    assert [r.condition for r in conditions] == ["connected", "failed"]
    assert "FeedBroken" in conditions[1].detail

    for _ in range(10):
        one.permits.release()
    one.feed.start()
    heard = {i.at_ns: i for i in (*before, *one.take(10))}
    assert one.feed.last_error is None
    assert one.reports.get(timeout=SOON_S).condition == "restarted"
    assert list(heard.values()) == true(len(heard))
    assert len(heard) >= 14  # the one in hand may come twice, none is lost


class Recording:
    """Stands for the megabytes that a source holds while it is played."""

    def played(self, cursor):
        yield from instants(SETTINGS, cursor)


def test_a_feed_that_died_keeps_nothing_of_what_it_played(body):
    """Kept by its error, a recording would wait for the collector: 7 MB a death."""
    one, recordings = body(permits=5), []

    def opened(cursor):
        recording = Recording()
        recordings.append(weakref.ref(recording))
        return recording.played(cursor)

    one.feed._source = opened
    gc.disable()
    try:
        one.feed.start()
        one.take(5)
        assert recordings[0]() is not None
        one.feed.die()
        one.feed._thread.join(SOON_S)
        assert isinstance(one.feed.last_error, FeedBroken)
        assert recordings[0]() is None
    finally:
        gc.enable()


def test_a_stalled_feed_is_silent_but_alive_and_beats(body):
    one = body()
    one.feed.stall()
    one.feed.start()
    first_s = one.feed.beat_s
    with pytest.raises(queue.Empty):
        one.delivered.get(timeout=0.3)
    assert one.feed.is_alive
    assert one.feed.beat_s > first_s
    one.feed.unstall()

    assert one.take(1) == true(1)


def test_a_corrupted_feed_lies_but_keeps_its_place(body):
    one = body(permits=12)
    one.feed.corrupt(lambda source: iter(Corrupted(source, FeedFaults(future_instant=1.0), 1)))
    one.feed.start()
    told = one.take(12)
    one.feed.stop(SOON_S)

    assert told[1::2] == true(6)
    assert one.feed.cursor.at_ns in {i.at_ns for i in true(6)}


def test_a_source_that_cannot_be_opened_is_reported_not_lost(body):
    one = body()

    def broken(_cursor):
        raise OSError("no such recording")

    one.feed._source = broken
    one.feed.start()
    one.feed._thread.join(SOON_S)

    assert [one.reports.get(timeout=SOON_S).condition for _ in range(2)] == ["connected", "failed"]
    assert isinstance(one.feed.last_error, OSError)


def test_a_feed_stuck_in_delivery_is_retired_and_says_nothing_more():
    entered, leave = threading.Event(), threading.Event()
    heard = []

    def deliver(instant: BarsArrived):
        heard.append(instant)
        entered.set()
        leave.wait(SOON_S)

    feed = LiveFeed(
        "x", lambda cursor: instants(SETTINGS, cursor), bar_s=300, speed=0,
        credit=lambda _s: True, deliver=deliver, report=lambda _r: None,
    )  # fmt: skip
    feed.start()
    assert entered.wait(SOON_S)

    assert not feed.stop(0.05)
    assert not feed.is_alive
    leave.set()
    feed._thread.join(SOON_S)
    assert len(heard) == 1


def test_stopping_a_feed_that_never_started_is_nothing():
    assert Body().feed.stop()
