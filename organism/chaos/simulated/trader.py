"""A brain that never rests, and sometimes raves: as many orders as an organism can have, and amounts that are none."""

import math
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from organism.core import Now, OrganCore
from organism.effects import Effects, Publish
from organism.market import Instrument
from organism.messages import ExposureTargeted, Message, OrderProposed, PortfolioMarked, Target
from organism.trading import Order, OrderKind, Purpose, Side

Make = Callable[[str, Instrument, Decimal, int, random.Random], OrderProposed]
WILD: Final = (math.nan, math.inf, -math.inf, 1e308, -1e308, 2.0, -7.5)
WILD_AMOUNTS: Final = tuple(
    map(Decimal, ("NaN", "Infinity", "-Infinity", "0", "-1", "1e308", "1e-308", "sNaN"))
)


class RestlessState(msgspec.Struct, frozen=True):
    """at_ns: the newest instant decided; n: how many were."""

    at_ns: int = 0
    n: int = 0


def restless(seed: int, symbols: tuple[str, ...], *, wild: float = 0.0) -> OrganCore[RestlessState]:
    """Build it: a new target for every symbol at every mark, drawn from the seed. wild: share of raving targets."""

    def step(state: RestlessState, message: Message, now: Now) -> tuple[RestlessState, Effects]:  # noqa: ARG001
        if type(message) is not PortfolioMarked or message.at_ns <= state.at_ns or message.closing:
            return state, ()
        chance = random.Random(seed * 1_000_003 + state.n)
        targets = tuple(_target(symbol, chance, raves=chance.random() < wild) for symbol in symbols)
        said = ExposureTargeted(at_ns=message.at_ns, targets=targets)
        return RestlessState(message.at_ns, state.n + 1), (Publish(to=("metabolism",), message=said),)

    return OrganCore("brain", RestlessState, RestlessState(), step)


def _target(symbol: str, chance: random.Random, *, raves: bool) -> Target:
    forecast = chance.choice((0.0, chance.uniform(-1.0, 1.0), chance.uniform(0.2, 1.0)))
    volatility = 0.001
    if raves:
        forecast, volatility = chance.choice(WILD), chance.choice((volatility, *WILD))
        symbol = chance.choice((symbol, symbol, symbol, "NO/SUCH"))
    return Target(symbol=symbol, forecast=forecast, volatility=volatility, regime="any", contributions=())


def is_wild(target: Target) -> bool:
    """Whether nobody may act on it."""
    return (
        not (-1.0 <= target.forecast <= 1.0 and 0.0 < target.volatility < math.inf)
        or target.symbol == "NO/SUCH"
    )


def _asked(
    identity: str, instrument: Instrument, quantity: Decimal, price: Decimal, market_ns: int,
    kind: OrderKind = OrderKind.MARKET, limit: Decimal | None = None,
) -> OrderProposed:  # fmt: skip
    return OrderProposed(
        order=Order(
            id=identity, symbol=instrument.symbol, side=Side.BUY, quantity=quantity, kind=kind, purpose=Purpose.TARGET,
            reference_price=price, created_ns=market_ns, limit_price=limit,
            expires_ns=market_ns + 600_000_000_000,
        )
    )  # fmt: skip


def mad_order(
    identity: str, instrument: Instrument, close: Decimal, market_ns: int, chance: random.Random
) -> OrderProposed:
    """An order with an amount or a price that is none."""
    quantity, price = instrument.lot * 100, close
    wild = chance.choice(WILD_AMOUNTS)
    if chance.choice((True, False)):
        quantity = wild
    else:
        price = wild
    return _asked(identity, instrument, quantity, price, market_ns)


def fat_order(
    identity: str, instrument: Instrument, close: Decimal, market_ns: int, chance: random.Random
) -> OrderProposed:
    """A hundred times what an account could pay, or a limit 20 % above the market."""
    if chance.choice((True, False)):
        many = (Decimal(10**8) / close // instrument.lot) * instrument.lot
        return _asked(identity, instrument, many, close, market_ns)
    limit = (close * Decimal("1.2") // instrument.tick) * instrument.tick
    quantity = (Decimal(100) / close // instrument.lot + 1) * instrument.lot
    return _asked(identity, instrument, quantity, close, market_ns, OrderKind.LIMIT, limit)


def plain_order(identity: str, instrument: Instrument, close: Decimal, market_ns: int) -> OrderProposed:
    """A small and sensible one: only how many there are is wrong."""
    quantity = (Decimal(20) / close // instrument.lot + 1) * instrument.lot
    return _asked(identity, instrument, quantity, close, market_ns)
