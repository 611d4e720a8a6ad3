"""Words that compare assets: each needs all markets of a panel at once."""

from collections.abc import Sequence

import numpy as np

from genome.indicators.checks import checked
from genome.indicators.whole import compute
from genome.market import F64, Market
from genome.vocabulary import WORDS
from organism.errors import BadInput


def panel(name: str, params: tuple[float, ...], markets: Sequence[Market]) -> list[F64]:
    """A panel word for each market, float64 (T of that market,), in the order of `markets`.

    An instant is a bar open; the assets of an instant are those with a rate of change there, so an asset enters when
    it has been listed for n bars, and is left out where its bar is missing or void.

    momentum_rank      (assets with a lower roc(n) + half of the others with an equal one) / (assets − 1); alone 0.5
    relative_momentum  roc(n) less its mean over all assets, itself among them; alone 0

    Causality: the value at a bar uses bars that open no later.
    """
    checked(name, params)
    if not WORDS[name].panel:
        raise BadInput(f"{name} needs one market only; compute it with genome.indicators.compute.")
    if not markets:
        raise BadInput("a panel was given no market; it needs at least one.")
    lengths = sorted({m.bar_s for m in markets})
    if len(lengths) > 1:
        raise BadInput(f"the markets of a panel have bars of {lengths} s; bars of one length are needed.")
    instants = np.unique(np.concatenate([m.open_s for m in markets]))
    rates = np.full((len(markets), instants.size), np.nan)
    places = [np.searchsorted(instants, m.open_s) for m in markets]
    for row, place, market in zip(rates, places, markets, strict=True):
        row[place] = compute("roc", params, market)
    table = _ranks(rates) if name == "momentum_rank" else rates - _mean(rates)
    return [np.ascontiguousarray(row[place]) for row, place in zip(table, places, strict=True)]


def _ranks(rates: F64) -> F64:
    others = np.isfinite(rates).sum(axis=0) - 1
    ranks = np.full(rates.shape, 0.5)
    for row, own in zip(ranks, rates, strict=True):
        lower = (rates < own).sum(axis=0)
        equal = (rates == own).sum(axis=0) - 1
        np.divide(lower + 0.5 * equal, others, out=row, where=others > 0)
        row[np.isnan(own)] = np.nan
    return ranks


def _mean(rates: F64) -> F64:
    count = np.isfinite(rates).sum(axis=0)
    mean: F64 = np.nansum(rates, axis=0) / np.maximum(count, 1)
    return mean
