"""Results and indicator columns by content: what was computed once is not computed again. Bounded, LRU."""

import hashlib
from collections import OrderedDict
from threading import Lock
from weakref import WeakKeyDictionary

import msgspec

from genome.costs import Costs
from genome.genome import Genome
from genome.market import F64, Market
from genome.programs.compiling import ColumnKey

Kept = tuple[F64, ...]
"""A result: figures (len(FIGURES),) and daily returns and trades closed (2, D). A column: values (T,)."""


class Cache:
    """The least recently used go first when there are too many bytes. Safe to share between threads.

    dear   keep a column only where its word takes so many ns a bar; 0: all but raw ones and averages, which are computed
           as fast as read
    twice  keep a column only when it is asked for a second time: memory for one takes as long to get as a quick one to
           compute, and of those that are new most never come again
    """

    def __init__(self, most_bytes: int = 64 << 20, *, dear: float = 0.0, twice: bool = False) -> None:
        self.most_bytes, self.dear, self.twice = most_bytes, dear, twice
        self._asked: dict[bytes, None] = {}
        self.bytes = 0
        self.hits = self.misses = 0
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> Kept | None:
        """Return what is kept, and remember that it was wanted."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                self.misses += 1
                return None
            self.hits += 1
            self._kept.move_to_end(key)
            return found

    def put(self, key: bytes, value: Kept) -> None:
        """Keep arrays nobody will change."""
        with self._lock:
            if key in self._kept or _size(value) > self.most_bytes:
                return
            self._kept[key] = value
            self.bytes += _size(value)
            while self.bytes > self.most_bytes:
                _, gone = self._kept.popitem(last=False)
                self.bytes -= _size(gone)

    def wants(self, key: bytes) -> bool:
        """Whether a column that is not here is to be kept, now that it is asked for."""
        if not self.twice:
            return True
        with self._lock:
            if key in self._asked:
                return True
            if len(self._asked) >= _MOST_ASKED:
                self._asked.clear()
            self._asked[key] = None
            return False

    def keeps(self, key: ColumnKey) -> bool:
        """Whether a column is worth a place."""
        word = str(key[0])
        return word not in _CHEAP and _NS.get(word, _OTHERS_NS) >= self.dear


_MOST_ASKED = 1 << 16
_CHEAP = frozenset({"raw", "ema"})
_OTHERS_NS = 5.0
_NS = {
    "value_area_high": 170.0, "value_area_low": 170.0, "poc": 120.0, "volatility_percentile": 37.0, "fibonacci": 24.0,
    "swing_high": 17.0, "swing_low": 17.0, "volatility_ratio": 13.0, "volatility": 10.0, "zscore": 8.0, "bb_upper": 7.0,
    "bb_lower": 7.0, "bb_width": 7.0, "bb_z": 7.0, "vwap_upper": 7.0, "vwap_lower": 7.0, "vwap_z": 7.0,
}  # fmt: skip
"""Of the slower words, measured with usual windows on one core: nanoseconds a bar. They decide what is kept, no result."""


def _size(kept: Kept) -> int:
    return sum(array.nbytes for array in kept) + 256


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


def column_key(market: Market, key: ColumnKey) -> bytes:
    """A column of a market, by content."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(market_digest(market))
    digest.update(repr(key).encode())
    return digest.digest()
