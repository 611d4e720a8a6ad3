"""Where everybody stands in the picture of a lineage: a generation a row, in an order in which few lines cross.

Source: K. Sugiyama, S. Tagawa and M. Toda (1981), "Methods for visual understanding of hierarchical system structures",
IEEE Transactions on Systems, Man, and Cybernetics 11(2): a line that passes a row has a place of its own there, and rows
are ordered by the middle of their neighbours, to and fro.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

_SWEEPS = 8
_PASSING = 28.0


class Point(NamedTuple):
    """The middle of something, along a row and down."""

    x: float
    y: float


class Layout(NamedTuple):
    """places by name; lines as (child, parent, points from the parent to the child, both included); size of the whole."""

    places: dict[str, Point]
    lines: list[tuple[str, str, list[Point]]]
    width: float
    height: float


def layout(
    rows: Sequence[Sequence[str]], parents: Mapping[str, Sequence[str]], *, wide: float, step: float
) -> Layout:
    """Place rows of names, the oldest first; whose parents stand in earlier rows, or lines within a row are straight.

    wide, step   room for a name, and from row to row
    """
    row_of = {name: i for i, row in enumerate(rows) for name in row}
    ordered = [list(row) for row in rows]
    near: dict[str, list[str]] = {name: [] for name in row_of}
    chains: list[tuple[str, str, list[str]]] = []
    passing: set[str] = set()
    for child, foot in row_of.items():
        for parent in dict.fromkeys(parents.get(child, ())):
            between = [f"{parent} to {child} {i}" for i in range(row_of[parent] + 1, foot)]
            for i, name in enumerate(between, row_of[parent] + 1):
                ordered[i].append(name)
                near[name] = []
                passing.add(name)
            chain = [parent, *between, child]
            chains.append((child, parent, chain))
            for one, next_one in pairwise(chain):
                near[one].append(next_one)
                near[next_one].append(one)
    level = {name: i for i, row in enumerate(ordered) for name in row}
    at: dict[str, float] = {}
    for row in ordered:
        _spread(row, passing, wide, at)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for i in range(len(ordered)) if down else reversed(range(len(ordered))):
            ordered[i] = _sorted(ordered[i], near, level, at, down=down)
            _spread(ordered[i], passing, wide, at)
    left = min(at[name] - wide / 2 for name in row_of)
    places = {name: Point(at[name] - left, level[name] * step) for row in ordered for name in row}
    return Layout(
        {name: places[name] for name in row_of},
        [(child, parent, [places[name] for name in chain]) for child, parent, chain in chains],
        max(at[name] + wide / 2 for name in row_of) - left,
        (len(rows) - 1) * step,
    )


def _spread(row: list[str], passing: set[str], wide: float, at: dict[str, float]) -> None:
    """Side by side, around 0."""
    sizes = [min(_PASSING, wide) if name in passing else wide for name in row]
    x = -sum(sizes) / 2
    for name, size in zip(row, sizes, strict=True):
        at[name] = x + size / 2
        x += size


def _sorted(
    row: list[str], near: dict[str, list[str]], level: dict[str, int], at: dict[str, float], *, down: bool
) -> list[str]:
    keys = {}
    for name in row:
        others = [at[o] for o in near[name] if (level[o] < level[name]) == down and level[o] != level[name]]
        keys[name] = sum(others) / len(others) if others else at[name]
    return sorted(row, key=keys.__getitem__)
