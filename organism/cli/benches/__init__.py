"""The project's own benchmarks. Each measures on this machine, now, and prints the target beside the figure."""

import os
import platform
import statistics
from collections.abc import Sequence
from typing import Any


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import psutil

    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load_1m": os.getloadavg()[0],
    }


def spread(values: Sequence[float], digits: int = 2) -> dict[str, float | int]:
    """Count, median, p99 and maximum."""
    if not values:
        return {"n": 0}
    ordered = sorted(values)
    return {
        "n": len(ordered),
        "p50": round(statistics.median(ordered), digits),
        "p99": round(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], digits),
        "max": round(ordered[-1], digits),
    }
