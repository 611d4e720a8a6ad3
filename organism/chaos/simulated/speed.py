"""How fast a simulated life is beside a plain one: what the checker, the faults and the deaths cost."""

import time
from typing import NamedTuple

import msgspec

from organism.body.lockstep import assemble
from organism.chaos.simulated.feed import market
from organism.chaos.simulated.life import Life
from organism.chaos.simulated.plan import KINDS, Plan, planned
from organism.chaos.simulated.settings import settings_of
from organism.journal.port import MemoryJournal

N_BARS = 3_000
_SEEDS = range(100)


class Speed(NamedTuple):
    """Single-symbol bars a second of processor time, the same market and the real brain in both.

    plain     lockstep with nothing but its journal
    judged    every invariant after every durable step, every kind of fault but the storm, and recoveries
    n_deaths, n_seen   of the body, and of faults in the judged life
    """

    plain: float
    judged: float
    n_deaths: int
    n_seen: int
    failed: tuple[str, ...]


def measure(n_bars: int = N_BARS) -> Speed:
    """Both, one after the other."""
    kinds = tuple(kind for kind in KINDS if kind != "storm")
    plan = _of_one_symbol(n_bars, kinds)
    settings = settings_of(plan)
    bars = market(settings.market, n_bars)
    assembled = assemble(settings, MemoryJournal())
    plain_s = -time.process_time()
    assembled.driver.run(bars)
    plain_s += time.process_time()
    life = Life(plan)
    judged_s = -time.process_time()
    lived = life.live()
    judged_s += time.process_time()
    n_seen = sum(lived.seen.values())
    return Speed(n_bars / plain_s, lived.n_instants / judged_s, lived.n_deaths, n_seen, tuple(lived.failed))


def _of_one_symbol(n_bars: int, kinds: tuple[str, ...]) -> Plan:
    plan = planned(0, n_bars, "brain", kinds)
    plans = (msgspec.structs.replace(plan, seed=seed) for seed in _SEEDS)
    return next(p for p in plans if len(settings_of(p).market.symbols) == 1)
