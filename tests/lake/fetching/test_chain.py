"""Cache, then the primary, then each fallback, then an error: for whole days, and visible at each row."""

import pytest

from organism.lake.fetching.client import Failed
from organism.lake.fetching.days import DAY_US
from organism.lake.fetching.faults import Fault
from organism.lake.fetching.instrument import instrument, is_proxy, stand_in
from organism.lake.fetching.outcome import SourcesFailed
from organism.lake.names import series
from tests.lake.fetching.lanes import HOUR_US, MIDNIGHT_US, MINUTE_US, NOW_US, Bench, Hands, Made, are_as_made

HOURLY = series("first", "BTC/USDT", "1h")
START_US = MIDNIGHT_US - 40 * DAY_US


def _sources_by_day(lake, one):
    stored = lake.read(one)
    found = {}
    for us, place in zip(stored.candles.open_us.tolist(), stored.source_id.tolist(), strict=True):
        found.setdefault(us // DAY_US, set()).add(stored.sources[place])
    return found


@pytest.mark.requirement("S0-1.1.3")
def test_what_a_source_gave_is_in_the_lake_and_is_not_asked_for_again(tmp_path):
    bench = Bench(tmp_path, Made("first"))
    outcome = bench.fetcher.fetch(HOURLY, START_US, MIDNIGHT_US)
    assert (outcome.rows["ccxt:first"], outcome.missing, bench.lines) == (960, 0, [])
    assert are_as_made(bench.lake, HOURLY, "BTCUSDT")
    asked = len(bench.sources[0].asked)
    again = bench.fetcher.fetch(HOURLY, START_US, MIDNIGHT_US)
    assert (again.cached, again.asked, len(bench.sources[0].asked)) == (960, 0, asked)


def test_only_what_is_missing_is_asked_for(tmp_path):
    bench = Bench(tmp_path, Made("first"))
    bench.fetcher.fetch(HOURLY, START_US, START_US + 10 * DAY_US)
    bench.sources[0].asked.clear()
    bench.fetcher.fetch(HOURLY, START_US, START_US + 12 * DAY_US)
    assert bench.sources[0].asked == [START_US + 10 * DAY_US]


@pytest.mark.requirement("S0-1.1.1")
def test_each_fallback_in_order_fills_what_those_before_it_could_not_and_every_row_says_whose_it_is(tmp_path):
    down, worse = RuntimeError("down"), Failed(Fault.LASTING, "it does not list BTC/USDT")
    bench = Bench(
        tmp_path,
        Made("first", broken=lambda us: down if us >= START_US + 5 * DAY_US else None),
        Made("second", lists=worse),
        Made("third"),
        Made("fourth"),
    )
    outcome = bench.fetcher.fetch(HOURLY, START_US, MIDNIGHT_US)
    assert (outcome.missing, set(outcome.failures)) == (0, {"first", "second"})
    days = _sources_by_day(bench.lake, HOURLY)
    whose = [sorted(days[day]) for day in sorted(days)]
    n_first = whose.count(["ccxt:first"])
    assert n_first == 500 // 24  # whole days of its one page
    assert whose == [["ccxt:first"]] * n_first + [["ccxt:third"]] * (40 - n_first)
    assert bench.sources[3].asked == []


@pytest.mark.requirement("S0-1.1.4")
def test_one_line_for_each_failed_source_and_an_error_that_names_them_all_in_the_end(tmp_path):
    down = RuntimeError("down for repairs")
    bench = Bench(tmp_path, *(Made(name, broken=lambda _us: down) for name in ("first", "second", "third")))
    with pytest.raises(SourcesFailed, match=r"no source gave 960 .*first: .*second: .*third: ") as raised:
        bench.fetcher.fetch(HOURLY, START_US, MIDNIGHT_US)
    assert raised.value.outcome.unanswered == raised.value.outcome.missing == 960
    assert [line.split(": ")[1] for line in bench.lines] == ["first failed", "second failed", "third failed"]
    assert all("down for repairs" in line for line in bench.lines)
    # The cache comes before all of them, and needs none of them.
    working = Bench(tmp_path, Made("first"))
    working.fetcher.fetch(HOURLY, START_US, MIDNIGHT_US)
    assert bench.fetcher.fetch(HOURLY, START_US, MIDNIGHT_US).cached == 960


@pytest.mark.requirement("S3-0.1.1")
@pytest.mark.parametrize("where", ["listed", "page", "ahead_us"])
@pytest.mark.parametrize(
    "error",
    [
        Exception("$BTC: possibly delisted; No timezone found"),
        KeyError("chart"),
        TypeError("'NoneType' object is not subscriptable"),
        RecursionError(),
    ],
)
def test_a_source_that_breaks_in_any_way_in_any_place_is_survived(tmp_path, where, error):
    def breaks(*_args, **_more):
        raise error

    broken = Made("first")
    setattr(broken, where, breaks)
    bench = Bench(tmp_path, broken, Made("second"))
    outcome = bench.fetcher.fetch(HOURLY, START_US, MIDNIGHT_US)
    assert (outcome.missing, dict(outcome.rows)) == (0, {"ccxt:second": 960})
    assert len(bench.lines) == 1
    assert type(error).__name__ in bench.lines[0]


def test_a_day_that_one_source_began_is_completed_by_it_or_not_at_all(tmp_path):
    minutes = series("first", "BTC/USDT", "1m")
    begun_us, hands = MIDNIGHT_US + 2 * HOUR_US, Hands()
    Bench(tmp_path, Made("first"), hands=hands).fetcher.fetch(minutes, MIDNIGHT_US - DAY_US, begun_us)
    down = Made("first", broken=lambda _us: RuntimeError("down"))
    bench = Bench(tmp_path, down, Made("second"), hands=hands)
    with pytest.raises(SourcesFailed) as raised:
        bench.fetcher.fetch(minutes, MIDNIGHT_US - 2 * DAY_US, begun_us + HOUR_US)
    assert dict(raised.value.outcome.rows) == {"ccxt:second": 1_440}  # the day before, which nobody began
    assert raised.value.outcome.unanswered == 60
    assert _sources_by_day(bench.lake, minutes)[MIDNIGHT_US // DAY_US] == {"ccxt:first"}
    Bench(tmp_path, Made("first"), hands=hands).fetcher.fetch(minutes, MIDNIGHT_US, begun_us + HOUR_US)
    assert bench.lake.gaps(minutes, MIDNIGHT_US - 2 * DAY_US, begun_us + HOUR_US) == []


def test_a_day_that_a_fallback_began_stays_its_own_even_when_it_is_asked_no_more(tmp_path):
    minutes, hands = series("first", "BTC/USDT", "1m"), Hands()
    down = Made("first", broken=lambda _us: RuntimeError("down"))
    Bench(tmp_path, down, Made("second"), hands=hands).fetcher.fetch(
        minutes, MIDNIGHT_US, MIDNIGHT_US + HOUR_US
    )
    bench = Bench(tmp_path, Made("first"), hands=hands)
    outcome = bench.fetcher.fetch(minutes, MIDNIGHT_US, MIDNIGHT_US + 2 * HOUR_US)
    assert (outcome.missing, bench.sources[0].asked) == (60, [])
    assert bench.lines == [
        "first BTC/USDT 1m: days that second began are left as they are; add it to the fallbacks to complete them."
    ]


def test_a_source_that_fails_in_the_middle_of_a_day_leaves_that_day_to_the_next_whole(tmp_path):
    minutes = series("first", "BTC/USDT", "1m")
    noon_us = MIDNIGHT_US - DAY_US // 2
    breaks = Made("first", broken=lambda us: RuntimeError("down") if us > noon_us else None)
    bench = Bench(tmp_path, breaks, Made("second"))
    bench.fetcher.fetch(minutes, MIDNIGHT_US - 3 * DAY_US, MIDNIGHT_US)
    days = _sources_by_day(bench.lake, minutes)
    assert [days[day] for day in sorted(days)] == [{"ccxt:first"}, {"ccxt:first"}, {"ccxt:second"}]
    assert bench.lake.gaps(minutes, MIDNIGHT_US - 3 * DAY_US, MIDNIGHT_US) == []


def test_days_before_the_primary_listed_it_come_from_a_fallback_and_are_no_failure(tmp_path):
    bench = Bench(tmp_path, Made("first", first_us=MIDNIGHT_US - 2 * DAY_US), Made("second"))
    outcome = bench.fetcher.fetch(HOURLY, MIDNIGHT_US - 4 * DAY_US, MIDNIGHT_US)
    assert dict(outcome.rows) == {"ccxt:first": 48, "ccxt:second": 48}
    assert bench.lines == []


def test_what_no_source_has_is_missing_and_no_failure(tmp_path):
    bench = Bench(tmp_path, Made("first", first_us=MIDNIGHT_US - DAY_US))
    outcome = bench.fetcher.fetch(HOURLY, MIDNIGHT_US - 2 * DAY_US, MIDNIGHT_US)
    assert (outcome.missing, outcome.unanswered) == (24, 0)


@pytest.mark.parametrize("ahead_us", [-HOUR_US, 0, HOUR_US])
def test_a_candle_that_either_clock_calls_unfinished_is_not_stored(tmp_path, ahead_us):
    minutes = series("first", "BTC/USDT", "1m")
    bench = Bench(tmp_path, Made("first", ahead_us=ahead_us))
    bench.fetcher.fetch(minutes, NOW_US - 3 * HOUR_US, NOW_US + HOUR_US)
    last = bench.lake.span(minutes).last_us
    assert last == (NOW_US + min(0, ahead_us)) // MINUTE_US * MINUTE_US - MINUTE_US
    assert len(bench.lines) == (1 if ahead_us else 0)
    assert all("clock is 3,600 s" in line for line in bench.lines)


def test_an_interrupt_keeps_what_came(tmp_path):
    minutes = series("first", "BTC/USDT", "1m")
    stops = Made("first", broken=lambda us: KeyboardInterrupt() if us > MIDNIGHT_US - DAY_US else None)
    bench = Bench(tmp_path, stops)
    with pytest.raises(KeyboardInterrupt):
        bench.fetcher.fetch(minutes, MIDNIGHT_US - 3 * DAY_US, MIDNIGHT_US)
    assert bench.lake.span(minutes).rows >= 2_880
    assert are_as_made(bench.lake, minutes, "BTCUSDT")


def test_a_source_that_was_down_is_left_alone_for_the_next_series_and_tried_again_later(tmp_path):
    down = Made("first", broken=lambda _us: RuntimeError("down"))
    bench = Bench(tmp_path, down, Made("second"))
    bench.fetcher.fetch(HOURLY, MIDNIGHT_US - DAY_US, MIDNIGHT_US)
    asked = len(down.asked)
    other = series("first", "ETH/USDT", "1h")
    bench.fetcher.fetch(other, MIDNIGHT_US - DAY_US, MIDNIGHT_US)
    assert len(down.asked) == asked
    assert "left alone" in bench.lines[-1]
    down.broken = lambda _us: None
    bench.hands.now_us += 61_000_000
    outcome = bench.fetcher.fetch(other, MIDNIGHT_US - 2 * DAY_US, MIDNIGHT_US - DAY_US)
    assert dict(outcome.rows) == {"ccxt:first": 24}


def test_another_quote_is_a_series_of_its_own_and_says_at_each_row_what_it_really_is(tmp_path):
    one = stand_in("first", "BTC/USDT", "1h")
    bench = Bench(tmp_path, Made("other"))
    bench.fetcher.fetch(one, MIDNIGHT_US - DAY_US, MIDNIGHT_US, of=instrument("BTC/USD"))
    assert is_proxy(one)
    assert not is_proxy(HOURLY)
    assert bench.lake.all() == (one,)
    assert bench.lake.sources(one) == ("ccxt:other BTC/USD",)
    assert are_as_made(bench.lake, one, "BTCUSD")
