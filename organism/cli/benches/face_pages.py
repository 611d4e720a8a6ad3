"""The pages as people have them open: a body lives on a long journal, and viewers, a program and a browser ask beside it."""

import contextlib
import http.client
import itertools
import json
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from organism.body.anatomy import instruments_of
from organism.body.lockstep import assemble
from organism.cli.benches import face_browser
from organism.cli.benches.face import N_EVENTS, N_QUICK
from organism.cli.benches.processes import Running, until
from organism.errors import BadInput
from organism.journal.reader import newest
from organism.journal.writer import SqliteJournal
from organism.messages import BarsArrived
from organism.settings import Settings
from organs.motor.paper.book import PaperBook
from organs.motor.paper.matching import PaperExchange
from organs.nervous.feeds import instants

PAGES = (
    "vitals", "trading", "risk", "evolution", "reports", "market", "why", "alerts", "machine", "settings",
)  # fmt: skip
FIGURES = (
    "vitals", "performance", "portfolio", "positions", "signals", "orders", "trades", "alerts", "evolution", "reports",
    "why",
)  # fmt: skip
N_VIEWERS = 20
EACH_S = 0.5  # between two looks of a page
AWAKE_S = 900.0  # how long a body may take to read back a journal of a million events
A_LOOK_S = 0.03  # between two questions of a program: below what one address may ask for long
MOST_MS, MOST_MB, MOST_SHARE = 100.0, 250.0, 0.10
LONGEST_MINUTES = 24 * 60.0
FEWEST = 3  # samples that a slope needs


def check(minutes: float | None) -> None:
    """Raise `BadInput` for a length that nobody can watch."""
    if minutes is not None and not 0.0 < minutes <= LONGEST_MINUTES:
        raise BadInput(
            f"--minutes was {minutes:g}; the dashboard is watched for above 0 and at most {LONGEST_MINUTES:g}, such as 30."
        )


def bench(*, quick: bool, minutes: float | None, tell: Callable[[str], None]) -> dict[str, Any]:
    """Live, wake a body with its dashboard on that journal, and measure pages, process and browser.

    minutes   how long the process is watched with one viewer; None: half a minute, or 5 s when it is to be quick
    """
    check(minutes)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        state = Path(folder)
        tell(f"living until the journal holds {N_QUICK if quick else N_EVENTS:,} events")
        settled(state, N_QUICK if quick else N_EVENTS)
        organism = Running(
            state
        )  # no snapshot was left: this body folds every row again before its first beat
        try:
            return _measured(organism, quick=quick, minutes=minutes, tell=tell)
        finally:
            organism.stop()


def _measured(
    organism: Running, *, quick: bool, minutes: float | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    tell("waking a body on it")
    awake_s = until(lambda: organism.vitals().get("condition") == "living", AWAKE_S)
    if awake_s is None:
        return {"skipped": f"no body was awake on this journal within {AWAKE_S:g} s"}
    tell("waiting until the dashboard has read the journal")
    known_s = until(lambda: _is_known(organism.folder), AWAKE_S)
    found: dict[str, Any] = {
        "journal_events": newest(organism.folder),
        "awake_after_s": round(awake_s, 1),
        "history_known_after_s": None if known_s is None else round(awake_s + known_s, 1),
    }
    tell(f"{N_VIEWERS} viewers")
    found["callbacks"] = with_load(lambda: callbacks(organism.port, stay_s=2.0 if quick else 6.0))
    tell("a program")
    found["api"] = with_load(lambda: figures(organism.port, 10 if quick else 40))
    watched_s = (5.0 if quick else 30.0) if minutes is None else minutes * 60.0
    tell(f"one viewer for {watched_s:g} s")
    found["process"] = with_load(lambda: process(organism, watched_s))
    tell("a browser")
    found["browser"] = with_load(
        lambda: face_browser.bench(organism.port, organism.folder, 10 if quick else 20)
    )
    return found


def settled(state: Path, n_rows: int) -> int:
    """A journal of so many rows with the venue's book beside it, as a body leaves them: another goes on from there."""
    settings = Settings()
    exchange = PaperExchange(settings.paper, instruments_of(settings), seed=settings.seed)
    book = PaperBook(state / "paper_venue.db", durability="off")
    journal = SqliteJournal(state, durability="off", threaded=False)

    def told() -> Iterator[BarsArrived]:
        for arrived in itertools.takewhile(lambda _: journal.tip[0] < n_rows, instants(settings.market)):
            yield arrived
            if exchange.changed:
                book.save(exchange)

    try:
        book.load(exchange)
        assemble(settings, journal, exchange=exchange).driver.run(told())
        book.save(exchange)
        journal.flush()
        return journal.tip[0]
    finally:
        journal.close()
        book.close()


def _is_known(state: Path) -> bool:
    """Whether the read model reaches the journal's end, but for what a body writes meanwhile."""
    path = state / "dashboard" / "read.db"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1.0)) as db:
            (done,) = db.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()
    except (sqlite3.Error, TypeError):
        return False
    return int(done) >= newest(state) - 500


# ---------------------------------------------------------------- viewers


