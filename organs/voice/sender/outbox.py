"""What is to be sent: `Notify` rows of the journal, read only, and the guardian's last words."""

import hashlib
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from organism.alerts import LAST_WORDS, PRIORITY, word_of
from organism.effects import Notify
from organism.errors import BadInput
from organism.journal.rows import PAYLOAD_VERSION
from organism.journal.schema import open_reader
from organism.journal.segments import Meta, Segment, read_meta, read_runs, segments
from organism.journal.upcast import Payloads
from organism.redaction import Redactor, one_line
from organs.voice.sender.alert import Alert

log = logging.getLogger(__name__)
LOOK_ANYWAY_S = 1.0  # a file's time may be coarser than two writes are apart
MOST_GAPS = 50  # looks
LONGEST_WORDS = 1_000_000  # bytes of last words read at once


class Place(NamedTuple):
    """How far a source was read: a row and its digest, or a byte and what the file is."""

    position: int
    identity: bytes


class News(NamedTuple):
    """Alerts after a place, and the place after them; `replaced` when that place is in no journal any more."""

    alerts: list[Alert]
    place: Place
    replaced: bool = False


class JournalOutbox:
    """Follows the journal over its segments. Never writes; a journal that is not there yet has nothing to say.

    Nothing is held open between two looks, so the journal's writer may checkpoint and seal whenever it likes.
    """

    def __init__(self, state: Path, redact: Redactor) -> None:
        self._state = state
        self._redact = redact
        self._payloads = Payloads()
        self._seen: object = None
        self._looked_at = 0.0
        self._n_gaps = 0

    def read(self, after: Place) -> News:
        """Alerts of rows after a place."""
        signature = self._signature()
        if signature == self._seen and time.monotonic() - self._looked_at < LOOK_ANYWAY_S:
            return News([], after)
        self._seen, self._looked_at = signature, time.monotonic()
        try:
            return self._read(after)
        except (sqlite3.Error, OSError) as error:  # busy, half-made or damaged: tried again at the next look
            log.warning("the journal could not be read: %s", error)
            self._seen = None
            return News([], after)

    def holds(self, alert: Alert) -> bool:
        """Whether the row of an alert is still what it was."""
        return any(self._ask("SELECT 1 FROM rows WHERE seq = ? AND wall_ns = ?", alert.seq, alert.wall_ns))

    def digest(self, seq: int) -> bytes:
        """Digest of a row, b"" when there is none."""
        return next((bytes(d) for d in self._ask("SELECT digest FROM rows WHERE seq = ?", seq)), b"")

    def _read(self, after: Place) -> News:
        alerts: list[Alert] = []
        place = after
        for segment in self._from(after.position):
            with closing(open_reader(segment.path, sealed=segment.sealed)) as db:
                meta = read_meta(db)
                if meta.previous_seq > place.position:  # sealed in this moment: the next look finds it
                    self._seen = None
                    if not self._given_up(place.position):
                        break
                    place = Place(meta.previous_seq, meta.previous_digest)
                self._n_gaps = 0
                if not _goes_on(db, meta, place):
                    self._seen = None
                    return News(alerts, place, replaced=True)
                place = self._rows(db, place, alerts)
        return News(alerts, place)

    def _from(self, position: int) -> list[Segment]:
        """The segments that may hold rows after a position, oldest first. Mostly the current one alone."""
        needed: list[Segment] = []
        for segment in reversed(segments(self._state)):
            needed.insert(0, segment)
            with closing(open_reader(segment.path, sealed=segment.sealed)) as db:
                if read_meta(db).previous_seq <= position:
                    break
        return needed

    def _given_up(self, position: int) -> bool:
        """Whether the rows after a position were waited for in vain: a person moved the archive away."""
        self._n_gaps += 1
        if self._n_gaps <= MOST_GAPS:
            return False
        log.warning(
            "rows after %d of the journal are not in the state folder; alerts among them are lost", position
        )
        return True

    def _rows(self, db: sqlite3.Connection, after: Place, into: list[Alert]) -> Place:
        tip = db.execute("SELECT seq, digest FROM rows ORDER BY seq DESC LIMIT 1").fetchone()
        if tip is None or tip[0] <= after.position:
            return after
        rows = db.execute(
            "SELECT seq, run, wall_ns, effects FROM rows WHERE seq > ? AND seq <= ? AND organ = 'voice' ORDER BY seq",
            (after.position, tip[0]),
        ).fetchall()
        runs = read_runs(db) if rows else {}
        for seq, run, wall_ns, effects in rows:
            version = runs[run].payload_version if run in runs else PAYLOAD_VERSION
            into.extend(self._alerts(seq, version, wall_ns, effects))
        return Place(tip[0], tip[1])

    def _alerts(self, seq: int, version: int, wall_ns: int, effects: bytes) -> Iterator[Alert]:
        try:
            decoded = self._payloads.effects(effects, version)
        except (msgspec.MsgspecError, BadInput) as error:  # damaged, or written by a later version
            log.error("row %d of the journal could not be understood, its alerts are lost: %s", seq, error)  # noqa: TRY400 - no news in a traceback
            return
        for effect in decoded:
            if type(effect) is Notify:
                yield Alert(
                    id=effect.alert_id,
                    severity=effect.severity.value,
                    priority=effect.priority.value,
                    title=self._redact(effect.title),
                    body=self._redact(effect.body),
                    tags=effect.tags,
                    wall_ns=wall_ns,
                    seq=seq,
                    count=effect.count,
                )

    def _ask(self, query: str, *values: int) -> list[Any]:
        """First column of what every segment answers."""
        found: list[Any] = []
        for segment in segments(self._state):
            with (
                suppress(sqlite3.Error, OSError),
                closing(open_reader(segment.path, sealed=segment.sealed)) as db,
            ):
                found += [row[0] for row in db.execute(query, values)]
        return found

    def _signature(self) -> object:
        """Changes whenever the journal does (a write may keep the size, hence the times)."""
        found: list[tuple[int, int, int]] = []
        for name in ("journal.db", "journal.db-wal"):
            with suppress(OSError):
                info = (self._state / name).stat()
                found.append((info.st_ino, info.st_size, info.st_mtime_ns))
        return found


