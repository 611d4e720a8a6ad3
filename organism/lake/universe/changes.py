"""What became of assets: the table that ships, and what a person adds in `instruments.toml` in the lake's folder."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from organism.errors import BadInput
from organism.lake.store import Lake
from organism.lake.universe.actions import Action

NAME: Final = "instruments.toml"
_SHIPPED: Final = Path(__file__).with_name(NAME)
_MOST_FACTOR: Final = 1e12


@dataclass(frozen=True, slots=True)
class Change:
    """From `at_us` on, one unit of `before` is `factor` units of `after`.

    reused   `before` is the name of another asset from then on
    venues   only there; everywhere where empty
    """

    before: str
    after: str
    at_us: int
    factor: float
    reused: bool = False
    venues: tuple[str, ...] = ()
    source: str = ""

    def holds_at(self, venue: str) -> bool:
        """Whether it is of this venue: `binance-usdm` is a market of `binance`."""
        return not self.venues or any(venue == one or venue.startswith(f"{one}-") for one in self.venues)


@dataclass(frozen=True, slots=True)
class Multiple:
    """A contract of many units: its price is `units` times that of the asset."""

    contract: str
    asset: str
    units: float


@dataclass(frozen=True, slots=True)
class Told:
    """Dates of one instrument that its rows do not tell, µs UTC; None where nobody said."""

    venue: str
    symbol: str
    listed_us: int | None = None
    delisted_us: int | None = None
    announced_us: int | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """The whole table."""

    changes: tuple[Change, ...] = ()
    multiples: tuple[Multiple, ...] = ()
    told: tuple[Told, ...] = ()
    quote_volume: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()

    def of(self, venue: str, asset: str, at_us: int) -> Change | None:
        """What had become of an asset at an instant: the first change after which its name meant no longer it."""
        found = [c for c in self.changes if c.before == asset and c.at_us <= at_us and c.holds_at(venue)]
        return min(found, key=lambda c: c.at_us, default=None)

    def units(self, contract: str) -> Multiple | None:
        """Of how many units a contract is; None for one."""
        return next((one for one in self.multiples if one.contract == contract), None)

    def actions_of(self, venue: str, symbol: str) -> tuple[Action, ...]:
        """Splits and dividends of an instrument."""
        return tuple(one for one in self.actions if (one.venue, one.symbol) == (venue, symbol))

    def dates(self, venue: str, symbol: str) -> Told:
        """What is told of an instrument."""
        return next(
            (t for t in reversed(self.told) if (t.venue, t.symbol) == (venue, symbol)), Told(venue, symbol)
        )


def read_changes(lake: Lake) -> Changes:
    """The shipped table and the lake's own. Raises `BadInput` naming the entry that is wrong."""
    own = lake.root / NAME
    found = _read(_SHIPPED)
    if not own.exists():
        return found
    more = _read(own)
    said = {(c.before, c.after, c.venues) for c in more.changes}
    kept = tuple(c for c in found.changes if (c.before, c.after, c.venues) not in said)
    contracts = {m.contract for m in more.multiples}
    done = {(a.venue, a.symbol, a.at_us) for a in more.actions}
    return Changes(
        (*kept, *more.changes),
        (*(m for m in found.multiples if m.contract not in contracts), *more.multiples),
        (*found.told, *more.told),
        (*found.quote_volume, *more.quote_volume),
        (*(a for a in found.actions if (a.venue, a.symbol, a.at_us) not in done), *more.actions),
    )


_KEYS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "change": (("before", "after", "at", "factor"), ("reused", "venues", "source")),
    "multiple": (("contract", "asset", "units"), ("source",)),
    "instrument": (("venue", "symbol"), ("listed", "delisted", "announced", "source")),
    "volume": (("venue",), ("source",)),
    "action": (("venue", "symbol", "at"), ("units", "dividend", "source")),
}


