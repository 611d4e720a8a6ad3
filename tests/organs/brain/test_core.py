"""What the brain decides, and when."""

import math
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.core import Now
from organism.market import NS_PER_S, Bar, FeeSchedule, Instrument
from organism.messages import (
    BarClosed,
    DenialReason,
    EntriesBarred,
    ExposureTargeted,
    OrderDenied,
    PortfolioMarked,
    StrategyFunded,
    StrategyPaused,
    StrategyRetired,
    TimerFired,
    TradingStateChanged,
)
from organism.portfolio import MarkedPosition
from organism.settings import BrainSettings
from organism.trading import Standing, TradingState
from organs.brain.core import brain_core
from organs.brain.deciding import BACK_OFF_BARS, DIVERSIFICATION, PATIENCE_BARS
from organs.brain.state import BrainState

BAR_NS = 300 * NS_PER_S
T0 = 1_704_067_200 * NS_PER_S
BTC, ETH = "BTC/USDT", "ETH/USDT"
NOW = Now(T0, 0, 0, 1)
# Costs nothing to act and every change counts, so that a test sees what it is about.
EAGER = BrainSettings(min_forecast=0.01, no_trade_band=0.0, cost_multiple=0.0)


def instruments(*, short=True, taker="0.001"):
    fees = FeeSchedule(maker=Decimal(taker), taker=Decimal(taker))
    return tuple(
        Instrument(
            symbol=s, base=s[:3], quote="USDT", venue="paper", tick=Decimal("0.01"), lot=Decimal("0.001"),
            min_notional=Decimal(5), fees=fees, can_short=short,
        )
        for s in (BTC, ETH)
    )  # fmt: skip


def funded(name="d", family="donchian_breakout", weight=1.0, **genes):
    genes = genes or {"entry": 3.0, "exit": 3.0}
    return StrategyFunded(
        genome_id=name, family=family, weight=weight, parameters=tuple(sorted(genes.items()))
    )


def bar(n, symbol=BTC, close=100.0, flags=()):
    at_ns = T0 + n * BAR_NS
    return Bar(symbol, at_ns - BAR_NS, at_ns, close, close, close, close, 1.0, flags)


def closed(n, *bars, **fields):
    return BarClosed(**({"at_ns": T0 + n * BAR_NS, "session": 1, "bars": bars} | fields))


def marked(n, *held, **fields):
    zero = Decimal(0)
    positions = tuple(
        MarkedPosition(
            symbol=s, quantity=Decimal(1), average_price=Decimal(1), mark=1.0, unrealised=zero, exposure=0.1, opened_ns=T0
        )
        for s in held
    )  # fmt: skip
    return PortfolioMarked(
        at_ns=T0 + n * BAR_NS, session=1, cash=zero, equity=1.0, peak=1.0, drawdown=0.0, day_start=1.0,
        gross_exposure=0.0, net_exposure=0.0, realised=zero, unrealised=zero, fees=zero, consecutive_losses=0,
        positions=positions, **fields,
    )  # fmt: skip


class Mind:
    """A brain with a memory of what it said."""

    def __init__(self, settings=EAGER, who=None, **options):
        self.core = brain_core(settings, instruments(**options))
        self.state = self.core.initial
        for one in (funded(),) if who is None else who:
            self.hear(one)

    def hear(self, message):
        self.state, effects = self.core.step(self.state, message, NOW)
        said = [e.message for e in effects]
        assert all(type(m) is ExposureTargeted for m in said)
        assert all(e.to == ("metabolism",) for e in effects)
        assert len(said) <= 1
        return said[0].targets if said else ()

    def live(self, n, close=100.0, *held, **fields):
        """One instant of one instrument: its bar, then its mark."""
        assert self.hear(closed(n, bar(n, close=close), **fields)) == ()
        return self.hear(marked(n, *held))

    def flat(self, n_bars=4, close=100.0):
        for n in range(1, n_bars + 1):
            assert self.live(n, close) == ()
        return self


