"""Seeds that follow: what has begun to move goes on moving."""

from dataclasses import replace

from genome.genes import GENES, GeneSpec
from genome.seeds.seed import Seed

_G = GeneSpec


def _gene(name: str, default: float) -> GeneSpec:
    return replace(GENES[name], default=default)


def _window(name: str, default: float, low: float, high: float, meaning: str, rows: str) -> GeneSpec:
    """A window: checked as an indicator takes it, bred where the requirements say."""
    return _G(
        name,
        2,
        2_000,
        "bars",
        meaning,
        rows,
        "log",
        integer=True,
        breed_low=low,
        breed_high=high,
        default=default,
    )


_FAST = _window("fast", 9, 2, 100, "fast window", "S4-18.2, S4-20.2")
_SLOW = _window("slow", 21, 5, 200, "slow window", "S4-18.2, S4-20.2")

EMA_CROSSOVER = Seed(
    name="ema_crossover",
    genes=(_FAST, _SLOW),
    entry_long="fast < slow and ema(fast) crosses_above ema(slow)",
    exit_long="ema(fast) crosses_below ema(slow)",
    entry_short="fast < slow and ema(fast) crosses_below ema(slow)",
    exit_short="ema(fast) crosses_above ema(slow)",
    mathematics="Long on the bar where EMA(fast) rises above EMA(slow), short where it falls below; each closes the other. "
    "EMA(n)[t] = EMA[t−1] + 2/(n+1)·(close[t] − EMA[t−1]), seeded with the first close, no value for n − 1 bars.",
    why="Trends last longer than chance allows; two averages filter noise at the price of a lag of about n/2 bars.",
    source="R. Donchian's 5- and 20-day averages (1974); Brock, Lakonishok and LeBaron, 'Simple technical "
    "trading rules', Journal of Finance 47 (1992), pp. 1731–1764.",
    rows="S4-24.2, S4-18.2",
    example="fast=2 slow=3 on closes 10 10 10 10 13 13 7 7: long at bar 4, short at bar 6.",
)

DONCHIAN_BREAKOUT = Seed(
    name="donchian_breakout",
    genes=(
        _window("period", 20, 10, 55, "window of the entry channel", "S4-20.10"),
        _window("exit", 10, 5, 30, "window of the exit channel", "S4-20.10"),
        _G("threshold", 0.0, 0.1, "fraction", "beyond the channel that counts", "S4-20.10, S4-5.2", breed_low=0.001, breed_high=0.02, default=0.001),
        _G("false_breakout_filter", 0, 1, "", "enter only where the breakout has held for `hold` bars", "S4-20.10", integer=True, choices=("no", "yes"), default=0),
        _G("hold", 1, 100, "bars", "how long a breakout must have held, with the filter", "S4-20.10", integer=True, breed_high=12, default=3),
    ),
    entry_long=(
        "false_breakout_filter < 1 and close > donchian_upper(period) * (1 + threshold)"
        " or false_breakout_filter > 0 and lag(hold) > lag(donchian_upper(period), hold) * (1 + threshold)"
        " and close > lag(donchian_upper(period), hold) * (1 + threshold)"
    ),
    exit_long="close < donchian_lower(exit)",
    entry_short=(
        "false_breakout_filter < 1 and close < donchian_lower(period) * (1 - threshold)"
        " or false_breakout_filter > 0 and lag(hold) < lag(donchian_lower(period), hold) * (1 - threshold)"
        " and close < lag(donchian_lower(period), hold) * (1 - threshold)"
    ),
    exit_short="close > donchian_upper(exit)",
    mathematics="Long where close > (1 + threshold)·max(high of the `period` bars before), out where close < min(low of the "
    "`exit` bars before); short in the mirror with the factor 1 − threshold. The channel never holds the bar itself: with "
    "it, no close could ever leave it. Filtered: the bar `hold` bars ago broke out, and this close is still beyond that level.",
    why="A new extreme is news that not everybody has acted on; few breakouts run far and pay for the many that fail.",
    source="R. Donchian (1960), 'The 4-week rule'; C. Faith, 'Way of the Turtle' (2007), ch. 5 (20 and 10 bars, 55 and 20).",
    rows="S4-24.3, S4-5.1, S4-5.2, S4-20.10",
    example="20 closes of 100, then 101 … 120: long at bar 20 and at each bar after it.",
)  # fmt: skip

SMA_TREND = Seed(
    name="sma_trend",
    genes=(
        replace(_FAST, default=50),
        replace(_SLOW, default=200),
    ),
    entry_long="fast < slow and sma(fast) > sma(slow) and close > sma(slow)",
    exit_long="sma(fast) < sma(slow) or close < sma(slow)",
    entry_short="fast < slow and sma(fast) < sma(slow) and close < sma(slow)",
    exit_short="sma(fast) > sma(slow) or close > sma(slow)",
    mathematics="Long while SMA(fast) > SMA(slow) and close > SMA(slow); out as soon as either no longer holds (or, not and: "
    "one broken condition is enough). Short in the mirror.",
    why="Holding only above the long average has halved the drawdowns of most markets at little cost in return.",
    source="M. Faber, 'A quantitative approach to tactical asset allocation', Journal of Wealth Management 9 (2007), pp. 69–79.",
    rows="S4-24.6, S1-3.5",
    example="fast=2 slow=4 on closes 1 2 3 4 5 2 1: long at bars 3 and 4, short at bar 6.",
)