def _read(path: Path) -> Changes:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read as TOML: {error}.") from None
    for kind, entries in document.items():
        if kind not in _KEYS or not isinstance(entries, list):
            raise BadInput(
                f"{path} has no use for {kind!r}; it knows {', '.join(f'[[{k}]]' for k in _KEYS)}."
            )
        for number, entry in enumerate(entries, start=1):
            _checked(f"{path}, {kind} {number}", kind, entry)
    where = str(path)
    return Changes(
        tuple(_change(where, entry) for entry in document.get("change", ())),
        tuple(
            Multiple(e["contract"], e["asset"], _positive(f"{where}, {e['contract']}", "units", e["units"]))
            for e in document.get("multiple", ())
        ),
        tuple(_told(where, entry) for entry in document.get("instrument", ())),
        tuple(e["venue"] for e in document.get("volume", ())),
        _actions(where, document.get("action", ())),
    )


def _checked(where: str, kind: str, entry: Mapping[str, Any]) -> None:
    needed, optional = _KEYS[kind]
    missing = [key for key in needed if key not in entry]
    odd = [key for key in entry if key not in (*needed, *optional)]
    if missing or odd:
        what = f"lacks {', '.join(missing)}" if missing else f"has no use for {', '.join(odd)}"
        raise BadInput(f"{where} {what}; it is written with {', '.join((*needed, *optional))}.")
    for key in ("before", "after", "contract", "asset", "venue", "symbol"):
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            raise BadInput(f"{where}: {key} is a name; was {entry[key]!r}.")


def _change(where: str, entry: Mapping[str, Any]) -> Change:
    here = f"{where}, {entry['before']} to {entry['after']}"
    venues = entry.get("venues", [])
    if not isinstance(venues, list) or not all(isinstance(one, str) for one in venues):
        raise BadInput(f'{here}: venues are names in a list, as in ["binance"]; was {venues!r}.')
    if entry["before"] == entry["after"]:
        raise BadInput(f"{here}: an asset cannot become itself; name what it became.")
    return Change(
        entry["before"],
        entry["after"],
        _instant(here, "at", entry["at"]),
        _positive(here, "factor", entry["factor"]),
        bool(entry.get("reused", False)),
        tuple(venues),
        str(entry.get("source", "")),
    )


def _told(where: str, entry: Mapping[str, Any]) -> Told:
    here = f"{where}, {entry['venue']} {entry['symbol']}"
    dates = [
        None if key not in entry else _instant(here, key, entry[key])
        for key in ("listed", "delisted", "announced")
    ]
    listed, delisted, announced = dates
    if listed is not None and delisted is not None and delisted <= listed:
        raise BadInput(f"{here}: it is delisted after it is listed; the dates are the other way round.")
    return Told(entry["venue"], entry["symbol"], listed, delisted, announced)


def _actions(where: str, entries: Sequence[Mapping[str, Any]]) -> tuple[Action, ...]:
    found: dict[tuple[str, str, int], Action] = {}
    for entry in entries:
        here = f"{where}, {entry['venue']} {entry['symbol']}"
        if ("units" in entry) == ("dividend" in entry):
            raise BadInput(
                f"{here}: an action has either units (a split) or a dividend; was {entry!r}. Write one of the two."
            )
        at_us = _instant(here, "at", entry["at"])
        amounts = {key: _positive(here, key, entry[key]) for key in ("units", "dividend") if key in entry}
        one = Action(entry["venue"], entry["symbol"], at_us, **amounts)
        if found.setdefault((one.venue, one.symbol, at_us), one) is not one:
            raise BadInput(
                f"{here}: two actions are at one instant, {entry['at']}; which came first is not known. Keep one, or give the "
                "second its own instant."
            )
    return tuple(found.values())


def _positive(where: str, name: str, value: Any) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _MOST_FACTOR
    if not good:
        raise BadInput(f"{where}: {name} is a positive number up to {_MOST_FACTOR:g}; was {value!r}.")
    return float(value)


def _instant(where: str, name: str, value: Any) -> int:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise BadInput(f"{where}: {name} is a date, as in 2024-09-10T03:00:00Z; was {value!r}.")
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000_000)
