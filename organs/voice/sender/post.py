"""The post office: reads what is to be sent, hands it to a courier a channel, notes what became of it."""

import logging
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from organism.redaction import Redactor
from organs.voice.sender.alert import Alert, wanted
from organs.voice.sender.channel import Target
from organs.voice.sender.courier import DELIVERED, FAILED, PENDING, Courier, Limits, Result, Send
from organs.voice.sender.outbox import JournalOutbox, LastWords, Place
from organs.voice.sender.reach import through_apprise
from organs.voice.sender.record import Deliveries

log = logging.getLogger(__name__)
JOURNAL, LAST_WORDS = "journal", "last_words"
SAVE_EVERY_S = 30.0  # the place in the journal, while there is nothing to send
CATCH_UP_S, LONGEST_CATCH_UP_S = 30.0, 900.0  # after a failure: when to try the channel again
N_NAMED = 8  # alerts named in a catch-up
N_UNHEARD = 3  # summaries beside the newest that may still arrive

Connect = Callable[[Target], Send]


@dataclass
class _Line:
    """A channel: its courier, how much it carries, and when to try again after it failed.

    unheard   what each summary told that was given up; it may arrive all the same
    """

    target: Target
    courier: Courier
    carrying: int = 0
    catching_up: tuple[Alert, ...] = ()
    unheard: dict[str, tuple[Alert, ...]] = field(default_factory=dict)
    retry_at: float | None = None
    retry_s: float = CATCH_UP_S


