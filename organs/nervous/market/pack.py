"""Make the bundled market from recorded candles in Parquet files. Needs pandas and pyarrow; nothing else here does.

    python organs/nervous/market/pack.py FOLDER

FOLDER holds `manifest.json` and the files that it names. Only sources under a licence that allows shipping
(MIT, Apache-2.0) are taken.
"""

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from organism.errors import BadInput, OrganismError
from organs.nervous.columns import Columns, read, write

HERE = Path(__file__).parent
N_ARGUMENTS = 2
LICENCES = ("MIT", "Apache-2.0")
# Symbol, decimals of prices, decimals of volumes. The three recordings end within a day of each other: all
# are cut to the shortest, so that every instant has every instrument.
CONTENTS = (("BTC/USDT", 2, 6), ("ETH/USDT", 2, 4), ("SOL/USDT", 2, 3))


def entry_for(symbol: str, manifest: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the manifest's entry for the symbol's candles of 2024."""
    folder = f"ohlcv/binance/{symbol.replace('/', '-')}/5m_20240101"
    for entry in manifest:
        if entry["file"].startswith(folder):
            licence = entry["sources"][0]["licence"]
            if licence not in LICENCES:
                raise BadInput(
                    f"{entry['file']} has licence {licence!r}; only {' and '.join(LICENCES)} may ship."
                )
            return entry
    raise BadInput(f"manifest.json names no file {folder}*; give the folder that holds the candles of 2024.")


def recording(path: Path, symbol: str) -> Columns:
    """Read one Parquet file."""
    try:
        import pandas as pd  # noqa: PLC0415 - needed by this script alone

        frame = pd.read_parquet(path)
    except ImportError as error:
        raise BadInput(
            f"packing reads Parquet, which needs pandas and pyarrow ({error}); install both."
        ) from error
    values = (frame[name].to_numpy(np.float64) for name in ("open", "high", "low", "close", "volume"))
    return Columns(symbol, frame["timestamp"].to_numpy(np.int64) * 1_000_000, *values)


def pack(folder: Path) -> None:
    """Write one `.npz` an instrument and `provenance.json` beside this script."""
    manifest = json.loads((folder / "manifest.json").read_text())
    entries = {symbol: entry_for(symbol, manifest) for symbol, _, _ in CONTENTS}
    whole = {symbol: recording(folder / entry["file"], symbol) for symbol, entry in entries.items()}
    last_ns = min(int(columns.open_ns[-1]) for columns in whole.values())
    files = []
    for symbol, price_decimals, volume_decimals in CONTENTS:
        columns = whole[symbol].rows(0, int(np.searchsorted(whole[symbol].open_ns, last_ns, "right")))
        target = HERE / f"{symbol.replace('/', '-')}.npz"
        write(target, columns, price_decimals=price_decimals, volume_decimals=volume_decimals)
        again = read(target, symbol)
        for name in ("open_ns", "open", "high", "low", "close", "volume"):
            if not np.array_equal(getattr(columns, name), getattr(again, name)):
                raise BadInput(f"{target.name} does not read back as it was written (column {name}).")
        entry = entries[symbol]
        files.append(
            {
                "file": target.name,
                "symbol": symbol,
                "venue": "binance",
                "bar_s": 300,
                "rows": len(columns),
                "first_open_at": datetime.fromtimestamp(columns.open_ns[0] / 1e9, UTC).isoformat(),
                "last_open_at": datetime.fromtimestamp(columns.open_ns[-1] / 1e9, UTC).isoformat(),
                "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
                "source": {**entry["sources"][0], "parquet_sha256": entry["sha256"], "rows": entry["rows"]},
            }
        )
    note = "Values are exactly those of the source; recordings are cut to the shortest one's end."
    text = json.dumps({"licence_file": "LICENSE-GeneTrader", "note": note, "files": files}, indent=2)
    (HERE / "provenance.json").write_text(text + "\n")


if __name__ == "__main__":
    if len(sys.argv) != N_ARGUMENTS:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    try:
        pack(Path(sys.argv[1]))
    except OrganismError as error:
        sys.exit(f"pack: {error}")
