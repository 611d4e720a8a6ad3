"""How numbers are written for people: one place, so that the same value always looks the same.

Fractions come in, percent goes out. A missing or non-finite value is a dash, never a zero. Minus is U+2212,
units stand behind a narrow no-break space, so that columns align and nothing wraps between value and unit.
"""

import math
from decimal import Decimal, InvalidOperation

DASH = "–"
MINUS = "−"
THIN = "\u202f"
UP, DOWN, LEVEL = "▲", "▼", "◆"

Numeric = float | int | Decimal | str | None

# Prices from here up get so many digits; anything smaller gets eight.
_PRICE_DIGITS = ((10.0, 2), (0.1, 4))
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def number(value: Numeric) -> float | None:
    """The value as a finite float, or None."""
    if value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, InvalidOperation):
        return None
    return found if math.isfinite(found) else None


def decimal(value: Numeric) -> Decimal | None:
    """The value as a finite Decimal, or None."""
    if value is None:
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def plain(value: Numeric, digits: int = 2, *, signed: bool = False) -> str:
    """A number with thousands separators.

    >>> plain(10132.4), plain(-0.5, 1), plain(3, 0, signed=True), plain(float("nan"))
    ('10,132.40', '−0.5', '+3', '–')
    """
    found = number(value)
    if found is None:
        return DASH
    text = f"{abs(found):,.{digits}f}"
    if not text.strip("0.,"):
        return text  # never "−0.00"
    return (MINUS if found < 0 else "+" if signed else "") + text


def money(value: Numeric, currency: str = "", *, signed: bool = False) -> str:
    """An amount of the account's currency.

    >>> money("10132.4", "USDT").replace(THIN, " ")
    '10,132.40 USDT'
    """
    text = plain(value, 2, signed=signed)
    return f"{text}{THIN}{currency}" if currency and text != DASH else text


def percent(value: Numeric, digits: int = 1, *, signed: bool = False) -> str:
    """A fraction as percent.

    >>> percent(0.4312, 0).replace(THIN, " "), percent(-0.012, signed=True).replace(THIN, " ")
    ('43 %', '−1.2 %')
    """
    found = number(value)
    return DASH if found is None else f"{plain(found * 100.0, digits, signed=signed)}{THIN}%"


def arrow(value: Numeric) -> str:
    """▲ for a gain, ▼ for a loss, ◆ for neither: never colour alone."""
    found = number(value)
    if found is None or found == 0.0:
        return LEVEL
    return UP if found > 0 else DOWN


def tone(value: Numeric) -> str:
    """The meaning of a signed amount: "gain", "loss" or "level"."""
    found = number(value)
    if found is None or found == 0.0:
        return "level"
    return "gain" if found > 0 else "loss"


def quantity(value: Numeric) -> str:
    """Base units without trailing zeros.

    >>> quantity("0.12000"), quantity("-3.0"), quantity("1000")
    ('0.12', '−3', '1,000')
    """
    found = decimal(value)
    if found is None:
        return DASH
    text = f"{abs(found):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return (MINUS if found < 0 else "") + text


def price(value: Numeric) -> str:
    """A price with as many digits as its size deserves.

    >>> price(64210.5), price("142.337"), price(0.00012345)
    ('64,210.50', '142.34', '0.00012345')
    """
    found = number(value)
    if found is None:
        return DASH
    size = abs(found)
    digits = next((digits for least, digits in _PRICE_DIGITS if size >= least), 8)
    return plain(found, digits if size else 2)


def span(seconds: Numeric) -> str:
    """A duration in at most two units.

    >>> [span(s).replace(THIN, " ") for s in (0.4, 4.2, 75, 3600 * 3 + 1200, 86400 * 2.5)]
    ['0.4 s', '4 s', '1 min', '3 h 20 min', '2 d 12 h']
    """
    found = number(seconds)
    if found is None:
        return DASH
    if found < 1.0:
        return f"{max(found, 0.0):.1f}{THIN}s"
    if found < _MINUTE:
        return f"{found:.0f}{THIN}s"
    if found < _HOUR:
        return f"{found // _MINUTE:.0f}{THIN}min"
    if found < _DAY:
        return _two(found, _HOUR, "h", _MINUTE, "min")
    return _two(found, _DAY, "d", _HOUR, "h")


def age(seconds: Numeric) -> str:
    """How long ago.

    >>> age(0.3), age(4).replace(THIN, " ")
    ('just now', '4 s ago')
    """
    found = number(seconds)
    if found is None:
        return DASH
    return "just now" if found < 1.0 else f"{span(found)} ago"


def listed(names: list[str]) -> str:
    """Names as a person lists them.

    >>> listed(["BTC"]), listed(["BTC", "SOL"]), listed(["BTC", "ETH", "SOL"])
    ('BTC', 'BTC and SOL', 'BTC, ETH and SOL')
    """
    if len(names) < 2:  # noqa: PLR2004 - one name is no list
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def base(symbol: str) -> str:
    """The instrument's short name: "BTC" of "BTC/USDT"."""
    return symbol.split("/", 1)[0]


def _two(found: float, big: float, big_unit: str, small: float, small_unit: str) -> str:
    whole, rest = divmod(found, big)
    text = f"{whole:.0f}{THIN}{big_unit}"
    few = rest // small
    return f"{text} {few:.0f}{THIN}{small_unit}" if few else text
