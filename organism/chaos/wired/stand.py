"""A paper venue that can be made to do what no venue should, served on a real socket by a clock of its own."""

import contextlib
import socket
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from organism.portfolio import VenueOrder
from organism.trading import OrderKind, Side
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.resting import Resting
from organs.motor.paper.venue import PaperVenue
from organs.motor.paper.wire import Answered, decode_asked, frame, listen, split

_PIECE = 65_536


class Unruly(PaperExchange):
    """An exchange whose book stays true to itself while it breaks its word to others."""

    def force(self, client_order_id: str, side: Side, symbol: str, quantity: Decimal, price: Decimal) -> None:
        """Execute this much under that id, whatever was ordered, filled or cancelled."""
        resting = self.orders.get(client_order_id)
        if resting is None:
            resting = self.orders[client_order_id] = Resting(
                client_order_id=client_order_id, venue_order_id="", symbol=symbol, side=side,
                kind=OrderKind.MARKET, quantity=quantity, limit_price=None, stop_price=None, reduce_only=False,
                active_ns=self.instant_ns, status="filled",
            )  # fmt: skip
        self._execute(resting, quantity, price, self.instant_ns, maker=False)

    def told(self, client_order_id: str) -> VenueOrder | None:
        """What the book says of an order."""
        resting = self.orders.get(client_order_id)
        return None if resting is None else resting.report()


class Stand:
    """Serves an exchange at a state folder's socket until closed; one request at a time, on any number of lines."""

    def __init__(self, folder: Path, exchange: PaperExchange, mono_ns: Callable[[], int]) -> None:
        self._venue = PaperVenue(exchange, mono_ns=mono_ns)
        self._lock = threading.Lock()
        self._listener = listen(folder)
        self._lines: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, name="stand", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up on everybody."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5.0)
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self._lines.append(line)
            threading.Thread(target=self._serve, args=(line,), name="stand line", daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        buffer = bytearray()
        with line, contextlib.suppress(OSError, ValueError):  # a broken line must not end the venue
            while piece := line.recv(_PIECE):
                buffer += piece
                while (content := split(buffer)) is not None:
                    asked = decode_asked(content)
                    with self._lock:
                        message = self._venue.handle(asked.effect, asked.sent_ns)
                    line.sendall(frame(Answered(asked.number, message)))  # type: ignore[arg-type]