ATR_STOP = Seed(
    name="atr_stop",
    genes=(
        replace(_FAST, default=12),
        replace(_SLOW, default=26),
        _gene("stop_atr", 2.3),
        _gene("atr_period", 14),
        _gene("trailing", 0.05),
    ),
    entry_long="fast < slow and ema(fast) crosses_above ema(slow)",
    entry_short="fast < slow and ema(fast) crosses_below ema(slow)",
    mathematics="In on a crossing of EMA(fast) and EMA(slow). Out by the stop alone, the tighter of entry − stop_atr·ATR(atr_period) "
    "at the decision and best price·(1 − trailing), or by the opposite crossing. Short in the mirror.",
    why="The entry matters less than where the loss ends: a stop in units of the market's own noise is neither too near nor too far.",
    source="J. W. Wilder, 'New Concepts in Technical Trading Systems' (1978), section III (the volatility system); "
    "C. Le Beau's chandelier exit, in: A. Elder, 'Come Into My Trading Room' (2002).",
    rows="S4-24.7, S4-20.7, S4-21.7",
    example="fast=2 slow=3 atr_period=2 on closes 100 ×4, 101, then a bar that opens at 101 and one with a low of 99: long at bar 4, "
    "filled at 101, ATR 0.5, stopped at 101 − 2.3·0.5 = 99.85 in bar 6.",
)

ICHIMOKU_CLOUD = Seed(
    name="ichimoku_cloud",
    genes=(
        _window("conversion", 9, 5, 30, "window of the conversion line, tenkan-sen", "S4-24.8"),
        _window("base", 26, 10, 80, "window of the base line, kijun-sen", "S4-24.8"),
        _window("span", 52, 20, 160, "window of the leading span B", "S4-24.8"),
        _window("displacement", 26, 10, 80, "bars by which the cloud is drawn ahead", "S4-24.8"),
    ),
    entry_long=(
        "ichimoku_conversion(conversion) > ichimoku_base(base)"
        " and close > max(ichimoku_span_a(conversion, base, displacement), ichimoku_span_b(span, displacement))"
    ),
    exit_long=(
        "ichimoku_conversion(conversion) < ichimoku_base(base)"
        " or close < min(ichimoku_span_a(conversion, base, displacement), ichimoku_span_b(span, displacement))"
    ),
    entry_short=(
        "ichimoku_conversion(conversion) < ichimoku_base(base)"
        " and close < min(ichimoku_span_a(conversion, base, displacement), ichimoku_span_b(span, displacement))"
    ),
    exit_short=(
        "ichimoku_conversion(conversion) > ichimoku_base(base)"
        " or close > max(ichimoku_span_a(conversion, base, displacement), ichimoku_span_b(span, displacement))"
    ),
    mathematics="Line(n) = (highest high + lowest low) / 2 of n bars. Long while conversion > base and close lies above the cloud, "
    "the spans as they were drawn `displacement` bars ago: A = (conversion + base)/2, B = line(span). Out when the lines cross "
    "back or close falls out below the cloud. Short in the mirror. The lagging span, which looks ahead, is not used.",
    why="Three horizons must agree, and the cloud is support that is known beforehand.",
    source="G. Hosoda (Ichimoku Sanjin, 1969); N. Péloille, 'Trading with Ichimoku' (2017), ch. 2; "
    "M. Patel, 'Trading with Ichimoku Clouds' (2010).",
    rows="S4-24.8",
    example="conversion=2 base=3 span=4 displacement=2 on closes 10 ×6, then 11 12 13: long at bars 7 and 8.",
)  # fmt: skip

VOLATILITY_SCALING = Seed(
    name="volatility_scaling",
    genes=(
        _window("lookback", 252, 20, 500, "bars over which the return is taken", "S4-24.10"),
        _gene("sizing", 2),
        _gene("target_volatility", 0.4),
        _gene("volatility_window", 60),
    ),
    entry_long="roc(lookback) > 0",
    exit_long="roc(lookback) < 0",
    entry_short="roc(lookback) < 0",
    exit_short="roc(lookback) > 0",
    mathematics="Entry rule: time-series momentum. Long while close is above the close of `lookback` bars ago, short while below. "
    "Size: w = target_volatility / (σ·√(bars a year)), σ of the last volatility_window returns, at most all of equity.",
    why="An asset's own past year tells the sign of its next month, in 58 of 58 futures studied; scaling by volatility gives every "
    "bet the same risk and shrinks it before crises rather than after them.",
    source="T. Moskowitz, Y. H. Ooi and L. Pedersen, 'Time series momentum', Journal of Financial Economics 104 (2012), pp. 228–250: "
    "12 months, positions scaled to 40 % a year.",
    rows="S4-24.10, S4-19.2",
    example="lookback=3 on closes 10 10 10 11 12 11 9 8: long at bars 3, 4 and 5, short at bars 6 and 7.",
)

TREND = (EMA_CROSSOVER, DONCHIAN_BREAKOUT, SMA_TREND, ATR_STOP, ICHIMOKU_CLOUD, VOLATILITY_SCALING)
