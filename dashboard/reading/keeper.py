"""Keeping the read model up to date: one thread that follows the journal in small batches and rests in between."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dashboard.reading.harvest import Harvester
from dashboard.reading.mirror import Mirror
from dashboard.reading.schema import FOLDER, place
from dashboard.reading.source import Replaced, Source, Tip
from dashboard.reading.store import FINE_NS, Store
from organism.errors import OrganismError
from organism.guardian.lock import FolderLock
from organism.journal.reader import Moved
from organism.journal.rows import PAYLOAD_VERSION, Row, Run

BATCH = 500  # rows a batch, and between two checkpoints: about ten milliseconds of work
TAIL_S = 0.25  # between two looks at a journal that was read to its end
SHARE = 0.25  # of one core while there is much to read
TROUBLED_S = 5.0  # between two tries of what could not be read
TIDY = 100  # whole batches between two looks at what may go
LOCK = "lock"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How much of the journal the read model holds.

    state        "nothing" (no body has lived here), "reading" (much is still to be read), "ready", "troubled"
    events_done, events_total   journal rows
    behind_s     wall seconds between the newest row read and the newest there is, 0 when they are the same
    left_s       how long reading will last, as it went so far; None when that is not known
    sentence     for a person
    first_row    the oldest row that is known: more than 1 where older files were taken away
    """

    state: str
    events_done: int = 0
    events_total: int = 0
    behind_s: float = 0.0
    left_s: float | None = None
    sentence: str = ""
    first_row: int = 1

    @property
    def share(self) -> float:
        """How much of it was read, from 0 to 1."""
        return 1.0 if self.state == "ready" else self.events_done / max(1, self.events_total)


