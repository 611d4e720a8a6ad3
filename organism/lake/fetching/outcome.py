"""What a fetch did, and one source of its chain."""

from collections import Counter
from dataclasses import dataclass, field

from organism.errors import OrganismError
from organism.lake.fetching.asking import Asking
from organism.lake.fetching.source import Source
from organism.lake.names import Series


class SourcesFailed(OrganismError):
    """No source gave what is missing; what came is kept. `outcome` says how far it got."""

    def __init__(self, sentence: str, outcome: "Outcome") -> None:
        super().__init__(sentence)
        self.outcome = outcome


@dataclass
class Outcome:
    """What a fetch of one series did.

    rows       new rows by source, as it stands at each row
    cached     candles of the span that were in the lake before
    missing    candles of the span that are not in the lake now
    unanswered of those, the ones that no source answered for; the others do not exist, says a source
    refused    rows that could not be believed; `examples` are the first of them
    failures   why each source that failed was given up
    asked      calls, `failed` of them without an answer
    end_us     the span really ends here: the rest was not over yet
    """

    series: Series
    start_us: int
    end_us: int
    rows: Counter[str] = field(default_factory=Counter)
    cached: int = 0
    missing: int = 0
    unanswered: int = 0
    revised: int = 0
    refused: int = 0
    examples: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    failed: int = 0


class Lane:
    """One source of the chain with its breaker."""

    def __init__(self, source: Source, asking: Asking) -> None:
        self.source, self.asking = source, asking
        self.noted = False
