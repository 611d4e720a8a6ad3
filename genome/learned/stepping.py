"""A learned genome, one bar at a time: columns, features, what the model says, the account, the forecast, in one call."""

import numpy as np

from genome.jit import kernel
from genome.learned.kernels import N_SPOKEN, assemble, decision, level, speak
from genome.market import F64, I64
from genome.programs.machine import I32
from genome.simulator import layout as at
from genome.simulator.living import N_OWN, advance, trade


@kernel
def step_learned(
    table: I64, parameters: F64, code: I32, value: F64, outputs: I32, optional: I64, circles: F64, weights: F64, offsets: F64,
    told: F64, components: F64, component_offsets: F64, links: I64, splits: F64, sizes: I64, band: float, traits: F64,
    costs: F64, memory: F64, market: F64, open_s: I64, features: F64,
) -> float:  # fmt: skip
    """Take one bar in; return the forecast for the next open.

    table … circles      how features are made (`genome.learned.program`)
    weights … splits     the model (`genome.learned.fits.Model`)
    sizes                bar_s, column of ATR, column of σ (−1: none)
    memory               float64: own, account, columns; advanced in place
    market, open_s       float64 (len(COLUMNS), 1), int64 (1,)
    features             float64 (1, features) receives what the model saw
    """
    own, account = memory[:N_OWN], memory[N_OWN : N_OWN + at.N_ACCOUNT]
    values = np.empty(table.shape[0])
    advance(table, parameters, memory[N_OWN + at.N_ACCOUNT :], market, open_s, sizes[0], values)
    assemble(code, value, outputs, optional, circles, np.uint64(values.ctypes.data), 1, features)
    said = np.empty(N_SPOKEN)
    z = np.empty(max(offsets.shape[0], component_offsets.shape[0]))
    speak(weights, offsets, told, components, component_offsets, links, splits, features[0], z, said)
    atr = values[sizes[1] : sizes[1] + 1] if sizes[1] >= 0 else values[:0]
    sigma = values[sizes[2] : sizes[2] + 1] if sizes[2] >= 0 else values[:0]
    return trade(own, account, traits, costs, market, atr, sigma, decision(level(said, band)))
