"""What was seen of faults that only an organ's state or the journal can tell of."""

from collections.abc import Sequence

from organism.chaos.simulated.plan import Dice
from organism.market import NS_PER_S
from organs.nervous.state import NervousState

_BAD_NUMBERS = frozenset({
    "not_a_number", "zero_price", "negative_price", "negative_volume", "high_low_order", "implausible",
})  # fmt: skip
_BAD_STAMPS = frozenset({"future", "stale", "interval", "future_instant", "old_instant"})


def count_refusals(dice: Dice, nervous: NervousState) -> None:
    """What the border refused, by what was sent there to be refused: never more than was sent."""
    refused: dict[str, int] = {"lost": nervous.n_gaps}
    for symbol, why, n in nervous.refused:
        kinds: list[str] = []
        if why in _BAD_NUMBERS:
            kinds = ["bad_number"]
        elif why == "duplicate":
            kinds = ["candle"]
        elif why in _BAD_STAMPS:
            kinds = (
                ["bad_stamp"] if symbol or why != "old_instant" else ["repeated", "reordered", "bad_stamp"]
            )
        for kind in kinds:
            refused[kind] = refused.get(kind, 0) + n
    for kind, n in refused.items():
        left = dice.tried.get(kind, 0) - dice.seen.get(kind, 0)
        dice.saw(kind, max(0, min(n, left)))


def detected(began_ns: Sequence[int], told_ns: Sequence[int], span_s: float) -> tuple[float, ...]:
    """Seconds of monotonic time from each silence that began to its alarm, of those that had one within the span.

    >>> detected([0], [3_000_000_000, 9_000_000_000], 20.0)
    (3.0,)
    """
    found = []
    for began in began_ns:
        told = next((t for t in told_ns if 0 <= t - began <= span_s * NS_PER_S), None)
        if told is not None:
            found.append((told - began) / NS_PER_S)
    return tuple(found)
