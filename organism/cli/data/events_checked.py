"""Series that hold no candles, for `organism data check`: they come when they come, so they have holes and no score."""

from typing import Any, NamedTuple


class Checked(NamedTuple):
    """What can be said of rates, open interest or trades.

    missing    about how many events are not there, between the first and the last; None for trades, which are due never
    hole_us    the longest stretch without one that is longer than usual; 0 without any
    """

    series: Any
    first_us: int
    last_us: int
    rows: int
    holes: int
    missing: int | None
    hole_us: int


def checked(lake: Any, series: Any) -> Checked:
    """Read it, and find where events are missing. Raises `BadInput` for a damaged part."""
    import numpy as np

    from organism.lake.fetching.events import stretches
    from organism.lake.names import Kind

    span = lake.span(series)
    if series.kind is Kind.TRADES:
        return Checked(series, span.first_us, span.last_us, span.rows, 0, None, 0)
    at = lake.read_events(series).events.at_us
    # The step of open interest is whatever it was fetched or imported in.
    step = int(np.median(np.diff(at))) if series.kind is Kind.OPEN_INTEREST and at.size > 1 else 0
    found = stretches(at, int(at[0]), int(at[-1]) + 1, step)
    longest = max((one.until_us - one.begin_us for one in found), default=0)
    missing = sum(one.n_expected for one in found)
    return Checked(series, span.first_us, span.last_us, span.rows, len(found), missing, longest)


def document(one: Checked) -> dict[str, Any]:
    """One series for JSON; there is no score."""
    from organism.cli.data.context import instant

    return {
        "venue": one.series.venue,
        "symbol": one.series.symbol,
        "timeframe": "",
        "kind": str(one.series.kind),
        "file": "",
        "first": instant(one.first_us),
        "last": instant(one.last_us),
        "rows": one.rows,
        "gaps": one.holes,
        "missing": one.missing,
        "longest_hole_h": round(one.hole_us / 3_600_000_000, 2),
        "score": None,
    }


def line(one: Checked) -> str:
    """One series for people, under the same heads as candles."""
    hole = f"{one.hole_us / 3_600_000_000:,.0f} h" if one.hole_us else "0"
    told = f"about {one.missing:,} missing" if one.missing else ""
    return f"{one.series.text:<34} {one.rows:>10,} {one.holes:>6,} {hole:>6} {'-':>7}  {told}".rstrip()
