"""One genome over many assets on one equity (a universal strategy): SEMANTICS.md section 8."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genome.checking import bound, effective
from genome.costs import Costs
from genome.genome import Genome
from genome.indicators import compute, panel
from genome.market import F64, I64, Market
from genome.programs.columns import whole
from genome.programs.compiling import ColumnKey, compile_genome
from genome.programs.running import Run
from genome.simulator import layout as at
from genome.simulator.figures import FIGURES, figures_over
from genome.simulator.fills import mark_open_trade
from genome.simulator.ground import Ground, prepare, recent
from genome.simulator.single import Signals, given
from genome.simulator.together import together
from genome.simulator.traits import fresh_account, traits
from genome.trees import Both, Compare, Condition, Cross, Either, Not
from genome.vocabulary import WORDS
from organism.errors import BadInput

_DAY_S = 86_400
_WINDOW = 20.0
_WEIGHTS = ("liquidity_weight", "volatility_weight", "momentum_weight")


class JointTrade(NamedTuple):
    """A trade of one asset; bars are that asset's own. The rest as in `Trade`."""

    side: int
    entry_bar: int
    entry_price: float
    exit_bar: int
    exit_price: float
    quantity: float
    fees: float
    pnl: float
    reason: str
    asset: int
    symbol: str


@dataclass(frozen=True, slots=True, eq=False)
class JointBacktest:
    """A backtest of many assets.

    trades       asset after asset, each in order of time
    open_s       int64 (instants,): opens of any asset's bars
    equity, position   float64, int8 (instants,): at each close; position 1 where anything is held
    exposures    float64 (instants, assets): value of each position at each close, signed
    daily, days  one return a day; days since the epoch
    figures      of the combined equity, never of averages
    by_symbol    n_trades, pnl, fees of each asset
    """

    trades: tuple[JointTrade, ...]
    open_s: I64
    equity: F64
    position: NDArray[np.int8]
    exposures: F64
    daily: F64
    days: I64
    figures: dict[str, float]
    by_symbol: dict[str, dict[str, float]]
    refused: int
    flags: tuple[str, ...]


def backtest_joint(
    markets: Sequence[Market],
    genome: Genome,
    costs: Costs = Costs(),  # noqa: B008 - frozen
    capital: float = 10_000.0,
    *,
    gross_limit: float = 1.0,
    asset_cap: float = 0.15,
    threshold: float = 0.01,
    signals: Sequence[Signals] | None = None,
) -> JointBacktest:
    """Simulate one genome on many assets that share one equity. Raises `BadInput`.

    asset_cap    share of equity an asset gets at most
    threshold    a wanted share must be larger
    signals      for each market the four rows of levels, instead of the genome's conditions
    """
    _check(markets, capital)
    ready = effective(genome)
    grounds = [prepare(market, costs) for market in markets]
    genes = traits(ready)
    genes_by_name = dict(genome.genes)
    offsets = np.concatenate([[0], np.cumsum([m.size for m in markets])]).astype(np.int64)
    instants, bars = _timeline(markets, offsets)
    total = int(offsets[-1])
    decisions, atr = np.zeros(total, np.uint8), np.full(total, np.nan)
    scores, ranked = np.ones((2, total)), np.full((3, total), np.nan)
    panels = _panels(markets, ready, genome)
    weights = np.array([genes_by_name.get(name, 0.0) for name in _WEIGHTS])
    for i, (market, ground) in enumerate(zip(markets, grounds, strict=True)):
        later = slice(int(offsets[i]) + 1, int(offsets[i + 1]))
        made = (
            Run(market, ready, panels[i]).decisions(ground.flags[at.MAY])
            if signals is None
            else given(signals[i], ground)
        )
        decisions[later] = made[: market.size - 1]
        if genes.atr:
            atr[later] = whole(market, (genes.atr,))[0, :-1]
        if "confluence_minimum" in genes_by_name and signals is None:
            scores[:, later] = _aligned(market, genome, panels[i], genes_by_name["confluence_minimum"])[
                :, :-1
            ]
        if weights.any():
            ranked[:, later] = _ranked(market)[:, :-1]
    account, accounts = fresh_account(capital), np.array([fresh_account(0.0) for _ in markets])
    day_of = instants // _DAY_S
    fresh = np.diff(day_of) != 0
    days = np.concatenate([[0], np.cumsum(fresh), [0]]).astype(np.int64)
    days[-1] = days[-2] + 1
    daily, equity = np.zeros(int(days[-1])), np.empty(instants.size)
    exposures = np.empty((instants.size, len(markets)))
    trades, owner = np.empty((2 * total + 2, at.N_TRADE)), np.zeros(2 * total + 2, np.int64)
    matrix = np.concatenate([g.matrix for g in grounds], axis=1)
    flags = np.concatenate([g.flags[:, : g.market.size] for g in grounds], axis=1)
    together(
        bars, accounts, genes.vector, matrix, flags, decisions, atr, scores, ranked, weights,
        np.array([gross_limit, asset_cap, threshold]), np.array([g.costs for g in grounds]), days, account, daily, trades,
        owner, equity, exposures,
    )  # fmt: skip
    for a, ground in enumerate(grounds):
        mark_open_trade(accounts[a], trades, int(offsets[a + 1]) - 1, ground.matrix[at.CLOSE, -1])
        _claim(accounts, account, owner, a)
    days_seen = day_of[np.flatnonzero(np.concatenate([[True], fresh]))]
    return _result(
        account, accounts, daily, days_seen, _listed(trades, owner, int(account[at.RECORDED]), markets, offsets), instants,
        equity, exposures, grounds, capital,
    )  # fmt: skip


