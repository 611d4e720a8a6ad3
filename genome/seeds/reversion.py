"""Seeds that lean against: what has gone too far comes back. And two that are their own kind: carry, and Fibonacci."""

from dataclasses import replace

from genome.genes import CONSTANTS, GeneSpec
from genome.seeds.seed import Seed

_G = GeneSpec


def _window(
    name: str, default: float, low: float, high: float, meaning: str, rows: str, least: float = 2
) -> GeneSpec:
    return _G(
        name,
        least,
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


def _level(name: str, default: float, low: float, high: float, meaning: str) -> GeneSpec:
    return _G(name, 0, 100, "percent", meaning, "S4-20.6", breed_low=low, breed_high=high, default=default)


RSI_FILTER = Seed(
    name="rsi_filter",
    genes=(
        _window("period", 14, 14, 28, "window of the RSI", "S4-20.1"),
        _level("oversold", 30, 20, 30, "cheap below"),
        _level("overbought", 70, 70, 80, "dear above"),
        _level("exit", 50, 40, 60, "the middle, where it leaves"),
    ),
    entry_long="oversold < exit and rsi(period) < oversold and volatility(period) > 0",
    exit_long="rsi(period) > exit",
    entry_short="exit < overbought and rsi(period) > overbought and volatility(period) > 0",
    exit_short="rsi(period) < exit",
    mathematics="RSI = 100·G/(G + L), G and L Wilder's averages of rises and falls over `period` bars. Long while it is below "
    "`oversold`, out above `exit`; short above `overbought`, out below `exit`. Where nothing moved RSI is 0, as in TA-Lib, which is "
    "not cheap: the price must have moved.",
    why="After a run in one direction those who had to trade have traded; liquidity providers are paid for waiting.",
    source="J. W. Wilder, 'New Concepts in Technical Trading Systems' (1978), section VI, pp. 63–70.",
    rows="S4-24.4, S1-3.1, S4-20.1, S4-20.6",
    example="period=2 on closes 10 9 8 9 10 11: long at bar 2, out and short at bars 4 and 5.",
)

STOCHASTIC = Seed(
    name="stochastic",
    genes=(
        _window("k", 14, 14, 28, "window of %K", "S4-20.13", least=1),
        _window("smooth", 3, 1, 5, "mean of raw %K", "S4-20.13", least=1),
        _window("d", 3, 3, 7, "mean of %K", "S4-20.13", least=1),
        _level("oversold", 20, 20, 30, "cheap below"),
        _level("overbought", 80, 70, 80, "dear above"),
    ),
    entry_long="oversold < overbought and stoch_d(k, smooth, d) < oversold and stoch_k(k, smooth, d) crosses_above stoch_d(k, smooth, d)",
    exit_long="stoch_k(k, smooth, d) > overbought",
    entry_short="oversold < overbought and stoch_d(k, smooth, d) > overbought and stoch_k(k, smooth, d) crosses_below stoch_d(k, smooth, d)",
    exit_short="stoch_k(k, smooth, d) < oversold",
    mathematics="Raw %K = 100·(close − lowest low)/(highest high − lowest low) of k bars; %K = its mean of `smooth`, %D = mean of %K over d. "
    "Long where %K crosses above %D while %D < oversold; out where %K > overbought. Short in the mirror.",
    why="Closes cluster near the end of the range while a move has strength; the turn of %K below 20 is the first sign that it has none.",
    source="G. Lane, 'Lane's stochastics', Technical Analysis of Stocks & Commodities 2 (1984).",
    rows="S4-24.5, S4-20.13",
    example="k=5 smooth=1 d=2 on closes 22 20 18 16 14 12 13 20 22 21: long at bar 6, out at 7 to 9, short at 9.",
)  # fmt: skip

VWAP_REVERSION = Seed(
    name="vwap_reversion",
    genes=(
        _G("anchor", 0, 2, "", "when the average begins anew", "S4-20.11", integer=True, choices=("day", "week", "month"), default=0),
        replace(CONSTANTS["vwap_k"], name="k", low=0.1, high=10.0, breed_low=1.0, breed_high=2.0, default=2.0),
        _G("exit", 0.0, 5.0, "deviations", "distance from the VWAP at which it leaves", "S4-20.11", breed_high=0.5, default=0.0),
    ),
    entry_long="exit < k and vwap_z(anchor) < -k",
    exit_long="vwap_z(anchor) >= -exit",
    entry_short="exit < k and vwap_z(anchor) > k",
    exit_short="vwap_z(anchor) <= exit",
    mathematics="Entry rule: z = (close − VWAP)/σ, VWAP = Σ typical·volume/Σ volume since the day, week or month began (UTC), σ the "
    "volume-weighted deviation of typical prices around it. Long while z < −k, out when z ≥ −exit; short while z > k, out when z ≤ exit.",
    why="Large orders are worked towards the average price of the day; what strays from it without news is drawn back.",
    source="S. Berkowitz, D. Logue and E. Noser, 'The total cost of transactions on the NYSE', Journal of Finance 43 (1988), pp. 97–112 "
    "(VWAP as benchmark); the bands are common practice.",
    rows="S4-24.9, S4-20.11",
    example="k=1.5 on hourly closes 100 100 100 100 96, volume 1: z = −2 at bar 4, long there.",
)  # fmt: skip

FUNDING_CARRY = Seed(
    name="funding_carry",
    genes=(
        _G("threshold", 0.00001, 0.01, "fraction", "funding rate an interval that is worth taking", "S4-24.11", "log", breed_low=0.0001, breed_high=0.001, default=0.0003),
        _G("exit", -0.01, 0.01, "fraction", "rate at which the carry is gone", "S4-24.11", breed_low=-0.0001, breed_high=0.0001, default=0.0),
    ),
    entry_long="exit < threshold and funding < -threshold",
    exit_long="funding >= -exit",
    entry_short="exit < threshold and funding > threshold",
    exit_short="funding <= exit",
    mathematics="Short the perpetual while the newest settled rate > threshold (longs pay shorts), out when it is ≤ exit; long while it is "
    "< −threshold, out when ≥ −exit. Not hedged: it earns the rate and carries the price. A market without funding rates has no "
    "`funding` column: every comparison is unknown and it never fires (`missing_columns` says so beforehand).",
    why="Funding is what one side pays to keep its leverage; an extreme rate is a crowd that pays, and often a crowd that is wrong.",
    source="S. He, A. Manela, O. Ross and V. von Wachter, 'Fundamentals of perpetual futures' (2022), arXiv:2212.06888; "
    "R. Koijen, T. Moskowitz, L. Pedersen and E. Vrugt, 'Carry', Journal of Financial Economics 127 (2018), pp. 197–225.",
    rows="S4-24.11, S2-6.8",
    example="rates 0.0001 0.0005 0.0004 0 −0.0005 0: short at bars 1 and 2, out at bars 3 to 5, long at bar 4.",
    columns=("funding",),
)  # fmt: skip

FIBONACCI = Seed(
    name="fibonacci",
    genes=(
        _window("window", 50, 20, 100, "bars within which both swings lie", "S4-24.15", least=3),
        _G("level", 0.0, 1.0, "fraction", "of the swing that is retraced", "S4-20.9, S4-24.15", breed_low=0.236, breed_high=0.786, default=0.618),
        _G("pivot", 0, 2, "", "how swings are found", "S4-24.15", integer=True, choices=("fractal", "zigzag", "extreme"), default=0),
        _G("confluence", 0.001, 0.1, "fraction", "how near the level counts as at it", "S4-20.9, S4-24.15", "log", breed_low=0.01, breed_high=0.05, default=0.01),
        _G("trend_weight", 0.0, 1.0, "share", "of the trend in the confirmation", "S4-24.15", default=0.6),
        _G("volume_weight", 0.0, 1.0, "share", "of the volume in the confirmation", "S4-24.15", default=0.4),
    ),
    entry_long=(
        "close >= fibonacci(level, window, pivot) and close < fibonacci(level, window, pivot) * (1 + confluence)"
        " and trend_weight * max(-1, min(1, 50 * (close / sma(window) - 1))) + volume_weight * min(1, volume_ratio(20) - 1) > 0"
    ),
    exit_long="close < fibonacci(level, window, pivot) * (1 - confluence)",
    entry_short=(
        "close <= fibonacci(level, window, pivot) and close > fibonacci(level, window, pivot) * (1 - confluence)"
        " and volume_weight * min(1, volume_ratio(20) - 1) - trend_weight * max(-1, min(1, 50 * (close / sma(window) - 1))) > 0"
    ),
    exit_short="close > fibonacci(level, window, pivot) * (1 + confluence)",
    mathematics="F = the level between the newest confirmed swings within `window` bars. Long where close lies in [F, F·(1 + confluence)) and "
    "trend_weight·T + volume_weight·V > 0, T = clip(50·(close/SMA(window) − 1), −1, 1), V = min(1, volume/mean of 20 − 1); out below "
    "F·(1 − confluence). Short in the mirror with −T.",
    why="None is known: the levels work, where they do, because many look at them. So it is off, and must beat the other seeds to be on.",
    source="R. Fischer, 'Fibonacci Applications and Strategies for Traders' (1993), ch. 2; against it: "
    "R. Bhattacharya and M. Kumar, 'A computational exploration of the efficacy of Fibonacci sequences in technical analysis' (2006).",
    rows="S4-24.14, S4-24.15, S4-24.16, S4-20.9",
    example="window=8 level=0.5 pivot=extreme: a rise from 100 to 110, back to 105.5 on thrice the volume: long there, at the half.",
    enabled=False,
)  # fmt: skip

REVERSION = (RSI_FILTER, STOCHASTIC, VWAP_REVERSION, FUNDING_CARRY)
