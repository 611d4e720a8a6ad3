"""How numbers are written in a report: fractions in, percent out; what is not a number is a dash, never a zero."""

import math
from datetime import UTC, datetime

DASH = "–"
MINUS = "−"
THIN = "\u202f"
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_FROM_YEARS, _FROM_DAYS, _FROM_HOURS = 2 * 365 * _DAY_S, 2 * _DAY_S, 2 * _HOUR_S
_PRICE_DIGITS = ((1_000.0, 1), (10.0, 2), (0.1, 4))
_LARGE = 1e15


def plain(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """A number with thousands separators.

    >>> plain(10132.4), plain(-0.5, 1), plain(3, 0, signed=True), plain(float("nan")), plain(-0.001)
    ('10,132.40', '−0.5', '+3', '–', '0.00')
    """
    if not math.isfinite(value):
        return DASH
    text = f"{abs(value):,.{digits}f}" if abs(value) < _LARGE else f"{abs(value):.{digits}e}"
    if not text.strip("0.,"):
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def percent(value: float, digits: int = 1, *, signed: bool = False) -> str:
    """A fraction as percent.

    >>> percent(0.4312, 0).replace(THIN, " "), percent(-0.012, signed=True).replace(THIN, " ")
    ('43 %', '−1.2 %')
    """
    text = plain(value * 100.0, digits, signed=signed)
    return text if text == DASH else f"{text}{THIN}%"


def price(value: float) -> str:
    """A price with as many digits as its size deserves.

    >>> price(64210.54), price(142.337), price(0.00012345)
    ('64,210.5', '142.34', '0.00012345')
    """
    digits = next((digits for least, digits in _PRICE_DIGITS if abs(value) >= least), 8)
    return plain(value, digits)


def instant(seconds: float) -> str:
    """A time, UTC.

    >>> instant(1_704_067_200)
    '2024-01-01 00:00'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def date(seconds: float) -> str:
    """A day for a sentence.

    >>> date(1_704_067_200)
    '1 January 2024'
    """
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.day} {moment:%B %Y}"


def span(seconds: float) -> str:
    """A length of time in its largest sensible unit.

    >>> [span(s).replace(THIN, " ") for s in (300, 7_200, 90_000, 180_000, 99_999_999)]
    ['5 min', '2.0 h', '25.0 h', '2.1 days', '3.2 years']
    """
    if not math.isfinite(seconds):
        return DASH
    for least, unit, name in (
        (_FROM_YEARS, 365 * _DAY_S, "years"),
        (_FROM_DAYS, _DAY_S, "days"),
        (_FROM_HOURS, _HOUR_S, "h"),
    ):
        if seconds >= least:
            return f"{seconds / unit:,.1f}{THIN}{name}"
    return f"{seconds / _MINUTE_S:,.0f}{THIN}min"


def bar_name(seconds: int) -> str:
    """A bar's length for a sentence.

    >>> bar_name(300), bar_name(86_400), bar_name(5_400)
    ('5-minute', '1-day', '90-minute')
    """
    for unit, name in ((_DAY_S, "day"), (_HOUR_S, "hour"), (_MINUTE_S, "minute")):
        if seconds % unit == 0:
            return f"{seconds // unit}-{name}"
    return f"{seconds}-second"
