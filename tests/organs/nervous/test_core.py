"""What market data believes."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.core import Now
from organism.effects import Publish, Schedule
from organism.market import NS_PER_S, Bar
from organism.messages import (
    BarClosed,
    BarsArrived,
    FeedRecovered,
    FeedReported,
    FeedStalled,
    Recovered,
    TimerFired,
)
from organism.settings import MarketSettings, PaperSettings
from organs.nervous.bundled import bundled_instruments
from organs.nervous.core import SILENCE, nervous_core
from organs.nervous.corrupted import Corrupted, FeedFaults
from organs.nervous.feeds import instants
from organs.nervous.state import NervousState

BAR_NS = 300 * NS_PER_S
T0 = 1_704_067_200 * NS_PER_S
SETTINGS = MarketSettings(symbols=("BTC/USDT", "ETH/USDT"), speed=0, stall_s=10)
CORE = nervous_core(SETTINGS, bundled_instruments(PaperSettings()))


def now(mono_s=0.0, step=1):
    return Now(T0, int(mono_s * NS_PER_S), 0, step)


def bar(n=1, symbol="BTC/USDT", close=100.0, **changes):
    at_ns = T0 + n * BAR_NS
    made = Bar(symbol, at_ns - BAR_NS, at_ns, close, close + 1, close - 1, close, 10.0 + n)
    return msgspec.structs.replace(made, **changes)


def arrived(n, *bars, **changes):
    fields = {"feed": "replay", "session": 1, "at_ns": T0 + n * BAR_NS, "bars": bars} | changes
    return BarsArrived(**fields)


def both(n, close=100.0):
    return bar(n, close=close), bar(n, "ETH/USDT", close)


def played(*messages, state=None):
    state, effects = state or CORE.initial, []
    for i, message in enumerate(messages):
        state, made = CORE.step(state, message, now(i, i + 1))
        effects += made
    return state, effects


def said(effects, kind):
    return [e.message for e in effects if isinstance(e, Publish) and isinstance(e.message, kind)]


def test_good_bars_pass_unchanged_to_those_who_trade():
    bars = both(1)
    state, effects = played(arrived(1, *bars))

    assert effects[0].to == ("motor", "brain")
    assert effects[0].message == BarClosed(at_ns=T0 + BAR_NS, session=1, bars=bars, seam=True)
    assert (state.n_bars, state.refused, state.doubtful) == (2, (), ())


def test_warm_up_is_not_told_to_execution():
    _, effects = played(arrived(1, *both(1), warmup=True))

    assert effects[0].to == ("brain",)
    assert effects[0].message.warmup


@pytest.mark.requirement("S4-17.11")
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"close": math.nan}, "not_a_number"),
        ({"volume": math.inf}, "not_a_number"),
        ({"low": -1.0}, "negative_price"),
        ({"open": 0.0, "low": 0.0}, "zero_price"),
        ({"volume": -1.0}, "negative_volume"),
        ({"high": 1e308}, "implausible"),
        ({"open": 1e308, "high": 1e308, "low": 1e308, "close": 1e308}, "implausible"),
        ({"low": 1e-308}, "implausible"),
        ({"volume": 1e308}, "implausible"),
        ({"high": 99.5}, "high_low_order"),
        ({"low": 100.5}, "high_low_order"),
        ({"close_ns": T0 + 3 * BAR_NS}, "future"),
        ({"close_ns": T0 + BAR_NS}, "stale"),
        ({"open_ns": T0}, "interval"),
    ],
)
def test_every_kind_of_malformed_bar_is_dropped_and_counted_by_reason(changes, why):
    state, effects = played(arrived(1, *both(1)), arrived(2, bar(2, **changes), bar(2, "ETH/USDT")))
    closed = said(effects, BarClosed)[-1]

    assert [b.symbol for b in closed.bars] == ["ETH/USDT"]
    assert closed.missing == ("BTC/USDT",)
    assert state.refused == (("BTC/USDT", why, 1),)
    assert state.tracks["BTC/USDT"][0] == T0 + BAR_NS


def test_a_bar_that_comes_twice_and_an_unknown_instrument_are_refused():
    state, effects = played(arrived(1, bar(1), bar(1, close=7.0), bar(1, "DOGE/USDT")))

    assert said(effects, BarClosed)[0].bars == (bar(1),)
    assert state.refused == (("BTC/USDT", "duplicate", 1), ("", "unknown_instrument", 1))


@pytest.mark.parametrize("n", [1, 2])
def test_an_instant_heard_before_changes_nothing_but_a_count(n):
    before, _ = played(arrived(1, *both(1)), arrived(2, *both(2)))
    after, effects = CORE.step(before, arrived(n, *both(n, 50.0)), now())

    assert effects == ()
    assert after == msgspec.structs.replace(before, refused=(("", "old_instant", 1),))


def test_an_earlier_session_is_not_heard_again():
    before, _ = played(arrived(1, *both(1), session=2))
    after, effects = CORE.step(before, arrived(5, *both(5), session=1), now())

    assert effects == ()
    assert after.cursor == before.cursor


def test_an_instant_without_one_good_bar_may_still_come_as_it_should():
    state, effects = played(arrived(1, *both(1)), arrived(2, bar(2, close=math.nan)), arrived(2, *both(2)))

    assert [m.at_ns for m in said(effects, BarClosed)] == [T0 + BAR_NS, T0 + 2 * BAR_NS]
    assert state.refused == (("BTC/USDT", "not_a_number", 1),)


def test_the_end_of_a_session_is_told_even_without_bars():
    _, effects = played(arrived(1, *both(1)), arrived(2, closing=True, final=True))

    assert said(effects, BarClosed)[-1].final


@pytest.mark.parametrize("far", [1_000, 289, 80], ids=["days", "one day", "hours"])
def test_one_stamp_far_in_the_future_does_not_silence_the_feed(far):
    state, effects = played(
        arrived(1, *both(1)), arrived(far, *both(far)), arrived(2, *both(2)), arrived(3, *both(3))
    )

    assert [m.at_ns for m in said(effects, BarClosed)] == [T0 + n * BAR_NS for n in (1, 2, 3)]
    assert state.refused == (("", "future_instant", 1),)


def test_a_market_that_really_moved_on_is_believed_after_three_instants():
    messages = [arrived(n, *both(n)) for n in (1, 1_000, 1_001, 1_002, 1_003)]
    state, effects = played(*messages)

    assert [m.at_ns for m in said(effects, BarClosed)][1:] == [T0 + n * BAR_NS for n in (1_002, 1_003)]
    assert state.n_gaps == 1


def test_a_gap_is_flagged_and_counted_never_filled():
    state, effects = played(arrived(1, *both(1)), arrived(4, *both(4)))
    closed = said(effects, BarClosed)

    assert len(closed) == 2
    assert [b.flags for b in closed[-1].bars] == [("gap",), ("gap",)]
    assert state.n_gaps == 1
    assert state.doubtful == (("BTC/USDT", "gap", 1), ("ETH/USDT", "gap", 1))


def test_doubtful_bars_are_flagged_and_keep_their_prices():
    calm = [arrived(n, bar(n, close=100.0 + n % 2)) for n in range(1, 101)]
    state, effects = played(
        *calm, arrived(101, bar(101, close=150.0)), arrived(102, bar(102, close=150.0, volume=0.0))
    )
    jump, still = (m.bars[0] for m in said(effects, BarClosed)[-2:])

    assert jump.flags == ("outlier",)
    assert jump.close == 150.0
    assert still.flags == ("zero_volume",)
    assert ("BTC/USDT", "outlier", 1) in state.doubtful


def test_the_same_bar_over_and_over_is_doubtful():
    repeated = msgspec.structs.replace(bar(2), volume=bar(1).volume)
    _, effects = played(arrived(1, bar(1)), arrived(2, repeated))

    assert said(effects, BarClosed)[-1].bars[0].flags == ("repeated",)


def test_a_new_session_that_begins_in_a_far_future_is_not_believed_either():
    state, effects = played(
        arrived(1, *both(1)), arrived(9_000, *both(9_000), session=2), arrived(2, *both(2))
    )

    assert [m.at_ns for m in said(effects, BarClosed)] == [T0 + BAR_NS, T0 + 2 * BAR_NS]
    assert state.cursor.session == 1


def test_a_new_session_is_a_seam_and_compares_with_nothing_before_it():
    state, effects = played(
        arrived(1, *both(1)), arrived(2, *both(2)), arrived(400, *both(400, 9_999.0), session=2)
    )
    closed = said(effects, BarClosed)

    assert [m.seam for m in closed] == [True, False, True]
    assert all(b.flags == () for b in closed[-1].bars)
    assert state.n_gaps == 0
    assert state.cursor.origin_ns == T0 + 400 * BAR_NS


def silence(state, mono_s):
    return CORE.step(state, TimerFired(key=SILENCE, due_ns=0), now(mono_s))


@pytest.mark.requirement("S3-0.1.8")
def test_silence_stops_entries_repeatedly_until_bars_come_again():
    state, started = CORE.step(
        CORE.initial, Recovered(organ="nervous", incarnation=1, process=True), now(100.0)
    )
    quiet, at_once = silence(state, 105.0)
    stalled, first = silence(quiet, 111.0)
    _, again = silence(stalled, 116.0)
    back, effects = CORE.step(stalled, arrived(1, *both(1)), now(117.0))

    assert started == (Schedule(key=SILENCE, due_ns=105 * NS_PER_S),)
    assert at_once == (Schedule(key=SILENCE, due_ns=110 * NS_PER_S),)
    assert said(first, FeedStalled) == [FeedStalled(feed="replay", reason="silent", silent_s=11.0)]
    assert said(again, FeedStalled)[0].silent_s == 16.0
    assert again[-1] == Schedule(key=SILENCE, due_ns=121 * NS_PER_S)
    assert [type(e.message) for e in effects] == [FeedRecovered, BarClosed]
    assert effects[0].to == ("immune", "voice")
    assert back.stalled == ""


def test_a_feed_that_only_talks_garbage_counts_as_silent():
    state, _ = CORE.step(CORE.initial, Recovered(organ="nervous", incarnation=1, process=True), now(0.0))
    for second in range(1, 20):
        state, _ = CORE.step(state, arrived(second, bar(second, close=math.nan)), now(float(second)))
    _, effects = silence(state, 20.0)

    assert said(effects, FeedStalled)


def test_a_slow_replay_is_not_a_silent_one():
    """At one market second a second, five minutes between two bars are as they should be."""
    core = nervous_core(MarketSettings(speed=1.0, stall_s=10), bundled_instruments(PaperSettings()))
    state, _ = core.step(core.initial, arrived(1, *both(1)), now(0.0))
    _, patient = core.step(state, TimerFired(key=SILENCE, due_ns=0), now(299.0))
    _, impatient = core.step(state, TimerFired(key=SILENCE, due_ns=0), now(311.0))

    assert said(patient, FeedStalled) == []
    assert said(impatient, FeedStalled)


def test_the_clock_of_another_process_is_no_silence():
    state, _ = played(arrived(1, *both(1)))
    state, _ = CORE.step(state, Recovered(organ="nervous", incarnation=2, process=True), now(9_000.0))
    _, effects = silence(state, 9_005.0)

    assert said(effects, FeedStalled) == []


@pytest.mark.parametrize("condition", ["gap", "failed"])
def test_a_feed_that_reports_trouble_is_stalled_until_it_speaks(condition):
    state, effects = played(
        arrived(1, *both(1)), FeedReported(feed="replay", condition=condition, detail="why")
    )
    _, after = CORE.step(state, arrived(2, *both(2)), now())

    assert said(effects, FeedStalled)[0].reason == f"{condition}: why"
    assert said(after, FeedRecovered)


def test_a_feed_that_connects_is_nothing_to_tell():
    assert played(FeedReported(feed="replay", condition="connected")) == (CORE.initial, [])


FAULTS = FeedFaults(
    nan=0.1, negative=0.1, zero=0.1, crossed=0.1, future=0.1, future_instant=0.05, duplicate=0.1, repeated=0.1,
    late=0.1, missing=0.1, lost=0.1,
)  # fmt: skip


@given(seed=st.integers(0, 10_000), feed=st.sampled_from(["replay", "simulated"]))
def test_whatever_a_feed_says_only_sane_bars_in_order_come_through(seed, feed):
    settings = MarketSettings(feed=feed, symbols=SETTINGS.symbols, warmup_bars=5, closing_bars=2, max_bars=60)
    source = instants(settings)
    truth = {}
    honest = (truth.setdefault(i.at_ns, i) for i in source)
    state, last_ns = CORE.initial, 0
    first = next(honest)
    state, _ = CORE.step(state, first, now())
    n_heard = len(first.bars)
    for n, told in enumerate(Corrupted(honest, FAULTS, seed), 1):
        if n == 150:
            break
        state, effects = CORE.step(state, told, now(n, n + 1))
        for closed in said(effects, BarClosed):
            assert closed.at_ns > last_ns
            last_ns = closed.at_ns
            symbols = [b.symbol for b in closed.bars]
            assert sorted((*symbols, *closed.missing)) == sorted(SETTINGS.symbols)
            for heard in closed.bars:
                assert msgspec.structs.replace(heard, flags=()) in truth[closed.at_ns].bars
                n_heard += 1
    assert state.n_bars == n_heard > 100


def test_corruption_is_told_by_kind_and_repeatable():
    settings = MarketSettings(warmup_bars=5, closing_bars=2, max_bars=60)

    def run():
        lies = Corrupted((i for i, _ in zip(instants(settings), range(200), strict=False)), FAULTS, 3)
        return [repr(i) for i in lies], lies.told

    first, told = run()
    assert (first, told) == run()
    assert set(told) == set(FAULTS.__struct_fields__)


def test_the_state_survives_a_snapshot():
    state, _ = played(arrived(1, *both(1)), arrived(5, *both(5)), arrived(6, bar(6, close=math.nan)))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=NervousState)

    assert again == state


def test_the_step_leaves_the_state_before_it_untouched():
    before, _ = played(arrived(1, *both(1)))
    kept = msgspec.msgpack.encode(before)
    CORE.step(before, arrived(2, *both(2)), now())

    assert msgspec.msgpack.encode(before) == kept
