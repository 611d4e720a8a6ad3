"""What a market lacks, counted and said: void bars, gaps, holes, a price that never moves."""

from dataclasses import dataclass

import numpy as np

from genome.history.checks import MS, written
from genome.market import Market

HOLE_BARS = 25
"""A step of more than so many bars is a hole: no position crosses it (SEMANTICS.md, 1)."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch without bars. after_s, until_s: opens of the bars on both sides; missing: bars that are not there."""

    after_s: int
    until_s: int
    missing: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts over one market.

    void           bars with NaN in open, high, low or close
    no_volume      bars without a volume, void ones left out
    missing, gaps  bars absent between the first and the last, and in how many places
    holes          the gaps of more than 24 bars
    constant       no price ever differs from another
    funding_gaps   settlements whose rate was missing
    """

    bars: int
    void: int
    no_volume: int
    missing: int
    gaps: int
    holes: tuple[Hole, ...]
    constant: bool
    funding_gaps: int

    def sentences(self) -> tuple[str, ...]:
        """What a person should know, nothing when all is well."""
        said = []
        if self.bars == 1:
            said.append("There is one bar: a decision fills at the next open, so no fill is possible.")
        if self.void:
            said.append(f"{_of(self.void, self.bars)} void (a price is missing): nothing fills there.")
        if self.no_volume:
            said.append(f"{_of(self.no_volume, self.bars)} without volume.")
        if self.missing:
            where = "place" if self.gaps == 1 else "places"
            bars = "bar is" if self.missing == 1 else "bars are"
            said.append(f"{self.missing:,} {bars} missing, in {self.gaps:,} {where}.")
        if self.holes:
            named = ", ".join(
                f"{written(h.after_s * MS)} to {written(h.until_s * MS)}" for h in self.holes[:_NAMED]
            )
            more = f" and {len(self.holes) - _NAMED:,} more" if len(self.holes) > _NAMED else ""
            holes = "1 hole" if len(self.holes) == 1 else f"{len(self.holes):,} holes"
            said.append(f"{holes} of more than 24 bars, which no position crosses: {named}{more}.")
        if self.constant:
            said.append("The price never moves.")
        if self.funding_gaps:
            said.append(
                f"{self.funding_gaps:,} funding rates are missing; longs pay a constant there, shorts get nothing."
            )
        return tuple(said)


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,} bars {'is' if count == 1 else 'are'}"


def quality(market: Market) -> Quality:
    """Count what a market lacks."""
    ohlc = np.vstack([market.column(name) for name in ("open", "high", "low", "close")])
    void = np.isnan(ohlc).any(axis=0)
    # A bar that comes early or late by a part of a bar is not missing; half a bar and more counts as one.
    absent = np.rint(np.diff(market.open_s) / market.bar_s).astype(np.int64) - 1
    holes = tuple(
        Hole(int(market.open_s[i]), int(market.open_s[i + 1]), int(absent[i]))
        for i in np.flatnonzero(np.diff(market.open_s) > HOLE_BARS * market.bar_s)
    )
    seen = ohlc[:, ~void]
    return Quality(
        bars=market.size,
        void=int(void.sum()),
        no_volume=int((np.isnan(market.column("volume")) & ~void).sum()),
        missing=int(absent.sum()),
        gaps=int((absent > 0).sum()),
        holes=holes,
        constant=market.size > 1 and (seen.size == 0 or bool((seen == seen.flat[0]).all())),
        funding_gaps=market.funding_gaps,
    )
