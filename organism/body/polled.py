"""The body's ear for its poller: what it tells is shown, judged by the time at which it is looked at."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from organism.errors import BadInput
from organism.lake.context.moods import mood
from organism.lake.polling.schedule import Standing, condition
from organism.lake.polling.told import FEAR_GREED, FILE, Told, heard, wanted
from organism.settings import Settings
from organism.view.live import ContextLive

log = logging.getLogger(__name__)


class PolledEar:
    """One look each half second; the file is read when it changed."""

    def __init__(self, state: Path, settings: Settings) -> None:
        self._state, self._wanted = state, wanted(settings)
        self._file: tuple[int, int] | None = None
        self._told = Told()
        self._trouble = ""

    def live(self, wall_ns: int) -> tuple[ContextLive, ...]:
        """A row for each feed that the settings ask for, also where nothing was heard yet; none without."""
        if self._wanted:
            self._listen()
        now_us = wall_ns // 1_000
        unheard = Standing(error=self._trouble)
        return tuple(self._row(name, self._told.feeds.get(name, unheard), now_us) for name in self._wanted)

    def _listen(self) -> None:
        try:
            found = (self._state / FILE).stat()
        except OSError:
            return
        if (found.st_ino, found.st_mtime_ns) == self._file:
            return
        self._file = (found.st_ino, found.st_mtime_ns)
        try:
            self._told, self._trouble = heard(self._state) or Told(), ""
        except BadInput as error:
            self._told = Told()
            if str(error) != self._trouble:
                self._trouble = str(error)
                log.warning("%s", error)

    def _row(self, name: str, one: Standing, now_us: int) -> ContextLive:
        if one.known_us > now_us:  # the clock was set back: by it, nobody knows this value yet
            one = msgspec.structs.replace(one, value=None)
        return ContextLive(
            name=name,
            state=condition(one, now_us),
            silent_s=max(0.0, (now_us - one.answered_us) / 1e6) if one.answered_us else None,
            value=one.value,
            known_at=None if one.value is None else _utc(one.known_us),
            detail="; ".join(part for part in (_said(name, one, now_us), one.error) if part),
        )


def _said(name: str, one: Standing, now_us: int) -> str:
    if one.value is None:
        return "nothing heard yet"
    if name == FEAR_GREED:
        return f"{one.value:g}, {mood(one.value)}, of {_utc(one.at_us)[:10]}"
    day, clock = _utc(one.at_us)[:10], _utc(one.at_us)[11:16]
    return f"{one.value:.4%}, settled {clock} UTC" + ("" if day == _utc(now_us)[:10] else f" of {day}")


def _utc(us: int) -> str:
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
