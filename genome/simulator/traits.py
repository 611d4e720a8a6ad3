"""What the simulator reads of a genome's genes: one row of numbers, and the columns it needs besides its conditions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genome.genome import Genome
from genome.market import F64
from genome.programs.compiling import ColumnKey
from genome.simulator import layout as at
from organism.errors import BadInput

_ATR_PERIOD = 14.0
_VOLATILITY_WINDOW = 20.0
_OFF = {
    at.STOP: np.nan,
    at.TARGET: np.nan,
    at.TRAILING: np.nan,
    at.STOP_ATR: np.nan,
    at.MAXIMUM_HOLD: np.inf,
    at.COOL_DOWN: 0.0,
    at.SIZING: float(at.FIXED),
    at.SIZE: 1.0,
    at.RISK: np.nan,
    at.TARGET_VOLATILITY: np.nan,
    at.KELLY_CAP: 0.25,
    at.POSITION_LIMIT: 1.0,
    at.DRAWDOWN_STOP: np.inf,
}
NAMES = {
    "stop": at.STOP, "target": at.TARGET, "trailing": at.TRAILING, "stop_atr": at.STOP_ATR,
    "maximum_hold": at.MAXIMUM_HOLD, "cool_down": at.COOL_DOWN, "sizing": at.SIZING, "size": at.SIZE, "risk": at.RISK,
    "target_volatility": at.TARGET_VOLATILITY, "kelly_cap": at.KELLY_CAP, "position_limit": at.POSITION_LIMIT,
    "drawdown_stop": at.DRAWDOWN_STOP,
}  # fmt: skip

DEFAULT = [_OFF[place] for place in range(at.N_TRAITS)]
Needed = tuple[ColumnKey | None, ColumnKey | None]
"""Columns of ATR and of volatility at the decision, where needed."""


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """vector float64 (N_TRAITS,); atr and sigma: the columns of ATR and volatility at the decision, where needed."""

    vector: F64
    atr: ColumnKey | None
    sigma: ColumnKey | None


def traits(genome: Genome) -> Traits:
    """Read the genes of the simulator; genes that are absent are off."""
    table, needed = traits_of((genome,))
    return Traits(table[0], *needed[0])


def traits_of(genomes: Sequence[Genome]) -> tuple[F64, list[Needed]]:
    """The same of many: float64 (genomes, N_TRAITS), and the columns that each needs."""
    rows, needed = [], []
    for genome in genomes:
        row, needs = _read(genome)
        rows.append(row)
        needed.append(needs)
    return np.array(rows), needed


def _read(genome: Genome) -> tuple[list[float], Needed]:
    row = DEFAULT.copy()
    period, window = _ATR_PERIOD, _VOLATILITY_WINDOW
    for name, value in genome.genes:
        place = NAMES.get(name)
        if place is not None:
            row[place] = value
        elif name == "atr_period":
            period = float(value)
        elif name == "volatility_window":
            window = float(value)
    by_atr, sizing = not math.isnan(row[at.STOP_ATR]), int(row[at.SIZING])
    if sizing == at.BY_RISK and not by_atr and math.isnan(row[at.STOP]):
        raise BadInput(f"{genome.family} sizes by risk without a stop; give it the gene stop or stop_atr.")
    if sizing == at.BY_RISK and math.isnan(row[at.RISK]):
        row[at.RISK] = 0.02
    if sizing == at.BY_VOLATILITY and math.isnan(row[at.TARGET_VOLATILITY]):
        row[at.TARGET_VOLATILITY] = 0.10
    return row, (
        ("atr", (period,), ("raw", "close"), "") if by_atr else None,
        ("volatility", (window,), ("raw", "close"), "") if sizing == at.BY_VOLATILITY else None,
    )


def checked_capital(capital: float) -> float:
    """The same amount; raises `BadInput` where it is none."""
    if not 0.0 < capital < float("inf"):
        raise BadInput(f"capital was {capital}; it must be a positive amount.")
    return capital


def fresh_account(capital: float) -> F64:
    """An account before its first bar."""
    account = np.zeros(at.N_ACCOUNT)
    for place in (at.CASH, at.EQUITY, at.PEAK, at.TROUGH, at.DAY_EQUITY, at.CAPITAL):
        account[place] = capital
    account[at.PEAK_BAR] = -1.0
    account[at.BAR_OUT] = -np.inf
    account[at.ATR_BEFORE] = account[at.SIGMA_BEFORE] = np.nan
    return account
