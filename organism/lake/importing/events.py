"""Raw rows → funding rates, open interest or trades that can be believed; every other row is counted, with the rule.

Where numbers of a whole file may mean two things (a fraction or percent, coins or money), nothing is taken: the sentence
has both readings, and `--unit` tells.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput
from organism.lake.candles import HIGHEST_PRICE, HIGHEST_VOLUME, Events
from organism.lake.importing.raw import Raw
from organism.lake.importing.roles import unit_is_open
from organism.lake.importing.rows import TOLD, Refused, Rule, between, refusals
from organism.lake.names import Kind
from organism.lake.parts import SHAPES

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

UNITS: Final = ("fraction", "percent", "base")
_MOST_RATE: Final = 0.5
# The median of eleven perpetuals of Binance in 2023 to 2025 was 0.00005 to 0.0001, which in percent is 0.005 to 0.01.
_USUAL_RATE: Final = 0.001
_LARGEST_ID: Final = 2.0**53


@dataclass(frozen=True, slots=True, eq=False)
class SiftedEvents:
    """What became of the rows of a file; the rest as in `rows.Sifted`.

    events   the first row of each time (of trades: of each time and id), oldest first
    """

    events: Events
    refused: dict[str, int]
    told: tuple[Refused, ...]
    repeated: int
    differing: int
    conflicts: tuple[int, ...]

    @property
    def refused_rows(self) -> int:
        """How many rows were not taken."""
        return sum(self.refused.values())


def sifted_events(raw: Raw, t_us: I64, kind: Kind, columns: dict[str, F64]) -> SiftedEvents:
    """Take the rows that can be believed. t_us is UTC by now, int64 (n,); columns float64 (n,) by the lake's names."""
    bad, refused, told = refusals(raw, t_us, _rules(raw, kind, columns))
    t_us, columns = t_us[~bad], {name: column[~bad] for name, column in columns.items()}
    shape = SHAPES[kind]
    table = {shape.time: t_us, **columns}
    order = np.lexsort([table[key] for key in reversed(shape.keys)])
    t_us, columns = t_us[order], {name: column[order] for name, column in columns.items()}
    table = {shape.time: t_us, **columns}
    as_before = np.ones(t_us.size, np.bool_)
    as_before[:1] = False
    for key in shape.keys:
        as_before[1:] &= table[key][1:] == table[key][:-1]
    same = np.flatnonzero(as_before)
    heads = np.maximum.accumulate(np.where(as_before, 0, np.arange(t_us.size)))[same]
    equal = np.ones(same.size, np.bool_)
    for column in columns.values():
        equal &= (column[same] == column[heads]) | (np.isnan(column[same]) & np.isnan(column[heads]))
    conflicts = tuple(int(t) for t in t_us[same[~equal]][:TOLD])
    kept = Events(t_us[~as_before], {name: column[~as_before] for name, column in columns.items()})
    return SiftedEvents(kept, refused, told, int(equal.sum()), int((~equal).sum()), conflicts)


def _rules(raw: Raw, kind: Kind, columns: dict[str, F64]) -> Iterator[Rule]:
    roles = raw.roles
    if kind is Kind.FUNDING:
        places = (roles.place("rate"),) if roles.kind is kind else roles.prices[:1]
        rule = f"a rate is a fraction from -{_MOST_RATE:g} to {_MOST_RATE:g}"
        yield rule, places, ~between(columns["rate"], -_MOST_RATE, _MOST_RATE)
    elif kind is Kind.OPEN_INTEREST:
        for name, column in columns.items():
            place = roles.place(name)
            if place >= 0:
                rule = f"the {name} is a number from 0 to {HIGHEST_VOLUME:g}"
                yield rule, (place,), ~between(column, 0.0, HIGHEST_VOLUME)
    else:
        yield from _rules_of_trades(raw, columns)


def _rules_of_trades(raw: Raw, columns: dict[str, F64]) -> Iterator[Rule]:
    place = raw.roles.place
    for name, most in (("price", HIGHEST_PRICE), ("quantity", HIGHEST_VOLUME)):
        rule = f"{name} is a positive number up to {most:g}"
        yield rule, (place(name),), ~between(columns[name], 0.0, most, open_below=True)
    ids = columns["trade_id"]
    whole = between(ids, 0.0, _LARGEST_ID) & (ids == np.floor(ids))
    yield "the id of a trade is a whole number up to 2^53", (place("trade_id"),), ~whole
    makers = (place("buyer_maker"), place("side"))
    yield (
        "a trade says whether its buyer was the maker, or who took: buy or sell",
        makers,
        np.isnan(columns["buyer_maker"]),
    )


def values(raw: Raw, kind: Kind, unit: str, said: str, symbol: str) -> dict[str, F64]:
    """The lake's columns of funding, open interest or trades. Raises `BadInput` where a unit has two readings.

    unit   one of `UNITS` where a person says so, else empty
    """
    if kind is Kind.FUNDING:
        rates = raw.columns["rate"] if raw.roles.kind is kind else raw.columns["open"]
        return {"rate": _fractions(rates, raw, unit, said)}
    if kind is Kind.OPEN_INTEREST:
        if unit in ("fraction", "percent"):
            raise BadInput(f"{said} holds open interest, which is no {unit}; leave --unit out.")
        if not unit and unit_is_open(raw.roles, raw.header):
            name, known = raw.header[raw.roles.place("amount")], raw.columns["amount"]
            example = float(known[np.isfinite(known)][0]) if np.isfinite(known).any() else np.nan
            base, _, rest = symbol.partition("/")
            raise BadInput(
                f"{said}: {name} {example:g} may be an amount in {base}, or a value in {rest.partition(':')[0] or 'money'}; if it is "
                f"an amount, say --unit base. Values alone are not kept."
            )
        amount = raw.columns["amount"]
        return {"amount": amount, "value": raw.columns.get("value", np.full(amount.size, np.nan))}
    return {name: raw.columns[name] for name in SHAPES[Kind.TRADES].values}


def _fractions(rates: F64, raw: Raw, unit: str, said: str) -> F64:
    if unit == "percent":
        return rates / 100.0
    if unit == "base":
        raise BadInput(f"{said} holds funding rates; their --unit is fraction or percent.")
    sizes = np.abs(rates[np.isfinite(rates) & (rates != 0.0)])
    written = raw.cells([0])[0] if not unit else ()
    place = raw.roles.place("rate")
    told = unit or (0 <= place < len(written) and written[place].endswith("%"))
    if sizes.size and not told and np.median(sizes) >= _USUAL_RATE:
        usual = float(np.median(sizes))
        raise BadInput(
            f"{said}: a funding rate of {usual:g}, as is usual there, may be {usual:.4g} % or, as a fraction, {usual * 100:.4g} %; "
            "the second would be rare. Say --unit percent or --unit fraction."
        )
    return rates