class Keeper:
    """The one writer of a state folder's read model; where another process is that, it only waits to take over.

    share   of one core that reading may take while there is much to read
    """

    def __init__(
        self, state: Path, *, share: float = SHARE, mono_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = place(state)
        self._state = state
        self._share = share
        self._mono_s = mono_s
        self._source = Source(state)
        self._store = Store(self.path)
        self._lock = FolderLock(state / FOLDER / LOCK)
        self._holds = False
        self._opened = False
        self._suspected = threading.Event()
        self._harvester = Harvester()
        self._mirror = Mirror()
        self._progress = Progress(state="nothing", sentence=_NOTHING)
        self._began = (0.0, 0)
        self._first = 0
        self._namespace = ""
        self._why = ""
        self._cap = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # -------------------------------------------------------------- any thread

    def start(self) -> None:
        """Follow the journal from a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
            self._thread.start()

    def close(self, within_s: float = 5.0) -> None:
        """Stop after the batch in hand; the next start goes on from there."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(within_s)
            if self._thread.is_alive():  # it is using the files
                return
            self._thread = None
        self._store.close()
        self._opened = False
        self._mirror.close()
        self._lock.let_go()
        self._holds = False

    def progress(self) -> Progress:
        """How far it is."""
        return self._progress

    def suspect(self) -> None:
        """A query found the file damaged: it is looked through, and built anew when it is."""
        self._suspected.set()

    # -------------------------------------------------------------- the keeper's thread

    def step(self) -> float:
        """Do one small piece of work; answers the seconds to rest before the next one. It never raises."""
        began = self._mono_s()
        try:
            behind = self._advance()
        except (Moved, Replaced) as error:
            if isinstance(error, Replaced):
                self._begin_anew("The journal is another one now; its history is read anew.")
            return TAIL_S
        except sqlite3.OperationalError as error:
            return self._trouble(
                f"The history cannot be written: {error}. See that the disk has space and is not read-only."
            )
        except sqlite3.DatabaseError:
            self._begin_anew("The read model was damaged; the history is read anew.")
            return TAIL_S
        except OSError as error:
            return self._trouble(f"The history cannot be kept in {FOLDER}/: {error.strerror or error}.")
        except (OrganismError, ValueError) as error:
            text = str(error)
            return self._trouble(
                f"The history ends at row {self._store.seq}: {text}" if self._store.seq else _sentence(text)
            )
        if not behind:
            return TAIL_S
        took_s = self._mono_s() - began
        return max(0.0, took_s * (1.0 / self._share - 1.0))

    def read_all(self, has_to_stop: Callable[[], bool] = lambda: False) -> None:
        """Read to the end without resting, for measurements and tests."""
        while not has_to_stop():
            self.step()
            if self._progress.state != "reading":
                return

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                rest_s = self.step()
            except Exception:  # a page without history is better than none; the file is disposable
                log.exception("the read model could not be kept; it is built anew")
                self._begin_anew("The history could not be kept; it is read anew.")
                rest_s = TROUBLED_S
            self._stop.wait(rest_s)

    def _advance(self) -> bool:
        """One batch; whether there is more."""
        tip = self._source.tip()
        if tip is None:
            self._gone()
            return False
        if not self._holds:
            self._lock.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._holds = self._lock.try_hold()
            if not self._holds:
                self._watch(tip)
                return False
        if self._suspected.is_set():
            self._suspected.clear()
            if self._opened and not self._store.is_whole():
                raise sqlite3.DatabaseError("damaged")
        if not self._opened or not self.path.exists():
            self._open(tip)
        if self._is_another(tip):
            raise Replaced
        if self._store.seq < tip.seq:
            self._batch(tip)
        self._tell(tip)
        return self._store.seq < tip.seq

    def _is_another(self, tip: Tip) -> bool:
        store = self._store
        return (
            tip.namespace != self._namespace
            or tip.seq < store.seq
            or (tip.seq == store.seq and tip.digest != store.digest)
        )

    def _open(self, tip: Tip) -> None:
        """Open what is there, or begin anew; what was under way when it was closed is remembered again."""
        namespace = self._store.open()
        if namespace != tip.namespace or self._store.seq > tip.seq or self._store.seq < tip.first_seq:
            if namespace is not None or self.path.exists():
                self._why = (
                    self._why
                    or "The history that was kept is of another journal or version; it is read anew."
                )
            self._store.begin(tip.namespace, tip.first_seq, tip.first_digest)
        self._namespace = tip.namespace
        self._first = int(self._store.db.execute("SELECT value FROM meta WHERE key = 'first'").fetchone()[0])
        self._resume(tip)
        self._opened = True
        self._began = (self._mono_s(), self._store.seq)

    def _resume(self, tip: Tip) -> None:
        found = self._store.newest_checkpoint()
        kept_seq, body = found or (self._first, None)
        self._mirror.close()
        self._mirror = Mirror(body)
        self._harvester = Harvester(self._store.newest_decisions())
        begin = max(tip.first_seq, min(kept_seq, self._store.seq - BATCH))
        if begin >= self._store.seq:
            return
        rows = self._source.rows(begin, self._store.seq)
        if rows and rows[-1].digest != self._store.digest:
            raise Replaced
        for row in rows:
            facts = self._harvester.pass_by(row, self._version(row))
            if row.seq > kept_seq:
                self._mirror.feed(facts)

    def _batch(self, tip: Tip) -> None:
        """Read, digest and write some rows. Whatever goes wrong, what was digested in memory is put together anew."""
        try:
            store = self._store
            until = min(tip.seq, store.seq + BATCH, (store.seq // BATCH + 1) * BATCH)
            if self._cap > store.seq:
                until = min(until, self._cap)
            rows = self._source.batch(store.seq, store.digest, until)
            newest_ns = max(row.market_ns for row in rows)
            self._harvester.fine_from_ns = self._fine_from(tip, newest_ns)
            for row in rows:
                self._take(row)
            body = self._mirror.checkpoint() if rows[-1].seq % BATCH == 0 else None
            found = [self._source.run(number) for number in {row.run for row in rows}]
            store.write(rows, self._harvester.done(), [run for run in found if run is not None], body)
        except BaseException:
            self._opened = False
            raise
        if store.seq // (TIDY * BATCH) != (rows[0].seq - 1) // (TIDY * BATCH):
            store.tidy(newest_ns)

    def _take(self, row: Row) -> None:
        try:
            self._mirror.feed(self._harvester.take(row, self._version(row)))
        except (OrganismError, ValueError):
            if row.seq - 1 > self._store.seq:  # what lies before it is read first, and then it is told
                self._cap = row.seq - 1
                raise Moved from None
            raise

    def _fine_from(self, tip: Tip, newest_ns: int) -> int:
        """Flow by the minute is worth counting near the end only: older minutes would be dropped again."""
        left = tip.seq - self._store.seq
        return newest_ns - FINE_NS if left < 50 * BATCH else newest_ns + FINE_NS

    def _version(self, row: Row) -> int:
        run: Run | None = self._source.run(row.run)
        return PAYLOAD_VERSION if run is None else run.payload_version

    def _begin_anew(self, why: str) -> None:
        """Forget what is known; the next step begins with an empty file."""
        self._why = why
        self._harvester.done()
        self._store.close()
        self._opened = False
        self._source.forget()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self._progress = Progress(state="reading", sentence=why)

    # -------------------------------------------------------------- how far it is

    def _tell(self, tip: Tip) -> None:
        done, total = self._store.seq, tip.seq
        first = self._first + 1
        cut = f" Rows before {first:,} are not here any more: the history begins there." if first > 1 else ""
        if done >= total:
            self._why = ""
            self._progress = Progress(state="ready", events_done=done, events_total=total, first_row=first,
                                      sentence=f"All {total:,} events are known.{cut}")  # fmt: skip
            self._began = (self._mono_s(), done)
            return
        found = self._store.db.execute("SELECT value FROM meta WHERE key = 'wall_ns'").fetchone()
        behind_s = max(0.0, (tip.wall_ns - int(found[0])) / 1e9) if found and tip.wall_ns else 0.0
        since_s, since_seq = self._began
        took_s, n = self._mono_s() - since_s, done - since_seq
        left_s = took_s / n * (total - done) if n > 0 else None
        why = f"{self._why} " if self._why else ""
        self._progress = Progress(
            state="reading", events_done=done, events_total=total, behind_s=behind_s, left_s=left_s, first_row=first,
            sentence=f"{why}{done:,} of {total:,} events are read.{cut}",
        )  # fmt: skip

    def _watch(self, tip: Tip) -> None:
        """Another dashboard keeps the read model of this folder; tell how far that one is."""
        done = 0
        with suppress(sqlite3.Error, TypeError, ValueError):
            from dashboard.reading.schema import open_reader  # noqa: PLC0415

            db = open_reader(self.path)
            try:
                done = int(db.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()[0])
            finally:
                db.close()
        state = "ready" if done >= tip.seq else "reading"
        self._progress = Progress(state=state, events_done=done, events_total=tip.seq,
                                  sentence=f"{done:,} of {tip.seq:,} events are read, by another dashboard.")  # fmt: skip

    def _gone(self) -> None:
        before = self._progress
        if before.events_done == 0:
            self._progress = Progress(state="nothing", sentence=_NOTHING)
        else:
            self._progress = Progress(
                state="troubled", events_done=before.events_done, events_total=before.events_total, first_row=before.first_row,
                sentence=f"The journal is not there any more: what is shown was read from it before, up to row {before.events_done:,}.",
            )  # fmt: skip

    def _trouble(self, sentence: str) -> float:
        if sentence != self._progress.sentence:
            log.warning("%s", sentence)
        before = self._progress
        self._progress = Progress(state="troubled", events_done=before.events_done, events_total=before.events_total,
                                  first_row=before.first_row, sentence=sentence)  # fmt: skip
        return TROUBLED_S


_NOTHING = "No body has lived here yet: its history appears with its first start."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
