"""What a compiled strategy remembers between bars, and whose numbers those are.

Kernels keep their state in slots of one row of numbers, and an update of the program may move the slots. A snapshot taken
before it then holds numbers that would be read as others, or too few. So memory carries the stamp of the kernels that
wrote it, and a strategy that finds a foreign stamp warms up again: until then it has no forecast.
"""

from collections.abc import Callable

import numpy as np

from genome.jit import stamp
from genome.market import F64
from genome.strategy import CompiledState

LAYOUT = stamp()[:16]


def remembered(numbers: F64) -> CompiledState:
    """The state that holds these numbers."""
    return CompiledState(numbers.tobytes(), LAYOUT)


def recalled(state: CompiledState, floats: int, initial: Callable[[], CompiledState]) -> F64:
    """The numbers of a state, to be written to; those of `initial` where other kernels wrote it, or not so many."""
    mine = state.layout == LAYOUT and len(state.memory) == 8 * floats
    return np.frombuffer((state if mine else initial()).memory).copy()
