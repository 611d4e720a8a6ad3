"""A workspace that lives no longer than one step: copies to change, effects to collect."""

from decimal import Decimal

import msgspec

from organism.core import Now
from organism.effects import Effect, Effects, Publish
from organism.market import notional, to_price
from organism.messages import AlertRaised, CancelRequested, OrderProposed, Priority, Severity
from organism.trading import Order, OrderKind, Purpose, Side, TradingState
from organs.metabolism.ledger import write_off
from organs.metabolism.sizing import Rules
from organs.metabolism.state import Exit, MetabolismState, Working

# Bars after which an unanswered cancellation is asked for again, and a waiting target is out of date.
PATIENCE_BARS = 3
# Bars after which an order that was never sent is dropped.
VALID_BARS = 2


class Turn:
    """State in the making. Dictionaries are copies, so the state it began from stays as it was."""

    def __init__(self, state: MetabolismState, now: Now, rules: Rules) -> None:
        self.state = state
        self.now = now
        self.rules = rules
        self.ledger = state.ledger
        self.losses = state.losses
        self.working = dict(state.working)
        self.wants = dict(state.wants)
        self.exits = dict(state.exits)
        self.stops = dict(state.stops)
        self.effects: list[Effect] = []
        self._n_proposed = 0

    def done(self) -> tuple[MetabolismState, Effects]:
        """The next state and what to say."""
        state = msgspec.structs.replace(
            self.state,
            ledger=self.ledger,
            losses=self.losses,
            working=self.working,
            wants=self.wants,
            exits=self.exits,
            stops=self.stops,
        )
        return state, tuple(self.effects)

    @property
    def may_enter(self) -> bool:
        """Whether a position may grow: active, and the session is not about to end."""
        return self.state.standing.state is TradingState.ACTIVE and not self.state.closing

    def close(self, symbol: str) -> float | None:
        """Last close, None when there is no believable one."""
        close = self.state.closes.get(symbol, 0.0)
        return close if 0.0 < close < float("inf") else None

    def trading(self, symbol: str) -> list[Working]:
        """Orders at work on the position itself."""
        return [
            w
            for w in self.working.values()
            if w.order.symbol == symbol and w.order.purpose is not Purpose.PROTECT
        ]

    def guards(self, symbol: str) -> list[Working]:
        """Protective stops, at most one of them wanted."""
        return [
            w
            for w in self.working.values()
            if w.order.symbol == symbol and w.order.purpose is Purpose.PROTECT
        ]

    def leave(self, symbol: str, purpose: Purpose, reason: str, *, forced: bool = False) -> None:
        """Begin to close a position, or go on for another reason: a rest that was offered in vain is not offered again."""
        before = self.exits.get(symbol)
        tried = before is not None and before.dust_tried
        self.exits[symbol] = Exit(purpose=purpose, reason=reason, forced=forced, dust_tried=tried)

    def propose(
        self,
        symbol: str,
        side: Side,
        quantity: Decimal,
        purpose: Purpose,
        *,
        reduce_only: bool,
        stop_price: Decimal | None = None,
        genome_ids: tuple[str, ...] = (),
    ) -> None:
        """Ask the gate for an order. Nothing is proposed for a symbol that has no price."""
        close = self.close(symbol)
        if close is None:
            return
        order = Order(
            id=f"{self.now.step}-{self._n_proposed}",
            symbol=symbol,
            side=side,
            quantity=quantity,
            kind=OrderKind.MARKET if stop_price is None else OrderKind.STOP,
            purpose=purpose,
            reference_price=to_price(close, self.rules.instruments[symbol]),
            created_ns=self.now.market_ns,
            stop_price=stop_price,
            reduce_only=reduce_only,
            expires_ns=self.now.market_ns + VALID_BARS * self.rules.bar_ns,
            genome_ids=genome_ids,
        )
        self._n_proposed += 1
        self.working[order.id] = Working(order=order)
        self.effects.append(Publish(to=("immune",), message=OrderProposed(order=order)))

    def cancel(self, working: Working, reason: str) -> None:
        """Ask motor once, and again when nothing happened for a while; before approval, remember to."""
        asked = working.cancel_ns
        again = PATIENCE_BARS * self.rules.bar_ns
        if working.approved and (asked is None or self.now.market_ns - asked >= again):
            message = CancelRequested(order_id=working.order.id, reason=reason)
            self.effects.append(Publish(to=("motor",), message=message))
            asked = self.now.market_ns
        self.working[working.order.id] = msgspec.structs.replace(working, unwanted=reason, cancel_ns=asked)

    def give_up_dust(self, symbol: str) -> None:
        """Write off what is too small to be sold, by name."""
        holding = self.ledger.holdings[symbol]
        instrument = self.rules.instruments[symbol]
        self.ledger, _ = write_off(self.ledger, symbol)
        self.losses = self.losses + 1 if holding.result - holding.cost - holding.fees < 0 else 0
        self.exits.pop(symbol, None)
        self.stops.pop(symbol, None)
        close = self.close(symbol)
        value = notional(holding.quantity, Decimal(repr(close)), instrument) if close is not None else None
        worth = f"worth {value.normalize():f} {instrument.quote}, " if value is not None else ""
        alert = AlertRaised(
            severity=Severity.INFO,
            priority=Priority.LOW,
            title=f"Dust written off: {holding.quantity:f} {instrument.base}",
            body=(
                f"{symbol}: {holding.quantity:f} {instrument.base} were left, {worth}less than the venue "
                f"trades (lot {instrument.lot:f}, smallest order {instrument.min_notional:f} "
                f"{instrument.quote}). They stay at the venue and count for nothing in the books."
            ),
            dedup_key=f"dust:{symbol}",
        )
        self.effects.append(Publish(to=("voice",), message=alert))
