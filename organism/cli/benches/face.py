"""What stands behind the pages: the read model of a journal of a million events, and how soon it knows of a new one."""

import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from organism.body.lockstep import assemble
from organism.core import Now
from organism.effects import Notify
from organism.journal.writer import SqliteJournal
from organism.messages import BarsArrived, Envelope, Priority, Severity, TimerFired
from organism.settings import Settings
from organs.nervous.feeds import instants

N_EVENTS = 1_000_000
N_QUICK = 60_000
MOST_MS = 50.0
SEEN_S = 20.0  # how long a new event may take before it counts as never seen


def bench(*, quick: bool, tell: Callable[[str], None]) -> dict[str, Any]:
    """Let the whole organism live in lockstep until its journal is long enough, then build, ask, and follow it."""
    from dashboard.reading import bench as reading

    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        wanted = N_QUICK if quick else N_EVENTS
        tell(f"living until the journal holds {wanted:,} events")
        rows = lived(state, wanted)
        journal_mb = sum(p.stat().st_size for p in state.glob("journal*")) / 2**20
        tell("building the read model")
        built = reading.build(state, paced_s=3.0 if quick else reading.PACED_S)
        tell("asking")
        asked = reading.answers(state, 30 if quick else 200)
        tell("following")
        followed = follow(state, 20 if quick else 60)
    return {
        "journal_events": rows,
        "journal_mb": round(journal_mb, 1),
        "build": built,
        "queries": asked,
        "worst_p95_ms": max(row["p95_ms"] for row in asked),
        "target": f"< {MOST_MS:g} ms p95 for any query",
        "seen": followed,
    }


def lived(state: Path, n_rows: int) -> int:
    """A journal of at least so many rows in a folder, by the real organs on the bundled market; how many it holds."""
    settings = Settings()
    journal = SqliteJournal(state, durability="off", threaded=False, namespace="bench")

    def until() -> Iterator[BarsArrived]:
        return itertools.takewhile(lambda _: journal.tip[0] < n_rows, instants(settings.market))

    try:
        assemble(settings, journal).driver.run(until())
        journal.flush()
        return journal.tip[0]
    finally:
        journal.close()


def follow(state: Path, n: int, idle_s: float = 4.0) -> dict[str, Any]:
    """From the moment an event is recorded to the moment a query answers it; and what following costs meanwhile."""
    from dashboard.reading import Reading
    from dashboard.reading.bench import milliseconds

    pause = threading.Event()
    journal, reading = SqliteJournal(state), Reading(state)
    try:
        incarnation = journal.begin_incarnation("bench")
        reading.start()
        taken: list[float] = []
        began, worked = time.perf_counter(), time.process_time()
        for nth in range(n):
            pause.wait(0.037 * (nth % 7))  # at any phase of its looking
            name = f"bench-{nth}"
            recorded = time.perf_counter()
            _record(journal, incarnation, nth, name)
            while not _is_seen(reading, name) and time.perf_counter() - recorded < SEEN_S:
                pause.wait(0.005)
            taken.append((time.perf_counter() - recorded) * 1e3)
        busy = (time.process_time() - worked) / (time.perf_counter() - began)
        idle = _idle(pause, idle_s)
    finally:
        reading.close()
        journal.close()
    return {**milliseconds(taken), "target": "< 1500 ms p95", "share_of_core_asking": round(busy, 3),
            "share_of_core_idle": round(idle, 4)}  # fmt: skip


def _idle(pause: threading.Event, idle_s: float) -> float:
    began, worked = time.perf_counter(), time.process_time()
    pause.wait(idle_s)
    return (time.process_time() - worked) / (time.perf_counter() - began)


def _is_seen(reading: Any, name: str) -> bool:
    found = reading.events(kind="Notify", limit=1).rows
    return bool(found) and found[0]["text"].startswith(name)


def _record(journal: SqliteJournal, incarnation: int, nth: int, name: str) -> None:
    wall_ns = time.time_ns()
    message = TimerFired(key=name, due_ns=0)
    alert = Notify(alert_id=name, severity=Severity.INFO, priority=Priority.LOW, title=name, body="", tags=())
    # Far in the future, so that it is the newest whatever the organism lived through.
    now = Now(2**62 + nth, time.monotonic_ns(), wall_ns, nth + 1)
    journal.record(
        "bench", incarnation, nth + 1, Envelope(f"timer:{name}", "timer", 0, 0, "", message), (alert,), now
    )