def test_a_breakout_becomes_a_target_that_says_who_wanted_it_and_why():
    (target,) = Mind().flat().live(5, 110.0)

    assert target.symbol == BTC
    assert 0.0 < target.forecast <= 1.0
    assert [c.genome_id for c in target.contributions] == ["d"]
    assert target.contributions[0].forecast == 1.0
    assert 0.0 < target.contributions[0].weight <= 1.0
    assert target.volatility > 0.0
    assert target.regime
    assert target.reasons[:2] == ("blend", f"regime:{target.regime}")


def paused(name="d", *, silent=True):
    return StrategyPaused(genome_id=name, paused=silent, reason="a person")


def test_a_paused_strategy_leaves_silence_and_speaks_again_as_if_it_had_never_been_away():
    mind, other = Mind().flat(), Mind().flat()
    mind.hear(paused())
    assert mind.live(5, 110.0) == ()
    other.live(5, 110.0)
    mind.hear(paused(silent=False))
    (target,) = mind.live(6, 120.0)
    other.live(6, 120.0)
    assert target.forecast > 0.0
    assert mind.state.markets == other.state.markets


def test_what_was_held_for_a_paused_strategy_is_given_up():
    mind = Mind().flat()
    assert mind.live(5, 110.0)[0].forecast > 0.0
    mind.hear(paused())
    (target,) = mind.live(6, 111.0, BTC)
    assert target.forecast == 0.0
    assert target.contributions == ()


def test_two_speak_and_one_is_silenced_the_other_is_not_louder_for_it():
    alone = Mind(who=[funded("a", weight=0.5), funded("b", weight=0.5)]).flat()
    alone.hear(paused("a"))
    (target,) = alone.live(5, 110.0)
    (spoken,) = target.contributions
    assert spoken.genome_id == "b"
    # The divisor is still the weight of both, which is 1.
    assert target.forecast == pytest.approx(DIVERSIFICATION * spoken.weight, rel=1e-9)


def test_a_retired_strategy_that_comes_back_is_not_silent_any_more():
    mind = Mind().flat()
    mind.hear(paused())
    mind.hear(StrategyRetired(genome_id="d", reason="a person"))
    assert mind.state.paused == ()


def test_nothing_is_opened_where_a_person_bars_it_and_what_is_held_there_may_go():
    mind = Mind().flat()
    mind.hear(EntriesBarred(symbols=(BTC,), reason="a person"))
    assert mind.live(5, 110.0) == ()
    mind.hear(EntriesBarred(symbols=(), reason="a person"))
    assert mind.live(6, 120.0)[0].forecast > 0.0
    mind.hear(EntriesBarred(symbols=(BTC,), reason="a person"))
    for n, close in ((7, 60.0), (8, 50.0)):
        if told := mind.live(n, close, BTC):
            assert told[0].forecast <= 0.0
            break
    else:
        pytest.fail("what was held was never given up")


def test_the_brain_decides_once_an_instant_and_only_on_its_own_mark():
    mind = Mind().flat()
    mind.hear(closed(5, bar(5, close=110.0)))

    assert mind.hear(marked(4)) == ()
    assert mind.hear(marked(6)) == ()
    assert len(mind.hear(marked(5))) == 1
    assert mind.hear(marked(5)) == ()
    assert mind.hear(closed(5, bar(5, close=50.0))) == ()
    assert mind.hear(marked(5)) == ()


@pytest.mark.requirement("S0-0.2")
def test_all_instruments_of_an_instant_are_decided_together():
    mind = Mind()
    for n in range(1, 5):
        mind.hear(closed(n, bar(n), bar(n, ETH)))
        mind.hear(marked(n))
    mind.hear(closed(5, bar(5, close=110.0), bar(5, ETH, 90.0)))
    up, down = mind.hear(marked(5))

    assert (up.symbol, down.symbol) == (BTC, ETH)
    assert up.forecast > 0.0 > down.forecast


