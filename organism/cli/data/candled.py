"""`organism data candles SERIES`: candles made of trades that the lake holds, kept beside them."""

import argparse

NAME = "candles"
SUMMARY = "Make candles of trades that the lake holds, and keep them in it."
EXAMPLE = "organism data candles 'binance BTC/USDT trades' --timeframe 1m"

INTERRUPTED = 130


def declare(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument(
        "series",
        nargs="+",
        metavar="SERIES",
        help="trades as `data list` names them, as in 'binance BTC/USDT trades'",
    )
    parser.add_argument("--timeframe", default="1m", metavar="1m", help="how long a candle is; default 1m")


def perform(options: argparse.Namespace) -> int:
    """Make them; whole ones only. 130 where it was interrupted: months that were done stay."""
    from organism.cli.context import emit
    from organism.cli.data.context import lake_of
    from organism.cli.interrupted import interruptible
    from organism.errors import BadInput
    from organism.lake.names import Kind
    from organism.lake.trades import made_of_trades

    lake = lake_of(options)
    known = {one.text: one for one in lake.all() if one.kind is Kind.TRADES}
    unknown = next((name for name in options.series if name not in known), None)
    if unknown is not None:
        there = ", ".join(repr(name) for name in list(known)[:3]) or "none"
        raise BadInput(f"{unknown!r} is no series of trades in {lake.root}; there are {there}.")
    rows = []
    with interruptible() as stop:
        for name in options.series:
            series, done = made_of_trades(lake, known[name], options.timeframe, stop=stop)
            rows.append(
                {
                    "venue": series.venue,
                    "symbol": series.symbol,
                    "timeframe": series.timeframe,
                    "made_of": name,
                    "new": done.new,
                    "same": done.same,
                    "revised": done.revised,
                }
            )
            if not options.json:
                counts = f"{done.new:,} new, {done.same:,} already there, {done.revised:,} corrections"
                print(f"{series.text}: {counts} (made of {name})")
            if stop():
                break
    if options.json:
        emit(rows)
    return INTERRUPTED if stop() else 0
