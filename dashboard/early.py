"""The sentence in the first HTML: how the organism is can be read before a script has run, and where none ever does.

It covers the page until that has looked for itself, and is the same sentence in the same place. Only the plain address of
Vitals has it: every other address asks something else.
"""

import html
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from dashboard import pulse
from dashboard.sentence import Sentence, say
from dashboard.window import Seen, Window

MARK: Final = "<!-- early -->"
_asked: ContextVar[bool] = ContextVar("early", default=False)


def ask(scope: Mapping[str, Any]) -> None:
    """Remember, for the request that is answered now, whether its address is the plain one of Vitals."""
    _asked.set(scope["path"] == "/" and not scope.get("query_string"))


def put_in(index: str, window: Window) -> str:
    """The document with the sentence in the place of its mark, or without both. Every word of it stays text."""
    if MARK not in index:
        return index
    before, _, after = index.partition(MARK)
    return before + (written(window.see(), guarded=window.guarded) if _asked.get() else "") + after


def written(seen: Seen, *, guarded: bool) -> str:
    """HTML of the sentence and the health number of one look."""
    sentence = say(seen.glimpse, seen.judged, guarded=guarded)
    health = pulse.health(seen.glimpse, seen.judged)
    at = time.strftime("%H:%M:%S", time.gmtime(seen.now_ns // 1_000_000_000))
    return (
        '<main id="early" class="early"><div class="hero"><div class="hero-say">'
        f"{_sentence(sentence)}"
        f'<div class="health" data-tone="{_text(health["tone"])}"><p class="score-line">'
        f'<span id="early-score" class="score">{_text(health["score"])}</span><span class="unit">health, of 100</span></p>'
        f'<p class="unit">as seen at {at} UTC; the page is loading</p></div>'
        "</div></div></main>"
    )


def _sentence(sentence: Sentence) -> str:
    return (
        f'<h1 class="sentence" data-tone="{_text(sentence.tone)}">'
        f'<span id="early-lead" class="lead">{_spoken(sentence.lead)}</span> '
        f'<span class="text">{_spoken(sentence.text)}</span> <span class="need">{_spoken(sentence.need)}</span></h1>'
    )


def _spoken(text: str) -> str:
    """What is to be typed stands in `backquotes`; as `organism.spoken` in the browser.

    >>> _spoken("Type `./run start` <now>.")
    'Type <code>./run start</code> &lt;now&gt;.'
    """
    parts = text.split("`")
    return "".join(
        f"<code>{_text(part)}</code>" if nth % 2 else _text(part) for nth, part in enumerate(parts)
    )


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)
