"""Words and rows that several pages share."""

import json
from typing import Any

from dashboard import figures
from dashboard.condition import Condition
from dashboard.pages.shapes import Cell, number, text
from dashboard.sentence import Sentence, say
from dashboard.sight import Sight
from organism.guardian.lock import read_note

ACRONYMS = {"ema", "rsi", "vwap", "atr", "macd"}
GOOD_BOOKS = "good"


def told(sight: Sight) -> Sentence | None:
    """What every page says first while there is no living body, or none whose word holds; None when it lives."""
    if sight.judged.condition is Condition.LIVING:
        return None
    return say(sight.glimpse, sight.judged, guarded=sight.guarded)


def reborn(sight: Sight) -> int:
    """How often the guardian started the body anew since it stands guard; 0 in the past, where nobody knows."""
    found = read_note(sight.state).get("restarts") if sight.at_ns is None else 0
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def times(n: int) -> str:
    """How often.

    >>> times(1), times(2), times(5)
    ('once', 'twice', '5 times')
    """
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def human(word: object) -> str:
    """A word of the journal for people: "price_band" → "Price band"."""
    found = str(word or "").replace("_", " ").strip()
    return found[:1].upper() + found[1:] if found else figures.DASH


def strategy(family: object) -> str:
    """A family's name for people: "ema_trend" → "EMA trend"."""
    words = str(family or "").split("_")
    return human(" ".join(word.upper() if word in ACRONYMS else word for word in words))


def family_of(genome_id: str) -> str:
    """The family in a genome's id, `{family}_{generation}_{hash8}`."""
    return genome_id.rsplit("_", 2)[0]


def instrument(symbol: object, sub: str = "") -> Cell:
    """A cell that names an instrument in short, in full on hover and in the CSV."""
    name = str(symbol)
    return text(figures.base(name), title=name, strong=True, sub=sub) | {"x": name, "s": name}


def priced(value: figures.Numeric, *, sub: str = "", tone: str = "") -> Cell:
    """A price."""
    return number(figures.price(value), value, sub=sub, tone=tone)


def sized(value: figures.Numeric, *, sub: str = "") -> Cell:
    """A quantity."""
    return number(figures.quantity(value), value, sub=sub)


def lasted(seconds: float | None, *, tone: str = "") -> Cell:
    """A duration."""
    return number(figures.span(seconds), seconds, tone=tone)


def counted(n: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "fill"), counted(2, "fill")
    ('1 fill', '2 fills')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def listed(text_of: object) -> list[Any]:
    """A list, or one written as JSON; empty where it is none."""
    if isinstance(text_of, list):
        return text_of
    try:
        found = json.loads(str(text_of or "[]"))
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def between_s(start_ns: object, end_ns: object) -> float | None:
    """Seconds from one moment to another, None where one is missing."""
    return (end_ns - start_ns) / 1e9 if isinstance(start_ns, int) and isinstance(end_ns, int) else None
