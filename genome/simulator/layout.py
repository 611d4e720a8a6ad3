"""Where things lie in the arrays that kernels share: constants, read by numba as numbers."""

# Rows of the market matrix, float64 (N_MARKET, T).
OPEN, HIGH, LOW, CLOSE, MARK_HIGH, MARK_LOW, ABOVE, BELOW, SLIPPAGE, SIGMA, DEPTH, PAID_LONG, PAID_SHORT, INSIDE_LONG, INSIDE_SHORT = range(15)  # fmt: skip
N_MARKET = 15
# Rows of flags, uint8 (N_FLAGS, T + PADDING).
MAY, QUIET, VOID, HOLE = range(4)
N_FLAGS = 4
PADDING = 64
# Rows of what follows, int64 (2, T + 1).
SPECIAL, DAY_END = 0, 1
# Rows of summaries over STRETCH bars, float64.
# TOP and BOTTOM hold marks as well: what may touch a level. A trailing stop follows TOP_HIGH and BOTTOM_LOW.
TOP, BOTTOM, TOP_CLOSE, BOTTOM_CLOSE, TOP_HIGH, BOTTOM_LOW = range(6)
N_SUMMARY = 6
STRETCH = 16

# What a genome tells the simulator, float64 (genomes, N_TRAITS). Off is infinity for levels and bars, NaN for stops.
STOP, TARGET, TRAILING, STOP_ATR, MAXIMUM_HOLD, COOL_DOWN, SIZING, SIZE, RISK, TARGET_VOLATILITY, KELLY_CAP, POSITION_LIMIT, DRAWDOWN_STOP = range(13)  # fmt: skip
N_TRAITS = 13
FIXED, BY_RISK, BY_VOLATILITY, BY_KELLY = range(4)

# Costs, float64. RATED: whether slippage depends on the notional or may pass 100 %. FLAT: slippage that depends on nothing.
TAKER, MAKER, VOLUME_SLIPPAGE, IMPACT, MAINTENANCE, TICK, LOT, MIN_NOTIONAL, BARS_A_YEAR, BOOK, O1, O2, O3, D1, D2, D3, RATED, FLAT = range(18)  # fmt: skip
N_COSTS = 18

# Running account of one genome on one market, float64.
CASH, QUANTITY, ENTRY, BAR_IN, EXTREME, STOP_LEVEL, TARGET_LEVEL, LIQUIDATION, FLOOR, CEILING = range(10)
TRADE_FUNDING, OUTLAY, TRADE_FEES, EQUITY, PEAK, DRAWDOWN, PEAK_BAR, LONGEST, DAY_EQUITY, BAR_OUT = range(
    10, 20
)
DEAD, LEAVING, N_TRADES, N_WINS, WON, LOST, RETURNS, WON_FRACTION, LOST_FRACTION, TURNOVER = range(20, 30)
EXPOSED, HELD, FEES, REFUSED, SHORTED, LIQUIDATED, DAY_SUM, ATR_BEFORE, SIGMA_BEFORE, RECORDED = range(30, 40)
CAPITAL, TROUGH = 40, 41
"""TROUGH: lowest equity since PEAK; DRAWDOWN: the largest of the peaks before it, so that no close needs a division."""
N_ACCOUNT = 42

ALIVE, DRAWN_DOWN, RUINED = 0, 1, 2
"""Of DEAD, which is their sum: 3 where ruin came after the drawdown stop had fired."""

# Why a position was closed; the index into REASONS.
(
    R_SIGNAL,
    R_REVERSAL,
    R_HOLD,
    R_DRAWDOWN,
    R_LIQUIDATION,
    R_STOP,
    R_TRAILING,
    R_TARGET,
    R_GAP,
    R_RUIN,
    R_END,
) = range(11)
REASONS = (
    "signal",
    "reversal",
    "hold",
    "drawdown",
    "liquidation",
    "stop",
    "trailing",
    "target",
    "gap",
    "ruin",
    "end",
)

# Columns of a recorded trade.
SIDE, ENTRY_BAR, ENTRY_PRICE, EXIT_BAR, EXIT_PRICE, AMOUNT, PAID, PNL, REASON = range(9)
N_TRADE = 9
