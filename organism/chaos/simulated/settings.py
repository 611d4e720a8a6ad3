"""Settings of a simulated life, drawn from its seed: markets, accounts and limits that trade a lot."""

import random

from organism.chaos.simulated.plan import Plan
from organism.settings import (
    BrainSettings,
    MarketSettings,
    PaperSettings,
    RiskSettings,
    Settings,
    SizingSettings,
)

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
WARMUP = 3
TIGHT, SHORTS = 0.15, 0.6  # shares of the seeds with tight limits, and with a venue that lets one sell short
STORM_RATE = 60  # orders a minute where a storm is to be held


def settings_of(plan: Plan) -> Settings:
    """The same for the same plan. Where a storm is planned the token bucket is small, else it holds back nothing."""
    chance = random.Random(f"settings-{plan.seed}")
    n_symbols = chance.choice((1, 2, 3, 3, 3, 3))
    tight = chance.random() < TIGHT
    shorts = chance.random() < SHORTS
    thin = "partial" in plan.kinds
    return Settings(
        seed=plan.seed,
        market=MarketSettings(
            feed="simulated", seed=plan.seed % 64, symbols=SYMBOLS[:n_symbols], speed=0.0, stall_s=8.0,
            warmup_bars=WARMUP, closing_bars=3, max_bars=chance.choice((0, 0, 60)),
        ),
        paper=PaperSettings(
            starting_cash=100_000.0, can_short=shorts, maker_fee=0.0001, taker_fee=0.0001, spread_bps=1.0,
            slippage_bps=0.5, volume_share=chance.choice((0.002, 0.005)) if thin else 0.5,
        ),
        sizing=SizingSettings(
            method=chance.choice(("fixed_fraction", "fixed_fraction", "volatility")), fraction=0.3, max_exposure=0.3,
            rebalance_band=0.01,
        ),
        risk=RiskSettings(
            max_order_notional=5_000.0 if tight else 60_000.0, max_asset_exposure=0.35, max_daily_loss=0.5,
            halve_at_drawdown=0.08 if tight else 0.4, no_entries_at_drawdown=0.1 if tight else 0.5,
            halt_at_drawdown=0.15 if tight else 0.6, max_consecutive_losses=3 if tight else 1_000,
            max_orders_per_minute=STORM_RATE if "storm" in plan.kinds else 100_000,
        ),
        brain=BrainSettings(no_trade_band=0.02, cost_multiple=0.05, min_forecast=0.02, trend_bars=24, volatility_bars=24),
    )  # fmt: skip
