"""A market and its costs, laid out once for the kernels."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genome.costs import Costs
from genome.market import F64, I64, Market
from genome.programs.columns import without_void
from genome.simulator import layout as at
from organism.market import AssetClass

HOLE_BARS = 25
"""Bars further apart than this many bar lengths have a hole between them: more than 24 are missing."""
_WINDOW = 20


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What `walk` needs to know of a market.

    raw       float64: the columns of the market, every one of them NaN on a void bar
    matrix    float64 (N_MARKET, T); flags uint8 (N_FLAGS, T + PADDING); summary float64 (N_SUMMARY, T // STRETCH + 1)
    may       uint64: a bit for each bar whose decision can fill, in whole words
    following   int64 (2, T + 1): the first bar at or after each that is void, pays funding or precedes a hole, and the
                first that ends a day
    days      int64 (T + 1,): index of each bar's day, and the number of days at the end
    day_numbers   int64 (D,): days since the epoch
    blind_funding   stamps whose rate was missing
    """

    market: Market
    raw: F64
    matrix: F64
    flags: NDArray[np.uint8]
    may: NDArray[np.uint64]
    summary: F64
    following: I64
    days: I64
    day_numbers: I64
    costs: F64
    blind_funding: int

    @property
    def n_days(self) -> int:
        """Number of days."""
        return int(self.days[-1])


_MOST_BYTES = 256 << 20
_kept: OrderedDict[tuple[int, Costs], Ground] = OrderedDict()
_lock = Lock()


def prepare(market: Market, costs: Costs) -> Ground:
    """Lay a market out, a few passes over its bars; the newest 256 MiB of layouts are kept for the next time."""
    key = (id(market), costs)
    with _lock:
        found = _kept.get(key)
        if found is not None:  # it holds its market, so no other can have that id
            _kept.move_to_end(key)
            return found
    made = _laid_out(market, costs)
    with _lock:
        _kept[key] = made
        while len(_kept) > 1 and sum(ground.matrix.nbytes for ground in _kept.values()) > _MOST_BYTES:
            _kept.popitem(last=False)
    return made


def _laid_out(market: Market, costs: Costs) -> Ground:
    n = market.size
    opens, highs, lows, closes = (market.column(name) for name in ("open", "high", "low", "close"))
    void = np.isnan(opens) | np.isnan(highs) | np.isnan(lows) | np.isnan(closes)
    hole = np.zeros(n, bool)
    hole[:-1] = np.diff(market.open_s) > HOLE_BARS * market.bar_s
    days = np.zeros(n + 1, np.int64)
    fresh = np.diff(market.day) != 0
    days[1:n] = np.cumsum(fresh)
    days[n] = days[n - 1] + 1
    matrix = np.zeros((at.N_MARKET, n))
    matrix[at.OPEN], matrix[at.HIGH], matrix[at.LOW], matrix[at.CLOSE] = opens, highs, lows, _carried(closes)
    matrix[at.MARK_HIGH] = highs if market.mark_high is None else _else(market.mark_high, highs)
    matrix[at.MARK_LOW] = lows if market.mark_low is None else _else(market.mark_low, lows)
    matrix[at.ABOVE] = np.fmax(highs, matrix[at.MARK_HIGH])
    matrix[at.BELOW] = np.fmin(lows, matrix[at.MARK_LOW])
    blind = _funding(market, matrix, costs)
    _slippage(market, matrix, costs)
    flags = np.zeros((at.N_FLAGS, n + at.PADDING), np.uint8)
    may = ~(void | hole)
    may[:-1] &= ~void[1:]
    may[-1] = False
    paying = (matrix[at.PAID_LONG : at.INSIDE_SHORT + 1] != 0.0).any(axis=0)
    flags[at.MAY, :n] = may * np.uint8(15)
    flags[at.VOID, :n], flags[at.HOLE, :n] = void, hole
    special = void | hole | paying
    flags[at.QUIET, :n] = ~special
    return Ground(
        market,
        without_void(market),
        matrix,
        flags,
        bit_plane(may),
        _summary(matrix, n),
        np.stack([_following(special), _following(np.diff(days) != 0)]),
        days,
        market.day[np.flatnonzero(np.concatenate([[True], fresh]))],
        cost_vector(market, costs),
        blind,
    )


