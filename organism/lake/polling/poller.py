"""Asks each feed when it is due, keeps what is known of it in one file, and outlives whatever a service does."""

import logging
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from organism.errors import BadInput, OrganismError
from organism.lake.fetching.breaker import Breaker, Position
from organism.lake.fetching.faults import Failed, Fault, said
from organism.lake.fetching.shared import Clock
from organism.lake.polling import schedule
from organism.lake.polling.feeds import Feed
from organism.lake.polling.schedule import Heard, Standing
from organism.lake.polling.told import Told, heard, tell
from organism.redaction import one_line

LOOK_S = 30.0  # longest wait: somebody may set the clock, or wake the machine
_COOL_US, _LONGEST_US = 1_800_000_000, 6 * schedule.HOUR_US
log = logging.getLogger("poller")


class Poller:
    """The feeds of one organism.

    state    its folder; `poller.json` there is this object's memory, and what the body shows
    chance   where jitter is drawn from
    moved    called before and after each question: it gets on
    """

    def __init__(
        self, feeds: Sequence[Feed], state: Path, *, clock: Clock, chance: random.Random,
        moved: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._feeds, self._state, self._clock, self._chance, self._moved = feeds, state, clock, chance, moved
        first = Breaker(cool_us=_COOL_US, longest_us=_LONGEST_US)
        self._breakers = {feed.source: first for feed in feeds}
        self._trouble = ""
        self._doubted: dict[str, str] = {}
        self.standings = self._remembered()
        self._tell()

    def live(self, stopping: Callable[[float], bool]) -> None:
        """Until told to stop. `stopping` waits so many seconds, and says whether."""
        while not stopping(self.turn()):
            self._moved()

    def turn(self) -> float:
        """Ask whatever is due; seconds until the next look."""
        for feed in self._feeds:
            now_us = self._clock.wall_us()
            standing = schedule.bounded(self.standings[feed.name], now_us, feed.cadence)
            self.standings[feed.name] = standing
            if standing.next_us <= now_us:
                self._ask(feed)
        now_us = self._clock.wall_us()
        next_us = min((one.next_us for one in self.standings.values()), default=now_us + int(LOOK_S * 1e6))
        return min(max(0.0, (next_us - now_us) / 1e6), LOOK_S)

    def _ask(self, feed: Feed) -> None:
        self._moved()
        now_us = self._clock.wall_us()
        breaker = self._breakers[feed.source]
        steady_us = self._clock.steady_us()
        if breaker.position(steady_us) is Position.OPEN:
            open_us = now_us + breaker.until_us - steady_us
            old = self.standings[feed.name]
            why = old.error or f"{feed.source} failed several times in a row and is left alone"
            self.standings[feed.name] = msgspec.structs.replace(old, next_us=open_us, error=why)
            self._tell()
            return
        self.standings[feed.name] = schedule.asking(self.standings[feed.name], now_us, feed.cadence)
        self._tell()
        failed: Failed | None = None
        newest: Heard | None = None
        try:
            self._doubt(feed.name, feed.ask())
            newest = feed.newest()
        except Failed as error:
            failed = Failed(error.fault, f"{feed.source}: {error.why}", wait_s=error.wait_s)
        except (OrganismError, OSError) as error:
            # Our own side, a full disk or a damaged lake: it says nothing of the source, and a person may mend it soon.
            failed = Failed(Fault.LIMITED, said(error) if isinstance(error, OSError) else str(error))
        except Exception as error:
            log.exception("%s: not foreseen", feed.name)
            failed = Failed(Fault.PASSING, said(error))
        now_us = self._clock.wall_us()
        old = self.standings[feed.name]
        if failed is None:
            self._breakers[feed.source] = breaker.succeeded()
            new = schedule.answered(old, newest, now_us, feed.cadence, self._chance)
        else:
            if failed.fault is Fault.PASSING:
                breaker = self._breakers[feed.source] = breaker.failed(self._clock.steady_us())
            new = schedule.unanswered(old, failed, now_us, feed.cadence, self._chance, self._open_us(breaker))
        self._log(feed.name, old, new)
        self.standings[feed.name] = new
        self._tell()
        self._moved()

    def _open_us(self, breaker: Breaker) -> int:
        left_us = breaker.until_us - self._clock.steady_us()
        return self._clock.wall_us() + left_us if left_us > 0 else 0

    def _remembered(self) -> dict[str, Standing]:
        """What was planned before, and the newest value that the lake has."""
        try:
            told = heard(self._state) or Told()
        except BadInput as error:
            log.warning("%s", error)
            told = Told()
        now_us = self._clock.wall_us()
        found: dict[str, Standing] = {}
        for feed in self._feeds:
            self._moved()  # long histories of many feeds are read
            standing = schedule.bounded(told.feeds.get(feed.name, Standing()), now_us, feed.cadence)
            try:
                newest = feed.newest()
            except OrganismError as error:
                log.warning("%s: %s", feed.name, error)
                newest = None
            except Exception:
                log.exception("%s: not foreseen", feed.name)
                newest = None
            if newest is not None:
                standing = schedule.with_value(standing, newest)
            elif (
                standing.value is not None
            ):  # a lake that was put away: ask for all of it, though not more often
                next_us = min(standing.next_us, standing.asked_us + feed.cadence.every_us)
                standing = Standing(asked_us=standing.asked_us, next_us=next_us, error=standing.error)
            found[feed.name] = standing
        return found

    def _doubt(self, name: str, refused: tuple[str, ...]) -> None:
        """Whatever of an answer was not believed is told, though not each time again."""
        said = f"{len(refused):,} of its rows were refused: {refused[0]}" if refused else ""
        if said and said != self._doubted.get(name):
            log.warning("%s: %s", name, one_line(said))
        self._doubted[name] = said

    def _tell(self) -> None:
        try:
            tell(self._state, Told(self.standings))
        except OSError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                log.warning("what is known of feeds cannot be written: %s", error)
        else:
            self._trouble = ""

    @staticmethod
    def _log(name: str, old: Standing, new: Standing) -> None:
        if new.error and new.error != old.error:
            log.warning("%s: %s", name, new.error)
        elif not new.error and (old.error or new.at_us != old.at_us):
            log.info("%s: %s", name, new.value)
