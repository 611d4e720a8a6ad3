"""`organism data universe`: which instruments there were at a date, ranked, with their dates."""

import argparse
import math
from typing import Any

from organism.cli.typed import market_time
from organism.errors import BadInput

NAME = "universe"
SUMMARY = "Instruments as of a date: age, volume, spread, volatility, quality, tier; what stopped trading stays, with its dates."
EXAMPLE = "organism data universe --as-of 2023-01-01 --venue binance --min-volume 1e6 --by volume --top 50"

_NS_PER_US = 1_000
_OLD_US = 7 * 86_400_000_000


def declare(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument(
        "--as-of",
        type=market_time,
        metavar="DATE",
        help="know nothing later; default now, UTC unless it says otherwise",
    )
    parser.add_argument("--venue", metavar="NAME", help="only of this venue, as in binance")
    parser.add_argument(
        "--window", type=int, default=90, metavar="DAYS", help="days of the figures; default 90"
    )
    parser.add_argument("--min-age", type=float, metavar="DAYS", help="days since it could first be traded")
    parser.add_argument("--min-volume", type=float, metavar="N", help="median daily volume, quote currency")
    parser.add_argument(
        "--max-spread", type=float, metavar="F", help="estimated spread, fraction of the price"
    )
    parser.add_argument("--min-volatility", type=float, metavar="F", help="of daily returns, a year")
    parser.add_argument("--max-volatility", type=float, metavar="F", help="of daily returns, a year")
    parser.add_argument("--min-score", type=float, metavar="N", help="quality, 0 to 100")
    parser.add_argument(
        "--tier",
        type=int,
        action="append",
        default=[],
        choices=(1, 2, 3, 4),
        help="only of this tier; may be repeated",
    )
    parser.add_argument("--trading", action="store_true", help="leave out what had stopped trading by then")
    parser.add_argument(
        "--by",
        choices=("age", "volume", "spread", "volatility", "score"),
        default="volume",
        help="order; default volume",
    )
    parser.add_argument("--top", type=int, metavar="N", help="only the first N")


def perform(options: argparse.Namespace) -> int:
    """Print them, best first."""
    from organism.cli.context import emit
    from organism.cli.data.context import lake_of
    from organism.lake.universe import Wanted, ranked, universe

    for name in ("window", "top"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise BadInput(f"--{name} is a whole number from 1 on; was {value}.")
    lake = lake_of(options)
    as_of_us = lake.now_us() if options.as_of is None else options.as_of // _NS_PER_US
    wanted = Wanted(
        min_age=options.min_age,
        min_volume=options.min_volume,
        max_spread=options.max_spread,
        min_volatility=options.min_volatility,
        max_volatility=options.max_volatility,
        min_score=options.min_score,
        tiers=tuple(options.tier),
        trading=True if options.trading else None,
    )
    everything = universe(lake, as_of_us, venue=options.venue, window_days=options.window)
    found = ranked(everything, wanted, by=options.by, top=options.top)
    if options.json:
        emit([_document(one) for one in found])
        return 0
    if not everything:
        print(
            f"{lake.root} holds no instrument that had traded by {_date(as_of_us)}; `organism data list` shows what it holds."
        )
        return 0
    print(f"{len(found):,} of {len(everything):,} instruments as of {_date(as_of_us)}, by {options.by}")
    print(
        f"{'':14}{'':20}{'tier':>4}{'age, days':>11}{'volume a day':>16}{'spread':>9}{'volatility':>12}{'score':>8}  traded"
    )
    for one in found:
        print(_line(one))
    for venue in sorted({one.venue for one in everything}):
        newest = max(one.last_us for one in everything if one.venue == venue)
        if newest < as_of_us - _OLD_US:
            print(f"History of {venue} ends on {_date(newest)}: what happened since is not known.")
    return 0


def _document(one: Any) -> dict[str, Any]:
    from organism.cli.data.context import instant

    return {**one.document(), "first": instant(one.first_us), "last": instant(one.last_us)}


def _line(one: Any) -> str:
    until = "" if one.trading else _date(one.last_us)
    became = "" if one.became is None else f"  became {one.became.after} on {_date(one.became.at_us)}"
    return (
        f"{one.venue:<14}{one.symbol:<20}{one.tier or '-':>4}{one.age_days:>11,.0f}{_figure(one.volume, ',.0f'):>16}"
        f"{_figure(one.spread, '.2%'):>9}{_figure(one.volatility, '.0%'):>12}{_figure(one.score, '.2f'):>8}"
        f"  {_date(one.first_us)} to {until}{became}".rstrip()
    )


def _figure(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)


def _date(us: int) -> str:
    from organism.cli.data.context import instant

    return instant(us)[:10]
