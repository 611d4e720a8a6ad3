"""Markets in a folder of plain arrays, which any number of processes map into memory without a copy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from genome.costs import Costs
from genome.market import Market
from organism.market import AssetClass

CONTENTS: Final = "contents.json"
_ROWS: Final = ("mark_open", "mark_high", "mark_low", "funding_open", "funding_inside")


class Shelved(msgspec.Struct, frozen=True):
    """A market but for its arrays, which lie beside as `{place}.{name}.npy`."""

    symbol: str
    bar_s: int
    asset_class: AssetClass
    tick: float
    lot: float
    min_notional: float
    funding_gaps: int
    rows: tuple[str, ...]


class Contents(msgspec.Struct, frozen=True):
    """What a worker needs to know. Fields as in `genome.evolution.judge.Local`."""

    markets: tuple[Shelved, ...]
    costs: Costs
    capital: float
    fewest_trades: int


def put(folder: Path, markets: Sequence[Market], costs: Costs, capital: float, fewest_trades: int) -> None:
    """Write everything to an empty folder."""
    shelved = []
    for place, market in enumerate(markets):
        rows = tuple(name for name in _ROWS if getattr(market, name) is not None)
        for name in ("open_s", "columns", *rows):
            np.save(folder / f"{place}.{name}.npy", getattr(market, name), allow_pickle=False)
        shelved.append(
            Shelved(
                market.symbol, market.bar_s, market.asset_class, market.tick, market.lot, market.min_notional,
                market.funding_gaps, rows,
            )
        )  # fmt: skip
    contents = Contents(tuple(shelved), costs, capital, fewest_trades)
    (folder / CONTENTS).write_bytes(msgspec.json.encode(contents))


def taken(folder: Path) -> tuple[Contents, list[Market]]:
    """What was put there. The arrays are mapped copy-on-write: kernels want arrays that may be written to."""
    contents = msgspec.json.decode((folder / CONTENTS).read_bytes(), type=Contents)
    return contents, [_market(folder, place, one) for place, one in enumerate(contents.markets)]


def _market(folder: Path, place: int, one: Shelved) -> Market:
    def mapped(name: str) -> Any:
        return np.asarray(np.load(folder / f"{place}.{name}.npy", mmap_mode="c", allow_pickle=False))

    return Market(
        one.symbol, mapped("open_s"), one.bar_s, mapped("columns"), one.asset_class, one.tick, one.lot, one.min_notional,
        **{name: mapped(name) for name in one.rows}, funding_gaps=one.funding_gaps,
    )  # fmt: skip
