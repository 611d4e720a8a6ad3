"""A flock laid out for the simulator: `evaluate(packed(flock), markets)`."""

import numpy as np

from genome.breeding.columns import Table, interned, keys_of, rows_of
from genome.breeding.compiling import programs_and_columns
from genome.breeding.flat import GENE_INDEX, GENE_NAMES, Flock
from genome.breeding.tokens import N_TIMEFRAMES, WORD_INDEX
from genome.genes import GENES
from genome.jit import kernel
from genome.market import F64, I64
from genome.programs.compiling import renumber
from genome.simulator import layout as at
from genome.simulator.packing import Packed, by_columns
from genome.simulator.traits import DEFAULT, NAMES
from genome.vocabulary import COLUMN_INDEX
from organism.errors import BadInput

_ATR, _VOLATILITY = WORD_INDEX["atr"] * N_TIMEFRAMES, WORD_INDEX["volatility"] * N_TIMEFRAMES
_CLOSE = COLUMN_INDEX["close"]
_PLACES = np.array([NAMES.get(name, -1) for name in GENE_NAMES])
"""Of each gene, where the simulator reads it; −1 where it does not."""


def packed(flock: Flock) -> Packed:
    """Compile a flock of checked genomes and lay it out: the same results as from its genomes, to the last bit.

    Raises `BadInput` where a genome sizes by risk and has no stop.
    """
    programs, table, keys = programs_and_columns(flock)
    traits = _traits(flock)
    needs = np.full((len(flock), 2), -1)
    _need(needs, traits, _windows(flock), table)
    keys = keys_of(table, keys)
    ordered, rows = rows_of(table)
    read = table.read[: table.counts[1]]
    code = programs.code.copy()
    renumber(code, rows[read])
    found = needs >= 0
    needs[found] = rows[needs[found]]
    return Packed(
        programs, code, tuple(keys[i] for i in ordered.tolist()), needs, traits, by_columns(programs, code)
    )


def _traits(flock: Flock) -> F64:
    """What the simulator reads of the genes, float64 (n, N_TRAITS); `genome.simulator.traits` of many."""
    table = np.tile(np.array(DEFAULT), (len(flock), 1))
    for gene in np.flatnonzero(_PLACES >= 0):
        given = flock.genes[:, gene]
        column = table[:, _PLACES[gene]]
        column[:] = np.where(np.isnan(given), column, given)
    sizing = table[:, at.SIZING]
    by_risk, by_volatility = sizing == at.BY_RISK, sizing == at.BY_VOLATILITY
    lost = by_risk & np.isnan(table[:, at.STOP_ATR]) & np.isnan(table[:, at.STOP])
    if lost.any():
        raise BadInput(
            f"genome {int(np.argmax(lost))} of the flock sizes by risk without a stop; give it the gene stop or stop_atr."
        )
    table[by_risk & np.isnan(table[:, at.RISK]), at.RISK] = GENES["risk"].default
    table[by_volatility & np.isnan(table[:, at.TARGET_VOLATILITY]), at.TARGET_VOLATILITY] = GENES[
        "target_volatility"
    ].default
    return table


def _windows(flock: Flock) -> F64:
    """float64 (n, 2): windows of ATR and of volatility."""
    names = ("atr_period", "volatility_window")
    given = flock.genes[:, [GENE_INDEX[name] for name in names]]
    return np.where(np.isnan(given), np.array([GENES[name].default for name in names], np.float64), given)


@kernel
def _need(needs: I64, traits: F64, windows: F64, table: Table) -> None:
    """Receives the columns that each genome's exits and sizes need."""
    for g in range(needs.shape[0]):
        for k in range(2):
            wanted = (
                not np.isnan(traits[g, at.STOP_ATR]) if k == 0 else traits[g, at.SIZING] == at.BY_VOLATILITY
            )
            if wanted:
                row = table.arguments[table.counts[0]]
                row[:] = 0.0
                row[0] = windows[g, k]
                needs[g, k] = interned(table, _ATR if k == 0 else _VOLATILITY, _CLOSE)
