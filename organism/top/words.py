"""Figures and names as a terminal may show them: aligned, with units, and never interpreted.

Names come from venues, files and people. Each becomes a `Text` on one line, so that neither Rich's markup nor
the terminal's own escapes in them mean anything.
"""

import math
from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from organism.redaction import one_line

UNKNOWN: Final = "not known"
# meaning → (mark, mark where only ASCII can be shown, style): colour is never the only signal
TONES: Final = {
    "good": ("●", "*", "green"),
    "watch": ("◐", "!", "yellow"),
    "act": ("✖", "X", "bold red"),
    "unknown": ("◌", "?", "bright_black"),
}
_STATES: Final = {
    "running": "good", "live": "good", "fresh": "good", "ok": "good", "replaying": "good",
    "restarting": "watch", "starting": "watch", "warming": "watch", "stalled": "watch", "stale": "watch",
    "late": "watch", "fenced": "act", "stopped": "act", "failed": "act", "refused": "act",
}  # fmt: skip
_SEVERITIES: Final = {
    "info": "good",
    "success": "good",
    "milestone": "good",
    "warning": "watch",
    "critical": "act",
}


def text(value: object, style: str = "", longest: int = 200) -> Text:
    """Whatever it is, as a few plain words."""
    return Text(
        one_line(str("" if value is None else value), longest), style, no_wrap=True, overflow="ellipsis"
    )


def marked(tone: str, name: object, *, ascii_only: bool) -> Text:
    """A name behind the sign of what its state means, indented as rows are."""
    return Text.assemble("  ", sign(tone, ascii_only=ascii_only), text(name, longest=24))


def number(value: object) -> float | None:
    """A finite number, None for everything else."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def amount(value: object, places: int = 2, *, sign: bool = False) -> str:
    """With thousands and so many places.

    >>> amount("9994.30696816"), amount(-3, 1, sign=True), amount(None)
    ('9,994.31', '−3.0', 'not known')
    """
    found = number(value)
    if found is None:
        return UNKNOWN
    return f"{found:{'+' if sign else ''},.{places}f}".replace("-", "−")


def percent(value: object, places: int = 2, *, sign: bool = False) -> str:
    """A fraction in per cent.

    >>> percent(0.0012127), percent(-0.05, 0, sign=True)
    ('0.12 %', '−5 %')
    """
    found = number(value)
    return UNKNOWN if found is None else f"{amount(found * 100.0, places, sign=sign)} %"


def price(value: object) -> str:
    """To five figures at least, never fewer than two places.

    >>> price("45078.300000000000"), price("0.00001234567"), price(107.35)
    ('45,078.30', '0.000012346', '107.35')
    """
    found = number(value)
    if found is None:
        return UNKNOWN
    places = 2 if not found else max(2, 4 - math.floor(math.log10(abs(found))))
    return amount(found, min(places, 12))


def span(seconds: object) -> str:
    """A length of time in one unit.

    >>> span(0.04), span(75), span(90_000)
    ('0.0 s', '75 s', '25 h')
    """
    found = number(seconds)
    if found is None:
        return "–"
    for unit, size, least in (("d", 86_400.0, 2.0), ("h", 3_600.0, 2.0), ("min", 60.0, 2.0)):
        if found >= least * size:
            return f"{found / size:.0f} {unit}"
    return f"{found:.1f} s" if found < 10 else f"{found:.0f} s"  # noqa: PLR2004 - then a tenth is not worth a look


def clock(at_ns: object) -> str:
    """Date and time, UTC, to the minute."""
    if not isinstance(at_ns, int) or isinstance(at_ns, bool) or at_ns <= 0:
        return UNKNOWN
    try:
        at = datetime.fromtimestamp(at_ns / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        return UNKNOWN
    return at.strftime("%Y-%m-%d %H:%M")


def sign(tone: str, *, ascii_only: bool) -> Text:
    """The sign of a meaning: good, watch, act or unknown, with a space behind it."""
    shown, plain, style = TONES[tone]
    return Text.assemble((plain if ascii_only else shown, style), " ")


def style_of(tone: str) -> str:
    """Its colour."""
    return TONES[tone][2]


def tone_of_state(state: Any) -> str:
    """What the state of an organ or a feed means."""
    return _STATES.get(str(state).lower(), "unknown")


def tone_of_severity(severity: Any) -> str:
    """What an alert's severity means."""
    return _SEVERITIES.get(str(severity).lower(), "unknown")


def bar(share: float | None, width: int, *, ascii_only: bool, style: str) -> Text:
    """A share of one as a bar; what is not known is hatched, never full or empty."""
    if share is None:
        return Text(("?" if ascii_only else "╱") * width, "bright_black")
    n = round(min(1.0, max(0.0, share)) * width)
    n = max(n, 1) if share > 0.0 else n  # a little is not nothing
    full, empty = ("#", ".") if ascii_only else ("━", "─")
    return Text.assemble((full * n, style), (empty * (width - n), "bright_black"))


def spark(values: tuple[float, ...], width: int, *, ascii_only: bool, style: str) -> Text:
    """A curve in one line, from its lowest to its highest; of what falls into one cell the farthest from the middle."""
    if len(values) < 2 or ascii_only:  # noqa: PLR2004 - one point is no curve
        return Text(" " * width)
    low, high = min(values), max(values)
    middle, steps = (low + high) / 2.0, "▁▂▃▄▅▆▇█"
    n = min(width, len(values))
    cells = [
        max(values[i * len(values) // n : (i + 1) * len(values) // n], key=lambda v: abs(v - middle))
        for i in range(n)
    ]
    if high <= low:
        return Text("▄" * n, style)
    return Text("".join(steps[min(7, int((v - low) / (high - low) * 8))] for v in cells), style)
