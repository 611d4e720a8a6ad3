"""What becomes of a month when rows are added to it: pure arithmetic of arrays."""

from typing import NamedTuple

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import I64, Flags
from organism.lake.parts import Column, Shape, Table

_LATEST_US = 7_258_118_400_000_000  # 2200-01-01


class Counts(NamedTuple):
    """Rows that were new, the same, and corrections."""

    new: int
    same: int
    revised: int


def split_by_month(values: Table, shape: Shape) -> dict[str, Table]:
    """Rows by month, as "2024-03". Raises `BadInput` for times that fall, that are no times, or keys that come twice."""
    times = values[shape.time]
    if not times.size:
        return {}
    if times.min() < 0 or times.max() >= _LATEST_US:
        odd = times[(times < 0) | (times >= _LATEST_US)][0]
        raise BadInput(f"{shape.time} must lie between 1970 and 2200, in microseconds; was {odd}.")
    if not bool((np.diff(times) > 0).all()):
        order = np.lexsort([values[key] for key in reversed(shape.keys)])
        values = {name: column[order] for name, column in values.items()}
    if (same := _as_before(values, shape)).any():
        at = values[shape.time][int(np.argmax(same))]
        raise BadInput(f"two rows have the same {' and '.join(shape.keys)} ({at} µs); give each once.")
    months = values[shape.time].astype("datetime64[us]").astype("datetime64[M]")
    heads = np.flatnonzero(np.diff(months.astype(np.int64), prepend=-1))
    ends = np.append(heads[1:], months.size)
    return {
        str(months[head]): {name: column[head:end] for name, column in values.items()}
        for head, end in zip(heads, ends, strict=True)
    }


def merged(
    there: Table | None, sources: tuple[str, ...], values: Table, shape: Shape, source: str, received_us: int
) -> tuple[Table, tuple[str, ...], Counts]:
    """A month's rows with more rows: what is the same is left out, what differs becomes a new revision.

    there     all revisions, by key and revision; None for a month without a part
    values    rows by key, each once
    Returns all revisions, the sources they name, and what was found.
    """
    named = sources if source in sources else (*sources, source)
    n = values[shape.time].size
    fresh: Table = {
        **{
            name: values[name].astype(kind, copy=False)
            for name, kind in shape.types().items()
            if name in values
        },
        "source_id": np.full(n, named.index(source), np.int32),
        "received_us": np.full(n, received_us, np.int64),
        "revision": np.zeros(n, np.int32),
    }
    if there is None:
        return fresh, named, Counts(n, 0, 0)
    if values[shape.time][0] > there[shape.time][-1]:
        return _together(there, fresh, shape), named, Counts(n, 0, 0)
    current = latest(there, shape, None)
    at = _places(current, fresh, shape)
    known = at >= 0
    same = known.copy()
    for name in shape.values:
        before, now = current[name][at[known]], fresh[name][known]
        same[known] &= (before == now) | (np.isnan(before) & np.isnan(now))
    revised = known & ~same
    fresh["revision"][revised] = current["revision"][at[revised]] + 1
    kept = {name: column[~same] for name, column in fresh.items()}
    counts = Counts(int((~known).sum()), int(same.sum()), int(revised.sum()))
    if not counts.new and not counts.revised:
        return there, sources, counts
    whole = _together(there, kept, shape)
    order = np.lexsort([whole["revision"], *(whole[key] for key in reversed(shape.keys))])
    return {name: column[order] for name, column in whole.items()}, named, counts


def latest(table: Table, shape: Shape, as_of_us: int | None) -> Table:
    """Each row once, in its newest revision that had been received at `as_of_us` (None: ever)."""
    if as_of_us is not None:
        known = table["received_us"] <= as_of_us
        if not known.all():
            table = {name: column[known] for name, column in table.items()}
    if not table["revision"].any():
        return table
    last = np.ones(table[shape.time].size, np.bool_)
    last[:-1] = ~_as_before(table, shape)[1:]
    return {name: column[last] for name, column in table.items()}


def _as_before(table: Table, shape: Shape) -> Flags:
    """Whether a row has the key of the row before it."""
    same = np.ones(table[shape.time].size, np.bool_)
    same[:1] = False
    for key in shape.keys:
        same[1:] &= table[key][1:] == table[key][:-1]
    return same


def _together(one: Table, other: Table, shape: Shape) -> Table:
    return {name: np.concatenate((one[name], other[name])) for name in shape.types()}


def _places(current: Table, fresh: Table, shape: Shape) -> I64:
    """Where the key of each fresh row is among the current ones, -1 where it is not."""
    n = current[shape.time].size
    keys: list[Column] = [np.concatenate((current[key], fresh[key])) for key in shape.keys]
    order = np.lexsort(keys[::-1])  # stable: the current row of a key comes before the fresh one
    equal = np.ones(order.size - 1, np.bool_)
    for key in keys:
        equal &= key[order][1:] == key[order][:-1]
    found = np.full(order.size - n, -1, np.int64)
    pairs = np.flatnonzero(equal)
    found[order[pairs + 1] - n] = order[pairs]
    return found
