"""One genome over many assets on one equity (a universal strategy): SEMANTICS.md section 8."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genome.checking import bound, effective
from genome.costs import Costs
from genome.genome import Genome
from genome.indicators import panel
from genome.market import F64, I64, Market
from genome.programs.columns import in_order, whole
from genome.programs.compiling import ColumnKey, compile_genome
from genome.programs.running import Run
from genome.simulator import layout as at
from genome.simulator.correlation import log_returns
from genome.simulator.figures import FIGURES, figures_over
from genome.simulator.fills import mark_open_trade
from genome.simulator.ground import Ground, prepare
from genome.simulator.ranking import FIRST, measures, weights_of
from genome.simulator.single import Signals, given
from genome.simulator.together import together
from genome.simulator.traits import Traits, checked_capital, fresh_account, traits
from genome.trees import Both, Compare, Condition, Cross, Either, Not
from genome.vocabulary import WORDS
from organism.errors import BadInput

_DAY_S = 86_400


class JointTrade(NamedTuple):
    """A trade of one asset, `asset` its place in the list given; bars are that asset's own. The rest as in `Trade`."""

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

    trades       asset after asset as they were given, each in order of time
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

    The order of the markets changes nothing, to the last bit: they are walked by symbol.

    gross_limit  Σ |position| as a multiple of equity, at most, when an entry is sized
    asset_cap    share of equity an asset gets at most
    threshold    a wanted share must be larger
    signals      for each market the four rows of levels, instead of the genome's conditions
    """
    _check(markets)
    _check_limits(gross_limit, asset_cap, threshold)
    if signals is not None and len(signals) != len(markets):
        raise BadInput(
            f"there are {len(markets)} markets but signals for {len(signals)}; give them for each."
        )
    if signals is None and not genome.conditions:
        raise BadInput(
            f"{genome.family} has no conditions; give its signals, as genome.learned.signals computes them."
        )
    order = sorted(range(len(markets)), key=lambda i: markets[i].symbol)
    walked = [markets[i] for i in order]
    ready = effective(genome)
    grounds, genes = [prepare(market, costs) for market in walked], traits(ready)
    offsets = np.concatenate([[0], np.cumsum([m.size for m in walked])]).astype(np.int64)
    instants, bars = _timeline(walked, offsets)
    weights, correlated = weights_of(genome), dict(genome.genes).get("correlation_limit", np.nan)
    if signals is None:
        decisions, scores = _read(walked, grounds, genome, offsets)
    else:
        made = [given(signals[i], ground) for i, ground in zip(order, grounds, strict=True)]
        decisions, scores = _one_later(made, walked, offsets), np.ones((2, int(offsets[-1])))
    atr, ranked, returns = _measured(walked, genes, weights, offsets, correlating=not np.isnan(correlated))
    account, accounts = (
        fresh_account(checked_capital(capital)),
        np.array([fresh_account(0.0) for _ in walked]),
    )
    days, day_numbers = _days(instants)
    booked, equity = np.zeros(2 * day_numbers.size), np.empty(instants.size)
    daily = booked[: day_numbers.size]
    exposures = np.empty((instants.size, len(walked)))
    trades, owner = np.empty((2 * decisions.size + 2, at.N_TRADE)), np.zeros(2 * decisions.size + 2, np.int64)
    together(
        bars, accounts, genes.vector, np.concatenate([g.matrix for g in grounds], axis=1),
        np.concatenate([g.flags[:, : g.market.size] for g in grounds], axis=1), decisions, atr, scores, ranked, weights,
        returns, np.array([gross_limit, asset_cap, threshold, correlated]), np.array([g.costs for g in grounds]), days, account,
        booked, trades, owner, equity, exposures,
    )  # fmt: skip
    for a, ground in enumerate(grounds):
        accounts[a, at.RECORDED] = account[at.RECORDED]
        mark_open_trade(accounts[a], trades, int(offsets[a + 1]) - 1, ground.matrix[at.CLOSE, -1])
        owner[int(account[at.RECORDED]) : int(accounts[a, at.RECORDED])] = a
        account[at.RECORDED] = accounts[a, at.RECORDED]
    n = int(account[at.RECORDED])
    return _result(
        account, accounts, daily, day_numbers, trades[:n], owner[:n], offsets, instants, equity, exposures, grounds, order,
        sized=genes.vector[at.SIZING] != at.FIXED,
    )  # fmt: skip


def _check(markets: Sequence[Market]) -> None:
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


def _check_limits(gross_limit: float, asset_cap: float, threshold: float) -> None:
    if not 0.0 < gross_limit < float("inf"):
        raise BadInput(f"gross_limit was {gross_limit}; it is a positive multiple of equity, 1 without debt.")
    if not 0.0 < asset_cap <= 1.0:
        raise BadInput(f"asset_cap was {asset_cap}; it is a share of equity above 0 and at most 1.")
    if not 0.0 <= threshold < 1.0:
        raise BadInput(f"threshold was {threshold}; it is a share of equity from 0 to below 1.")


def _timeline(markets: Sequence[Market], offsets: I64) -> tuple[I64, I64]:
    """All opens, and which bar each asset has there; in the row after them, its last.

    Bars that overlap in part are refused: at the open of one the close of the other would already be known.
    """
    instants = np.unique(np.concatenate([m.open_s for m in markets]))
    close = np.flatnonzero(np.diff(instants) < markets[0].bar_s)
    if close.size:
        at_s = int(instants[close[0] + 1])
        names = [m.symbol for m in markets if at_s in m.open_s or int(instants[close[0]]) in m.open_s]
        raise BadInput(
            f"bars of {' and '.join(names[:2])} overlap in part: two open {at_s - int(instants[close[0]])} s apart (at "
            f"{at_s} s of the epoch) and last {markets[0].bar_s} s; bars of one backtest open together, shift or resample them."
        )
    bars = np.full((instants.size + 1, len(markets)), -1, np.int64)
    bars[-1] = offsets[1:] - 1
    for a, market in enumerate(markets):
        bars[np.searchsorted(instants, market.open_s), a] = offsets[a] + np.arange(market.size)
    return instants, bars


def _days(instants: I64) -> tuple[I64, I64]:
    """Index of each instant's day, with the number of days at the end; the days since the epoch."""
    day = instants // _DAY_S
    fresh = np.concatenate([[True], np.diff(day) != 0])
    days = np.cumsum(np.concatenate([fresh, [True]]), dtype=np.int64) - 1
    return days, day[fresh]


