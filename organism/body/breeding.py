"""The body's ear for its breeder: what it tells is believed as far as it makes sense, and handed to reproduction."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genome.background.told import FILE, FOLDER, Told, heard
from organism.errors import BadInput
from organism.messages import GenerationBred
from organism.settings import EvolutionSettings

TELL_S = 5.0  # generations of a small history take a second: not each of them is worth a row of the journal
log = logging.getLogger(__name__)


class BreedingEar:
    """One look each second.

    tell   hands a message to reproduction
    """

    def __init__(
        self, state: Path, settings: EvolutionSettings, tell: Callable[[GenerationBred], None]
    ) -> None:
        self._folder, self._settings, self._tell = state / FOLDER, settings, tell
        self._file: tuple[int, int] | None = None
        self._told: Told | None = None
        self._handed: GenerationBred | None = None
        self._heard_ns = self._handed_ns = 0
        self._trouble = ""

    def turn(self, now_ns: int) -> None:
        """Listen, and hand on what is new. `now_ns` monotonic."""
        if not self._settings.enabled:
            return
        if not self._heard_ns:
            self._heard_ns = now_ns
        self._listen(now_ns)
        bred = None if self._told is None else self._told.bred
        if bred is None or bred == self._handed:
            return
        last = bred.generation >= bred.generations
        if last or self._handed is None or now_ns - self._handed_ns >= TELL_S * 1e9:
            self._handed, self._handed_ns = bred, now_ns
            self._tell(bred)

    def _listen(self, now_ns: int) -> None:
        try:
            found = (self._folder / FILE).stat()
        except OSError:
            return
        if (found.st_ino, found.st_mtime_ns) == self._file:
            return
        self._file = (found.st_ino, found.st_mtime_ns)
        try:
            told = heard(self._folder)
        except BadInput as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                log.warning("%s", error)
            return
        if told is not None:
            self._told, self._heard_ns, self._trouble = told, now_ns, ""

    def live(self, now_ns: int) -> dict[str, Any]:
        """What the view shows of it besides the newest generation."""
        wanted = self._settings
        if not wanted.enabled:
            return {"phase": "off"}
        told = self._told or Told(phase="settling")
        return {
            "phase": told.phase, "needed": told.needed, "detail": told.detail or self._trouble,
            "silent_s": round((now_ns - self._heard_ns) / 1e9, 1) if self._heard_ns else 0.0,
            "after_s": wanted.after_s, "min_bars": wanted.min_bars, "cpu_share": wanted.cpu_share,
        }  # fmt: skip
