"""Stretches of market time, and how a person or an address names one."""

import re
from typing import NamedTuple

from organism.errors import BadInput

SECOND_NS = 1_000_000_000
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_RELATIVE = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_ABSOLUTE = re.compile(r"([0-9]{1,19})\.\.([0-9]{1,19})")
_LAST_NS = 2**63 - 1


class Range(NamedTuple):
    """From one moment of market time to another, both included, ns since the epoch UTC."""

    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        """How long it is, never below one nanosecond."""
        return max(1, self.end_ns - self.start_ns)


EVER = Range(0, _LAST_NS)


def parse_range(text: str, newest_ns: int | None) -> Range:
    """Read "all", a length before the newest event ("90m", "6h", "7d", "2w"), or "START..END" in ns of market time.

    newest_ns   market time of the newest event; None when there is none, and every length is then everything

    Raises `BadInput` for anything else.

    >>> parse_range("6h", 100_000 * SECOND_NS)
    Range(start_ns=78400000000000, end_ns=100000000000000)
    """
    if text in {"", "all"}:
        return EVER
    if found := _RELATIVE.fullmatch(text):
        if newest_ns is None:
            return EVER
        length_ns = int(found[1]) * _UNITS[found[2]] * SECOND_NS
        return Range(max(0, newest_ns - length_ns), newest_ns)
    if found := _ABSOLUTE.fullmatch(text):
        start_ns, end_ns = int(found[1]), int(found[2])
        if start_ns <= end_ns <= _LAST_NS:
            return Range(start_ns, end_ns)
        raise BadInput(f"the range was {text}; its start must not lie after its end.")
    raise BadInput(
        f'the range was {text[:40]!r}; it is "all", a length such as 90m, 6h, 7d, or START..END in ns.'
    )
