"""What the guardian decides, without a process, a clock or a pipe."""

import enum
import signal
from dataclasses import dataclass
from pathlib import Path

GAVE_UP = 70
BAD_INPUT = 2
FULL = 75  # a service has grown as large as it may, and asks for another in its place: no failure
LONGEST_WAIT_S = 30.0
VENUE_WAIT_S = 2.0  # nothing is traded while it is away, so it is tried again soon, whatever that costs

BREEDER_SILENCE_S = 120.0  # it runs when nobody else does, and nobody waits for it


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOptions:
    """Limits of the guardian. Seconds on the monotonic clock.

    beat_s                how often a child should beat
    silence_s             silence after which the body is killed
    venue_silence_s, service_silence_s   the same for a venue's process, and for dashboard and sender
    grace_s               silence of any child tolerated before its first beat; a body that tells its progress on the way to it,
                          row by row of a long journal, is not silent
    restarts, within_s    body restarts tolerated in that span; the next one is safe
    safe_restarts         deaths in safe mode before giving up with status 70
    stop_s, others_s      longest orderly stop of the body, and of everything else after it
    last_words_s          longest wait for the sender when the organism has given up
    run_for_s             stop in order after so long, None for never
    late_s                waking later than this, the guardian does not trust what it thinks is silence
    dump_s                time for the tracebacks between SIGUSR1 and SIGKILL
    body_wait_s           longest wait for a body whose guardian was killed
    """

    state: Path
    beat_s: float = 0.1
    silence_s: float = 2.0
    venue_silence_s: float = 5.0
    service_silence_s: float = 10.0
    grace_s: float = 30.0
    restarts: int = 3
    within_s: float = 600.0
    safe_restarts: int = 3
    stop_s: float = 8.0
    run_for_s: float | None = None
    others_s: float = 1.8
    last_words_s: float = 10.0
    late_s: float = 0.3
    dump_s: float = 0.2
    body_wait_s: float = 10.0

    def patience_s(self, name: str) -> float:
        """Silence after which this child is killed.

        >>> options = GuardOptions(state=Path())
        >>> [options.patience_s(name) for name in ("body", "venue", "sender")]
        [2.0, 5.0, 10.0]
        """
        own = {"body": self.silence_s, "venue": self.venue_silence_s, "breeder": BREEDER_SILENCE_S}
        return own.get(name, self.service_silence_s)


class Next(enum.Enum):
    """What follows the end of the body."""

    START = "start it again"
    START_SAFE = "start it again, without entries"
    END = "end in order"
    REFUSE = "pass the refusal on"
    GIVE_UP = "tell a person"


@dataclass(frozen=True, slots=True)
class Deaths:
    """Ends of the body that nobody asked for. `safe` counts those in safe mode; once safe, it stays so."""

    at_s: tuple[float, ...] = ()
    safe: int = 0
    is_safe: bool = False


def after_death(
    deaths: Deaths, now_s: float, code: int, options: GuardOptions, *, asked: bool
) -> tuple[Deaths, Next]:
    """Decide what follows. `asked`: the body was told to stop, or said that its work was done.

    >>> options = GuardOptions(state=Path(), restarts=1, safe_restarts=2)
    >>> deaths, what = after_death(Deaths(), 1.0, -9, options, asked=False)
    >>> what.name
    'START'
    >>> deaths, what = after_death(deaths, 2.0, 1, options, asked=False)
    >>> what.name
    'START_SAFE'
    >>> deaths, what = after_death(deaths, 3.0, 1, options, asked=False)
    >>> what.name
    'START_SAFE'
    >>> after_death(deaths, 4.0, 1, options, asked=False)[1].name
    'GIVE_UP'
    """
    if asked:
        return deaths, Next.END
    if code == BAD_INPUT:
        return deaths, Next.REFUSE
    if deaths.is_safe:
        deaths = Deaths(deaths.at_s, deaths.safe + 1, is_safe=True)
        return deaths, Next.GIVE_UP if deaths.safe >= options.safe_restarts else Next.START_SAFE
    recent = (*(t for t in deaths.at_s if now_s - t <= options.within_s), now_s)
    if len(recent) > options.restarts:
        return Deaths(recent, 0, is_safe=True), Next.START_SAFE
    return Deaths(recent), Next.START


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a child has said nothing.

    since_s   last beat, or the start; moved forward by spans in which the guardian itself stood still
    has_beaten   whether there was a first beat
    """

    since_s: float
    has_beaten: bool = False

    def heard(self, now_s: float) -> "Silence":
        """It beat."""
        return Silence(now_s, has_beaten=True)

    def waking(self, now_s: float) -> "Silence":
        """It gets on with waking. Once it has beaten, only a beat counts: what catches up then proves nothing of the rest.

        >>> Silence(0.0).waking(20.0), Silence(0.0, has_beaten=True).waking(20.0).since_s
        (Silence(since_s=20.0, has_beaten=False), 0.0)
        """
        return self if self.has_beaten else Silence(now_s)

    def excused(self, late_s: float, now_s: float) -> "Silence":
        """The guardian woke `late_s` too late: that span proves nothing.

        >>> Silence(10.0, has_beaten=True).excused(5.0, now_s=16.0).since_s
        15.0
        """
        return Silence(min(now_s, self.since_s + late_s), has_beaten=self.has_beaten)

    def is_too_long(self, looked_s: float, patience_s: float, grace_s: float) -> bool:
        """Whether the child counts as hung; `grace_s` holds until its first beat.

        looked_s   when the guardian last knew how late it was: what happened since then is not excused yet

        >>> Silence(0.0).is_too_long(29.0, 2.0, 30.0)
        False
        >>> Silence(0.0, has_beaten=True).is_too_long(2.1, 2.0, 30.0)
        True
        """
        return looked_s - self.since_s > (patience_s if self.has_beaten else grace_s)


def service_wait_s(name: str, n_deaths: int) -> float:
    """Seconds before a service that died `n_deaths` times in a row is started again.

    >>> [service_wait_s("sender", n) for n in (1, 2, 3, 9)]
    [0.0, 0.5, 1.0, 30.0]
    >>> [service_wait_s("venue", n) for n in (1, 2, 3, 9)]
    [0.0, 0.5, 1.0, 2.0]
    """
    cap_s = VENUE_WAIT_S if name == "venue" else LONGEST_WAIT_S
    return 0.0 if n_deaths <= 1 else min(cap_s, 0.5 * 2.0 ** min(n_deaths - 2, 10))


def status_text(code: int) -> str:
    """How a process ended, in words.

    >>> status_text(70), status_text(-9)
    ('status 70', 'signal SIGKILL')
    """
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
