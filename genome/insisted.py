"""On what a person insisted though it is refused otherwise: part of a result for ever, in its record, JSON and report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from organism.lake.quality import GATE


@dataclass(frozen=True, slots=True)
class Insisted:
    """What a result stands on that nobody should rely on.

    poor_data   scores below what is good enough, by symbol
    proxies     series whose prices are another instrument's, as in "proxy:binance BTC/USDT 1h"
    """

    poor_data: Mapping[str, float] = field(default_factory=dict)
    proxies: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """For the record of a run: only what there is, so that a run on good data has the record it always had."""
        found = self.document()
        return {name: value for name, value in found.items() if value}

    def document(self) -> dict[str, Any]:
        """For JSON: always both."""
        return {"poor_data": dict(self.poor_data), "proxies": list(self.proxies)}

    def sentences(self) -> tuple[str, ...]:
        """What a result says of it, one sentence each."""
        poor = (
            f"Bred on poor data: {symbol} scores {score:.2f} of 100, below {GATE:g}, and a person insisted."
            for symbol, score in self.poor_data.items()
        )
        strange = (
            f"Prices of another instrument: {name} stands in for the one it is named after, and a person insisted."
            for name in self.proxies
        )
        return (*poor, *strange)


NOTHING = Insisted()
"""What most results stand on."""
