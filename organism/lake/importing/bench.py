"""How fast a large file is imported: rows of an exchange's dump made here, read, appended and measured."""

import time
from pathlib import Path
from typing import Any, Final

from organism.lake.importing.bring import bring
from organism.lake.importing.decided import Told
from organism.lake.store import Lake

ROWS: Final = 10_000_000
QUICK: Final = 500_000


def bench_import(folder: Path, rows: int = ROWS) -> dict[str, Any]:
    """Import `rows` one-minute rows of one CSV into a new lake below `folder`, quality report and all."""
    path = made(folder / "BTCUSDT-1m.csv", rows)
    lake = Lake(folder / "lake", now_us=lambda: time.time_ns() // 1_000)
    began = time.perf_counter()
    outcome = bring(lake, [path], Told(), now_us=lake.now_us)
    took = time.perf_counter() - began
    (found,) = outcome.series
    return {
        "rows": rows,
        "file_mb": round(path.stat().st_size / 1e6),
        "seconds": round(took, 2),
        "rows_per_s": round(rows / took),
        "imported": found.new,
        "score": 0.0 if found.quality is None else found.quality.score,
    }


def made(path: Path, rows: int) -> Path:
    """A dump of klines whose prices wander: written by duckdb, because Python would take minutes."""
    import duckdb  # noqa: PLC0415 - a third of a second

    begin = 1_577_836_800_000 - rows * 60_000 // 2
    walk = "SELECT i, 100 * exp(sin(i / 5000.0) * 0.2 + sin(i / 7.0) * 0.0005 + (hash(i) % 1000) * 1e-6) AS p FROM range($rows) t(i)"
    numbers = (
        "$begin + i * 60000, round(o, 6), round(greatest(o, p) * 1.0003, 6), round(least(o, p) * 0.9997, 6), round(p, 6), "
        "round(1 + (hash(i + 1) % 100000) / 1000.0, 5), $begin + i * 60000 + 59999, 12345.678, 17, 0.5, 61.7, 0"
    )
    # There is no parameter for the target of COPY; the path is escaped.
    target = "'" + str(path).replace("'", "''") + "'"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT {numbers} FROM (SELECT i, p, coalesce(lag(p) OVER (ORDER BY i), p) AS o FROM ({walk})) ORDER BY i) "  # noqa: S608
            f"TO {target} (FORMAT csv, HEADER false)",
            {"rows": rows, "begin": begin},
        )
    return path
