"""One thread a channel: deliver in order, try again with jittered pauses, and never wait beyond the deadline.

The deadline is kept outside the library: a server that sends one byte a second would hold it for ever. What
does not answer is left behind on a thread of its own; if it arrives after all, that is noted too.
"""

import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from organs.voice.sender.alert import Alert
from organs.voice.sender.reach import Outcome

Send = Callable[[Alert], Outcome]
DELIVERED, FAILED, PENDING = "delivered", "failed", "pending"
MOST_LEFT_BEHIND = 3  # unanswered deliveries of one channel
PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0


@dataclass(frozen=True)
class Result:
    """What became of one alert on one channel."""

    alert: Alert
    channel: str
    state: str
    attempts: int
    error: str
    late: bool = False  # beyond the one result that every handed alert has


@dataclass(frozen=True)
class Limits:
    """deadline_s   for one alert, all attempts together; pause_s before the second attempt, doubling."""

    attempts: int
    deadline_s: float
    pause_s: float = PAUSE_S


class Courier:
    """Delivers to one channel. `connect` makes a fresh way to send after one was left behind."""

    def __init__(
        self,
        channel: str,
        connect: Callable[[], Send],
        limits: Limits,
        results: "queue.Queue[Result]",
        jitter: random.Random | None = None,
    ) -> None:
        self.channel = channel
        self._connect = connect
        self._limits = limits
        self._results = results
        self._jitter = jitter or random.Random()
        self._alerts: queue.Queue[Alert | None] = queue.Queue()
        self._stop = threading.Event()
        self._send: Send | None = None
        self._left_behind: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run, name=f"courier {channel}", daemon=True)
        self._thread.start()

    def hand(self, alert: Alert) -> None:
        """Deliver this after those before it."""
        self._alerts.put(alert)

    def close(self) -> None:
        """Start nothing new; what is under way may end, or be left behind."""
        self._stop.set()
        self._alerts.put(None)

    def _run(self) -> None:
        while (alert := self._alerts.get()) is not None and not self._stop.is_set():
            self._results.put(self.deliver(alert))

    def deliver(self, alert: Alert) -> Result:
        """Try until it arrives, the attempts are used up, or the time is."""
        ends = time.monotonic() + self._limits.deadline_s
        outcome = Outcome(arrived=False, detail="not tried")
        for attempt in range(1, self._limits.attempts + 1):
            outcome = self._attempt(alert, ends - time.monotonic())
            if outcome.arrived:
                return Result(alert, self.channel, DELIVERED, attempt, "")
            pause_s = min(self._limits.pause_s * 2 ** (attempt - 1), LONGEST_PAUSE_S) * self._jitter.uniform(
                0.5, 1.0
            )
            if outcome.hopeless or attempt == self._limits.attempts or time.monotonic() + pause_s >= ends:
                return Result(alert, self.channel, FAILED, attempt, outcome.detail)
            if self._stop.wait(pause_s):
                return Result(alert, self.channel, PENDING, attempt, outcome.detail)
        return Result(alert, self.channel, FAILED, self._limits.attempts, outcome.detail)

    def _attempt(self, alert: Alert, within_s: float) -> Outcome:
        self._left_behind = [thread for thread in self._left_behind if thread.is_alive()]
        if len(self._left_behind) >= MOST_LEFT_BEHIND:
            n = len(self._left_behind)
            return Outcome(arrived=False, detail=f"{n} earlier deliveries have not ended yet", hopeless=True)
        if self._send is None:
            self._send = self._connect()
        send = self._send
        answer: queue.Queue[Outcome] = queue.Queue()
        late = threading.Event()

        def run() -> None:
            outcome = send(alert)
            answer.put(outcome)
            if late.is_set() and outcome.arrived:
                self._results.put(Result(alert, self.channel, DELIVERED, 0, "", late=True))

        thread = threading.Thread(target=run, name=f"delivery {self.channel}", daemon=True)
        thread.start()
        try:
            return answer.get(timeout=max(within_s, 0.001))
        except queue.Empty:
            late.set()
        try:  # it may have answered between the two lines above
            return answer.get_nowait()
        except queue.Empty:
            self._left_behind.append(thread)
            self._send = None  # it is still in use: the next attempt gets one of its own
            return Outcome(arrived=False, detail=f"no answer within {self._limits.deadline_s:g} s")