def _one_later(rows: Sequence[Any], markets: Sequence[Market], offsets: I64) -> Any:
    """Values at closes (…, T) of each market, end to end along the last axis, each where it fills: a bar later.

    The first bar of a market has none: 0, or NaN among floats.
    """
    lead, kind = rows[0].shape[:-1], rows[0].dtype
    out = np.full((*lead, int(offsets[-1])), np.nan if kind.kind == "f" else 0, kind)
    for row, market, first in zip(rows, markets, offsets, strict=False):
        out[..., first + 1 : first + market.size] = row[..., : market.size - 1]
    return out


def _read(
    markets: Sequence[Market], grounds: Sequence[Ground], genome: Genome, offsets: I64
) -> tuple[NDArray[np.uint8], F64]:
    """Decision bytes (bars,) and scores (2, bars) of a long and a short entry, where they fill; NaN forbids."""
    ready, panels = effective(genome), _panels(markets, genome)
    made = [
        Run(market, ready, known).decisions(ground.flags[at.MAY])
        for market, known, ground in zip(markets, panels, grounds, strict=True)
    ]
    decisions: NDArray[np.uint8] = _one_later(made, markets, offsets)
    fewest = dict(genome.genes).get("confluence_minimum")
    if fewest is None:
        return decisions, np.ones((2, decisions.size))
    scores = [_aligned(market, genome, known, fewest) for market, known in zip(markets, panels, strict=True)]
    return decisions, _one_later(scores, markets, offsets)


def _measured(
    markets: Sequence[Market], genes: Traits, weights: F64, offsets: I64, *, correlating: bool
) -> tuple[F64, F64, F64]:
    """At the close before: ATR (bars,), what assets are ranked by (6, bars); returns to each close (bars,).

    What nothing asks for is NaN, or no bar long.
    """
    atr, ranked, returns = np.full(int(offsets[-1]), np.nan), np.empty((FIRST[-1], 0)), np.empty(0)
    if genes.atr:
        atr = _one_later([whole(market, (genes.atr,))[0] for market in markets], markets, offsets)
    if weights.any():
        ranked = _one_later([measures(market, weights) for market in markets], markets, offsets)
    if correlating:
        returns = np.concatenate([log_returns(market) for market in markets])
    return atr, ranked, returns


def _panels(markets: Sequence[Market], genome: Genome) -> list[dict[ColumnKey, F64]]:
    """Columns that compare assets, for each market; they may also be the source of others."""
    found: list[dict[ColumnKey, F64]] = [{} for _ in markets]
    for key in in_order(compile_genome(effective(genome)).columns):
        name, arguments = str(key[0]), key[1]
        if name not in WORDS or not WORDS[name].panel or not isinstance(arguments, tuple):
            continue
        if key[3] != "":
            raise BadInput(f"{name} compares assets bar by bar and knows no timeframe; leave out {key[3]!r}.")
        for known, column in zip(found, panel(name, arguments, markets), strict=True):
            known[key] = column
    return found


