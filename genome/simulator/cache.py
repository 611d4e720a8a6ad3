"""Results by content: the same genome on the same bars at the same costs is never simulated twice. Bounded, LRU."""

import hashlib
from collections import OrderedDict
from weakref import WeakKeyDictionary

import msgspec

from genome.costs import Costs
from genome.genome import Genome
from genome.market import F64, Market

Result = tuple[F64, F64]
"""Figures (len(FIGURES),) and daily returns (D,)."""


class Cache:
    """Least recently used results, up to a number of bytes."""

    def __init__(self, most_bytes: int = 64 << 20) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self.hits = self.misses = 0
        self._kept: OrderedDict[bytes, Result] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> Result | None:
        """Return a result, and remember that it was wanted."""
        found = self._kept.get(key)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return found

    def put(self, key: bytes, result: Result | None) -> None:
        """Keep a result; the least recently used ones go when there is no room."""
        if result is None or key in self._kept:
            return
        self._kept[key] = result
        self.bytes += _size(result)
        while self.bytes > self.most_bytes and self._kept:
            _, gone = self._kept.popitem(last=False)
            self.bytes -= _size(gone)


def _size(result: Result) -> int:
    return result[0].nbytes + result[1].nbytes + 256


_digests: WeakKeyDictionary[Market, bytes] = WeakKeyDictionary()


def market_digest(market: Market) -> bytes:
    """BLAKE2b over everything a simulation reads of a market; computed once a market."""
    found = _digests.get(market)
    if found is None:
        digest = hashlib.blake2b(digest_size=16)
        digest.update(
            repr((market.bar_s, market.asset_class, market.tick, market.lot, market.min_notional)).encode()
        )
        for part in (market.open_s, market.columns, market.mark_open, market.mark_high, market.mark_low,
                     market.funding_open, market.funding_inside):  # fmt: skip
            digest.update(b"-" if part is None else part.tobytes())
        found = _digests[market] = digest.digest()
    return found


def result_key(genome: Genome, market: Market, costs: Costs, capital: float) -> bytes:
    """What a result depends on; the family's name and the generation do not count."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(market_digest(market))
    digest.update(repr((costs, capital)).encode())
    parts = (genome.entry_long, genome.exit_long, genome.entry_short, genome.exit_short, genome.genes)
    digest.update(msgspec.json.encode(parts))
    return digest.digest()
