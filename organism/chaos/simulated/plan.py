"""What a simulated life is to suffer: drawn from a seed, small enough to print, and to take apart when it fails."""

import random
from typing import NamedTuple

import msgspec

from organism.errors import BadInput


class Kind(NamedTuple):
    """A kind of trouble: which fault of the catalogue it is ("" for none of them), how often it comes, what happens.

    rate    chance per opportunity: an instant, an envelope, a step, a request or an answer
    share   of the seeds that draw it
    """

    fault: str
    rate: float
    share: float
    what: str


KINDS: dict[str, Kind] = {
    # messages and organs
    "delay": Kind("E5", 0.01, 0.4, "an organ reads a message up to 2 s late, and so out of order"),
    "duplicate": Kind("", 0.02, 0.5, "a message is delivered twice"),
    "raise": Kind("A1", 0.01, 0.6, "an organ raises in the middle of a step"),
    "hang": Kind("A6", 0.01, 0.6, "an organ is replaced while its step runs, and wakes up again"),
    # the body
    "kill": Kind("A10", 0.01, 0.7, "the process dies, at any point between a step and its last effect"),
    "kill_again": Kind("A11", 0.4, 0.6, "it dies again while it recovers"),
    "reboot": Kind("E3", 0.3, 0.4, "the machine restarts with it: its monotonic clock begins anew"),
    "suspend": Kind("E3", 0.006, 0.4, "all stands still for a minute to an hour"),
    "wall_jump": Kind("E1", 0.02, 0.5, "the wall clock jumps by an hour or a day, forwards or backwards"),
    # the disk
    "disk_full": Kind("B2", 0.002, 0.4, "a commit finds no room"),
    "disk_error": Kind("B3", 0.002, 0.4, "a commit fails with an input/output error"),
    "failed_sync": Kind("B3", 0.002, 0.4, "a sync fails; nobody knows what of it is on the disk"),
    # the venue
    "lost_reply": Kind("C1", 0.06, 0.6, "a request takes effect, its answer never comes"),
    "late_reply": Kind("C1", 0.06, 0.6, "an answer comes up to 3 s late"),
    "very_late_reply": Kind("C1", 0.02, 0.5, "an answer comes 5 to 40 s late"),
    "late_request": Kind("C2", 0.06, 0.6, "a request reaches the venue up to 3 s late"),
    "very_late_request": Kind("C2", 0.02, 0.5, "a request reaches the venue 3 to 30 s late"),
    "lost_request": Kind("C3", 0.06, 0.6, "a request never reaches the venue"),
    "unknown_answer": Kind("C4", 0.03, 0.5, "an answer to an order proves nothing, accepted or not"),
    "query_fails": Kind("C12", 0.3, 0.4, "a question to the venue fails"),
    "refused": Kind("C10", 0.03, 0.4, "the venue refuses an order"),
    "double_reply": Kind("C13", 0.05, 0.5, "an answer comes twice, the second time up to 20 s late"),
    "stale_absent": Kind("C13", 0.1, 0.5, "'no such order', asked too early to prove anything, comes late"),
    "absent_again": Kind("C13", 0.5, 0.5, "'no such order' comes about an attempt that was sent again since"),
    "lying_absent": Kind("C13", 0.1, 0.5, "'no such order' about one that is there, once for each order"),
    "omitted": Kind("C14", 0.1, 0.5, "the list of open orders leaves one out"),
    "called_double": Kind("C15", 0.03, 0.5, "an order that was accepted is refused as a duplicate"),
    "partial": Kind("C16", 1.0, 0.5, "the market is so thin that orders fill in parts, and are cancelled half filled"),
    "cancel_race": Kind("C16", 0.4, 0.5, "a cancel is on its way while the order fills"),
    "fill_after_cancel": Kind("C17", 0.3, 0.5, "a fill is heard of after its cancel was accepted"),
    # the market
    "silence": Kind("D1", 0.004, 0.4, "the feed is silent for 20 s"),
    "lost": Kind("D4", 0.01, 0.4, "an instant never comes"),
    "repeated": Kind("D4", 0.02, 0.4, "an instant comes twice"),
    "reordered": Kind("D4", 0.02, 0.4, "an instant comes again after its successor"),
    "bad_number": Kind("D7", 0.03, 0.5, "a bar holds NaN, infinity, zero, a negative price or 1e308"),
    "crash_40": Kind("D8", 0.01, 0.3, "prices fall by 40 % for one instant"),
    "bad_stamp": Kind("D9", 0.02, 0.4, "a bar, or a whole instant, is stamped in the past or the future"),
    "candle": Kind("D10", 0.02, 0.4, "a candle comes twice, or is missing"),
    # the brain
    "wild": Kind("C23", 0.1, 0.5, "the brain wants NaN, infinity, 1e308; orders hold such amounts"),
    "fat_finger": Kind("C24", 0.02, 0.4, "an order is a hundred times too large, or 20 % off the market"),
    "storm": Kind("C25", 0.01, 0.03, "10,000 orders are wanted at once"),
    "command": Kind("", 0.01, 0.4, "a person halts, reduces, flattens, hibernates and resumes"),
}  # fmt: skip


