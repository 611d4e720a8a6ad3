"""The whole organism at a venue whose smallest order is large and whose fills come in pieces: rests, all the time."""

import itertools
from decimal import Decimal

import msgspec
import pytest

from organism.body import lockstep
from organism.body.anatomy import instruments_of
from organism.effects import Publish
from organism.journal.port import MemoryJournal
from organism.journal.rows import decode_effects
from organism.messages import AlertRaised, OrderProposed, TradeClosed
from organism.settings import Settings
from organism.trading import Purpose
from organs.metabolism.ledger import imbalance
from organs.nervous.feeds import instants

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

SHARE = 0.00002
SMALLEST = Decimal(400)  # of an equity of 10,000 and positions of some thousand
SYMBOLS = ("BTC/USDT", "ETH/USDT")
N_BARS = 2_000
START = 15_000


def settings(seed: int) -> Settings:
    base, replace = Settings(seed=seed), msgspec.structs.replace
    return replace(
        base,
        market=replace(
            base.market, symbols=SYMBOLS, warmup_bars=200, start_bar=START * seed
        ),
        brain=replace(
            base.brain, no_trade_band=0.02, cost_multiple=0.1, min_forecast=0.02, trend_bars=100, volatility_bars=100
        ),
        sizing=replace(base.sizing, rebalance_band=0.005),
        paper=replace(base.paper, volume_share=SHARE),
    )  # fmt: skip


def told(journal):
    """What metabolism said about rests, in order: symbol → "offered", "ended" (given up or closed) or "grown"."""
    found = {symbol: [] for symbol in SYMBOLS}
    for row in journal.rows():
        for effect in decode_effects(row.effects) if row.organ == "metabolism" else ():
            match effect.message if type(effect) is Publish else None:
                case OrderProposed(order=order) if order.purpose is Purpose.DUST:
                    found[order.symbol].append("offered")
                case OrderProposed(order=order) if not order.reduce_only:
                    found[order.symbol].append("grown")
                case AlertRaised(dedup_key=key) if key.startswith("dust:"):
                    found[key.removeprefix("dust:")].append("ended")
                case TradeClosed(symbol=symbol, purpose="dust"):
                    found[symbol].append("ended")
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_rests_end_by_name_are_offered_once_and_are_never_lost(monkeypatch, seed):
    chosen = settings(seed)
    raised = tuple(msgspec.structs.replace(i, min_notional=SMALLEST) for i in instruments_of(chosen))
    monkeypatch.setattr(lockstep, "instruments_of", lambda _: raised)
    journal = MemoryJournal()
    life = lockstep.assemble(chosen, journal)
    life.driver.run(itertools.islice(instants(chosen.market), N_BARS))
    journal.flush()

    for symbol, story in told(journal).items():
        assert story.count("offered") >= 2, f"{symbol} had no rests: it proves nothing"
        assert "ended" in story
        assert ("offered", "offered") not in itertools.pairwise(story), "a rest was offered again and again"
    ledger = life.driver.organs["metabolism"].state.ledger
    assert imbalance(ledger) == 0
    for symbol in SYMBOLS:
        ours = ledger.quantity(symbol) + ledger.dust.get(symbol, Decimal(0))
        assert ours == life.exchange.positions.get(symbol, Decimal(0)), "something was lost from the books"
