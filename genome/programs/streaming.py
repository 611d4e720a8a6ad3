"""A program one bar at a time: which indicators are to be advanced, and where each keeps its memory."""

from dataclasses import dataclass

import numpy as np

from genome.indicators import code_of, seconds_of, state_size
from genome.market import F64, I64
from genome.programs.columns import in_order
from genome.programs.compiling import ColumnKey, Programs, raw_index
from genome.programs.machine import I32
from genome.vocabulary import WORDS


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How to advance a program by a bar.

    columns   int64 (columns, 7): code of the indicator or −1, source (row of the market, or −1 − column), where its parameters
              begin and end, where its memory begins and ends, seconds of its timeframe
    """

    program: Programs
    code: I32
    row: dict[ColumnKey, int]
    columns: I64
    parameters: F64
    memory_size: int


def plan(program: Programs, bar_s: int, extra: tuple[ColumnKey, ...] = ()) -> Plan:
    """Lay out a program for bars of `bar_s` seconds; `extra` columns are advanced with its own."""
    keys = in_order((*program.columns, *extra))
    row: dict[ColumnKey, int] = {key: i for i, key in enumerate(keys)}
    table: list[tuple[int, ...]] = []
    parameters: list[float] = []
    memory = 0
    for key in keys:
        raw = raw_index(key)
        if raw >= 0:
            table.append((-1, raw, 0, 0, 0, 0, 0))
            continue
        name, arguments, source, timeframe = key
        if not isinstance(arguments, tuple) or not isinstance(source, tuple):
            raise TypeError(f"not the key of an indicator: {key!r}")
        size = state_size(str(name), arguments, str(timeframe))
        reads = raw_index(source) if raw_index(source) >= 0 else -1 - row[source]
        table.append(
            (
                code_of(str(name)), reads, len(parameters), len(parameters) + len(arguments), memory, memory + size,
                seconds_of(str(timeframe), bar_s),
            )
        )  # fmt: skip
        parameters += [float(a) for a in arguments]
        memory += size
    return Plan(
        program,
        program.placed(row),
        row,
        np.array(table, np.int64).reshape(len(table), 7),
        np.array(parameters, np.float64),
        memory,
    )


def lookback(key: ColumnKey, bar_s: int) -> int:
    """Bars at the beginning at which a column has no value."""
    if raw_index(key) >= 0:
        return 0
    name, arguments, source, timeframe = key
    if not isinstance(arguments, tuple) or not isinstance(source, tuple):
        raise TypeError(f"not the key of an indicator: {key!r}")
    own = WORDS[str(name)].lookback(arguments)
    if timeframe:
        own = (own + 2) * (
            seconds_of(str(timeframe), bar_s) // bar_s
        )  # the first longer bar may be a part of one
    return own + lookback(source, bar_s)
