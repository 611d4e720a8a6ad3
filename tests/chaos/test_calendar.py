"""Days that are not like others: 29 February, New Year, the hours that a clock change takes or gives, wherever the host is."""

import itertools
import os
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from genome.history import load, resampled
from genome.market import market as made
from organism.body.lockstep import assemble
from organism.core import Now
from organism.effects import Notify
from organism.journal.port import MemoryJournal
from organism.journal.rows import decode_effects
from organism.market import NS_PER_S
from organism.messages import InstantSettled, PortfolioMarked
from organism.settings import RiskSettings, Settings, SizingSettings
from organs.metabolism.core import metabolism_core
from organs.nervous.feeds import instants

pytestmark = pytest.mark.chaos

BAR_S, DAY_S = 300, 86_400
RECORDING = datetime(2024, 1, 1, tzinfo=UTC)  # where the bundled market begins
PLACES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())


@pytest.fixture
def place(request):
    """This process, somewhere else."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


everywhere = pytest.mark.parametrize("place", PLACES, indirect=True)


def test_the_places_really_differ_and_change_their_clocks():
    noon, march = datetime(2024, 3, 31, 12, tzinfo=UTC), datetime(2024, 3, 30, 12, tzinfo=UTC)
    offsets = {noon.astimezone(ZoneInfo(place)).utcoffset() for place in PLACES}
    assert len(offsets) == len(PLACES)
    berlin = ZoneInfo("Europe/Berlin")
    assert noon.astimezone(berlin).utcoffset() != march.astimezone(berlin).utcoffset()


# ---------------------------------------------------------------- the day in the books


@everywhere
@pytest.mark.parametrize(
    ("first", "n_days"),
    [((2024, 2, 28), 4), ((2023, 2, 27), 3), ((2023, 12, 30), 4), ((2024, 3, 30), 3), ((2024, 10, 26), 3), ((2100, 2, 27), 3)],
    ids=["leap day", "no leap day", "New Year", "clocks forward", "clocks back", "a century without leap day"],
)  # fmt: skip
def test_the_days_loss_begins_anew_at_each_midnight_utc_and_only_there(place, first, n_days):
    core = metabolism_core(SizingSettings(), RiskSettings(), (), 10_000, BAR_S)
    state, begins = core.initial, []
    from_s = at(*first)
    for n in range(n_days * DAY_S // BAR_S):
        now_ns = (from_s + n * BAR_S) * NS_PER_S
        before = state.day
        state, effects = core.step(state, InstantSettled(at_ns=now_ns, session=0, bars=()), now(now_ns, n))
        assert any(type(e.message) is PortfolioMarked for e in effects)
        if state.day != before:
            begins.append(datetime.fromtimestamp(from_s + n * BAR_S, UTC))
    assert len(begins) == n_days
    assert all((b.hour, b.minute) == (0, 0) for b in begins)
    assert len({b.date() for b in begins}) == n_days


def now(market_ns: int, step: int) -> Now:
    return Now(market_ns, market_ns, 0, step)


# ---------------------------------------------------------------- the whole organism


def lived(first: datetime, n_bars: int):
    base, replace = Settings(), msgspec.structs.replace
    start = int((first - RECORDING).total_seconds()) // BAR_S
    chosen = replace(
        base,
        market=replace(base.market, symbols=("BTC/USDT",), warmup_bars=200, start_bar=start),
        brain=replace(base.brain, no_trade_band=0.05, cost_multiple=0.1, min_forecast=0.03, trend_bars=100, volatility_bars=100),
        sizing=replace(base.sizing, rebalance_band=0.01),
    )  # fmt: skip
    journal = MemoryJournal()
    life = assemble(chosen, journal)
    life.driver.run(itertools.islice(instants(chosen.market), n_bars))
    journal.flush()
    return life, journal


def summaries(journal) -> list[str]:
    """Dates of the daily summaries, in order."""
    titles = [e.title for row in journal.rows() for e in decode_effects(row.effects) if type(e) is Notify]
    return [title.split()[2].rstrip(":") for title in titles if title.startswith("Market day ")]


@pytest.fixture(scope="module")
def at_home():
    return {
        first: lived(first, 1_100)
        for first in (datetime(2024, 2, 27, tzinfo=UTC), datetime(2024, 3, 29, tzinfo=UTC))
    }


@everywhere
def test_where_the_host_is_makes_no_difference_to_a_single_row(at_home, place):
    for first, (life, journal) in at_home.items():
        assert len(life.exchange.fills) > 0
        assert lived(first, 1_100)[1].tip == journal.tip


def test_each_day_is_summed_up_once_the_leap_day_too(at_home):
    leap, spring = (journal for _, journal in at_home.values())
    assert summaries(leap) == ["2024-02-27", "2024-02-28", "2024-02-29"]
    assert summaries(spring) == ["2024-03-29", "2024-03-30", "2024-03-31"]


# ---------------------------------------------------------------- history


@everywhere
@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ", "DATE", "BIGINT"])
def test_a_files_stamps_are_utc_whatever_the_host_thinks(tmp_path, place, kind):
    """Among them an hour that does not exist in Berlin, and one that exists twice."""
    import duckdb

    step = DAY_S if kind == "DATE" else 1_800
    opens = [at(2024, 3, 30) + i * step for i in range(100)] + [
        at(2024, 10, 26) + i * step for i in range(100)
    ]
    stamp = {
        "BIGINT": "o * 1000", "TIMESTAMPTZ": "to_timestamp(o)", "DATE": "CAST(epoch_ms(o * 1000) AS DATE)",
        "TIMESTAMP": "epoch_ms(o * 1000)",
    }[kind]  # fmt: skip
    path = tmp_path / "X.parquet"
    duckdb.sql(
        f"COPY (SELECT {stamp} AS timestamp, 10.0 AS open, 11.0 AS high, 9.0 AS low, 10.0 AS close, 1 AS volume "  # noqa: S608
        f"FROM (SELECT unnest({opens})::BIGINT AS o)) TO '{path}'"
    )
    found = load(path)
    assert found.open_s.tolist() == opens
    assert found.bar_s == step


@everywhere
@pytest.mark.parametrize("first", [(2024, 2, 26), (2023, 12, 25), (2024, 3, 25), (2024, 10, 21)])
def test_days_and_weeks_of_hours_begin_at_midnight_and_on_mondays_utc(place, first):
    n = 14 * 24
    opens = at(*first) + np.arange(n) * 3_600
    close = 100.0 + np.arange(n)
    hours = made("X", opens, 3_600, (close, close + 1, close - 1, close, np.ones(n)))
    days, weeks = resampled(hours, DAY_S), resampled(hours, 7 * DAY_S)
    assert days.open_s.tolist() == [at(*first) + i * DAY_S for i in range(14)]
    assert days.column("volume").tolist() == [24.0] * 14
    assert weeks.open_s.tolist() == [at(*first), at(*first) + 7 * DAY_S]
    assert all(datetime.fromtimestamp(s, UTC).weekday() == 0 for s in weeks.open_s.tolist())
    assert weeks.column("volume").tolist() == [168.0] * 2