REAL = 0.06  # share of the seeds in which the real brain decides


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One life to be lived.

    n_instants   market instants
    trader       "restless" turns every position at every instant; "brain" is the real one
    kinds        what it suffers, by name
    """

    seed: int
    n_instants: int
    trader: str
    kinds: tuple[str, ...]

    @property
    def command(self) -> str:
        """What lives exactly this life again."""
        only = ",".join(self.kinds) or "none"
        return (
            f"python -m organism.chaos.simulation --seed {self.seed} --instants {self.n_instants} "
            f"--trader {self.trader} --only {only}"
        )


def drawn(seed: int, *, n_instants: int = 150) -> Plan:
    """The plan of a seed: pure, and the same under every PYTHONHASHSEED.

    >>> drawn(1) == drawn(1) != drawn(2)
    True
    """
    chance = random.Random(f"plan-{seed}")
    kinds = tuple(name for name, kind in KINDS.items() if chance.random() < kind.share)
    trader = "brain" if chance.random() < REAL else "restless"
    return Plan(seed=seed, n_instants=n_instants, trader=trader, kinds=kinds)


def planned(seed: int, n_instants: int, trader: str, kinds: tuple[str, ...]) -> Plan:
    """A plan by hand. Raises `BadInput` for a kind that there is not."""
    for name in kinds:
        if name not in KINDS:
            raise BadInput(f"there is no kind of fault {name!r} to simulate; there are {', '.join(KINDS)}.")
    if trader not in {"restless", "brain"}:
        raise BadInput(f"trader is 'restless' or 'brain'; was {trader!r}.")
    if n_instants < 1:
        raise BadInput(f"a life has at least 1 instant; was {n_instants}.")
    return Plan(seed=seed, n_instants=n_instants, trader=trader, kinds=kinds)


class Dice:
    """Whether a fault strikes now. Each kind has a generator of its own, so that one left out moves no other.

    tried   how often each kind was ordered; seen: how often it was seen to happen
    """

    def __init__(self, plan: Plan) -> None:
        self.tried: dict[str, int] = {}
        self.seen: dict[str, int] = {}
        self.on = True
        self._kinds = {name: (KINDS[name].rate, random.Random(f"{name}-{plan.seed}")) for name in plan.kinds}

    def has(self, kind: str) -> bool:
        """Whether the plan holds this kind."""
        return kind in self._kinds

    def strikes(self, kind: str) -> bool:
        """Draw; what strikes was tried."""
        found = self._kinds.get(kind)
        if found is None or not self.on or found[1].random() >= found[0]:
            return False
        self.tried[kind] = self.tried.get(kind, 0) + 1
        return True

    def tries(self, kind: str) -> None:
        """It was ordered elsewhere."""
        self.tried[kind] = self.tried.get(kind, 0) + 1

    def happens(self, kind: str) -> bool:
        """Draw what is seen the moment it strikes."""
        if not self.strikes(kind):
            return False
        self.saw(kind)
        return True

    def saw(self, kind: str, n: int = 1) -> None:
        """It was seen to happen."""
        if n:
            self.seen[kind] = self.seen.get(kind, 0) + n

    def chance(self, kind: str) -> random.Random:
        """The generator of a kind that the plan holds."""
        return self._kinds[kind][1]
