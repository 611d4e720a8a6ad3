"""Pages as they are answered: made once for all who ask at the same moment, each piece with its digest."""

import threading
import time
from collections.abc import Callable
from typing import Any

from dashboard import pulse
from dashboard.pages import alerts
from dashboard.pages.asked import Asked
from dashboard.pages.registry import PAGES, answered
from dashboard.sight import Kept
from dashboard.window import Window

Marked = dict[str, list[Any]]
_KEEP_S = 0.2


class Answers:
    """Answers of one window. Twenty viewers of a page cost little more than one."""

    def __init__(self, window: Window, clock: Callable[[], float] = time.monotonic) -> None:
        self._window = window
        self._kept = Kept(clock)
        self._making = {name: threading.Lock() for name in PAGES}

    def page(self, name: str, asked: Asked) -> tuple[int, Marked]:
        """When it was looked at (wall time, ms), and every piece of a page as [digest, piece]."""
        shown = (asked.span, asked.symbols, asked.about, asked.pair, asked.at_ns)
        key = (name, *shown, alerts.written(self._window.state))
        with self._making[name]:
            return self._kept.get(key, _KEEP_S, lambda: self._page(name, asked))

    def _page(self, name: str, asked: Asked) -> tuple[int, Marked]:
        sight = self._window.sight(asked.at_ns if PAGES[name].named.ranged else None)
        return sight.now_ns // 1_000_000, pulse.marked(answered(name, asked, sight))
