"""Trades of a file → candles. A trade that cannot be believed is refused alone; two equal ones are two trades, no duplicate."""

import numpy as np
from numpy.typing import NDArray

from organism.lake.candles import HIGHEST_PRICE, HIGHEST_VOLUME
from organism.lake.importing.raw import Raw
from organism.lake.importing.rows import Rule, Sifted, between, refusals
from organism.lake.trades import candles_of

I64 = NDArray[np.int64]


def joined(raw: Raw, t_us: I64, bar_us: int) -> Sifted:
    """Candles of `bar_us` from the trades of a file: first, highest, lowest and last price, sum of sizes.

    Trades of one time stay in the order of the file, which runs either way.
    """
    price, size = raw.columns["price"], raw.columns["quantity"]
    rules: list[Rule] = [
        (
            f"price is a positive number up to {HIGHEST_PRICE:g}", (raw.roles.place("price"),),
            ~between(price, 0.0, HIGHEST_PRICE, open_below=True),
        ),
        (
            f"volume is a number from 0 to {HIGHEST_VOLUME:g}", (raw.roles.place("quantity"),),
            ~between(size, 0.0, HIGHEST_VOLUME),
        ),
    ]  # fmt: skip
    bad, refused, told = refusals(raw, t_us, rules)
    t_us, price, size = t_us[~bad], price[~bad], size[~bad]
    if t_us.size and t_us[0] > t_us[-1]:
        t_us, price, size = t_us[::-1], price[::-1], size[::-1]
    order = np.argsort(t_us, kind="stable")
    return Sifted(candles_of(t_us[order], price[order], size[order], bar_us), refused, told, 0, 0, ())
