"""B13: standard error is a pipe that is full, and whoever should read it stands still. Nobody may wait for that."""

import contextlib
import os
import select
import signal
import time
from pathlib import Path

from organism.chaos.habitat import APART, BUSY, HARDY, Habitat, NotBack
from organism.chaos.outcome import Losses, Outcome
from organism.chaos.verdict import judged


class Unread(Habitat):
    """An organism whose standard output and error are a full pipe, by the name of its log."""

    def __init__(self, state: Path, *settings: str, seed: int = 1) -> None:
        super().__init__(state, *settings, seed=seed)
        os.mkfifo(self.log)
        self._pipe = os.open(self.log, os.O_RDWR | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while os.write(self._pipe, b"." * 4096):
                pass

    @property
    def said(self) -> str:
        """Nothing that anybody could read."""
        return ""

    @property
    def is_full(self) -> bool:
        """Whether the pipe takes nothing."""
        return not select.select([], [self._pipe], [], 0)[1]

    def end(self) -> None:
        """Leave nobody, and nothing, behind."""
        super().end()
        os.close(self._pipe)


def unread(folder: Path, seed: int) -> Outcome:
    """It trades, survives the death of its body, and stops in order."""
    wrong: list[str] = []
    recovery: tuple[float, ...] = ()
    house = Unread(folder / "state", *BUSY, *HARDY, APART, seed=seed)
    try:
        house.start()
        house.trades(3)
        run = house.run
        house.send("body", signal.SIGKILL)
        began = time.monotonic()
        house.trades(3, after_run=run)
        recovery = (time.monotonic() - began,)
        code, _ = house.stop()
        if code:
            wrong.append(f"it ended with status {code}")
    except NotBack as error:
        wrong.append(str(error))
    finally:
        seen = int(house.is_full)
        house.end()
    losses, report = judged(folder / "state")
    losses += Losses(breaches=len(wrong))
    note = "; ".join([*wrong, *(finding.text for finding in report.findings[:3])])
    return Outcome("B13", "proxy", 1, seen, losses, (), recovery, (seed,), note)
