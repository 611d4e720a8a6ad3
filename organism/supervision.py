"""The rules of supervision, in OTP's words: what to do when something fails. No clock, no thread, no chance.

    message → child → subtree → process

is the ladder: each rung has a budget, and what exceeds it goes one rung up.
"""

import enum
from dataclasses import dataclass

from organism.messages import CONFLATED, NEVER_SET_ASIDE, Recovered
from organism.settings import SupervisionSettings


class Restart(enum.Enum):
    """When a child that ended is started again."""

    PERMANENT = "always"
    TRANSIENT = "after a failure"
    TEMPORARY = "never"


class Strategy(enum.Enum):
    """Who is restarted with a child that failed."""

    ONE_FOR_ONE = "that child"
    REST_FOR_ONE = "that child and those started after it"
    ONE_FOR_ALL = "all children"


@dataclass(frozen=True, slots=True)
class Intensity:
    """At most `restarts` within `within_s` monotonic seconds."""

    restarts: int
    within_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """How one child is kept. Its place in the tree's list is its place in the order of starting.

    ready_within_s   from its start to being ready; later counts as a failure
    stop_within_s    of an orderly stop; then it is written off
    hang_s           longest time inside one message
    """

    name: str
    intensity: Intensity
    restart: Restart = Restart.PERMANENT
    ready_within_s: float = 10.0
    stop_within_s: float = 2.0
    hang_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSpec:
    """Children under one supervisor.

    critical   these organs hold money: one that hangs with its budget spent ends the process at once
    """

    name: str
    strategy: Strategy
    children: tuple[ChildSpec, ...]
    intensity: Intensity
    critical: bool = False


def admit_restart(
    history: tuple[float, ...], now_s: float, limit: Intensity
) -> tuple[tuple[float, ...], bool]:
    """Add a restart at `now_s` (monotonic) and say whether the limit still holds.

    >>> admit_restart((0.0, 10.0), now_s=11.0, limit=Intensity(restarts=2, within_s=30.0))
    ((0.0, 10.0, 11.0), False)
    >>> admit_restart((0.0, 10.0), now_s=31.0, limit=Intensity(restarts=2, within_s=30.0))
    ((10.0, 31.0), True)
    """
    recent = (*(t for t in history if now_s - t <= limit.within_s), now_s)
    return recent, len(recent) <= limit.restarts


def backoff_s(attempt: int, *, base_s: float, cap_s: float, chance: float) -> float:
    """Seconds to wait before the `attempt`-th restart in a row: none before the first, then jittered doubling.

    chance   uniform in [0, 1); the wait is between half and all of min(cap, base · 2ⁿ)

    >>> [backoff_s(n, base_s=0.1, cap_s=1.0, chance=1.0) for n in (1, 2, 3, 4, 9)]
    [0.0, 0.1, 0.2, 0.4, 1.0]
    >>> backoff_s(2, base_s=0.1, cap_s=1.0, chance=0.0)
    0.05
    """
    if attempt <= 1:
        return 0.0
    # 2⁶⁰ is past any cap; without the limit a float overflows after a thousand attempts.
    return min(cap_s, base_s * 2.0 ** min(attempt - 2, 60)) * (0.5 + 0.5 * chance)


def affected(strategy: Strategy, names: tuple[str, ...], failed: str) -> tuple[str, ...]:
    """Who is restarted when `failed` failed, in the order of starting.

    >>> affected(Strategy.REST_FOR_ONE, ("metabolism", "immune", "motor"), "immune")
    ('immune', 'motor')
    """
    if strategy is Strategy.ONE_FOR_ONE:
        return (failed,)
    if strategy is Strategy.REST_FOR_ONE:
        return names[names.index(failed) :]
    return names


def is_restarted(restart: Restart, *, failed: bool) -> bool:
    """Whether a child that ended is started again.

    >>> is_restarted(Restart.TRANSIENT, failed=False), is_restarted(Restart.PERMANENT, failed=False)
    (False, True)
    """
    return restart is Restart.PERMANENT or (restart is Restart.TRANSIENT and failed)


class Rung(enum.Enum):
    """How far up a failure goes."""

    CHILD = "restart the child and whom the strategy names"
    TREE = "restart the subtree"
    PROCESS = "end the process"


def rung(*, child_holds: bool, tree_holds: bool, hung: bool, critical: bool) -> Rung:
    """Choose the rung from the two budgets; the subtree's counts every restart under it.

    >>> rung(child_holds=False, tree_holds=True, hung=False, critical=True).name
    'TREE'
    >>> rung(child_holds=False, tree_holds=True, hung=True, critical=True).name
    'PROCESS'
    """
    if not tree_holds:
        return Rung.PROCESS
    if child_holds:
        return Rung.CHILD
    # A hung thread of a money organ still runs somewhere: only the end of the process ends it for certain.
    return Rung.PROCESS if hung and critical else Rung.TREE


class Fate(enum.Enum):
    """What becomes of the message that was in hand when its organ failed."""

    DROP = "a newer one takes its place"
    RETRY = "it is tried once more"
    SET_ASIDE = "it is a dead letter"
    HALT = "trading halts; it stays first in the mailbox"


def fate(kind: type, n_failures: int, *, recorded: bool = False) -> Fate:
    """Decide about a message after its organ failed on it for the `n_failures`-th time.

    >>> from organism.messages import BarClosed, Filled
    >>> fate(BarClosed, 1), fate(BarClosed, 2)
    (<Fate.RETRY: 'it is tried once more'>, <Fate.SET_ASIDE: 'it is a dead letter'>)
    >>> fate(Filled, 2)
    <Fate.HALT: 'trading halts; it stays first in the mailbox'>
    """
    if recorded or kind is Recovered:  # its step happened, or the next incarnation gets one of its own
        return Fate.DROP
    if n_failures <= 1:
        return Fate.RETRY
    if kind in NEVER_SET_ASIDE:
        return Fate.HALT
    return Fate.DROP if kind in CONFLATED else Fate.SET_ASIDE


_MONEY = ("metabolism", "immune", "motor")
_SENSES = ("nervous", "brain")
_CARE = ("reproduction", "voice")


def organ_trees(settings: SupervisionSettings) -> tuple[TreeSpec, ...]:
    """Say how the organs hang together, in the order of starting."""
    each = Intensity(settings.child_restarts, settings.child_within_s)
    tree = Intensity(settings.tree_restarts, settings.tree_within_s)
    usual = settings.hang_s.get("default", 2.0)

    def children(names: tuple[str, ...]) -> tuple[ChildSpec, ...]:
        return tuple(
            ChildSpec(name=name, intensity=each, hang_s=settings.hang_s.get(name, usual)) for name in names
        )

    return (
        TreeSpec(
            name="money",
            strategy=Strategy.REST_FOR_ONE,
            children=children(_MONEY),
            intensity=tree,
            critical=True,
        ),
        TreeSpec(name="senses", strategy=Strategy.ONE_FOR_ONE, children=children(_SENSES), intensity=tree),
        TreeSpec(name="care", strategy=Strategy.ONE_FOR_ONE, children=children(_CARE), intensity=tree),
    )


FEED_INTENSITY = Intensity(restarts=10, within_s=60.0)
