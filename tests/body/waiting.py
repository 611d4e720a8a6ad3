"""Wait for something to come true, and fail when it does not."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
DEADLINE_S = 20.0


def until(
    claim: Callable[[], T],
    what: str | Callable[[], str] = "it",
    deadline_s: float = DEADLINE_S,
    every_s: float = 0.01,
) -> T:
    """Look again and again until the claim is true; return what it said."""
    pause = threading.Event()
    end = time.monotonic() + deadline_s
    while not (found := claim()):
        if time.monotonic() >= end:
            text = what if isinstance(what, str) else what()
            raise AssertionError(f"{text} did not come true within {deadline_s:g} s")
        pause.wait(every_s)
    return found
