"""Refusals that say that whoever wants these orders is broken: a person hears of them, once a minute for each kind.

An order that no one can have meant (a quantity that is no number, a price far from the market) or more orders than the
limit allows are no ordinary refusals, which merely say that there is no room.
"""

import msgspec

from organism.core import Now
from organism.effects import Effects, Publish
from organism.market import NS_PER_S
from organism.messages import AlertRaised, DenialReason, Priority, Severity
from organism.trading import Order
from organs.immune.checks import Refusal
from organs.immune.state import ImmuneState

PAUSE_NS = 60 * NS_PER_S
STORM, NONSENSE, FAR_OFF = "storm", "nonsense", "far off"
_R = DenialReason


def alarmed(state: ImmuneState, order: Order, refusal: Refusal, now: Now) -> tuple[ImmuneState, Effects]:
    """Raise the alarm that a refusal deserves, unless one of its kind was raised within the last minute."""
    kind = _kind(order, refusal)
    if not kind:
        return state, ()
    since_ns = state.alarmed.get(kind)
    if since_ns is not None and 0 <= now.mono_ns - since_ns < PAUSE_NS:
        return state, ()
    title, why = _words(kind, refusal)
    alert = AlertRaised(
        severity=Severity.WARNING,
        priority=Priority.HIGH,
        title=title,
        body=(
            f"{why} The newest was {order.id}: {order.side.value} {order.quantity} {order.symbol} "
            f"({order.purpose.value}, reference price {order.reference_price}). It was refused, as others like it "
            "will be. Look at the strategies that decide; `organism halt` stops them all."
        ),
        dedup_key=f"gate:{kind}",
    )
    state = msgspec.structs.replace(state, alarmed={**state.alarmed, kind: now.mono_ns})
    return state, (Publish(to=("voice",), message=alert),)


def _kind(order: Order, refusal: Refusal) -> str:
    if refusal.reason is _R.ORDER_RATE:
        return STORM
    if refusal.reason is _R.PRICE_BAND:
        return FAR_OFF
    if refusal.reason in {_R.MALFORMED, _R.UNKNOWN_INSTRUMENT}:
        return NONSENSE
    if (
        refusal.reason is _R.NOT_A_NUMBER
    ):  # of the order; before the first mark the portfolio has no number, either
        numbers = (order.quantity, order.reference_price, order.limit_price, order.stop_price)
        return "" if all(n is None or n.is_finite() for n in numbers) else NONSENSE
    return ""


def _words(kind: str, refusal: Refusal) -> tuple[str, str]:
    if kind == STORM:
        why = f"More than {refusal.limit:g} orders were wanted within a minute; nothing passes until one has gone by."
        return "Too many orders are wanted", why
    if kind == FAR_OFF:
        why = f"A price was {refusal.observed:.1%} off the last close; {refusal.limit:.1%} are allowed."
        return "An order far off the market was refused", why
    return "An order that nobody can have meant was refused", f"It was refused as {refusal.reason.value}."
