"""Trades → candles. A trade that cannot be believed is refused alone; two equal ones are two trades, no duplicate."""

import numpy as np
from numpy.typing import NDArray

from organism.lake.candles import Candles
from organism.lake.importing.raw import Raw
from organism.lake.importing.rows import Sifted, refusals

I64 = NDArray[np.int64]


def joined(raw: Raw, t_us: I64, bar_us: int) -> Sifted:
    """Candles of `bar_us` from the trades of a file: first, highest, lowest and last price, sum of sizes.

    Trades of one time stay in the order of the file, which runs either way.
    """
    price = raw.prices[0]
    size = np.zeros(t_us.size) if raw.volume is None else raw.volume
    bad, refused, told = refusals(raw, t_us, (price,), size)
    t_us, price, size = t_us[~bad], price[~bad], size[~bad]
    if t_us.size and t_us[0] > t_us[-1]:
        t_us, price, size = t_us[::-1], price[::-1], size[::-1]
    order = np.argsort(t_us, kind="stable")
    t_us, price, size = t_us[order], price[order], size[order]
    opens = t_us // bar_us * bar_us
    heads = np.flatnonzero(np.diff(opens, prepend=opens[:1] - 1))
    if not heads.size:
        return Sifted(Candles.empty(), refused, told, 0, 0, ())
    ends = np.append(heads[1:], t_us.size) - 1
    candles = Candles(
        opens[heads], price[heads], np.maximum.reduceat(price, heads), np.minimum.reduceat(price, heads), price[ends],
        np.add.reduceat(size, heads),
    )  # fmt: skip
    return Sifted(candles, refused, told, 0, 0, ())