def bit_plane(rows: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Bools (…, T) as bits of whole words, the first in the lowest; the rest of the last word is 0."""
    bits = np.packbits(rows, axis=-1, bitorder="little")
    short = -bits.shape[-1] % 8
    whole = np.concatenate([bits, np.zeros((*bits.shape[:-1], short), np.uint8)], axis=-1)
    return np.ascontiguousarray(whole).view(np.uint64)


def cost_vector(market: Market, costs: Costs) -> F64:
    """Costs and the grid of the instrument as the kernels read them."""
    vector = np.zeros(at.N_COSTS)
    vector[at.TAKER], vector[at.MAKER] = costs.taker, costs.maker
    vector[at.VOLUME_SLIPPAGE], vector[at.IMPACT] = costs.volume_slippage, costs.impact
    vector[at.MAINTENANCE] = costs.maintenance
    vector[at.TICK], vector[at.LOT], vector[at.MIN_NOTIONAL] = market.tick, market.lot, market.min_notional
    vector[at.BARS_A_YEAR] = bars_a_year(market)
    if costs.book_offsets is not None and costs.book_depths is not None:
        vector[at.BOOK] = 1.0
        vector[at.O1 : at.O3 + 1] = costs.book_offsets
        vector[at.D1 : at.D3 + 1] = costs.book_depths
    rated = (
        costs.book_offsets is not None or costs.volume_slippage or costs.impact or costs.volatility_slippage
    )
    vector[at.FLAT] = costs.half_spread + (0.0 if costs.book_offsets is not None else costs.slippage)
    vector[at.RATED] = 1.0 if rated or costs.half_spread + costs.slippage > 1.0 else 0.0
    return vector


def bars_a_year(market: Market) -> float:
    """Of the asset class."""
    return market.asset_class.bars_per_year(market.bar_s)


def _funding(market: Market, matrix: F64, costs: Costs) -> int:
    """Fill in what one unit pays at each bar; return how many rates were missing."""
    before = np.concatenate([[np.nan], matrix[at.CLOSE, :-1]])
    price = before if market.mark_open is None else _else(market.mark_open, before)
    opening, inside = market.funding_open, market.funding_inside
    at_open, within = _stamps_at_open(market), _stamps_inside(market)
    if opening is None and inside is None:
        if market.asset_class is not AssetClass.CRYPTO_PERPETUAL:
            return 0
        opening = np.where(at_open > 0, np.nan, 0.0)
        inside = np.where(within > 0, np.nan, 0.0)
    blind = 0
    for rates, times, long, short in (
        (opening, np.maximum(1, at_open), at.PAID_LONG, at.PAID_SHORT),
        (inside, np.maximum(1, within), at.INSIDE_LONG, at.INSIDE_SHORT),
    ):
        if rates is None:
            continue
        missing = np.isnan(rates)
        blind += int(times[missing].sum())
        matrix[long] = np.nan_to_num(np.where(missing, costs.missing_funding * times, rates) * price)
        matrix[short] = np.nan_to_num(np.where(missing, 0.0, rates) * price)
    return blind


_EIGHT_HOURS_S = 28_800


def _stamps_inside(market: Market) -> I64:
    """How many multiples of 8 h of the epoch lie strictly inside each bar."""
    opens, closes = market.open_s, market.open_s + market.bar_s
    count: I64 = (closes - 1) // _EIGHT_HOURS_S - opens // _EIGHT_HOURS_S
    return count


def _stamps_at_open(market: Market) -> I64:
    """How many lie from the end of the bar before to each open, both ends included."""
    opens = market.open_s
    before = np.concatenate([[opens[0] - 1], opens[:-1] + market.bar_s - 1])
    count: I64 = opens // _EIGHT_HOURS_S - before // _EIGHT_HOURS_S
    return np.maximum(count, 0)


def _else(values: F64, otherwise: F64) -> F64:
    return np.where(np.isnan(values), otherwise, values)


def _carried(values: F64) -> F64:
    """The newest number at or before each place."""
    index = np.where(np.isnan(values), 0, np.arange(values.size))
    np.maximum.accumulate(index, out=index)
    result: F64 = values[index]
    return result


def _slippage(market: Market, matrix: F64, costs: Costs) -> None:
    """σ and depth as known before each bar; where unknown, the worst seen so far."""
    matrix[at.SLIPPAGE] = costs.half_spread + (0.0 if costs.book_offsets is not None else costs.slippage)
    if not (costs.volatility_slippage or costs.volume_slippage or costs.impact):
        return
    sigma, depth = recent(market)
    sigma, depth = _worst_so_far(sigma, highest=True), _worst_so_far(depth, highest=False)
    matrix[at.SIGMA, 1:] = np.nan_to_num(sigma[:-1])
    matrix[at.DEPTH, 1:] = np.nan_to_num(depth[:-1])
    matrix[at.SLIPPAGE] += costs.volatility_slippage * matrix[at.SIGMA]


def recent(market: Market) -> tuple[F64, F64]:
    """σ of the last 20 log returns (ddof 1), and mean volume of 20 bars times close; over bars that are not void."""
    sigma, depth = np.full(market.size, np.nan), np.full(market.size, np.nan)
    void = np.isnan(market.columns[:4]).any(axis=0)
    good = np.flatnonzero(~void)
    if good.size == 0:
        return sigma, depth
    close, volume = market.column("close")[good], market.column("volume")[good]
    windows: Any = np.lib.stride_tricks.sliding_window_view
    if good.size > _WINDOW:
        returns = np.log(close[1:] / close[:-1])
        sigma[good[_WINDOW:]] = windows(returns, _WINDOW).std(axis=1, ddof=1)
    if good.size >= _WINDOW:
        depth[good[_WINDOW - 1 :]] = windows(volume, _WINDOW).mean(axis=1) * close[_WINDOW - 1 :]
    return sigma, depth


def _worst_so_far(values: F64, *, highest: bool) -> F64:
    """Replace NaN and values that are not positive by the worst earlier one; NaN where there was none."""
    known = values > 0.0
    if highest:
        worst = np.maximum.accumulate(np.where(known, values, -np.inf))
    else:
        worst = np.minimum.accumulate(np.where(known, values, np.inf))
    return np.where(known, values, np.where(np.isfinite(worst), worst, np.nan))


def _following(special: NDArray[np.bool_]) -> I64:
    """Index of the first special bar at or after each bar, int64 (T + 1,); T where there is none."""
    n = special.size
    index = np.where(special, np.arange(n), n)
    result = np.full(n + 1, n, np.int64)
    result[:n] = np.minimum.accumulate(index[::-1])[::-1]
    return result


def _summary(matrix: F64, n: int) -> F64:
    """Extremes of each whole stretch of bars."""
    whole = n // at.STRETCH
    summary = np.zeros((at.N_SUMMARY, whole + 1))
    cut = whole * at.STRETCH

    def rows(values: Any) -> Any:
        return values[:cut].reshape(whole, at.STRETCH)

    summary[at.TOP, :whole] = rows(matrix[at.ABOVE]).max(axis=1)
    summary[at.BOTTOM, :whole] = rows(matrix[at.BELOW]).min(axis=1)
    summary[at.TOP_HIGH, :whole] = rows(matrix[at.HIGH]).max(axis=1)
    summary[at.BOTTOM_LOW, :whole] = rows(matrix[at.LOW]).min(axis=1)
    summary[at.TOP_CLOSE, :whole] = rows(matrix[at.CLOSE]).max(axis=1)
    summary[at.BOTTOM_CLOSE, :whole] = rows(matrix[at.CLOSE]).min(axis=1)
    return summary
