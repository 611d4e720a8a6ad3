"""What came of trying a fault: one row of the published table."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from organism.chaos.catalogue import BY_ID
from organism.errors import BadInput


@dataclass(frozen=True, slots=True)
class Losses:
    """What the judge, the venue's book and the journal, found wrong after a fault. All zero is what is promised."""

    lost: int = 0
    duplicate: int = 0
    phantom: int = 0
    untracked: int = 0
    breaches: int = 0

    def __add__(self, other: "Losses") -> "Losses":
        """Both together."""
        return Losses(
            self.lost + other.lost, self.duplicate + other.duplicate, self.phantom + other.phantom,
            self.untracked + other.untracked, self.breaches + other.breaches,
        )  # fmt: skip

    @property
    def none(self) -> bool:
        """Whether nothing was lost, doubled, invented or broken."""
        return self == Losses()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fault of the catalogue, tried some times in one way.

    way          "simulation", "process", "power", "disk", "proxy" or "unit"
    tried, seen  how often it was ordered, and how often it was seen to happen; a fault never seen proves nothing
    detection_s  seconds from the fault until it was noticed; like the others empty where not timed
    recovery_s   until orders were sent again, for which the market must give an occasion
    seeds        what replays it, where it was drawn
    note         known gaps, in one sentence
    serving_s    until a new instant of the market was dealt with, whether or not it was an occasion to trade
    """

    fault: str
    way: str
    tried: int
    seen: int
    losses: Losses = field(default_factory=Losses)
    detection_s: tuple[float, ...] = ()
    recovery_s: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    note: str = ""
    serving_s: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a row about nothing."""
        if self.fault not in BY_ID:
            raise BadInput(f"there is no fault {self.fault!r} in the catalogue; A1 to G14 are.")
        if not 0 <= self.seen <= self.tried:
            raise BadInput(
                f"fault {self.fault} was seen {self.seen} times of {self.tried} tried; count again."
            )

    @property
    def vacuous(self) -> bool:
        """Whether it never happened."""
        return self.seen == 0


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed; NaN of none.

    >>> percentile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def merged(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Rows of the same fault tried in the same way, as one."""
    found: dict[tuple[str, str], Outcome] = {}
    for one in outcomes:
        key = (one.fault, one.way)
        before = found.get(key)
        if before is None:
            found[key] = one
            continue
        found[key] = Outcome(
            one.fault, one.way, before.tried + one.tried, before.seen + one.seen, before.losses + one.losses,
            before.detection_s + one.detection_s, before.recovery_s + one.recovery_s, before.seeds + one.seeds,
            before.note if before.note == one.note else " ".join(filter(None, (before.note, one.note))),
            before.serving_s + one.serving_s,
        )  # fmt: skip
    return tuple(found.values())
