"""One genome over one market, with everything on record: trades, equity, positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genome.checking import effective
from genome.costs import Costs
from genome.genome import Genome
from genome.market import F64, Market
from genome.programs.columns import in_order, whole
from genome.programs.running import Run, decided
from genome.simulator import layout as at
from genome.simulator.figures import FIGURES, figures
from genome.simulator.fills import mark_open_trade
from genome.simulator.ground import Ground, bit_plane, prepare
from genome.simulator.traits import checked_capital, fresh_account, traits
from genome.simulator.walk import walk
from organism.errors import BadInput


class Trade(NamedTuple):
    """A position, flat to flat. Bars are indices; side 1 long, −1 short; prices those of the fills; quantity > 0."""

    side: int
    entry_bar: int
    entry_price: float
    exit_bar: int
    exit_price: float
    quantity: float
    fees: float
    pnl: float
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """A backtest and all it left behind.

    equity, position   float64, int8 (T,) at each close; position −1, 0 or 1
    daily, days        float64, int64 (D,): one return a day; days since the epoch
    refused            entries below the minimum notional or of no lot
    flags              "ruined", "liquidated", "drawdown_stop", "shorted", "funding_missing", "open_at_end"
    """

    trades: tuple[Trade, ...]
    equity: F64
    position: NDArray[np.int8]
    daily: F64
    days: NDArray[np.int64]
    figures: dict[str, float]
    refused: int
    flags: tuple[str, ...]


Signals = Sequence[Sequence[bool]] | Sequence[NDArray[np.bool_]]


def backtest(
    market: Market,
    genome: Genome,
    costs: Costs = Costs(),  # noqa: B008 - frozen
    capital: float = 10_000.0,
    *,
    signals: Signals | None = None,
) -> Backtest:
    """Simulate one genome on one market.

    signals   entry long, exit long, entry short, exit short, one bool a bar each: instead of the genome's conditions
    """
    ready = effective(genome)
    ground, genes = prepare(market, costs), traits(ready)
    decisions = (
        given(signals, ground) if signals is not None else Run(market, ready).decisions(ground.flags[at.MAY])
    )
    planes = _planes(decisions)
    needed = [key for key in (genes.atr, genes.sigma) if key]
    keys = in_order(needed)
    columns = dict(zip(keys, whole(market, keys), strict=True)) if keys else {}
    account = fresh_account(checked_capital(capital))
    booked = np.zeros(2 * ground.n_days)
    trades = np.empty((2 * market.size + 2, at.N_TRADE))
    equity, held = np.empty(market.size), np.empty(market.size)
    nothing = np.empty(0)
    walk(
        account, genes.vector, ground.matrix, ground.flags, ground.summary, ground.following, ground.days, np.uint64(planes.ctypes.data),
        columns[genes.atr] if genes.atr else nothing, columns[genes.sigma] if genes.sigma else nothing,
        0, market.size, ground.costs, booked, trades, equity, held,
    )  # fmt: skip
    mark_open_trade(account, trades, market.size - 1, ground.matrix[at.CLOSE, -1])
    return _result(account, booked[: ground.n_days], trades, equity, held, ground)


def given(signals: Signals, ground: Ground) -> NDArray[np.uint8]:
    """Decision bytes of levels that somebody else computed."""
    rows = [np.asarray(row, bool) for row in signals]
    if len(rows) != 4 or any(row.shape != (ground.market.size,) for row in rows):  # noqa: PLR2004 - the four conditions
        raise BadInput(f"signals must be four rows of {ground.market.size} levels, one a bar.")
    return decided(rows, ground.flags[at.MAY])


def _planes(decisions: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Decision bytes, one a close, as `walk` reads them: a plane of bits each, at the bar where they fill."""
    shifted = np.concatenate([np.zeros(1, np.uint8), decisions[:-1]])
    return bit_plane((shifted >> np.arange(4, dtype=np.uint8)[:, None]) & 1 > 0)


def _result(account: F64, daily: F64, trades: F64, equity: F64, held: F64, ground: Ground) -> Backtest:
    rows = trades[: int(account[at.RECORDED])]
    flags = {
        "ruined": account[at.DEAD] >= at.RUINED,
        "liquidated": account[at.LIQUIDATED] > 0,
        "drawdown_stop": account[at.DEAD] % at.RUINED == at.DRAWN_DOWN,
        "shorted": account[at.SHORTED] > 0,
        "funding_missing": ground.blind_funding > 0,
        "open_at_end": account[at.QUANTITY] != 0,
    }
    row = figures(account[None], daily[None], ground)[0]
    return Backtest(
        tuple(
            Trade(int(r[0]), int(r[1]), float(r[2]), int(r[3]), float(r[4]), float(r[5]), float(r[6]), float(r[7]),
                  at.REASONS[int(r[8])])
            for r in rows
        ),
        equity,
        held.astype(np.int8),
        daily,
        ground.day_numbers,
        {name: float(value) for name, value in zip(FIGURES, row, strict=True)},
        int(account[at.REFUSED]),
        tuple(name for name, is_so in flags.items() if is_so),
    )  # fmt: skip