def test_a_missing_instrument_is_named_and_not_decided():
    mind = Mind()
    for n in range(1, 5):
        mind.hear(closed(n, bar(n), bar(n, ETH)))
        mind.hear(marked(n))
    mind.hear(closed(5, bar(5, close=110.0), missing=(ETH,)))
    (target,) = mind.hear(marked(5))

    assert target.symbol == BTC
    assert f"missing:{ETH}" in target.reasons


def test_warm_up_moves_strategies_but_decides_nothing():
    mind = Mind()
    for n in range(1, 6):
        assert mind.live(n, 110.0 if n == 5 else 100.0, warmup=True) == ()
    (target,) = mind.live(6, 110.0)

    assert target.forecast > 0.0


def test_strategies_that_are_not_warm_have_no_voice():
    mind = Mind(who=(funded("d", weight=0.5), funded("slow", weight=0.5, entry=100.0, exit=100.0)))
    (target,) = mind.flat().live(5, 110.0)

    assert [c.genome_id for c in target.contributions] == ["d"]
    alone = Mind().flat().live(5, 110.0)[0]
    assert target.forecast == alone.forecast


def test_opposite_opinions_cancel_before_they_become_orders():
    breakout = funded("up", weight=0.5)
    reversion = funded("down", "vwap_reversion", 0.5, window=4.0, entry=1.2)
    both = Mind(who=(breakout, reversion)).flat().live(5, 110.0)
    alone = Mind(who=(breakout,)).flat().live(5, 110.0)

    assert abs(both[0].forecast if both else 0.0) < 0.5 * alone[0].forecast
    assert not both or {c.genome_id: c.forecast for c in both[0].contributions} == {"up": 1.0, "down": -1.0}


def test_nothing_is_said_within_the_no_trade_band_except_on_the_way_to_zero():
    """EMA forecasts change a little with every bar."""
    settings = BrainSettings(min_forecast=0.01, no_trade_band=0.25, cost_multiple=0.0)
    ema = funded("e", "ema_trend", fast=5.0, slow=20.0, gain=0.7)
    mind, said = Mind(settings, (ema,)), []
    closes = [100 * 1.002**n for n in range(60)] + [112.5 * 0.996**n for n in range(60)]
    for n, close in enumerate(closes, 1):
        said += [t.forecast for t in mind.live(n, close, *([BTC] if said and said[-1] else []))]
    steps = [abs(b - a) for a, b in zip([0.0, *said], said, strict=False)]

    assert 2 <= len(said) < 10
    assert all(s >= 0.25 or f == 0.0 or f * p < 0 for s, f, p in zip(steps, said, [0.0, *said], strict=False))
    assert min(said) < 0.0 < max(said)


def test_a_change_that_would_not_pay_for_its_costs_is_not_proposed():
    cheap = Mind(BrainSettings(no_trade_band=0.0, min_forecast=0.01), taker="0.0001").flat()
    dear = Mind(BrainSettings(no_trade_band=0.0, min_forecast=0.01), taker="0.9").flat()

    assert len(cheap.live(5, 110.0)) == 1
    assert dear.live(5, 110.0) == ()


def test_leaving_costs_what_it_costs():
    """A cost check must never hold a position that nobody wants any more."""
    mind = Mind(short=False).flat()
    mind.live(5, 110.0)
    mind.core = brain_core(BrainSettings(cost_multiple=1e9), instruments(short=False))
    (target,) = mind.live(6, 90.0, BTC)

    assert target.forecast == 0.0


def test_what_may_not_be_sold_short_is_only_left():
    mind = Mind(short=False).flat()

    assert mind.live(5, 90.0) == ()
    up = mind.live(6, 110.0)
    (down,) = mind.live(7, 80.0, BTC)
    assert up[0].forecast > 0.0
    assert down.forecast == 0.0
    assert "long only" in down.reasons


