"""`organism top`: the vitals in a terminal, drawn anew each second until q or Ctrl-C."""

import contextlib
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.live import Live

from organism.cli.context import emit, state_folder
from organism.cli.parser import Options
from organism.errors import BadInput
from organism.status import status
from organism.top.page import Page
from organism.top.parts import Sight
from organism.view.reader import NeverStarted, ViewReader, ViewUnreadable

LEAST_S, MOST_S = 0.2, 3600.0
_POINTS = 160  # of the equity curve
_NARROW = 80  # columns where nobody says how many
_END = frozenset(b"qQ\x03\x04")


class _Ended(Exception):
    """Somebody asked us to end."""


def perform(options: Options) -> int:
    """Show the vitals: once, or until somebody has seen enough."""
    if not LEAST_S <= options.interval <= MOST_S:
        raise BadInput(f"--interval is {LEAST_S:g} to {MOST_S:g} seconds; was {options.interval:g}.")
    state = state_folder(options)
    if options.json:
        emit(status(state))
        return 0
    watched = sys.stdout.isatty()
    with contextlib.suppress(AttributeError, OSError):  # a terminal of another alphabet shows what it can
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    console = Console(width=None if watched else _columns(), legacy_windows=False)
    if options.once or not watched or console.is_dumb_terminal:
        console.print(Page(look(state)), end="", soft_wrap=False)
        return 0
    _watch(state, console, options.interval)
    return 0


def look(state: Path) -> Sight:
    """What the view holds now."""
    found = status(state)
    try:
        curve = ViewReader(state / "view.db").equity(_POINTS)
    except (NeverStarted, ViewUnreadable):
        curve = []
    values = (row.get("equity") for row in curve)
    points = tuple(float(value) for value in values if isinstance(value, int | float))
    return Sight(found, points, time.time_ns())


def _watch(state: Path, console: Console, interval_s: float) -> None:
    foot = f"q quits   read each {interval_s:g} s from {state}   `organism status` says more"
    with _told_to_end(), _keys() as pressed:
        try:
            with Live(console=console, screen=True, auto_refresh=False, redirect_stderr=False) as live:
                while True:
                    live.update(Page(look(state), foot), refresh=True)
                    if pressed(interval_s):
                        return
        except (_Ended, KeyboardInterrupt):
            return


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM and SIGHUP end it as q does, so that the terminal is left as it was found."""

    def ended(_number: int, _frame: FrameType | None) -> None:
        raise _Ended

    before = {number: signal.signal(number, ended) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except _Ended:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Keys:
    """Whether somebody pressed a key that ends it, waiting so long for one. Without a keyboard, only waits."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def __call__(self, wait_s: float) -> bool:
        ready, _, _ = select.select([] if self._descriptor is None else [self._descriptor], [], [], wait_s)
        if not ready or self._descriptor is None:
            return False
        typed = os.read(self._descriptor, 64)
        return not typed or bool(_END & set(typed))


@contextlib.contextmanager
def _keys() -> Iterator[_Keys]:
    """Keys as they are pressed, without Return and without being shown."""
    if not sys.stdin.isatty():
        yield _Keys(None)
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        yield _Keys(descriptor)
    finally:
        with contextlib.suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _columns() -> int:
    text = os.environ.get("COLUMNS", "")
    return min(500, max(20, int(text))) if text.isdecimal() and len(text) < 6 else _NARROW  # noqa: PLR2004
