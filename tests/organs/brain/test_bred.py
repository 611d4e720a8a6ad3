"""The brain lives by a genome that came as text, exactly as the simulator's compiled genome says, or refuses it."""

import re

import msgspec
import numpy as np
import pytest
from hypothesis import assume, example, given, settings

from genome.compiled import compiled
from genome.documents import canonical_text, parse_genome
from genome.market import market as make_market
from genome.simulator import backtest
from organism.errors import BadInput
from organism.market import Bar
from organism.messages import AlertRaised, Priority, Recovered, Severity, StrategyRetired
from organs.brain.core import brain_core
from organs.brain.state import BrainState
from organs.reproduction.bred import funded
from tests.genome.random_trees import genomes
from tests.organs.brain.test_core import BAR_NS, BTC, EAGER, NOW, T0, Mind, closed, instruments, marked

T = 260
BRED = parse_genome(
    "family: ema_crossover\ngeneration: 3\nentry long: ema(fast) crosses_above ema(12)\nexit long: close < sma(9)\n"
    "entry short: ema(fast) crosses_below ema(12)\nexit short: close > sma(9)\ngenes: fast=5"
)
MESSAGE = funded(BRED, 1.0).message
UNLIVABLE = parse_genome("family: carry\nentry long: funding < 0")


def walk(seed=3):
    """Bars of a random walk."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(size=T) * 4e-3))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(size=T)) * 2e-3)
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(size=T)) * 2e-3)
    rows = zip(opened, high, low, close, np.exp(rng.normal(size=T)), strict=True)
    return [Bar(BTC, T0 + n * BAR_NS, T0 + (n + 1) * BAR_NS, *map(float, row)) for n, row in enumerate(rows)]


BARS = walk()


def forecasts(mind, bars=BARS):
    """What each funded strategy said after each bar."""
    told = []
    for n, bar in enumerate(bars, 1):
        mind.hear(closed(n, bar))
        told.append(mind.state.markets[BTC].forecasts)
    return told


def stepped(genome, bars=BARS):
    strategy = compiled(genome, 300)
    state, told = strategy.initial(), []
    for bar in bars:
        state, forecast = strategy.step(state, bar)
        told.append((forecast,))
    return told


def refused(core, state, message):
    """The state after a refusal, and the reason that was published."""
    state, effects = core.step(state, message, NOW)
    by_name = {e.to: e.message for e in effects}
    alert, gone = by_name["voice",], by_name["reproduction",]
    assert len(effects) == 2
    assert type(alert) is AlertRaised
    assert (alert.severity, alert.priority) == (Severity.WARNING, Priority.HIGH)
    assert message.genome_id in alert.title
    assert gone == StrategyRetired(genome_id=message.genome_id, reason=gone.reason)
    assert gone.reason in alert.body
    return state, gone.reason


def livable(genome):
    try:
        return compiled(genome, 300) is not None
    except BadInput:
        return False


@given(genomes(timeframes=True))
@example(BRED)
@settings(max_examples=40)
def test_a_bred_genome_forecasts_what_its_compiled_strategy_forecasts(genome):
    assume(livable(genome))
    mind = Mind(who=(funded(genome, 1.0).message,))

    np.testing.assert_array_equal(forecasts(mind), stepped(genome))


def test_its_sides_are_those_of_the_simulation():
    columns = [np.array([getattr(b, n) for b in BARS]) for n in ("open", "high", "low", "close", "volume")]
    market = make_market(BTC, np.array([b.open_ns // 10**9 for b in BARS]), 300, tuple(columns))
    result = backtest(market, BRED)
    held = np.zeros(T)
    for trade in result.trades:
        held[trade.entry_bar : trade.exit_bar if trade.reason != "end" else T] = trade.side
    told = np.array(forecasts(Mind(who=(MESSAGE,))))[:, 0]
    known = np.flatnonzero(~np.isnan(told[:-1]))

    assert len(result.trades) > 5
    np.testing.assert_array_equal(np.sign(told[known]), held[known + 1])


@pytest.mark.parametrize("cut", [1, 17, 100, T - 1])
def test_a_mind_that_was_stored_and_read_back_goes_on_as_it_would_have(cut):
    whole, half = Mind(who=(MESSAGE,)), Mind(who=(MESSAGE,))
    said = forecasts(whole)
    first = forecasts(half, BARS[:cut])
    half.state = msgspec.msgpack.decode(msgspec.msgpack.encode(half.state), type=BrainState)
    half.core = brain_core(EAGER, instruments())
    second = []
    for n, bar in enumerate(BARS[cut:], cut + 1):
        half.hear(closed(n, bar))
        second.append(half.state.markets[BTC].forecasts)

    np.testing.assert_array_equal(first + second, said)
    assert half.state.markets[BTC].states == whole.state.markets[BTC].states
    assert half.state.funded[0].text == canonical_text(BRED)


def test_it_trades_and_says_whose_opinion_it_is():
    mind = Mind(who=(MESSAGE,))
    targets = []
    for n, bar in enumerate(BARS, 1):
        mind.hear(closed(n, bar))
        targets += mind.hear(marked(n, *([BTC] if targets and targets[-1].forecast else [])))

    assert len(targets) > 5
    assert {c.genome_id for t in targets for c in t.contributions} == {BRED.genome_id}


def test_a_new_weight_keeps_what_it_remembers():
    mind = Mind(who=(MESSAGE,))
    forecasts(mind, BARS[:50])
    before = mind.state.markets
    mind.hear(funded(BRED, 0.5).message)

    assert mind.state.markets == before
    assert [f.weight for f in mind.state.funded] == [0.5]


DOES_NOT_FIT = {
    "no text": ({"text": "family: ema_crossover\nentry long: ema(5) >"}, "entry long"),
    "too deep": ({"text": "family: x\nentry long: " + "not " * 200 + "true"}, "levels|nested"),
    "too long": ({"text": MESSAGE.text + "#" + "x" * 100_000}, "90,000"),
    "another content": ({"text": MESSAGE.text.replace("9", "10")}, "never chosen"),
    "another id": ({"genome_id": "ema_crossover_3_00000000"}, "never chosen"),
    "another generation": ({"text": MESSAGE.text.replace("generation: 3", "generation: 4")}, "never chosen"),
    "another family": ({"family": "ema_trend"}, "another family"),
    "other genes": ({"parameters": (("fast", 6.0),)}, "other genes"),
    "no exit but entries": ({"text": "family: x\nexit long: true"}, "no entry"),
    "no such family": ({"text": "", "family": "nobody"}, "no strategy family"),
    "no founder's gene": ({"text": "", "family": "rsi_reversion"}, "no gene"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "says"), DOES_NOT_FIT.values(), ids=DOES_NOT_FIT)
def test_what_does_not_fit_is_refused_with_one_reason_and_the_mind_lives_on(change, says):
    mind = Mind(who=())
    kept = parse_genome("family: other\nentry long: close > sma(9)")
    mind.hear(funded(kept, 0.5).message)
    mind.state, reason = refused(mind.core, mind.state, msgspec.structs.replace(MESSAGE, **change))

    assert re.search(says, reason)
    assert "\n" not in reason
    assert [f.genome_id for f in mind.state.funded] == [kept.genome_id]
    np.testing.assert_array_equal(forecasts(mind), stepped(kept))


def test_what_a_bar_does_not_carry_is_refused():
    mind = Mind(who=())
    mind.state, reason = refused(mind.core, mind.state, funded(UNLIVABLE, 1.0).message)

    assert "funding" in reason
    assert mind.state == BrainState()


def test_a_tampered_text_under_the_id_of_one_that_trades_ends_that_ones_trading():
    mind = Mind(who=(MESSAGE,))
    forecasts(mind, BARS[:30])
    wrong = msgspec.structs.replace(MESSAGE, text=MESSAGE.text.replace("9", "10"))
    mind.state, _ = refused(mind.core, mind.state, wrong)

    assert mind.state.funded == ()
    assert mind.state.markets[BTC].states == ()
    assert mind.live(31) == ()


def test_after_an_update_what_can_no_longer_be_built_is_let_go_at_the_start():
    mind = Mind(who=(MESSAGE,))
    healthy, effects = mind.core.step(mind.state, Recovered(organ="brain", incarnation=2, process=True), NOW)
    assert (healthy, effects) == (mind.state, ())

    broken = msgspec.structs.replace(
        mind.state.funded[0], genome_id="old_1_00000000", text="family: old\nentry long: gone(3) > 1"
    )
    state = msgspec.structs.replace(mind.state, funded=(*mind.state.funded, broken))
    state, effects = mind.core.step(state, Recovered(organ="brain", incarnation=2, process=True), NOW)

    assert [f.genome_id for f in state.funded] == [BRED.genome_id]
    assert [type(e.message) for e in effects] == [AlertRaised, StrategyRetired]