def test_the_end_of_a_session_targets_zero_once_for_everything_held_or_asked_for():
    mind = Mind().flat()
    mind.live(5, 110.0)
    mind.hear(closed(6, bar(6, close=120.0), bar(6, ETH), closing=True))
    targets = mind.hear(marked(6, ETH))

    assert [(t.symbol, t.forecast) for t in targets] == [(BTC, 0.0), (ETH, 0.0)]
    mind.hear(closed(7, bar(7, close=130.0), bar(7, ETH), closing=True))
    assert mind.hear(marked(7, BTC, ETH)) == ()


def test_nothing_is_opened_while_a_session_closes():
    assert Mind().flat().live(5, 110.0, closing=True) == ()


def test_a_seam_is_never_a_return():
    """Prices ten times as high after it are no breakout, no volatility and no trend."""
    mind = Mind().flat()
    mind.live(5, 100.1)
    before = mind.state
    assert mind.live(400, 1_000.0, seam=True, session=2) == ()
    market = mind.state.markets[BTC]

    assert before.markets[BTC].climate.n == 4
    assert (market.climate.n, market.climate.variance) == (0, 0.0)
    assert math.isnan(market.forecasts[0])
    assert mind.state.acted == {}
    for n in range(401, 404):
        assert mind.live(n, 1_000.0, session=2) == ()


def denied(symbol=BTC):
    return OrderDenied(order_id="1-0", symbol=symbol, reason=DenialReason.HALTED, limit=0.0, observed=1.0)


def test_a_denied_instrument_is_proposed_again_but_not_at_once():
    mind = Mind().flat()
    assert mind.live(5, 110.0)
    mind.hear(denied())
    said = {n: bool(mind.live(n, 110.0 + n)) for n in range(6, 6 + BACK_OFF_BARS)}

    assert [n for n, spoke in said.items() if spoke] == [5 + BACK_OFF_BARS]


def test_a_denied_way_out_is_asked_for_again_at_the_next_instant():
    mind = Mind(short=False).flat()
    mind.live(5, 110.0)
    assert mind.live(6, 90.0, BTC)[0].forecast == 0.0
    mind.hear(denied())

    assert mind.live(7, 90.0, BTC)[0].forecast == 0.0
    assert mind.live(8, 90.0, BTC) == ()


def test_a_position_that_was_stopped_out_is_forgotten_after_a_while():
    mind = Mind().flat()
    mind.live(5, 110.0)
    said = {n: bool(mind.live(n, 110.0 + n)) for n in range(6, 6 + PATIENCE_BARS)}

    assert [n for n, spoke in said.items() if spoke] == [5 + PATIENCE_BARS]


def test_a_position_that_nobody_asked_for_is_left_after_a_while():
    mind = Mind(short=False).flat(30)
    said = [t for n in range(31, 60) for t in mind.live(n, 100.0, BTC)]

    assert [t.forecast for t in said][:1] == [0.0]


def standing(state, **fields):
    return TradingStateChanged(before=Standing(), after=Standing(state=state, **fields), cause="test")


@pytest.mark.parametrize(
    "forbidding",
    [
        standing(TradingState.HALTED),
        standing(TradingState.REDUCING),
        standing(TradingState.ACTIVE, no_entries_until_ns=T0 + 9 * BAR_NS),
        standing(TradingState.ACTIVE, hibernating_until_ns=T0 + 9 * BAR_NS),
    ],
)
def test_entries_are_not_asked_for_while_they_would_be_denied_but_exits_are(forbidding):
    mind = Mind(short=False).flat()
    mind.hear(forbidding)
    assert mind.live(5, 110.0) == ()
    mind.hear(standing(TradingState.ACTIVE))
    assert mind.live(6, 111.0)[0].forecast > 0.0
    mind.hear(forbidding)

    assert mind.live(7, 90.0, BTC)[0].forecast == 0.0


