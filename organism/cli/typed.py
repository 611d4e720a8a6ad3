"""What a word of the command line means: a span, a speed, a port, a time. argparse says where one was wrong."""

import argparse
import re
from datetime import UTC, datetime

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """Seconds from "30", "30s", "5m" or "2h".

    >>> duration("1.5m"), duration("30")
    (90.0, 30.0)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"a duration looks like 30s, 5m or 2h; was {text!r}")
    return float(match[1]) * _UNITS[match[2]]


def speed(text: str) -> float:
    """Market seconds per second; "max" is 0, which means as fast as possible."""
    if text == "max":
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"a speed is a positive number or max; was {text!r}")
    return value


def port(text: str) -> int:
    """A TCP port."""
    if not text.isdigit() or not 0 < int(text) < 65536:  # noqa: PLR2004 - the largest port
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535; was {text!r}")
    return int(text)


def market_time(text: str) -> int:
    """Nanoseconds since the epoch from an ISO date and time, UTC unless it says otherwise.

    >>> market_time("1970-01-01T00:00:01")
    1000000000
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a time looks like 2024-01-05T12:00; was {text!r}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000
