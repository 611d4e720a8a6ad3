"""`--universe`: which instruments a trial is made with, chosen as of its start, and what became of them."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from genome.market import Market
from organism.cli.data.context import instant
from organism.errors import BadInput
from organism.lake.names import timeframe_us
from organism.lake.store import Lake
from organism.lake.universe import RANKS, Chosen, Picked, Wanted, chosen
from organism.lake.universe.listing import WINDOW_DAYS

_US: Final = 1_000_000
_SILENT_US: Final = 7 * 86_400 * _US
_NAMED: Final = 8
STOPPED: Final = "it has no candle for over a week, while its venue has some"
_BOUNDS: Final = ("min-age", "min-volume", "max-spread", "min-volatility", "max-volatility", "min-score")


@dataclass(frozen=True, slots=True)
class Sought:
    """What `--universe` said; text is what was written."""

    text: str
    wanted: Wanted
    by: str = "volume"
    top: int | None = None
    window_days: int = WINDOW_DAYS


def sought(text: str) -> Sought:
    """Read words between commas, those of `organism data universe`; a plain number is how many.

    >>> found = sought("20,min-age=365")
    >>> found.top, found.by, found.wanted.min_age
    (20, 'volume', 365.0)
    """
    said: dict[str, list[Any]] = {}
    for part in text.split(","):
        name, value = _word(part)
        said.setdefault(name, []).append(value)
    twice = [name for name, values in said.items() if len(values) > 1 and name != "tier"]
    if twice:
        raise argparse.ArgumentTypeError(
            f"a universe names each word once, but {twice[0]} came twice in {text!r}"
        )
    once = {name: values[0] for name, values in said.items()}
    try:
        bounds = {name.replace("-", "_"): once[name] for name in _BOUNDS if name in once}
        wanted = Wanted(**bounds, tiers=tuple(said.get("tier", ())))
    except BadInput as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Sought(text, wanted, once.get("by", "volume"), once.get("top"), once.get("window", WINDOW_DAYS))


def _word(part: str) -> tuple[str, Any]:
    """A name and its value."""
    name, is_set, value = (one.strip() for one in part.partition("="))
    if not is_set and name.isdecimal():
        name, value = "top", name
    rules: dict[str, Callable[[str], Any]] = {
        **dict.fromkeys(_BOUNDS, float), "top": _count, "window": _count, "tier": _tier, "by": _rank, "all": _nothing,
    }  # fmt: skip
    try:
        return name, rules[name](value)
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(
            "a universe is written as a number of instruments, or as words between commas, as in 20,min-age=365,tier=1; "
            f"they are top, by ({', '.join(RANKS)}), tier (1 to 4), window, all, {', '.join(_BOUNDS)}; was {part.strip()!r}"
        ) from None


def _tier(text: str) -> int:
    return (1, 2, 3, 4)[("1", "2", "3", "4").index(text)]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError
    return int(text)


def _rank(text: str) -> str:
    return tuple(RANKS)[tuple(RANKS).index(text)]


def _nothing(text: str) -> None:
    if text:
        raise ValueError


@dataclass(frozen=True, slots=True)
class Universe:
    """Who was chosen, what was read of each, and why nothing was of others.

    end_us    where the trial ends: bars that open before it; None for all there are
    markets   by symbol, of those of which there are bars
    left_out  why, by symbol
    """

    sought: Sought
    venue: str
    start_us: int
    end_us: int | None
    chosen: Chosen
    markets: Mapping[str, Market]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """For people."""
        return (
            f"{len(self.markets)} of the {self.chosen.known} instruments of {self.venue} as of {instant(self.start_us)[:10]} "
            f"({self.sought.text})"
        )

    def sentences(self) -> tuple[str, ...]:
        """Who stopped trading within the trial, of whom bars are missing at its end, and who was left out."""
        ended, broken = [], []
        for one in self.chosen.picked:
            if one.symbol in self.markets:
                told = f"{one.symbol} on {instant(self._last_us(one))[:10]}"
                if self._ended_us(one) is not None:
                    ended.append(told)
                elif self._until_us - self._last_us(one) > _SILENT_US:
                    broken.append(told)
        said = []
        if ended:
            said.append(f"Chosen as of the start, and traded until they ended: {_some(ended)}.")
        if broken:
            said.append(
                f"Bars end early, though later ones are held, so this is a hole of the recording: {_some(broken)}."
            )
        if self.left_out:
            some = [f"{symbol} ({why.rstrip('.')})" for symbol, why in self.left_out.items()]
            said.append(f"Chosen, but left out because no bar could be had: {_some(some)}.")
        return tuple(said)

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "as_of": instant(self.start_us),
            "words": self.sought.text,
            "known": self.chosen.known,
            "chosen": [self._one(one) for one in self.chosen.picked if one.symbol in self.markets],
            "left_out": [{"symbol": symbol, "why": why} for symbol, why in self.left_out.items()],
        }

    def _one(self, one: Picked) -> dict[str, Any]:
        market, then = self.markets[one.symbol], one.instrument.document()
        ended_us = self._ended_us(one)
        return {
            **{name: then[name] for name in ("symbol", "tier", "volume", "age_days", "score")},
            "tradable_since": instant(one.instrument.first_us),
            "first": instant(int(market.open_s[0]) * _US),
            "last": instant(int(market.open_s[-1]) * _US),
            "ended": None if ended_us is None else instant(ended_us),
            "why": "" if ended_us is None else one.ended or STOPPED,
        }

    @property
    def _until_us(self) -> int:
        return self.chosen.last_us if self.end_us is None else min(self.end_us, self.chosen.last_us)

    def _last_us(self, one: Picked) -> int:
        market = self.markets[one.symbol]
        return (int(market.open_s[-1]) + market.bar_s) * _US

    def _ended_us(self, one: Picked) -> int | None:
        """When it could be traded no longer; None where that was not within the trial, or is not known."""
        if one.end_us is not None and one.end_us <= self._until_us:
            return min(one.end_us, one.last_us)
        return one.last_us if self._until_us - one.last_us > _SILENT_US else None


def _some(found: list[str]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def gathered(
    lake: Lake,
    venue: str,
    timeframe: str,
    what: Sought,
    stretch_s: tuple[int, int | None],
    load: Callable[[str, int | None], Market],
    progress: Callable[[int, int, str], None],
) -> Universe:
    """Choose as of the start and read what there is of each until it ended. Raises `BadInput`.

    stretch_s   start, and until when; seconds since 1970 UTC
    load        the market of a symbol from the start until an instant, seconds; raises `BadInput` where it has no bar
    """
    timeframe_us(timeframe)  # what cannot be meant is said before the lake is measured
    start_us, end_us = stretch_s[0] * _US, None if stretch_s[1] is None else stretch_s[1] * _US
    found = chosen(lake, venue, start_us, what.wanted, by=what.by, top=what.top, window_days=what.window_days)
    markets: dict[str, Market] = {}
    left_out: dict[str, str] = {}
    for done, one in enumerate(found.picked):
        progress(done, len(found.picked), one.symbol)
        if one.end_us is not None and one.end_us <= start_us:
            left_out[one.symbol] = one.ended
            continue
        ends = [at // _US for at in (end_us, one.end_us) if at is not None]
        try:
            markets[one.symbol] = load(one.symbol, min(ends, default=None))
        except BadInput as error:
            left_out[one.symbol] = str(error)
    if not markets:
        first = next(iter(left_out.values()))
        raise BadInput(f"none of the {len(left_out):,} chosen instruments has a bar in the trial: {first}")
    return Universe(what, venue, start_us, end_us, found, markets, left_out)