def test_entries_begin_again_when_their_time_has_come():
    mind = Mind().flat()
    mind.hear(standing(TradingState.ACTIVE, no_entries_until_ns=T0 + 7 * BAR_NS))

    assert [bool(mind.live(n, 110.0 + n)) for n in (5, 6, 7)] == [False, False, True]


def test_nothing_is_opened_on_a_doubtful_price():
    mind = Mind().flat()
    mind.hear(closed(5, bar(5, close=900.0, flags=("outlier",))))

    assert mind.hear(marked(5)) == ()
    assert mind.live(6, 901.0)


def test_a_strategy_funded_later_warms_up_and_one_retired_falls_silent():
    mind = Mind(who=()).flat()
    mind.hear(funded("late"))
    assert [mind.live(n, 100.0 + n) for n in (5, 6, 7)] == [(), (), ()]
    assert mind.live(8, 110.0)[0].contributions[0].genome_id == "late"
    mind.hear(StrategyRetired(genome_id="late", reason="test"))
    (target,) = mind.live(9, 120.0, BTC)

    assert target.forecast == 0.0
    assert target.contributions == ()
    assert mind.state.markets[BTC].states == ()


def test_funding_again_changes_the_weight_and_keeps_the_memory():
    mind = Mind().flat()
    states = mind.state.markets[BTC].states
    mind.hear(funded(weight=0.3))

    assert mind.state.funded[0].weight == 0.3
    assert mind.state.markets[BTC].states == states
    mind.hear(funded(weight=math.nan))
    assert mind.state.funded == ()


def test_what_is_not_for_the_brain_changes_nothing():
    mind = Mind()
    before = mind.state

    assert mind.hear(TimerFired(key="x", due_ns=1)) == ()
    assert mind.hear(denied("DOGE/USDT")) == ()
    assert mind.hear(StrategyRetired(genome_id="nobody", reason="")) == ()
    assert mind.state is before


def founders_mind():
    return Mind(BrainSettings(), tuple(
        funded(f, f, 0.25, **genes)
        for f, genes in {
            "ema_trend": {"fast": 3.0, "slow": 9.0},
            "rsi_reversion": {"period": 4.0},
            "donchian_breakout": {"entry": 5.0, "exit": 5.0},
            "vwap_reversion": {"window": 6.0, "entry": 1.5},
        }.items()
    ))  # fmt: skip


paths = st.lists(st.floats(-0.03, 0.03), min_size=12, max_size=60)


def lived(mind, moves):
    close, out = 100.0, []
    for n, move in enumerate(moves, 1):
        close *= math.exp(move)
        out.append(mind.live(n, close))
    return out


@given(moves=paths, cut=st.integers(1, 60))
def test_targets_ignore_the_future_and_stay_within_bounds(moves, cut):
    whole = lived(founders_mind(), moves)
    changed = lived(founders_mind(), [m if n < cut else -m for n, m in enumerate(moves)])

    assert changed[:cut] == whole[:cut]
    for targets in whole:
        for target in targets:
            assert -1.0 <= target.forecast <= 1.0
            assert target.volatility >= 0.0
            assert all(0.0 < c.weight <= 0.25 for c in target.contributions)


@given(moves=paths, cut=st.integers(1, 60))
def test_a_snapshot_in_between_changes_no_decision(moves, cut):
    mind, twin = founders_mind(), founders_mind()
    lived(twin, moves[:cut])
    twin.state = msgspec.msgpack.decode(msgspec.msgpack.encode(twin.state), type=BrainState)
    close = math.prod(math.exp(m) for m in moves[:cut]) * 100.0
    lived(mind, moves[:cut])
    for n, move in enumerate(moves[cut:], len(moves[:cut]) + 1):
        close *= math.exp(move)
        assert mind.live(n, close) == twin.live(n, close)