class PostOffice:
    """One turn a call: read, hand out, note. Owned by one thread; couriers have their own."""

    def __init__(
        self,
        state: Path,
        targets: tuple[Target, ...],
        limits: Limits,
        redact: Redactor,
        connect: Connect | None = None,
    ) -> None:
        self._record = Deliveries(state)
        self._outbox = JournalOutbox(state, redact)
        self._words = LastWords(state, redact)
        self._results: queue.Queue[Result] = queue.Queue()
        make = connect or partial(through_apprise, redact)
        self._lines: Mapping[str, _Line] = {
            target.name: _Line(target, Courier(target.name, partial(make, target), limits, self._results))
            for target in targets
        }
        self._journal = Place(*self._record.cursor(JOURNAL))
        self._heard = Place(*self._record.cursor(LAST_WORDS))
        self._saved_at = time.monotonic()
        self._record.drop_channels(self._lines)
        for alert, channel in self._record.pending():
            self._hand(alert, channel)
        for name, line in self._lines.items():
            if line.target.url is not None and self._record.failed(name):
                line.retry_at = time.monotonic()

    @property
    def carrying(self) -> int:
        """Alerts handed to couriers and not answered yet."""
        return sum(line.carrying for line in self._lines.values())

    def turn(self) -> int:
        """Read and hand out what is new, note what is known; return how many alerts were new."""
        n = self._take_words() + self._take_rows()
        self.note_results()
        self._catch_up()
        return n

    def note_results(self, wait_s: float = 0.0) -> None:
        """Note what couriers report, waiting at most `wait_s` for the first."""
        while True:
            try:
                result = self._results.get(timeout=wait_s) if wait_s > 0 else self._results.get_nowait()
            except queue.Empty:
                return
            wait_s = 0.0
            self._note(result)

    def close(self) -> None:
        """Stop the couriers. What they did not finish is pending, and tried again by the next life."""
        for line in self._lines.values():
            line.courier.close()
        self.note_results()
        self._record.accept((), JOURNAL, *self._journal)
        self._record.trim()
        self._record.close()

    # ------------------------------------------------------------------ inside

    def _go_back(self) -> None:
        """The journal was put back or replaced: read on after the last alert that is still in it."""
        seq = next((alert.seq for alert in self._record.accepted() if self._outbox.holds(alert)), 0)
        log.warning("the journal is not the one that was read before; reading on after row %d", seq)
        self._record.forget_after(seq)
        self._journal = Place(seq, self._outbox.digest(seq))
        self._record.accept((), JOURNAL, *self._journal)

    def _take_rows(self) -> int:
        alerts, place, replaced = self._outbox.read(self._journal)
        if replaced:
            self._go_back()
            return 0
        due = time.monotonic() - self._saved_at >= SAVE_EVERY_S
        if alerts or (due and place != self._journal):
            self._accept(alerts, JOURNAL, place)
            self._saved_at = time.monotonic()
        self._journal = place
        return len(alerts)

    def _take_words(self) -> int:
        alerts, place, _ = self._words.read(self._heard)
        if place != self._heard:
            self._accept(alerts, LAST_WORDS, place)
            self._heard = place
        return len(alerts)

    def _accept(self, alerts: list[Alert], source: str, place: Place) -> None:
        addressed = [
            (alert, tuple(n for n, line in self._lines.items() if wanted(alert.tags, line.target.tags)))
            for alert in alerts
        ]
        for alert, channel in self._record.accept(addressed, source, *place):
            self._hand(alert, channel)

    def _hand(self, alert: Alert, channel: str) -> None:
        line = self._lines[channel]
        if line.target.url is None:
            self._note(Result(alert, channel, FAILED, 0, line.target.problem, late=True))
            return
        line.carrying += 1
        line.courier.hand(alert)

    def _note(self, result: Result) -> None:
        line = self._lines[result.channel]
        line.carrying -= not result.late
        if result.alert.seq == 0 and result.alert.id.startswith("missed:"):
            if not result.late:
                self._caught_up(line, result)
            elif result.state == DELIVERED:
                self._record.sum_up(line.target.name, line.unheard.pop(result.alert.id, ()))
            return
        self._record.note(result)
        told = {"channel": result.channel, "alert_id": result.alert.id}
        if result.state == DELIVERED:
            log.info("delivered %r to %r", result.alert.title, result.channel, extra=told)
            line.retry_at = None if line.retry_at is None else time.monotonic()
        elif result.state == FAILED:
            log.warning(
                "%r did not reach %r: %s", result.alert.title, result.channel, result.error, extra=told
            )
            if line.target.url is not None and line.retry_at is None:
                line.retry_at, line.retry_s = time.monotonic() + CATCH_UP_S, CATCH_UP_S

    def _catch_up(self) -> None:
        """Tell a channel that can be reached again what it missed, in one alert."""
        for name, line in self._lines.items():
            if line.retry_at is None or line.catching_up or time.monotonic() < line.retry_at:
                continue
            missed = self._record.failed(name)
            if not missed:
                line.retry_at = None
                continue
            line.catching_up = tuple(missed)
            line.carrying += 1
            line.courier.hand(_summary(missed))

    def _caught_up(self, line: _Line, result: Result) -> None:
        missed, line.catching_up = line.catching_up, ()
        if result.state == DELIVERED:
            self._record.sum_up(line.target.name, missed)
            log.info("told %r of %d alerts that it missed", line.target.name, len(missed))
            line.retry_at, line.retry_s = None, CATCH_UP_S
            line.unheard.clear()
        elif result.state != PENDING:
            line.unheard = {**dict(list(line.unheard.items())[-N_UNHEARD:]), result.alert.id: missed}
            line.retry_s = min(line.retry_s * 2, LONGEST_CATCH_UP_S)
            line.retry_at = time.monotonic() + line.retry_s


def _summary(missed: list[Alert]) -> Alert:
    worst = next((a for a in missed if a.priority == "critical"), missed[-1])
    named = "; ".join(f"{alert.title}: {alert.body}"[:200] for alert in missed[-N_NAMED:])
    more = f" and {len(missed) - N_NAMED} before them" if len(missed) > N_NAMED else ""
    return Alert(
        id=f"missed:{missed[-1].id}",
        severity=worst.severity,
        priority=worst.priority,
        title=f"{len(missed)} alerts did not arrive here before",
        body=f"{named}{more}.",
        tags=(),
        wall_ns=missed[-1].wall_ns,
        count=len(missed),
    )
