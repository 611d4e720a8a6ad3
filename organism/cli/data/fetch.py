"""`organism data fetch`: what the lake lacks, from exchanges, within their limits and past their faults."""

import argparse
from typing import Any

NAME = "fetch"
SUMMARY = "Fetch what the lake lacks, from a venue and its fallbacks; every row says which one it is from."
EXAMPLE = "organism data fetch --venue binance --symbols BTC/USDT,ETH/USDT --timeframe 1m --start 2024-01-01 --end 2024-02-01"
KINDS = ("candles", "mark", "funding", "open_interest")
_NS_PER_US = 1_000


def declare(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument(
        "--venue", metavar="NAME", help="whose candles; default [history] primary with its fallbacks"
    )
    parser.add_argument(
        "--fallbacks", metavar="A,B", help="venues for days that it does not give; none with --venue"
    )
    parser.add_argument("--symbols", required=True, metavar="A,B", help="as in BTC/USDT, or BTC/USDT:USDT")
    parser.add_argument(
        "--kind", choices=KINDS, default="candles", help="what to fetch; all but candles are of perpetuals"
    )
    parser.add_argument(
        "--timeframe",
        metavar="TF",
        help="length of a candle, default 1m; of open interest its step, default 5m",
    )
    parser.add_argument(
        "--start", required=True, type=_time, metavar="T", help="first candle, as in 2024-01-01"
    )
    parser.add_argument("--end", type=_time, metavar="T", help="candles that open before it; default now")
    parser.add_argument("--proxy", metavar="VENUE:SYMBOL", help="another venue's or quote's candles, kept apart as "
                        "proxy:VENUE, in place of the one symbol's")  # fmt: skip


def _time(text: str) -> int:
    from organism.cli.typed import market_time

    return market_time(text)


def perform(options: argparse.Namespace) -> int:
    """Fetch one symbol after the other; print what came. Raises `SourcesFailed` in the end where one got nothing."""
    from organism.cli.context import emit
    from organism.cli.data.context import now_us
    from organism.lake.fetching.outcome import SourcesFailed

    plans, fetcher, progress = _prepared(options)
    step = _timeframe(options) if options.kind == "open_interest" else ""
    start_us = options.start // _NS_PER_US
    end_us = now_us() if options.end is None else options.end // _NS_PER_US
    documents: list[dict[str, Any]] = []
    failed: SourcesFailed | None = None
    try:
        with progress:
            for series, of in plans:
                try:
                    outcome = fetcher.fetch(series, start_us, end_us, of=of, timeframe=step)
                except SourcesFailed as error:
                    failed, outcome = error, error.outcome
                documents.append(_document(outcome))
                if not options.json:
                    progress.wipe()
                    print(_line(documents[-1]), flush=True)
    finally:  # an interrupt too leaves one whole document
        if options.json:
            emit(documents)
    if failed is not None:
        raise failed
    return 0


def _prepared(options: argparse.Namespace) -> tuple[list[tuple[Any, Any]], Any, Any]:
    """Series to fill and the instrument to ask for, who fills them, and what shows how far it is."""
    import random
    import sys

    from organism.cli.context import settings, state_folder
    from organism.cli.data.context import lake_of
    from organism.cli.progress import Progress
    from organism.guardian.lock import BodyLock
    from organism.lake.fetching.backoff import Patience
    from organism.lake.fetching.client import Exchange
    from organism.lake.fetching.fetcher import Fetcher
    from organism.lake.fetching.shared import ALONE, BESIDE_A_BODY, FOLDER, Clock

    history = settings(options, {}).settings.history
    chain, plans = _planned(options, history)
    state, clock, patience = state_folder(options), Clock(), Patience()
    body = BodyLock(state)
    progress = Progress("fetching")

    def warn(line: str) -> None:
        progress.wipe()
        print(f"organism: {line}", file=sys.stderr, flush=True)

    sources = [
        Exchange(
            name, folder=state / FOLDER, clock=clock, patience=patience, endpoint=history.endpoint,
            share=lambda: BESIDE_A_BODY if body.is_held() else ALONE,
        )
        for name in chain
    ]  # fmt: skip
    fetcher = Fetcher(
        lake_of(options),
        sources,
        clock=clock,
        chance=random.SystemRandom(),
        patience=patience,
        warn=warn,
        told=progress,
    )
    return plans, fetcher, progress


def _planned(options: argparse.Namespace, history: Any) -> tuple[list[str], list[tuple[Any, Any]]]:
    """Venues in the order in which they are asked; series with the instrument where it is another. Raises `BadInput`."""
    from organism.errors import BadInput
    from organism.lake.fetching.instrument import PROXY, instrument, stand_in
    from organism.lake.names import Kind, series

    venue, kind = options.venue or history.primary, Kind(options.kind)
    timeframe = _timeframe(options)
    if venue.startswith(PROXY):
        raise BadInput(
            f"--venue names a venue that can be asked; was {venue!r}. Name the one that is stood in for, and --proxy."
        )
    wanted = list(dict.fromkeys(instrument(text) for text in options.symbols.split(",")))
    spot = next((one for one in wanted if not one.settle), None)
    if kind is not Kind.CANDLES and spot is not None:
        raise BadInput(
            f"--kind {kind} is of perpetuals, and {spot.symbol} is none; name one with what it settles in, as in "
            f"{spot.symbol}:{spot.quote}."
        )
    if kind is not Kind.CANDLES and options.proxy is not None:
        raise BadInput(
            f"--proxy is for candles; another instrument's {kind} stands in for nothing. Leave it out."
        )
    if options.proxy is not None:
        source, colon, symbol = options.proxy.partition(":")
        if not source or not colon or len(wanted) != 1 or options.fallbacks:
            raise BadInput(
                "--proxy is VENUE:SYMBOL for one of --symbols and without --fallbacks, as in "
                f"--symbols BTC/USDT --proxy bitstamp:BTC/USD; was {options.proxy!r}."
            )
        return [source], [(stand_in(venue, wanted[0].symbol, timeframe), instrument(symbol))]
    if options.fallbacks is not None:
        fallbacks = [one.strip() for one in options.fallbacks.split(",") if one.strip()]
    else:
        # What a venue settles, marks and holds open is its own; who wants another's says so.
        fallbacks = [] if options.venue or kind is not Kind.CANDLES else list(history.fallbacks)
    chain = list(dict.fromkeys([venue, *fallbacks]))
    of_series = timeframe if kind.has_timeframe else ""
    return chain, [(series(venue, one.symbol, of_series, kind), None) for one in wanted]


def _timeframe(options: argparse.Namespace) -> str:
    """Of the candles, or the step of open interest; empty for funding. Raises `BadInput`."""
    from organism.errors import BadInput

    if options.kind == "funding":
        if options.timeframe:
            raise BadInput(f"funding has no timeframe; was {options.timeframe!r}. Leave --timeframe out.")
        return ""
    return str(options.timeframe or ("5m" if options.kind == "open_interest" else "1m"))


def _document(outcome: Any) -> dict[str, Any]:
    from organism.cli.data.context import instant

    one = outcome.series
    return {
        "kind": str(one.kind), "venue": one.venue, "symbol": one.symbol, "timeframe": one.timeframe, "start": instant(outcome.start_us),
        "end": instant(outcome.end_us), "cached": outcome.cached, "rows": dict(outcome.rows),
        "revised": outcome.revised, "missing": outcome.missing, "unanswered": outcome.unanswered,
        "refused": outcome.refused, "refused_rows": outcome.examples, "failures": outcome.failures,
        "asked": outcome.asked, "asked_in_vain": outcome.failed,
    }  # fmt: skip


def _line(row: dict[str, Any]) -> str:
    came = ", ".join(f"{n:,} from {who.partition(':')[2]}" for who, n in row["rows"].items()) or "nothing new"
    notes = [f"{row['cached']:,} were there"] if row["cached"] else []
    notes += [f"{row['missing']:,} missing"] if row["missing"] else []
    notes += [f"{row['refused']:,} rows refused, as {row['refused_rows'][0]}"] if row["refused"] else []
    kind = "" if row["kind"] == "candles" else row["kind"]
    name = " ".join(part for part in (row["venue"], row["symbol"], row["timeframe"], kind) if part)
    return "  ".join([f"{name:<30} {row['start']} to {row['end']}", came, *notes])
