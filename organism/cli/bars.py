"""Which bars a person means: `--data`, `--start`, `--end`, `--timeframe`, and what is known beside them."""

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
from organism.errors import BadInput
from organism.market import AssetClass

_NS = 1_000_000_000
BUNDLED = "BTC/USDT"


def writable(path: Path | None) -> None:
    """Raise `BadInput` where a file could not be written, before hours were spent on what goes into it."""
    if path is not None and not path.absolute().parent.is_dir():
        raise BadInput(f"{path} cannot be written: there is no folder {path.parent}; make it first.")


def markets_of(options: Options) -> tuple[list[Market], str]:
    """The markets of `--data` and what goes with it, and where they came from. Raises `BadInput`."""
    start, end = (None if at is None else at // _NS for at in (options.start, options.end))
    kind = AssetClass(options.asset_class)
    if options.data != LAKE and (options.data_venue or options.symbols):
        raise BadInput("--venue and --symbols name series of the lake: add --data lake, or leave them out.")
    if options.data is None:
        found = [bundled(start, end, options.timeframe, kind)]
        source = "recording that ships with the organism (Binance spot)"
    elif options.data == LAKE:
        found = _of_the_lake(options, start, end, kind)
        source = f"{options.data_venue} {', '.join(options.symbols)}, {options.timeframe}, from the lake"
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
    if options.funding is not None:
        if len(found) > 1:
            raise BadInput("--funding is of one asset, but --data names several; name one file.")
        found = [with_funding(found[0], options.funding)]
    if options.fear_greed is not None:
        found = [with_fear_greed(one, options.fear_greed) for one in found]
    return found, source


def _of_the_lake(options: Options, start: int | None, end: int | None, kind: AssetClass) -> list[Market]:
    """Series by name, with what the lake knows beside them. Raises `BadInput`."""
    if not (options.data_venue and options.symbols and options.timeframe):
        raise BadInput(
            "--data lake needs --venue, --symbols and --timeframe, as in --venue binance --symbols BTC/USDT,ETH/USDT "
            "--timeframe 1h; `organism data list` shows what there is."
        )
    lake = lake_of(options)
    with Progress("reading") as progress:
        found = load_series(
            lake,
            options.data_venue,
            options.symbols,
            options.timeframe,
            start=start,
            end=end,
            asset_class=kind,
            progress=progress,
        )
    return with_context(found, lake, options.data_venue)


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
