"""`/api/stream`: a websocket that says what changed, a few times a second, and each event as it comes.

Each text is one JSON document: {"type": "vitals", …} with all vitals at first and whenever they differ, {"type": "event",
"table": …, "row": …} for each new row of a table. A viewer that reads too slowly is let go: it comes back and starts afresh.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

EACH_S: Final = 0.25
VITALS_EACH: Final = 4  # looks: all vitals are some ten kB, events are few
PATIENCE_S: Final = 5.0  # longest wait for a viewer to take one text
MOST_VIEWERS: Final = 32
TABLES: Final = {
    "fills": "key", "trades": "seq", "alerts": "alert_id", "restarts": "id", "dead_letters": "id"
}  # fmt: skip
"""What is told of as events, and what a row of it is known by."""
_TOO_MANY, _TOO_SLOW = 1013, 1008

Vitals = Callable[[], dict[str, Any]]
Rows = Callable[[str], list[dict[str, Any]]]


class News:
    """What one viewer has not been told yet. Pure: no clock, no wire."""

    def __init__(self) -> None:
        self._vitals: bytes = b""
        self._known: dict[str, frozenset[Any]] = {}

    def of(self, vitals: dict[str, Any] | None, rows: dict[str, list[dict[str, Any]]]) -> list[bytes]:
        """Texts, oldest first. What is there at the first look is not news. vitals: None where it is not their turn."""
        found = []
        if vitals is not None:
            # The age is another at each look and says nothing new; it follows from what does.
            told = msgspec.json.encode(
                {"type": "vitals"} | {k: v for k, v in vitals.items() if k != "body_age_s"}
            )
            if told != self._vitals:
                self._vitals = told
                found.append(told)
        for table, key in TABLES.items():
            now = rows.get(table, [])
            before = self._known.get(table)
            if before is not None:
                found += [
                    msgspec.json.encode({"type": "event", "table": table, "row": row})
                    for row in reversed(now)
                    if row.get(key) not in before
                ]
            self._known[table] = frozenset(row.get(key) for row in now)
        return found


class Stream:
    """All viewers of one dashboard."""

    def __init__(self, vitals: Vitals, rows: Rows) -> None:
        self._vitals, self._rows = vitals, rows
        self._viewers = 0
        self._lock = threading.Lock()
        self._looked: tuple[float, dict[str, Any], dict[str, list[dict[str, Any]]]] | None = None

    async def serve(self, socket: WebSocket) -> None:
        """Tell one viewer, until it goes."""
        await socket.accept()
        if self._viewers >= MOST_VIEWERS:
            await socket.close(_TOO_MANY)
            return
        self._viewers += 1
        leaving = asyncio.create_task(_until_it_leaves(socket))
        try:
            await self._tell(socket, leaving)
        except TimeoutError:
            await _closed(socket)
        except WebSocketDisconnect:
            pass
        finally:
            self._viewers -= 1
            leaving.cancel()

    async def _tell(self, socket: WebSocket, leaving: "asyncio.Task[None]") -> None:
        news, turn = News(), 0
        while not leaving.done():
            vitals, rows = await run_in_threadpool(self._look)
            for text in news.of(vitals if turn % VITALS_EACH == 0 else None, rows):
                await asyncio.wait_for(socket.send_text(text.decode()), PATIENCE_S)
            turn += 1
            await asyncio.wait({leaving}, timeout=EACH_S)

    def _look(self) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
        """One look for all viewers: thirty of them cost the disk no more than one."""
        with self._lock:
            now_s = time.monotonic()
            if self._looked is None or now_s - self._looked[0] >= 0.8 * EACH_S:
                rows = {table: self._rows(table) for table in TABLES}
                self._looked = (now_s, self._vitals(), rows)
            return self._looked[1:]


async def _until_it_leaves(socket: WebSocket) -> None:
    """Nothing is said to us here; whatever comes is thrown away."""
    while True:
        if (await socket.receive())["type"] == "websocket.disconnect":
            return


async def _closed(socket: WebSocket) -> None:
    try:
        await asyncio.wait_for(socket.close(_TOO_SLOW), 1.0)
    except (TimeoutError, RuntimeError, WebSocketDisconnect):
        return