def _check(markets: Sequence[Market], capital: float) -> None:
    if not markets:
        raise BadInput("a joint backtest needs at least one market; none was given.")
    lengths = sorted({m.bar_s for m in markets})
    if len(lengths) > 1:
        raise BadInput(
            f"the markets have bars of {', '.join(map(str, lengths))} s; one length is needed, resample them."
        )
    names = [m.symbol for m in markets]
    if len(set(names)) < len(names):
        raise BadInput(f"a symbol was given twice: {', '.join(sorted(names))}; give each once.")
    if len({m.asset_class.days_per_year for m in markets}) > 1:
        raise BadInput("the markets have different numbers of trading days a year; run them apart.")
    if not 0.0 < capital < float("inf"):
        raise BadInput(f"capital was {capital}; it must be a positive amount.")


def _timeline(markets: Sequence[Market], offsets: I64) -> tuple[I64, I64]:
    """All opens, and which bar each asset has there; in the row after them, its last."""
    instants = np.unique(np.concatenate([m.open_s for m in markets]))
    bars = np.full((instants.size + 1, len(markets)), -1, np.int64)
    bars[-1] = offsets[1:] - 1
    for a, market in enumerate(markets):
        bars[np.searchsorted(instants, market.open_s), a] = offsets[a] + np.arange(market.size)
    return instants, bars


def _panels(markets: Sequence[Market], ready: Genome, genome: Genome) -> list[dict[ColumnKey, F64]]:
    """Columns that compare assets, for each market."""
    found: list[dict[ColumnKey, F64]] = [{} for _ in markets]
    keys = {*compile_genome(ready).columns, *compile_genome(bound(genome)).columns}
    for key in keys:
        name, arguments = str(key[0]), key[1]
        if name in WORDS and WORDS[name].panel and isinstance(arguments, tuple):
            for known, column in zip(found, panel(name, arguments, markets), strict=True):
                known[key] = column
    return found


