"""When a candle is due: always, or in the sessions of the New York exchanges.

pandas knows the rules of holidays and of daylight saving; what it does not know are the days on which New York closed
for a reason of its own, which are listed (NYSE, "Special Closings").
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]

DAY_US: Final = 86_400_000_000
HOUR_US: Final = 3_600_000_000
SESSIONS: Final = "new_york"
ALWAYS: Final = "always"
_OPENS_US: Final = 9 * HOUR_US + HOUR_US // 2
_CLOSES_US: Final = 16 * HOUR_US
_EARLY_US: Final = 13 * HOUR_US
_JUNETEENTH: Final = 2022
_CLOSED: Final = (
    "2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11", "2007-01-02", "2012-10-29", "2012-10-30",
    "2018-12-05", "2025-01-09",
)  # fmt: skip


def calendar_of(venue: str) -> str:
    """The calendar of a venue: equities of the United States trade in sessions, all else always."""
    return SESSIONS if venue in {"us-equity", "nyse", "nasdaq"} else ALWAYS


def due(calendar: str, first_us: int, last_us: int, timeframe_us: int) -> I64:
    """Opens at which a candle is due, µs UTC int64, from the first to the last candle, both included.

    Candles are on the grid of the first one; those of a session on whole timeframes of New York's clock, daily ones at
    00:00 UTC of the day of the session, as every source of them has it.
    """
    if calendar == SESSIONS and timeframe_us <= DAY_US:
        return _of_sessions(first_us, last_us, timeframe_us)
    return np.arange(first_us, last_us + 1, timeframe_us, dtype=np.int64)


def _of_sessions(first_us: int, last_us: int, timeframe_us: int) -> I64:
    import pandas as pd  # noqa: PLC0415 - half a second, for equities only

    zone = "America/New_York"
    days = pd.date_range(
        pd.Timestamp(first_us - DAY_US, unit="us").normalize(),
        pd.Timestamp(last_us + DAY_US, unit="us"),
        freq="B",
    )
    off = _holidays(days[0], days[-1])
    days = days[~days.isin(off)]
    naive = days.as_unit("us").asi8
    if timeframe_us == DAY_US:
        return np.asarray(naive[(naive >= first_us) & (naive <= last_us)], np.int64)
    steps = np.arange(_OPENS_US // timeframe_us * timeframe_us, _CLOSES_US, timeframe_us, dtype=np.int64)
    early = np.asarray(_early(days), np.bool_)
    grid = naive[:, None] + steps[None, :]
    kept = grid[~early[:, None] | (steps[None, :] < _EARLY_US)]
    utc = (
        pd.DatetimeIndex(kept.astype("datetime64[us]")).tz_localize(zone).tz_convert("UTC").as_unit("us").asi8
    )
    return np.asarray(utc[(utc >= first_us) & (utc <= last_us)], np.int64)


def _holidays(first: Any, last: Any) -> Any:
    import pandas as pd  # noqa: PLC0415
    from pandas.tseries import holiday as rules  # noqa: PLC0415

    on = rules.sunday_to_monday
    kept = [
        rules.Holiday("New Year", month=1, day=1, observance=on), rules.USMartinLutherKingJr, rules.USPresidentsDay,
        rules.GoodFriday, rules.USMemorialDay, rules.USLaborDay, rules.USThanksgivingDay,
        rules.Holiday("Independence", month=7, day=4, observance=rules.nearest_workday),
        rules.Holiday("Christmas", month=12, day=25, observance=rules.nearest_workday),
        rules.Holiday(
            "Juneteenth", month=6, day=19, observance=rules.nearest_workday,
            start_date=pd.Timestamp(year=_JUNETEENTH, month=1, day=1),
        ),
    ]  # fmt: skip
    found = rules.AbstractHolidayCalendar(name="new_york", rules=kept).holidays(first, last)
    return found.append(pd.DatetimeIndex(_CLOSED))


def _early(days: Any) -> Any:
    """Days that end at 13:00: the eve of Independence Day, the day after Thanksgiving, Christmas Eve."""
    thanks = (days.month == 11) & (days.weekday == 4) & (days.day >= 23) & (days.day <= 29)  # noqa: PLR2004
    return thanks | ((days.month == 7) & (days.day == 3)) | ((days.month == 12) & (days.day == 24))  # noqa: PLR2004
