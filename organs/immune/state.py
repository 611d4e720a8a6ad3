"""What risk control remembers between two messages. All of it survives restarts: a halt is never forgotten."""

from decimal import Decimal

import msgspec

from organism.fills import Booked
from organism.messages import PortfolioMarked
from organism.trading import Standing
from organs.immune.checks import Reserved
from organs.immune.standing import Blocks


class ImmuneState(msgspec.Struct, frozen=True, kw_only=True):
    """Blocks in force and what the limits are measured against.

    standing        what was last told to everyone
    watchful        an ordinary mark must be looked at closely: something is timed, halved or re-based
    rate            metabolic rate, fraction
    rebased_peak    equity that a person accepted by resuming, rising with equity; the ladder counts from it
    losses_base     losing trades in a row that have already been answered with a cool-down
    n_low_health    readings below the limit in a row
    command_id      highest operator command seen
    reserved        by order id, until terminal and filled as far as reported
    recent          when the orders of the last minute were approved, monotonic ns
    unknown_since_ns  since when the fate of some order has been unknown, monotonic ns
    barred          symbols in which a person lets nothing be opened or grow
    alarmed         when an alarm about refused orders was raised last, by kind, monotonic ns
    """

    standing: Standing
    blocks: Blocks = ()
    watchful: bool = False
    rate: float = 1.0
    marked: PortfolioMarked | None = None
    rebased_peak: float | None = None
    losses_base: int = 0
    n_low_health: int = 0
    command_id: int = -1
    stalled: tuple[str, ...] = ()
    positions: dict[str, Decimal] = {}
    reserved: dict[str, Reserved] = {}
    booked: Booked = Booked()
    recent: tuple[int, ...] = ()
    unknown_since_ns: int | None = None
    alarmed: dict[str, int] = {}
    barred: tuple[str, ...] = ()
