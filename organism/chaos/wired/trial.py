"""One fault tried once on a trader: what is armed, what is promised, and the row that it leaves."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from organism.chaos.outcome import Losses, Outcome
from organism.chaos.strikes import Behaviour, Strike, Way
from organism.chaos.wired.line import Reply, answers, asks
from organism.chaos.wired.trader import Trader
from organism.market import NS_PER_S
from organism.trading import OrderStatus

WINDOW_S = 1.0  # validity and engine timeout of the venue
S = OrderStatus


@dataclass(slots=True)
class Trial:
    """What one scenario found. Whatever is in `broken` counts as a breach."""

    fault: str
    seen: int = 0
    recovery_s: tuple[float, ...] = ()
    detection_s: tuple[float, ...] = ()
    losses: Losses = field(default_factory=Losses)
    broken: tuple[str, ...] = ()

    def promise(self, kept: bool, text: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Hold to account."""
        if not kept:
            self.broken = (*self.broken, text)

    def outcome(self, seed: int) -> Outcome:
        """Its row."""
        losses = self.losses + Losses(breaches=len(self.broken))
        return Outcome(
            self.fault, "unit", 1, min(1, self.seen), losses, self.detection_s, self.recovery_s, (seed,),
            "; ".join(self.broken),
        )  # fmt: skip


Scenario = Callable[[Path], Trial]


def down(
    fault: str, behaviour: Behaviour, *kinds: type, where: Callable[[Reply], bool] | None = None
) -> Strike:
    """Strike answers of these kinds."""
    return Strike(fault, Way.DOWN, behaviour, answers(*kinds, where=where or (lambda _reply: True)))


def up(fault: str, behaviour: Behaviour, *kinds: type) -> Strike:
    """Strike requests of these kinds."""
    return Strike(fault, Way.UP, behaviour, asks(*kinds))


def seconds_until(trader: Trader, order_id: str, most_s: float = 60.0) -> float:
    """Virtual seconds until the fate of an order is known, bars included."""
    began_ns = trader.driver.mono_ns
    while trader.order(order_id).status in {S.SENT, S.UNKNOWN, S.INTENT}:
        if trader.driver.mono_ns - began_ns > most_s * NS_PER_S:
            break
        trader.wait(0.25)
    return (trader.driver.mono_ns - began_ns) / NS_PER_S


def waited(claim: Callable[[], bool], limit_s: float = 5.0) -> bool:
    """Look until the claim is true; whether it became so in time."""
    end = time.monotonic() + limit_s
    while not claim():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def but_for(losses: Losses, trader: Trader, whose: set[str]) -> Losses:
    """Without breaches of invariants that the venue itself broke by what it was forced to do."""
    return replace(losses, breaches=sum(n for name, n in trader.judge.n.items() if name not in whose))
