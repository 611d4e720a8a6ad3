"""The living body judged: every durable row against the invariants, each second, from the disk and not from the organs.

A breach is told once, by its own name: to immune, which halts, and to voice, which tells a person. Which ones were
told already stands in the journal itself. After a start the history is judged first, a slice a second; only what was
never told is told then. A history too long for that is left to `organism verify`, and judging begins at its end.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from organism.body.past import rules_in
from organism.effects import Effect, VenueSubmit
from organism.errors import JournalDamaged
from organism.invariants import TITLES, Breach, Breaches, Departure, Judge, Probe, Rules, Unpacker
from organism.journal.port import Journal
from organism.journal.reader import read, read_rows, read_runs_of
from organism.journal.rows import Row, Run
from organism.journal.segments import CURRENT, read_meta, segments
from organism.messages import Envelope, InvariantBroken, OperatorCommanded
from organism.redaction import Redactor, parts_of
from organism.settings import Channel, Settings
from organism.spine import Origin, Port

MOST_HISTORY = 200_000  # rows; older ones are for `organism verify`
SLICE = 10_000  # rows judged in one turn
SLICE_S = (
    0.25  # and longest time for them: a replay as fast as it goes may outrun its judge, and the view says so
)
_SHOWN = 5
_MB = 1024.0 * 1024.0
_LONG_ENOUGH = 12  # a shorter part of an address is an ordinary word that an alert may well use

log = logging.getLogger(__name__)


class Judging:
    """Follows the journal of a living body. `turn` belongs to one thread, `watched` ports to any.

    rules_of   what a run was set up with
    tell       delivers an envelope to an organ
    """

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        rules_of: Callable[[Run], Rules | None],
        tell: Callable[[str, Envelope], None],
        *,
        redact: Redactor | None = None,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._rules_of = rules_of
        self._tell = tell
        self._redact = redact or Redactor()
        self._mono_s = mono_s
        self._departures: deque[Departure] = deque()
        self._told: set[str] = set()
        self._waiting: list[Breach] = []
        self.broken: Counter[str] = Counter()  # since a person resumed last, by id
        self.newest: deque[Breach] = deque(maxlen=_SHOWN)
        self.trouble = ""
        self._history = journal.tip[0]
        first = self._oldest()
        self._begin(first if self._history - first < MOST_HISTORY else self._history + 1)

    @property
    def n_broken(self) -> int | None:
        """Invariants that are broken and that nobody has answered for; None while nothing can be judged."""
        return None if self.trouble else len(self.broken)

    def watched(self, perform: Port) -> Port:
        """The same port; a request that leaves before its row is durable is noted (I1)."""

        def depart(effect: Effect, origin: Origin) -> None:
            durable = self._journal.durable_seq
            if type(effect) is VenueSubmit and durable < origin.seq:
                self._departures.append(Departure(origin.seq, effect.client_order_id, durable))
            perform(effect, origin)

        return depart

    def turn(self, probe: Probe) -> None:
        """Judge what has become durable since, and one measurement. Never raises: what fails is told."""
        try:
            self._advance()
            while self._departures:
                self._found(self._judge.departed(self._departures.popleft()))
            self._found(self._judge.look(self._with_log(probe)))
            self.trouble = ""
        except JournalDamaged as error:
            self._damaged(error)
        except Exception as error:
            if not self.trouble:
                log.exception("the invariants cannot be judged")
            self.trouble = f"the invariants cannot be judged: {type(error).__name__}"

    def summary(self) -> dict[str, Any]:
        """For people: what is broken, how far was judged, and how often each had something to judge."""
        return {
            "broken": dict(self.broken),
            "newest": [{"invariant": b.invariant, "seq": b.seq, "text": b.text} for b in self.newest],
            "judged_seq": self._judge.seq,
            "since_seq": self._first,
            "behind": max(0, self._journal.durable_seq - self._judge.seq),
            "judged": self._judge.judged(),
            "trouble": self.trouble,
        }

    # -------------------------------------------------------------- inside

    def _begin(self, first_seq: int) -> None:
        self._first = first_seq
        self._judge = Judge(first_seq=first_seq, redact=self._redact)
        self._unpacker = Unpacker()
        self._run = 0
        self._runs: dict[int, Run] = {}

    def _advance(self) -> None:
        judge, began_s = self._judge, self._mono_s()
        until = min(self._journal.durable_seq, judge.seq + SLICE)
        if until <= judge.seq:
            return
        for row in read_rows(self._folder, judge.seq, until):
            if row.run != self._run:
                self._under(row)
            event = self._unpacker.event(row, self._runs)
            read_here = event.read
            if type(read_here) is InvariantBroken:
                self._told.add(read_here.breach_id)
            elif (
                type(read_here) is OperatorCommanded
                and read_here.command == "resume"
                and row.organ == "immune"
            ):
                self.broken.clear()
            self._found(judge.see(event))
            if self._mono_s() - began_s > SLICE_S:
                break
        if judge.seq >= self._history:
            waiting, self._waiting = self._waiting, []
            self._say(waiting)

    def _under(self, row: Row) -> None:
        self._run = row.run
        if row.run not in self._runs:
            self._runs = read_runs_of(self._folder)
        run = self._runs.get(row.run)
        rules = self._rules_of(run) if run is not None else None
        self._judge.under(rules or Rules())

    def _found(self, breaches: Breaches) -> None:
        for breach in breaches:
            self.broken[breach.invariant] += 1
            self.newest.append(breach)
        if self._judge.seq < self._history:
            self._waiting += breaches  # a later row may say that it was told
        else:
            self._say(breaches)

    def _say(self, breaches: Iterable[Breach]) -> None:
        for breach in breaches:
            identity = breach.identity
            if identity in self._told:
                continue
            self._told.add(identity)
            log.critical("%s (%s) is broken: %s", breach.invariant, TITLES[breach.invariant], breach.text)
            message = InvariantBroken(invariant=breach.invariant, breach_id=identity, text=breach.text)
            envelope = Envelope(f"invariant:{identity}", "watch", 0, 0, "", message)
            for organ in ("immune", "voice"):
                self._tell(organ, envelope)

    def _damaged(self, error: JournalDamaged) -> None:
        if self._oldest() > self._judge.seq + 1:  # archived before it was judged
            self._begin(self._journal.durable_seq + 1)
            return
        seq = self._judge.seq + 1
        breach = Breach(invariant="I5", text=str(error), seq=seq)
        if breach.identity not in self._told:
            self._found(self._judge.add((breach,)))

    def _oldest(self) -> int:
        files = segments(self._folder)
        return read(files[0], lambda c: read_meta(c).previous_seq) + 1 if files else 1

    def _with_log(self, probe: Probe) -> Probe:
        log_file = self._folder / f"{CURRENT}-wal"
        try:
            size = log_file.stat().st_size / _MB
        except OSError:
            return probe
        return Probe(
            memory_mb=probe.memory_mb, inbox_depth=probe.inbox_depth, threads=probe.threads,
            descriptor_share=probe.descriptor_share, wal_mb=size,
        )  # fmt: skip


def judging_of(
    state: Path, journal: Journal, settings: Settings, tell: Callable[[str, Envelope], None]
) -> Judging:
    """The judge of the body that lives in a state folder."""
    return Judging(state, journal, rules_in(state), tell, redact=canaries(settings.voice.channels))


def canaries(channels: Iterable[Channel]) -> Redactor:
    """Knows the addresses in the settings: whole ones, and those parts of them that are no ordinary words."""
    redact = Redactor()
    for channel in channels:
        if "://" in channel.url:
            parts = parts_of(channel.url)
            redact.learn(p for p in parts if p == channel.url or _is_no_word(p))
    return redact


def _is_no_word(part: str) -> bool:
    return len(part) >= _LONG_ENOUGH and any(c.isdigit() for c in part) and any(c.isalpha() for c in part)
