"""The whole organism, real organs and paper venue, in one thread."""

import itertools
from decimal import Decimal

import msgspec
import pytest

from organism.body.lockstep import assemble
from organism.effects import Publish
from organism.journal.port import MemoryJournal
from organism.journal.recovery import recover
from organism.journal.rows import decode_effects
from organism.lockstep import Faults
from organism.messages import (
    BarClosed,
    ExposureTargeted,
    Filled,
    OperatorCommanded,
    OrderApproved,
    PortfolioMarked,
)
from organism.settings import Settings
from organism.trading import TradingState
from organs.nervous.feeds import instants

HEAVY = Faults(duplicate=0.05, raise_=0.01, hang=0.01, lose_reply=0.02, delay_reply=0.05)


def settings(**market):
    base = Settings()
    replace = msgspec.structs.replace
    return replace(
        base,
        market=replace(base.market, **market),
        brain=replace(base.brain, no_trade_band=0.05, cost_multiple=0.1, min_forecast=0.03),
        sizing=replace(base.sizing, rebalance_band=0.01),
    )


SHORT = settings(symbols=("BTC/USDT", "ETH/USDT"), warmup_bars=500, max_bars=1_200)


def said(journal, kind):
    return [
        (row.seq, effect.message)
        for row in journal.rows()
        for effect in decode_effects(row.effects)
        if type(effect) is Publish and type(effect.message) is kind
    ]


def lived(n, chosen=SHORT, faults=None):
    journal = MemoryJournal()
    assembled = assemble(chosen, journal, faults=faults)
    assembled.driver.run(itertools.islice(instants(chosen.market), n))
    journal.flush()
    return assembled, journal


@pytest.fixture(scope="module")
def life():
    return lived(1_200)


def test_it_trades(life):
    assembled, _ = life
    assert len(assembled.exchange.fills) >= 20


@pytest.mark.parametrize("faults", [None, HEAVY], ids=["calm", "faults"])
def test_the_same_seed_gives_the_same_journal_hash_for_hash(faults):
    (first, one), (second, other) = lived(800, faults=faults), lived(800, faults=faults)
    assert one.tip == other.tip
    assert first.exchange.fills == second.exchange.fills
    if faults is not None:
        assert {"duplicate", "raise_", "hang", "lose_reply", "delay_reply"} <= set(first.driver.struck)


def test_an_order_fills_after_the_instant_that_decided_it_never_on_it(life):
    _, journal = life
    created = {m.approved.order.id: m.approved.order.created_ns for _, m in said(journal, OrderApproved)}
    fills = [m.fill for _, m in said(journal, Filled) if m.fill.order_id]
    assert fills
    assert all(fill.at_ns > created[fill.order_id] for fill in fills)


def test_within_an_instant_fills_are_booked_before_the_mark_and_the_brain_decides_once_after_it(life):
    _, journal = life
    marked = {m.at_ns: seq for seq, m in said(journal, PortfolioMarked)}
    for seq, message in said(journal, Filled):
        assert seq < marked[message.fill.at_ns]
    decided = [(m.at_ns, seq) for seq, m in said(journal, ExposureTargeted)]
    assert len({at for at, _ in decided}) == len(decided)
    assert all(seq > marked[at] for at, seq in decided)


def test_nothing_is_held_over_the_seam_and_the_seam_is_no_return():
    chosen = settings(symbols=("BTC/USDT", "ETH/USDT"), warmup_bars=500, max_bars=800)
    _, journal = lived(1_700, chosen)
    bars = [m for _, m in said(journal, BarClosed)]
    seams = [m.at_ns for m in bars if m.seam]
    assert len(seams) >= 2
    assert [m.at_ns for m in bars] == sorted({m.at_ns for m in bars}), "market time never goes back"
    marks = [m for _, m in said(journal, PortfolioMarked)]
    before = [m for m in marks if m.at_ns < seams[1]][-1]
    after = next(m for m in marks if m.at_ns > seams[1])
    assert before.positions == ()
    assert after.session == before.session + 1
    assert after.equity == pytest.approx(before.equity, abs=1e-9)


@pytest.mark.requirement("S1-0.6", "S1-9.8")
def test_our_cash_and_positions_are_the_venues_to_the_last_digit(life):
    assembled, journal = life
    mark = said(journal, PortfolioMarked)[-1][1]
    held = {p.symbol: p.quantity for p in mark.positions}
    assert mark.cash == assembled.exchange.cash
    assert held == {s: q for s, q in assembled.exchange.positions.items() if q}


@pytest.mark.parametrize("cut", [501, 560, 700])
def test_killed_between_two_instants_and_recovered_it_trades_as_if_nothing_had_happened(cut):
    whole, _ = lived(900)
    first, journal = lived(cut)
    cores = [living.core for living in first.driver.organs.values()]
    recovery = recover(journal, None, cores, check=True)
    assert recovery.difference is None
    for name, organ in recovery.organs.items():
        assert organ.state == first.driver.organs[name].state, name
    states = {name: (organ.state, organ.step) for name, organ in recovery.organs.items()}
    second = assemble(SHORT, journal, exchange=first.exchange, states=states)
    second.driver.spine.market_ns = recovery.market_ns
    cursor = states["nervous"][0].cursor
    second.driver.run(itertools.islice(instants(SHORT.market, cursor), 900 - cut))
    assert [f.key for f in second.exchange.fills] == [f.key for f in whole.exchange.fills]
    assert [(f.price, f.quantity, f.at_ns) for f in second.exchange.fills] == [
        (f.price, f.quantity, f.at_ns) for f in whole.exchange.fills
    ]


def test_a_halt_survives_death_and_only_a_person_lifts_it():
    assembled, journal = lived(560)
    halt = OperatorCommanded(command_id=1, command="halt", operator="me", note="for a test")
    assembled.driver.inject("immune", halt, sender="operator", envelope_id="cmd:1")
    assembled.driver.drain()
    recovery = recover(journal, None, [living.core for living in assembled.driver.organs.values()])
    standing = recovery.organs["immune"].state.standing
    assert standing.state is TradingState.HALTED
    assert "me" in standing.reason
    assert "organism resume" in standing.reason


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_under_faults_no_unit_is_lost_duplicated_or_invented(seed):
    chosen = msgspec.structs.replace(SHORT, seed=seed)
    assembled, journal = lived(1_000, chosen, HEAVY)
    assembled.driver.advance_mono(90 * 10**9)
    fills = [m.fill for _, m in said(journal, Filled)]
    assert len({f.key for f in fills}) == len(fills)
    net: dict[str, Decimal] = {}
    for fill in fills:
        net[fill.symbol] = net.get(fill.symbol, Decimal(0)) + fill.side.sign * fill.quantity
    assert {s: q for s, q in net.items() if q} == {s: q for s, q in assembled.exchange.positions.items() if q}
    assert assembled.exchange.duplicates_refused == 0
