"""The venue's own book, in the words of `organism verify`."""

from collections.abc import Callable
from pathlib import Path

from organism.verify import VenueTruth
from organs.motor.paper.book import PaperTruth


def venue_truth(state: Path) -> Callable[[], VenueTruth] | None:
    """How to read the paper venue's book; None when nothing was ever sent to one."""
    path = state / "paper_venue.db"
    if not path.exists():
        return None

    def read() -> VenueTruth:
        truth = PaperTruth.read(path)
        return VenueTruth(orders=truth.orders, fills=truth.fills, positions=truth.positions, cash=truth.cash)

    return read
