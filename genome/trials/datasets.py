"""What was looked at. Looks at overlapping data add up: such data sets are of one family."""

import hashlib
import re
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from genome.costs import Costs
from genome.market import Market
from organism.errors import BadInput


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Bars that genomes are judged by.

    name          names the content and the rules of judging (`Evaluator.data`); equal names are equal data
    instruments   "venue:SYMBOL" each, sorted; the symbol in capitals, without separators
    bar_s         length of a bar, seconds
    start_s, end_s   first open and last close, seconds since the epoch
    slice         which part of a larger whole: "all", "train", "window 3"
    """

    name: str
    instruments: tuple[str, ...]
    bar_s: int
    start_s: int
    end_s: int
    slice: str = "all"

    def __post_init__(self) -> None:
        """Raises `BadInput` for a data set of nothing."""
        if not (self.name and self.instruments and self.start_s < self.end_s):
            raise BadInput(
                f"a data set needs a name, instruments and a span of time; was {self.name!r}, "
                f"{len(self.instruments)} instruments, {self.start_s} to {self.end_s} s."
            )


def dataset_of(
    markets: Sequence[Market], name: str = "", *, part: str = "all", venue: str = "", costs: Costs | None = None,
    rules: str = "",
) -> Dataset:  # fmt: skip
    """The data set of some markets.

    part    `Dataset.slice`
    name    `Evaluator.data`; where it is empty, a digest of content, costs and rules
    rules   by what else genomes are judged
    venue   where the bars come from; the asset class where it is empty, so that a symbol is the same one everywhere
    """
    if not markets:
        raise BadInput("no market was given; a data set has at least one.")
    spans = [(int(one.open_s[0]), int(one.open_s[-1]) + one.bar_s) for one in markets]
    return Dataset(
        name=name or content(markets, costs, rules),
        instruments=tuple(
            sorted({instrument(one.symbol, venue or one.asset_class.value) for one in markets})
        ),
        bar_s=min(one.bar_s for one in markets),
        start_s=min(start for start, _ in spans),
        end_s=max(end for _, end in spans),
        slice=part,
    )


def instrument(symbol: str, venue: str) -> str:
    """A name that does not depend on how a file is written.

    >>> instrument("btc_usdt", "crypto_spot"), instrument("BTC/USDT", "crypto_spot")
    ('crypto_spot:BTCUSDT', 'crypto_spot:BTCUSDT')
    """
    bare = re.sub(r"[\W_]+", "", symbol).upper()
    return f"{venue}:{bare or symbol}"


def content(markets: Sequence[Market], costs: Costs | None = None, rules: str = "") -> str:
    """SHA-256, 64 hex digits, over bars, funding, venue rules and costs; not over symbols, nor their order."""
    each = sorted(_digest(one) for one in markets)
    whole = hashlib.sha256(f"{''.join(each)} {costs!r} {rules}".encode())
    return whole.hexdigest()


def _digest(one: Market) -> str:
    found = hashlib.sha256(
        f"{one.bar_s} {one.asset_class.value} {one.tick!r} {one.lot!r} {one.min_notional!r}".encode()
    )
    series = (one.mark_open, one.mark_high, one.mark_low, one.funding_open, one.funding_inside)
    for values in (one.open_s, one.columns, *series):
        found.update(b"-" if values is None else np.ascontiguousarray(values).data)
    return found.hexdigest()


def families(known: Mapping[int, Dataset]) -> dict[int, int]:
    """The family of each data set: the smallest id among those that it overlaps, or that these overlap, and so on.

    Two data sets overlap where they share an instrument at some instant. The length of their bars does not matter: bars
    of an hour are joined from those of five minutes. So a family may grow, and two may become one, but none ever shrinks:
    the number of looks is never told too low.
    """
    parent = {one: one for one in known}

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    spans: dict[str, list[tuple[int, int, int]]] = {}
    for one, data in known.items():
        for name in data.instruments:
            spans.setdefault(name, []).append((data.start_s, data.end_s, one))
    for found in spans.values():
        found.sort()
        _, reach, before = found[0]
        for start, end, one in found[1:]:
            if start < reach:
                low, high = sorted((root(before), root(one)))
                parent[high] = low
            reach, before = max(reach, end), one
    return {one: root(one) for one in known}
