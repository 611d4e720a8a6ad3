"""Words of commands that read the lake by name: whose history, of what, from when to when."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

LAKE = Path("lake")
"""What `--data lake` becomes; a folder of that name is written ./lake, and becomes absolute."""


def place(text: str) -> Path:
    """A file or folder, or the lake.

    >>> place("lake") == LAKE, place("./lake") == LAKE
    (True, False)
    """
    return LAKE if text == "lake" else Path(text).absolute() if Path(text) == LAKE else Path(text)


def symbols(text: str) -> tuple[str, ...]:
    """Names between commas, each once.

    >>> symbols("BTC/USDT,ETH/USDT")
    ('BTC/USDT', 'ETH/USDT')
    """
    found = tuple(part.strip() for part in text.split(","))
    if not all(found) or len(set(found)) != len(found):
        raise argparse.ArgumentTypeError(
            f"symbols are names between commas, each once, as in BTC/USDT,ETH/USDT; was {text!r}"
        )
    return found


def universe(text: str) -> Any:
    """What `organism.cli.universe.sought` makes of it; only who asks for one pays for numpy."""
    from organism.cli.universe import sought

    return sought(text)


def declare(parser: argparse.ArgumentParser, venue: str = "--venue") -> None:
    """Which series of the lake: venue and symbols. `venue` is the option's name where --venue means another thing."""
    parser.add_argument(
        venue, dest="data_venue", metavar="NAME", help="--data lake: whose history, as in binance"
    )
    parser.add_argument(
        "--symbols", type=symbols, metavar="A,B", help="--data lake: of what, as in BTC/USDT,ETH/USDT"
    )
    parser.add_argument("--lake", type=Path, metavar="DIR", help="folder of the lake; default STATE/lake")


def declare_bars(parser: argparse.ArgumentParser) -> None:
    """The same for whoever breeds, searches or tries strategies on them."""
    declare(parser)
    parser.add_argument(
        "--universe",
        type=universe,
        metavar="N|WORDS",
        help="--data lake, instead of --symbols: what the venue traded at --start, chosen by what was known then; 20 for the "
        "20 most traded, or words of `organism data universe`, as in 20,min-age=365,tier=1",
    )
    parser.add_argument(
        "--allow-proxies",
        action="store_true",
        help="--data lake: take series whose prices are another instrument's",
    )


def declare_replay(parser: argparse.ArgumentParser, instant: Callable[[str], int]) -> None:
    """What of the lake an organism lives through."""
    parser.add_argument(
        "--data",
        choices=("lake",),
        help="what is replayed: series of the lake (else what ships with the organism)",
    )
    declare(parser, venue="--data-venue")
    parser.add_argument("--timeframe", metavar="1h", help="--data lake: length of a bar")
    parser.add_argument("--start", type=instant, metavar="T", help="--data lake: first bar, e.g. 2024-02-01")
    parser.add_argument("--end", type=instant, metavar="T", help="--data lake: bars that open before it")