def _aligned(market: Market, genome: Genome, known: Mapping[ColumnKey, F64], fewest: float) -> F64:
    """Share of the entry's own signals that are true, for a long and a short entry; NaN below the fewest."""
    written = bound(genome)
    out = np.full((2, market.size), np.nan)
    for row, tree in zip(out, (written.entry_long, written.entry_short), strict=True):
        found = [] if tree is None else _signals(tree, contrary=False)
        if not found:
            continue
        aligned = np.zeros(market.size)
        for signal in found:
            aligned += Run(market, Genome(family="signal", entry_long=signal), known).signals()[0]
        row[:] = np.where(aligned >= fewest, aligned / len(found), np.nan)
    return out


def _signals(tree: Condition, *, contrary: bool) -> list[Condition]:
    """Comparisons and crosses, as they have to be for the entry: under `not` the contrary."""
    if isinstance(tree, Both | Either):
        return [*_signals(tree.left, contrary=contrary), *_signals(tree.right, contrary=contrary)]
    if isinstance(tree, Not):
        return _signals(tree.operand, contrary=not contrary)
    if isinstance(tree, Compare | Cross):
        return [Not(tree) if contrary else tree]
    return []


def _listed(
    trades: F64, owner: I64, markets: Sequence[Market], offsets: I64, order: Sequence[int]
) -> tuple[JointTrade, ...]:
    """Rows as trades, asset after asset in the order given."""
    given_as = np.array(order)[owner]
    sequence = np.argsort(given_as, kind="stable")
    rows, owner, given_as = trades[sequence], owner[sequence], given_as[sequence]
    rows[:, at.ENTRY_BAR] -= offsets[owner]
    rows[:, at.EXIT_BAR] -= offsets[owner]
    whole_numbers = {at.SIDE, at.ENTRY_BAR, at.EXIT_BAR, at.REASON}
    columns = [
        (rows[:, k].astype(np.int64) if k in whole_numbers else rows[:, k]).tolist()
        for k in range(at.N_TRADE)
    ]
    columns[at.REASON] = [at.REASONS[reason] for reason in columns[at.REASON]]
    symbols = [markets[a].symbol for a in owner.tolist()]
    return tuple(map(JointTrade, *columns, given_as.tolist(), symbols))


_SUMMED = (
    at.N_TRADES, at.N_WINS, at.WON, at.LOST, at.RETURNS, at.TURNOVER, at.HELD, at.FEES, at.REFUSED, at.SHORTED, at.LIQUIDATED,
)  # fmt: skip


def _result(
    account: F64, accounts: F64, daily: F64, days: I64, trades: F64, owner: I64, offsets: I64, instants: I64, equity: F64,
    exposures: F64, grounds: Sequence[Ground], order: Sequence[int], *, sized: bool,
) -> JointBacktest:  # fmt: skip
    for place in _SUMMED:
        account[place] = accounts[:, place].sum()
    markets = [ground.market for ground in grounds]
    row = figures_over(account[None], daily[None], markets[0].asset_class.days_per_year, instants.size)[0]
    flags = {
        "ruined": account[at.DEAD] >= at.RUINED,
        "liquidated": account[at.LIQUIDATED] > 0,
        "drawdown_stop": account[at.DEAD] % at.RUINED == at.DRAWN_DOWN,
        "shorted": account[at.SHORTED] > 0,
        "funding_missing": any(ground.blind_funding > 0 for ground in grounds),
        "open_at_end": bool((accounts[:, at.QUANTITY] != 0).any()),
        "size_rule_unused": sized,
    }
    pnl = np.bincount(owner, weights=trades[:, at.PNL], minlength=len(markets))
    walked_as = np.argsort(order)
    by_symbol = {
        markets[a].symbol: {
            "n_trades": float(accounts[a, at.N_TRADES]),
            "pnl": float(pnl[a]),
            "fees": float(accounts[a, at.FEES]),
        }
        for a in walked_as.tolist()
    }
    return JointBacktest(
        _listed(trades, owner, markets, offsets, order), instants, equity, (exposures != 0.0).any(axis=1).astype(np.int8),
        exposures[:, walked_as], daily, days, {name: float(x) for name, x in zip(FIGURES, row, strict=True)}, by_symbol,
        int(account[at.REFUSED]), tuple(name for name, is_so in flags.items() if is_so),
    )  # fmt: skip