def _goes_on(db: sqlite3.Connection, meta: Meta, place: Place) -> bool:
    """Whether the segment holds, or directly follows, the row that `place` names."""
    if place.position <= meta.previous_seq:
        return place.position in (0, meta.previous_seq) and place.identity in (b"", meta.previous_digest)
    row = db.execute("SELECT digest FROM rows WHERE seq = ?", (place.position,)).fetchone()
    return row is not None and row[0] == place.identity


class LastWords:
    """Follows `last_words.jsonl`, which the guardian writes when the body cannot speak."""

    def __init__(self, state: Path, redact: Redactor) -> None:
        self._path = state / LAST_WORDS
        self._redact = redact

    def read(self, after: Place) -> News:
        """Whole lines after a place; from the beginning when the file is another one."""
        with suppress(OSError), self._path.open("rb") as file:
            head = file.readline(LONGEST_WORDS)
            if not head.endswith(b"\n"):
                return News([], after)
            identity = hashlib.sha256(head).digest()
            position = after.position if identity == after.identity else 0
            file.seek(position)
            data = file.read(LONGEST_WORDS)
            whole = data[: data.rfind(b"\n") + 1]
            if not whole:
                return News([], after)
            alerts = [alert for line in whole.splitlines() if (alert := self._alert(line)) is not None]
            return News(alerts, Place(position + len(whole), identity))
        return News([], after)

    def _alert(self, line: bytes) -> Alert | None:
        try:
            name, words = word_of(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            log.warning("a line of the last words could not be understood")
            return None
        severity = words.severity.lower()
        priority = PRIORITY.get(severity, "low")
        return Alert(
            id=name,
            severity=severity,
            priority=priority,
            title=one_line(self._redact(words.title), 120),
            body=one_line(self._redact(words.body), 1_500),
            tags=(priority,),
            wall_ns=words.wall_ns,
        )
