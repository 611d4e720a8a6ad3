"""What a browser asks of a page: its time range, its instruments, and what it has already. Strange wishes become the default."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

HOUR_NS = 3_600 * 10**9
RANGES: dict[str, int | None] = {
    "1h": HOUR_NS, "6h": 6 * HOUR_NS, "1d": 24 * HOUR_NS, "1w": 168 * HOUR_NS, "all": None,
}  # fmt: skip
"""Time ranges, in ns of market time before the newest moment."""
DEFAULT = "all"
MOST_SYMBOLS = 24
MOST_REFERENCE = 240  # characters: a report's id and a genome's
_SYMBOL = re.compile(r"[A-Za-z0-9.:/_-]{1,40}")
_MS = re.compile(r"[1-9][0-9]{0,12}")
_ID = re.compile(r"[A-Za-z0-9|.:;/_-]{1,160}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question.

    symbols   empty: all of them
    about     the fill, order, bar or genome that a page is asked about
    pair      what stands side by side, at most two; as it was typed, so that what is refused can be told
    at_ns     market time to be shown as it was; None: now
    """

    span: str = DEFAULT
    symbols: tuple[str, ...] = ()
    about: str = ""
    pair: tuple[str, ...] = ()
    at_ns: int | None = None
    have: Mapping[str, str] = field(default_factory=dict)

    def since_ns(self, newest_ns: int | None) -> int:
        """From which market time on, 0 for all of it."""
        length = RANGES[self.span]
        return 0 if length is None or newest_ns is None else max(0, newest_ns - length)

    def wants(self, symbol: object) -> bool:
        """Whether an instrument was chosen, or none was."""
        return not self.symbols or symbol in self.symbols

    def filters(self) -> dict[str, str]:
        """`about` as wishes by name: "organ:brain;level:warning" → {"organ": "brain", "level": "warning"}."""
        return dict(one.split(":", 1) for one in self.about.split(";") if ":" in one)

    def chosen(self, known: Collection[str]) -> tuple[str, ...]:
        """Of the instruments that there are, those that are asked for."""
        return tuple(symbol for symbol in sorted(known) if self.wants(symbol))


def asked(given: Mapping[str, str]) -> Asked:
    """Read the query of an address.

    >>> asked({"range": "6h", "symbols": "BTC/USDT,<b>"}).symbols
    ('BTC/USDT',)
    >>> asked({"range": "for ever"}).span
    'all'
    """
    span = given.get("range", DEFAULT)
    symbols = [one for one in given.get("symbols", "")[:1_200].split(",") if _SYMBOL.fullmatch(one)]
    about = given.get("about", "")
    at = given.get("at", "")
    have = dict(pair.split(":", 1) for pair in given.get("have", "").split(",") if ":" in pair)
    return Asked(
        span=span if span in RANGES else DEFAULT,
        symbols=tuple(dict.fromkeys(symbols))[:MOST_SYMBOLS],
        about=about if _ID.fullmatch(about) else "",
        pair=tuple(one[:MOST_REFERENCE] for name in ("a", "b") if (one := given.get(name, ""))),
        at_ns=int(at) * 1_000_000 if _MS.fullmatch(at) else None,
        have=have,
    )
