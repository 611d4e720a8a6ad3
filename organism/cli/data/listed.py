"""`organism data list`: what the lake holds, from when to when, and where it came from."""

import argparse

NAME = "list"
SUMMARY = "What the lake holds: each series, from when to when, and where it came from."
EXAMPLE = "organism data list --json"


def declare(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument("--venue", metavar="NAME", help="only of this venue, as in binance")
    parser.add_argument(
        "--compare",
        action="store_true",
        help="hold each series beside candles made of the finest one of its symbol",
    )


def perform(options: argparse.Namespace) -> int:
    """Print them, in order of kind, venue, symbol and length of a candle."""
    from organism.cli.data import listing

    return listing.perform(options)
