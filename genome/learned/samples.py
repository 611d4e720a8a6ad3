"""What a model learns from, and when it may: labels, walk-forward folds, clean rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genome.market import F64, Market
from organism.errors import BadInput

_HOLE_BARS = 25  # SEMANTICS.md, section 1


@dataclass(frozen=True, slots=True)
class Fold:
    """One step of a walk: a model made at the close of bar `test_from` from rows [train_from, train_to).

    It speaks for the bars [test_from, test_to). Every label it learned from was known at the close of `test_from`.
    """

    train_from: int
    train_to: int
    test_from: int
    test_to: int


def forward_return(market: Market, horizon: int) -> F64:
    """Return of what a decision at the close of each bar would earn: open to open, `horizon` bars.

    out[t] = open[t + 1 + horizon] / open[t + 1] − 1, a fraction, shape (T,); NaN in the last `horizon` + 1 bars, where
    either open is missing, and across a hole. It *is* the future: known at the close of t + 1 + horizon, for labels alone.
    """
    if horizon < 1:
        raise BadInput(f"horizon was {horizon}; a label looks at least one bar ahead.")
    out = np.full(market.size, np.nan)
    last = market.size - horizon - 1
    if last <= 0:
        return out
    opens = market.column("open")
    with np.errstate(all="ignore"):
        out[:last] = opens[1 + horizon :] / opens[1 : last + 1] - 1.0
    holes = np.zeros(market.size, dtype=np.int64)
    holes[1:] = np.cumsum(np.diff(market.open_s) > _HOLE_BARS * market.bar_s)
    out[:last][holes[1 + horizon :] != holes[:last]] = np.nan
    out[~np.isfinite(out)] = np.nan
    return out


def labels(forward: F64, band: float) -> F64:
    """−1, 0 or 1: the sign of a forward return beyond ±band (what a round trip costs); NaN stays NaN."""
    out = np.where(forward > band, 1.0, np.where(forward < -band, -1.0, 0.0))
    out[np.isnan(forward)] = np.nan
    return out


def folds(
    n_bars: int,
    *,
    lookback: int,
    window: int,
    refit: int,
    horizon: int,
    embargo: int,
    expanding: bool = False,
) -> tuple[Fold, ...]:
    """Walk-forward folds, oldest first.

    lookback   bars without features at the beginning
    window     rows to learn from (the least, when expanding)
    refit      bars a model speaks for before the next is made
    horizon    of the labels; the purge: the label of row t is known at the close of t + 1 + horizon, so the last row
               learned from is test_from − 1 − horizon
    embargo    bars left out beyond the purge

    Training always lies before testing; nothing is ever predicted by a model that has seen it.
    Source: M. López de Prado, "Advances in Financial Machine Learning" (2018), sections 7.4 and 12.2.
    """
    out = []
    begin = lookback + window + horizon + embargo
    for at in range(begin, n_bars, refit):
        train_to = at - horizon - embargo
        train_from = lookback if expanding else train_to - window
        out.append(Fold(train_from, train_to, at, min(at + refit, n_bars)))
    return tuple(out)


def clean(features: F64, targets: F64) -> tuple[NDArray[np.bool_], int]:
    """Which rows may be learned from, and how many had to be dropped for NaN or infinity (S4-25.16)."""
    good = np.isfinite(features).all(axis=1) & np.isfinite(targets)
    return good, int(good.size - good.sum())