def _aligned(market: Market, genome: Genome, known: Mapping[ColumnKey, F64], fewest: float) -> F64:
    """Share of the entry's own comparisons that are true, for a long and a short entry; NaN below the fewest."""
    written = bound(genome)
    out = np.full((2, market.size), np.nan)
    for row, tree in enumerate((written.entry_long, written.entry_short)):
        signals = _signals(tree) if tree is not None else []
        if signals:
            levels = np.array(
                [
                    Run(market, Genome(family="signal", entry_long=leaf), known).signals()[0]
                    for leaf in signals
                ]
            )
            aligned = levels.sum(axis=0)
            out[row] = np.where(aligned >= fewest, aligned / len(signals), np.nan)
    return out


def _signals(tree: Condition) -> list[Condition]:
    if isinstance(tree, Both | Either):
        return [*_signals(tree.left), *_signals(tree.right)]
    if isinstance(tree, Not):
        return _signals(tree.operand)
    return [tree] if isinstance(tree, Compare | Cross) else []


def _ranked(market: Market) -> F64:
    """What assets are ranked by: traded notional, calm, momentum; float64 (3, T)."""
    sigma, depth = recent(market)
    return np.array([depth, -sigma, compute("roc", (_WINDOW,), market)])


def _claim(accounts: F64, account: F64, owner: I64, a: int) -> None:
    recorded = int(accounts[a, at.RECORDED])
    owner[int(account[at.RECORDED]) : recorded] = a
    account[at.RECORDED] = recorded
    accounts[:, at.RECORDED] = recorded


def _listed(
    trades: F64, owner: I64, n: int, markets: Sequence[Market], offsets: I64
) -> tuple[JointTrade, ...]:
    rows = sorted(range(n), key=lambda i: (owner[i], i))
    return tuple(
        JointTrade(
            int(trades[i, 0]), int(trades[i, 1] - offsets[owner[i]]), float(trades[i, 2]),
            int(trades[i, 3] - offsets[owner[i]]), float(trades[i, 4]), float(trades[i, 5]), float(trades[i, 6]),
            float(trades[i, 7]), at.REASONS[int(trades[i, 8])], int(owner[i]), markets[owner[i]].symbol,
        )
        for i in rows
    )  # fmt: skip


_SUMMED = (
    at.N_TRADES, at.N_WINS, at.WON, at.LOST, at.RETURNS, at.TURNOVER, at.HELD, at.FEES, at.REFUSED, at.SHORTED, at.LIQUIDATED,
)  # fmt: skip


def _result(
    account: F64, accounts: F64, daily: F64, days: I64, trades: tuple[JointTrade, ...], instants: I64, equity: F64, exposures: F64,
    grounds: Sequence[Ground], capital: float,
) -> JointBacktest:  # fmt: skip
    for place in _SUMMED:
        account[place] = accounts[:, place].sum()
    account[at.CAPITAL] = capital
    year = grounds[0].market.asset_class.days_per_year
    row = figures_over(account[None], daily[None], year, instants.size)[0]
    flags = {
        "ruined": account[at.DEAD] == at.RUINED,
        "liquidated": account[at.LIQUIDATED] > 0,
        "drawdown_stop": account[at.DEAD] == at.DRAWN_DOWN,
        "shorted": account[at.SHORTED] > 0,
        "funding_missing": any(ground.blind_funding > 0 for ground in grounds),
        "open_at_end": bool((accounts[:, at.QUANTITY] != 0).any()),
    }
    by_symbol = {
        g.market.symbol: {
            "n_trades": float(accounts[a, at.N_TRADES]),
            "pnl": float(sum(t.pnl for t in trades if t.asset == a)),
            "fees": float(accounts[a, at.FEES]),
        }
        for a, g in enumerate(grounds)
    }
    return JointBacktest(
        trades, instants, equity, (exposures != 0.0).any(axis=1).astype(np.int8), exposures, daily, days,
        {name: float(x) for name, x in zip(FIGURES, row, strict=True)}, by_symbol, int(account[at.REFUSED]),
        tuple(name for name, is_so in flags.items() if is_so),
    )  # fmt: skip
