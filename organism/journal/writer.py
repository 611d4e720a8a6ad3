"""The durable journal: rows are chained when recorded, and committed in groups by one writer.

`record` never waits for the disk. A writer thread takes what has gathered while it was syncing the last
group and commits it whole, so that one sync pays for many rows under load and a lone row waits for none.
"""

import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from organism.core import Now
from organism.effects import Effects
from organism.errors import Fenced, JournalUnwritable
from organism.journal.disk import WIDTH, Disk
from organism.journal.reader import Reader
from organism.journal.rows import PAYLOAD_VERSION, Row, Run, encode_effects, encode_envelope, seal
from organism.messages import Envelope

N_PER_COMMIT = 1_000  # rows gathered before an unthreaded journal commits by itself
N_WAITING = 50_000  # rows that may wait for a slow disk before `record` waits for it, too


class SqliteJournal:
    """A journal in a state folder.

    durability     "full": what is durable survives a power cut; "off": only the end of the process
    segment_mb     a segment is sealed at this size; keep_segments sealed ones stay, older ones are archived
    threaded       commit from a writer thread; otherwise inline, in `flush` and every 1,000 rows (lockstep)
    namespace      of a new journal; random when not given
    on_failure     called once, with the error, when a commit failed: the body must end
    """

    def __init__(
        self,
        folder: Path,
        *,
        durability: str = "full",
        segment_mb: float = 256,
        keep_segments: int = 8,
        threaded: bool = True,
        namespace: str | None = None,
        code_version: str = "",
        settings_hash: str = "",
        seed: int = 0,
        started_wall_ns: int | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._folder = folder
        self._disk = Disk(
            folder,
            durability=durability,
            segment_bytes=int(segment_mb * 2**20),
            keep_segments=keep_segments,
            namespace=namespace,
        )
        run = Run(
            self._disk.next_run(),
            time.time_ns() if started_wall_ns is None else started_wall_ns,
            code_version,
            settings_hash,
            seed,
            PAYLOAD_VERSION,
            platform.python_version(),
            self._disk.namespace,
        )
        try:
            self._disk.begin_run(run)
        except JournalUnwritable:
            self._disk.close(None)
            raise
        self.run = run
        self.namespace = self._disk.namespace
        self._run_number, self._run_digest = run.run, run.digest
        self._on_failure = on_failure
        self._failure: BaseException | None = None
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._wake = threading.Event()
        self._closing = False
        self._closed = False
        self._listeners: list[Callable[[int], None]] = []
        self._flat: list[Any] = []
        self._current = dict(self._disk.incarnations)
        self._stored = dict(self._disk.incarnations)
        self._unstored: dict[str, int] = {}
        self._tip = self._disk.tip
        self.durable_seq = self._announced = self._tip[0]
        self._thread: threading.Thread | None = None
        if threaded:
            self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
            self._thread.start()

    @property
    def tip(self) -> tuple[int, bytes]:
        """Sequence number and digest of the newest recorded row."""
        return self._tip

    @property
    def n_waiting(self) -> int:
        """Rows recorded and not yet durable."""
        return self._tip[0] - self.durable_seq

    @property
    def failure(self) -> BaseException | None:
        """What made the journal unwritable, None while it is not."""
        return self._failure

    def begin_incarnation(self, organ: str) -> int:
        """Fence every earlier incarnation of `organ` at once and return the next number when it is durable."""
        with self._lock:
            self._refuse_unwritable()
            number = self._current.get(organ, 0) + 1
            self._current[organ] = self._unstored[organ] = number
            self._wake.set()
        if self._thread is None:
            self._write_inline()
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or self._stored.get(organ, 0) >= number)
            self._refuse_unwritable()
        return number

    def record(
        self,
        organ: str,
        incarnation: int,
        step: int,
        envelope: Envelope,
        effects: Effects,
        now: Now,
    ) -> int:
        """Append one step and return its sequence number at once; durability follows."""
        identity = envelope.id
        data = b"" if identity[:1].isdigit() else encode_envelope(envelope)
        encoded = encode_effects(effects)
        market_ns, mono_ns, wall_ns = now.market_ns, now.mono_ns, now.wall_ns
        with self._lock:
            if self._current.get(organ) != incarnation:
                raise Fenced(f"{organ} incarnation {incarnation} was retired; the step was not recorded.")
            if self._closing or self._failure is not None:
                self._refuse_unwritable()
            last, previous = self._tip
            seq = last + 1
            run = self._run_number
            digest = seal(
                previous, seq, run, organ, incarnation, step, identity,
                market_ns, mono_ns, wall_ns, data, encoded, self._run_digest,
            )  # fmt: skip
            flat = self._flat
            flat += (
                seq, run, organ, incarnation, step, identity,
                market_ns, mono_ns, wall_ns, data, encoded, digest,
            )  # fmt: skip
            self._tip = (seq, digest)
            if not self._wake.is_set():
                self._wake.set()
        if len(flat) >= WIDTH * N_PER_COMMIT:
            self._make_room()
        return seq

    def on_durable(self, listener: Callable[[int], None]) -> None:
        """Call `listener(seq)` after each commit, from the thread that committed. It must not call `flush`."""
        self._listeners.append(listener)

    def flush(self, within_s: float | None = None) -> None:
        """Return when everything recorded so far is durable and every listener was told.

        Raises `JournalUnwritable` when it cannot be made durable, or was not `within_s` seconds.
        """
        if self._thread is None:
            self._write_inline()
            return
        seq = self._tip[0]
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or self._announced >= seq, within_s)
            if self._announced < seq:
                self._refuse_unwritable()
                raise self._too_slow(within_s)

    def rows(self, after_seq: int = 0) -> Iterator[Row]:
        """Rows with a greater sequence number, of all segments, in order, each proven by its digest."""
        self.flush()
        return Reader(self._folder).rows(after_seq, self.durable_seq)

    def runs(self) -> Mapping[int, Run]:
        """Every start of the body that wrote rows, by number."""
        return Reader(self._folder).runs()

    def close(self, within_s: float | None = None) -> None:
        """Flush and let go of the files; raises `JournalUnwritable` when that was not done `within_s` seconds."""
        if self._closed:
            return
        self._closed = True
        with self._lock:
            self._closing = True
            self._wake.set()
        if self._thread is not None:
            self._thread.join(within_s)
            if self._thread.is_alive():  # it is using the files
                raise self._too_slow(within_s)
        elif self._failure is None:
            self._write_inline()
        self._disk.close(self._tip if self._failure is None else None)

    # -------------------------------------------------------------- inside

    def _write(self) -> None:
        try:
            while self._write_group():
                pass
        except BaseException as error:  # noqa: BLE001  # whatever stopped the writer, the body must hear of it
            self._fail(error)

    def _write_group(self) -> bool:
        """Commit what has gathered, or wait for something; False when closing and all is written."""
        with self._lock:
            flat, self._flat = self._flat, []
            incarnations, self._unstored = self._unstored, {}
            tip = self._tip
            if not flat and not incarnations:
                if self._closing:
                    return False
                self._wake.clear()
        if flat or incarnations:
            self._commit(flat, incarnations, tip)
            self._disk.tend(tip)
        else:
            self._wake.wait(self._disk.keep_tip(tip))
        return True

    def _write_inline(self) -> None:
        if self._failure is not None:
            self._refuse_unwritable()
        flat, self._flat = self._flat, []
        incarnations, self._unstored = self._unstored, {}
        if not flat and not incarnations:
            return
        tip = self._tip
        try:
            self._commit(flat, incarnations, tip)
            self._disk.tend(tip)
        except BaseException as error:
            self._fail(error)
            raise self._unwritable() from error

    def _commit(self, flat: list[Any], incarnations: dict[str, int], tip: tuple[int, bytes]) -> None:
        self._disk.commit(flat, incarnations)
        self.durable_seq = tip[0]
        if flat:
            for listener in self._listeners:
                listener(tip[0])
        with self._changed:
            self._announced = tip[0]
            self._stored |= incarnations
            self._changed.notify_all()

    def _make_room(self) -> None:
        """Keep what waits for the disk within bounds."""
        if self._thread is None:
            self._write_inline()
        elif len(self._flat) >= WIDTH * N_WAITING and threading.current_thread() is not self._thread:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._failure is not None or len(self._flat) < WIDTH * N_WAITING
                )

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._failure = error
            self._changed.notify_all()
        if self._on_failure is not None:
            self._on_failure(error)

    def _refuse_unwritable(self) -> None:
        if self._failure is not None:
            raise self._unwritable() from self._failure
        if self._closing:
            raise JournalUnwritable("the journal was closed; the step was not recorded.")

    def _too_slow(self, within_s: float | None) -> JournalUnwritable:
        return JournalUnwritable(
            f"the journal's last {self.n_waiting} rows were not durable within {within_s or 0.0:g} s; nothing that "
            "waited for them has left the body, and the next start goes on from what is durable."
        )

    def _unwritable(self) -> JournalUnwritable:
        return JournalUnwritable(
            f"the journal could not be made durable ({self._failure}); nothing after row {self.durable_seq} is "
            f"safe. The body ends: free the disk or repair it, then start again."
        )