class Viewer:
    """A browser's questions: each carries what it has already, and a page that was just opened has nothing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=20.0)
        self._page, self._have = "", dict[str, str]()

    def look(self, page: str) -> float:
        """Ask for a page; milliseconds until the answer was there. Raises `OSError` for anything but a 200."""
        if page != self._page:
            self._page, self._have = page, {}
        have = ",".join(f"{name}:{mark}" for name, mark in self._have.items())
        taken, body = self.ask(f"/api/page/{page}?range=all&have={have}")
        self._have |= {name: mark for name, (mark, _) in json.loads(body)["pieces"].items()}
        return taken

    def ask(self, path: str) -> tuple[float, bytes]:
        """Milliseconds and answer, over one connection that is kept."""
        began = time.perf_counter()
        try:
            self._line.request("GET", path)
            answer = self._line.getresponse()
            body = answer.read()
        except (http.client.HTTPException, OSError) as error:
            self._line.close()
            raise OSError(f"{path.partition('?')[0]} was not answered: {error}") from None
        taken = (time.perf_counter() - began) * 1e3
        if answer.status != http.HTTPStatus.OK:
            raise OSError(f"{path.partition('?')[0]} was answered {answer.status}")
        return taken, body

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def callbacks(port: int, *, stay_s: float, n_viewers: int = N_VIEWERS) -> dict[str, Any]:
    """So many viewers look once a second, each at another page for a while, until everybody has seen all ten."""
    taken: dict[str, list[float]] = defaultdict(list)
    failed: list[str] = []
    lock, pause, began = threading.Lock(), threading.Event(), time.monotonic()
    looks = max(1, round(stay_s / EACH_S)) * len(PAGES)

    def view(nth: int) -> None:
        viewer = Viewer(port)
        for look in range(looks):
            pause.wait(max(0.0, began + (nth / n_viewers + look) * EACH_S - time.monotonic()))
            page = PAGES[(nth + look * len(PAGES) // looks) % len(PAGES)]
            try:
                ms = viewer.look(page)
            except (OSError, ValueError, KeyError) as error:
                with lock:
                    failed.append(str(error))
                continue
            with lock:
                taken[page].append(ms)
        viewer.close()

    threads = [threading.Thread(target=view, args=(nth,)) for nth in range(n_viewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [ms for page in taken.values() for ms in page]
    return {
        "all": milliseconds(every) | {"viewers": n_viewers, "target": f"< {MOST_MS:g} ms p95"},
        "pages": [{"page": page, **milliseconds(taken[page])} for page in PAGES if taken[page]],
        "failed": len(failed),
        **({"first_failure": failed[0]} if failed else {}),
    }


def figures(port: int, n: int) -> dict[str, Any]:
    """What a program asks, one question after the other."""
    viewer, pause = Viewer(port), threading.Event()
    rows = []
    for name in FIGURES:
        taken = []
        about = _a_chain(viewer) if name == "why" else ""
        for _ in range(n):
            taken.append(viewer.ask(f"/api/{name}{about}")[0])
            pause.wait(A_LOOK_S)
        rows.append({"path": f"/api/{name}", **milliseconds(taken)})
    viewer.close()
    return {
        "worst": {"p95_ms": max(row["p95_ms"] for row in rows), "target": f"< {MOST_MS:g} ms p95"},
        "paths": rows,
    }


def _a_chain(viewer: Viewer) -> str:
    """Which chain to ask for: that of the newest order; nothing where none was sent yet."""
    orders = json.loads(viewer.ask("/api/orders?limit=1")[1])["orders"]
    return f"?id={quote(str(orders[0]['order_id']))}" if orders else ""


# ---------------------------------------------------------------- the process


def process(organism: Running, watched_s: float) -> dict[str, Any]:
    """Memory, processor and growth of the dashboard while one viewer looks at the vitals twice a second."""
    import psutil

    pid = int(json.loads((organism.folder / "dashboard.json").read_text())["pid"])
    dashboard, viewer, pause = psutil.Process(pid), Viewer(organism.port), threading.Event()
    samples: list[tuple[float, float]] = []
    failed = 0
    began, worked = time.monotonic(), sum(dashboard.cpu_times()[:2])
    while (elapsed := time.monotonic() - began) < watched_s:
        try:
            viewer.look("vitals")
        except OSError:
            failed += 1
        samples.append((elapsed / 60.0, dashboard.memory_info().rss / 2**20))
        pause.wait(EACH_S)
    share = (sum(dashboard.cpu_times()[:2]) - worked) / (time.monotonic() - began)
    viewer.close()
    return {
        "watched_s": round(watched_s, 1),
        "failed": failed,
        "memory_mb": {"max": round(max(mb for _, mb in samples), 1), "target": f"< {MOST_MB:g} MB"},
        "share_of_core": {"mean": round(share, 4), "target": f"< {MOST_SHARE:g}"},
        "growth": {"mb_per_minute": slope(samples), "target": "flat over 30 min (--minutes 30)"},
    }


def slope(samples: Sequence[tuple[float, float]]) -> float | None:
    """Least squares through (minute, MB), in MB a minute; None for too few samples.

    >>> slope([(0.0, 5.0), (1.0, 7.0), (2.0, 9.0)])
    2.0
    """
    if len(samples) < FEWEST:
        return None
    return round(statistics.linear_regression(*zip(*samples, strict=True)).slope, 3)


def milliseconds(taken: Sequence[float]) -> dict[str, Any]:
    """Count, median, 95th percentile and worst."""
    if not taken:
        return {"n": 0}
    ordered = sorted(taken)
    return {
        "n": len(ordered),
        "p50_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
        "max_ms": round(ordered[-1], 1),
    }


def with_load(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured, with how busy the machine was before: others may have been at work."""
    before = os.getloadavg()[0]
    return {"load_1m": round(before, 2)} | measure()
