"""Which bars a person means: `--data`, `--start`, `--end`, `--timeframe`, and what is known beside them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genome.history import load, load_folder, resampled, timeframe_seconds, with_fear_greed, with_funding
from genome.history.context import with_context
from genome.history.lake import load_series
from genome.market import Market, market
from genome.reporting.numbers import instant
from organism.cli.data.context import lake_of
from organism.cli.data.words import LAKE
from organism.cli.parser import Options
from organism.cli.progress import Progress
from organism.cli.universe import Universe, gathered
from organism.errors import BadInput
from organism.lake.fetching.instrument import is_proxy
from organism.lake.names import series
from organism.lake.store import Lake
from organism.market import AssetClass

_NS = 1_000_000_000
BUNDLED = "BTC/USDT"


def writable(path: Path | None) -> None:
    """Raise `BadInput` where a file could not be written, before hours were spent on what goes into it."""
    if path is not None and not path.absolute().parent.is_dir():
        raise BadInput(f"{path} cannot be written: there is no folder {path.parent}; make it first.")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read.

    source    for people: where it came from
    lake      and venue, where it is series of the lake
    proxies   series whose prices are another instrument's: a person insisted
    universe  as what they were chosen; None where a person named them
    """

    markets: list[Market]
    source: str
    lake: Lake | None = None
    venue: str = ""
    proxies: tuple[str, ...] = ()
    universe: Universe | None = None


def markets_of(options: Options) -> Read:
    """The markets of `--data` and what goes with it, and where they came from. Raises `BadInput`."""
    start, end = (None if at is None else at // _NS for at in (options.start, options.end))
    kind = AssetClass(options.asset_class)
    if options.data != LAKE and (options.data_venue or options.symbols or options.universe):
        raise BadInput(
            "--venue, --symbols and --universe name series of the lake: add --data lake, or leave them out."
        )
    if options.data is None:
        found = [bundled(start, end, options.timeframe, kind)]
        source = "recording that ships with the organism (Binance spot)"
    elif options.data == LAKE:
        return _with_files(_of_the_lake(options, start, end, kind), options)
    elif options.data.is_dir():
        with Progress("reading") as progress:
            found = load_folder(
                options.data,
                start=start,
                end=end,
                timeframe=options.timeframe,
                asset_class=kind,
                progress=progress,
            )
        source = f"{len(found)} files of {options.data.name}/"
    else:
        found = [load(options.data, start=start, end=end, timeframe=options.timeframe, asset_class=kind)]
        source = options.data.name
    return _with_files(Read(found, source), options)


def _with_files(read: Read, options: Options) -> Read:
    """What `--funding` and `--fear-greed` bring."""
    found = read.markets
    if options.funding is not None:
        if len(found) > 1:
            raise BadInput("--funding is of one asset, but --data names several; name one file.")
        found = [with_funding(found[0], options.funding)]
    if options.fear_greed is not None:
        found = [with_fear_greed(one, options.fear_greed) for one in found]
    return replace(read, markets=found)


def _of_the_lake(options: Options, start: int | None, end: int | None, kind: AssetClass) -> Read:
    """Series by name, with what the lake knows beside them. Raises `BadInput`."""
    venue, symbols, timeframe = options.data_venue, options.symbols, options.timeframe
    if not (venue and timeframe and (symbols or options.universe)):
        raise BadInput(
            "--data lake needs --venue, --timeframe and --symbols or --universe, as in --venue binance --symbols "
            "BTC/USDT,ETH/USDT --timeframe 1h; `organism data list` shows what there is."
        )
    if options.universe and (symbols or options.start is None):
        raise BadInput(
            "--universe chooses the symbols by what was known at --start: leave --symbols out."
            if symbols
            else "--universe chooses the symbols by what was known at --start: say when that is, as in --start 2023-01-01."
        )
    _refuse_proxies(venue, symbols or (), timeframe, allowed=options.allow_proxies)
    lake, universe = lake_of(options), None

    def loaded(symbol: str, until_s: int | None) -> Market:
        return load_series(lake, venue, (symbol,), timeframe, start=start, end=until_s, asset_class=kind)[0]

    with Progress("reading") as progress:
        if options.universe:
            universe = gathered(lake, venue, timeframe, options.universe, (start or 0, end), loaded, progress)
            found = list(universe.markets.values())
        else:
            found = []
            for done, symbol in enumerate(symbols):
                progress(done, len(symbols), symbol)
                found.append(loaded(symbol, end))
    whose = f"{venue} {', '.join(symbols)}" if universe is None else universe.source
    proxies = tuple(one.text for m in found if is_proxy(one := series(venue, m.symbol, timeframe)))
    return Read(
        with_context(found, lake, venue),
        f"{whose}, {timeframe}, from the lake",
        lake,
        venue,
        proxies,
        universe,
    )


def _refuse_proxies(venue: str, symbols: tuple[str, ...], timeframe: str, *, allowed: bool) -> None:
    """Raise `BadInput` for a series whose prices are another instrument's, unless a person insists."""
    named = [series(venue, symbol, timeframe) for symbol in symbols or ("…",)]
    strange = [one for one in named if is_proxy(one)]
    if strange and not allowed:
        what = strange[0].text if symbols else venue
        raise BadInput(
            f"the prices of {what} are another instrument's, which only stands in for the one it is named after. Fetch "
            "the instrument itself, or insist with --allow-proxies, which the result will tell for ever."
        )


def bundled(
    start: int | None = None,
    end: int | None = None,
    timeframe: str | None = None,
    kind: AssetClass = AssetClass.CRYPTO_SPOT,
) -> Market:
    """The recording that ships with the organism, from and until these seconds. Raises `BadInput` where that is no bar."""
    from organism.settings import PaperSettings
    from organs.nervous.bundled import BAR_S, load_bundled, watched_instruments

    columns = load_bundled((BUNDLED,))[BUNDLED]
    (instrument,) = watched_instruments((BUNDLED,), PaperSettings())
    opens = columns.open_ns // _NS
    cut = slice(
        0 if start is None else int(np.searchsorted(opens, start)),
        opens.size if end is None else int(np.searchsorted(opens, end)),
    )
    if cut.start >= cut.stop:
        raise BadInput(
            "the bundled recording has no bar between the wanted start and end; its bars run from "
            f"{instant(opens[0])} to {instant(opens[-1])} UTC."
        )
    found = market(
        BUNDLED,
        opens[cut],
        BAR_S,
        (columns.open[cut], columns.high[cut], columns.low[cut], columns.close[cut], columns.volume[cut]),
        tick=float(instrument.tick),
        lot=float(instrument.lot),
        min_notional=float(instrument.min_notional),
        asset_class=kind,
    )
    return found if timeframe is None else resampled(found, timeframe_seconds(timeframe))
