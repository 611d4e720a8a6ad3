"""How long a connection may take to say what it wants. Without a limit, a hundred slow ones would lock everybody out."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_S = 5.0  # a head that is not whole after this, or after twice this at the latest, is not waited for
_Protocol: Any = (
    AutoHTTPProtocol  # httptools where it is installed, h11 otherwise; both have what is used here
)


class Patience(_Protocol):  # type: ignore[misc]
    """The server's protocol, which hangs up on whoever sends the head of a request too slowly, or nothing at all.

    Bodies have a limit of their own (`dashboard.guard.BODY_WAIT_S`), and so have connections between two requests.
    """

    _looked: tuple[Any] | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody is there."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete
        resting = self.timeout_keep_alive_task is not None
        waiting = None if answering or resting else (cycle,)
        if waiting is not None and (cycle is None or waiting == self._looked):
            self.transport.abort()
            return
        self._looked = waiting
        self._timer = self.loop.call_later(HEAD_S, self._look)
