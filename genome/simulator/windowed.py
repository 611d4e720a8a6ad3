"""Genomes over one window of a market: indicators know what came before it, accounts begin in it with nothing held.

What optimising and walking forward need. `evaluate` begins an account at the market's first bar, where no indicator has a
value yet; here the bars before the window are read by indicators alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from genome.costs import Costs
from genome.genome import Genome
from genome.market import F64, I64, Market
from genome.simulator import layout as at
from genome.simulator.figures import FIGURES, figures_over
from genome.simulator.ground import Ground, bit_plane, prepare
from genome.simulator.packing import Packed, pack
from genome.simulator.population import CORES, Pass
from genome.simulator.traits import checked_capital, fresh_account
from organism.errors import BadInput


@dataclass(frozen=True, slots=True, eq=False)
class Windowed:
    """Results of n genomes in one window of one market, D days of it.

    figures           name → float64 (n,), those of SEMANTICS.md, 7, of the window alone
    returns, closed   float64 (n, D): daily returns; trades closed until the end of each day
    days              int64 (D,): days since the epoch
    """

    figures: dict[str, F64]
    returns: F64
    closed: F64
    days: I64

    def __len__(self) -> int:
        return len(self.returns)


def cut(market: Market, begin: int, end: int) -> Market:
    """The market's bars begin … end − 1 as a market of their own. Raises `BadInput` where there are none."""
    if not 0 <= begin < end <= market.size:
        raise BadInput(
            f"bars {begin} to {end} were asked of {market.symbol}, which has {market.size}; name a stretch within them."
        )
    if (begin, end) == (0, market.size):
        return market
    changed: dict[str, np.ndarray] = {"open_s": market.open_s[begin:end]}
    for one in fields(market):
        value = getattr(market, one.name)
        if one.init and one.name not in changed and isinstance(value, np.ndarray):
            changed[one.name] = np.ascontiguousarray(value[..., begin:end])
    return replace(market, **changed)  # type: ignore[arg-type]


def evaluate_within(
    genomes: Sequence[Genome] | Packed,
    market: Market,
    begin: int = 0,
    costs: Costs = Costs(),  # noqa: B008 - frozen
    capital: float = 10_000.0,
    *,
    threads: int | None = None,
) -> Windowed:
    """Simulate genomes from bar `begin` to the end of the market. Raises `BadInput`.

    Bars before `begin` warm indicators and nothing else: the first decision is that of the close of bar `begin`. What is
    held at the end is left at the last close, and pays for it; as in a backtest that trade does not count as closed.
    Figures and days are those of the window; its days are whole where `begin` opens one.
    """
    checked_capital(capital)
    if not 0 <= begin < market.size:
        raise BadInput(f"a window begins at a bar from 0 to {market.size - 1}; was {begin}.")
    ground = prepare(market, costs)
    first = int(ground.days[begin])
    accounts = np.tile(fresh_account(capital), (len(genomes), 1))
    daily = np.zeros((len(genomes), 2, ground.n_days))
    if len(genomes):
        packed = genomes if isinstance(genomes, Packed) else pack(genomes)
        Pass(packed, _opened(ground, begin), accounts, daily, threads or CORES).run()
    returns = np.ascontiguousarray(daily[:, 0, first:])
    _left(accounts, returns, ground)
    accounts[:, at.PEAK_BAR] -= begin
    accounts[:, at.DAY_SUM] -= capital * first
    table = figures_over(accounts, returns, market.asset_class.days_per_year, market.size - begin)
    return Windowed(
        dict(zip(FIGURES, np.ascontiguousarray(table.T), strict=True)),
        returns,
        np.maximum.accumulate(daily[:, 1, first:], axis=1),
        ground.day_numbers[first:],
    )


def _opened(ground: Ground, begin: int) -> Ground:
    """The same ground, on which no decision before the close of bar `begin` can fill."""
    if begin == 0:
        return ground
    bits = np.unpackbits(ground.may.view(np.uint8), bitorder="little").astype(np.bool_)
    bits[:begin] = False
    return replace(ground, may=bit_plane(bits))


def _left(accounts: F64, returns: F64, ground: Ground) -> None:
    """Pay for leaving what is still held at the last close: as a taker, with the slippage of that bar."""
    worth = np.abs(accounts[:, at.QUANTITY]) * ground.matrix[at.CLOSE, -1]
    fee = worth * ground.costs[at.TAKER]
    before = accounts[:, at.EQUITY].copy()
    after = np.maximum(before - fee - worth * ground.matrix[at.SLIPPAGE, -1], 0.0)
    kept = np.divide(after, before, out=np.ones_like(before), where=before > 0.0)
    returns[:, -1] = (1.0 + returns[:, -1]) * kept - 1.0
    accounts[:, at.EQUITY] = after
    accounts[:, at.FEES] += fee
    accounts[:, at.TURNOVER] += worth
    accounts[:, at.TROUGH] = np.minimum(accounts[:, at.TROUGH], after)
