"""When a value becomes known: the one table of lags. No backtest sees a value before.

A file may say itself when its rows were known (`known_at`, a vintage). That can only make a value known later than the
table says, but for the calendar, whose events are announced ahead: what nobody says was announced is known when it
happens, because a meeting that was called overnight must not be seen a month before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput

I64 = NDArray[np.int64]

DAY_US: Final = 86_400_000_000
_MINUTE_US: Final = 60_000_000


class Moment(StrEnum):
    """From which instant a lag counts."""

    STAMP = "its stamp"
    CLOSE = "close of its candle"
    DAY_END = "next UTC midnight after its stamp"


@dataclass(frozen=True, slots=True)
class Lag:
    """One row of the table.

    after_us   beyond the moment
    stale_us   how long after it became known a value may still be shown as the newest; 0: for ever
    why        in a few words
    """

    moment: Moment
    why: str
    after_us: int = 0
    stale_us: int = 0


LAGS: Final[Mapping[str, Lag]] = {
    "fear_greed": Lag(Moment.DAY_END, "the service restates the value of a running day", stale_us=7 * DAY_US),
    "vix": Lag(Moment.DAY_END, "a settlement of the session, published in its evening", stale_us=7 * DAY_US),
    "dxy": Lag(Moment.DAY_END, "a settlement of the session, published in its evening", stale_us=7 * DAY_US),
    "funding": Lag(Moment.STAMP, "the rate is fixed when it settles, not before"),
    "open_interest": Lag(Moment.STAMP, "venues stamp the beginning of five minutes", after_us=5 * _MINUTE_US),
    "mark": Lag(Moment.CLOSE, "a candle is known when it closes"),
    "candles": Lag(Moment.CLOSE, "a candle is known when it closes"),
    "trades": Lag(Moment.STAMP, "a trade is public when it is made"),
    "calendar": Lag(Moment.STAMP, "when it happens, unless its announcement is told"),
}
"""By name of the series. Add a line to add a series of context."""


def lag_of(name: str) -> Lag:
    """The row of a series. Raises `BadInput` for a name without one: nobody would know when its values were known."""
    found = LAGS.get(name)
    if found is None:
        raise BadInput(f"there is no context series {name!r}; there are {', '.join(LAGS)}.")
    return found


def known_at(name: str, at_us: I64, bar_us: int = 0) -> I64:
    """When values become known, int64 (n,) µs. Never before their stamp. Raises `BadInput`.

    at_us    int64 (n,), stamps, µs UTC; for candles their opens
    bar_us   length of a candle; only for what is known at its close

    >>> known_at("fear_greed", np.array([0, 1])).tolist() == [DAY_US, DAY_US]
    True
    >>> known_at("mark", np.array([0]), bar_us=60_000_000).tolist()
    [60000000]
    """
    lag = lag_of(name)
    if lag.moment is Moment.DAY_END:
        return (at_us // DAY_US + 1) * DAY_US + lag.after_us
    if lag.moment is Moment.CLOSE:
        if bar_us <= 0:
            raise BadInput(f"{name} are known at their close; the length of a candle was {bar_us} µs.")
        return at_us + bar_us + lag.after_us
    return at_us + lag.after_us


def table() -> str:
    """The table for people, Markdown."""
    rows = ["| series | known at | newest for | why |", "|---|---|---|---|"]
    for name, lag in LAGS.items():
        after = f", + {lag.after_us // _MINUTE_US} min" if lag.after_us else ""
        stale = f"{lag.stale_us // DAY_US} days" if lag.stale_us else "ever"
        rows.append(f"| {name} | {lag.moment}{after} | {stale} | {lag.why} |")
    return "\n".join(rows)
