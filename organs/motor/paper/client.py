"""A paper venue in another process, behind the same few words as the one in this process."""

import random
import socket
import time
from pathlib import Path

from organism.effects import Effect, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.market import NS_PER_S
from organism.messages import (
    Answer,
    CancelAnswered,
    Message,
    QueryAnswered,
    ReportAnswered,
    SubmitAnswered,
)
from organs.motor.paper.wire import Asked, connect, decode_answered, frame, split

_PIECE = 65_536
_PAUSE_S = 0.02  # before the second connection in a row that came to nothing; doubling


class Remote:
    """Connects when it is needed and again after any failure. Nothing is ever sent twice.

    A venue that is gone is not besieged: after one failure it connects again at once, after more of them in a row only
    when a growing pause is over; what is asked meanwhile is answered at once, as not known.

    deadline_s        longest time one request may take, connecting and a dripping answer included
    longest_pause_s   between two connections that come to nothing
    """

    def __init__(self, state: Path, *, deadline_s: float = 2.0, longest_pause_s: float = 0.5) -> None:
        self._state = state
        self._deadline_s = deadline_s
        self._longest_pause_s = longest_pause_s
        self._channel: socket.socket | None = None
        self._number = 0
        self._n_failures = 0
        self._again_ns = 0
        self._jitter = random.Random()  # only when it is tried again depends on it, never what is

    def handle(self, effect: Effect, sent_ns: int) -> Message | None:
        """Perform a request. What failed in any way is answered as not known; an instant not at all."""
        until_ns = time.monotonic_ns() + int(self._deadline_s * NS_PER_S)
        if self._channel is None and time.monotonic_ns() < self._again_ns:
            return unanswered(effect, sent_ns, f"out of reach, {self._n_failures} times in a row")
        try:
            message = self._exchange(effect, sent_ns, until_ns)
        except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
            self.close()
            self._pause()
            return unanswered(effect, sent_ns, f"{type(error).__name__}: {error}")
        self._n_failures = 0
        return message

    def _pause(self) -> None:
        self._n_failures += 1
        if self._n_failures > 1:
            doubled = _PAUSE_S * 2.0 ** min(self._n_failures - 2, 16)
            pause_s = min(doubled, self._longest_pause_s) * self._jitter.uniform(0.5, 1.0)
            self._again_ns = time.monotonic_ns() + int(pause_s * NS_PER_S)

    def close(self) -> None:
        """Hang up."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _exchange(self, effect: Effect, sent_ns: int, until_ns: int) -> Message:
        if self._channel is None:
            self._channel = connect(self._state, _left_s(until_ns))
        channel = self._channel
        self._number += 1
        channel.settimeout(_left_s(until_ns))
        channel.sendall(frame(Asked(self._number, sent_ns, effect)))  # type: ignore[arg-type]
        buffer = bytearray()
        while (content := split(buffer)) is None:
            channel.settimeout(_left_s(until_ns))
            piece = channel.recv(_PIECE)
            if not piece:
                raise ConnectionError("the paper venue hung up")
            buffer += piece
        answered = decode_answered(content)
        if answered.number != self._number or buffer:
            raise ValueError(f"the answer to request {self._number} was numbered {answered.number}")
        return answered.message


def _left_s(until_ns: int) -> float:
    left = (until_ns - time.monotonic_ns()) / NS_PER_S
    if left <= 0:
        raise TimeoutError("no answer from the paper venue within the deadline")
    return left


def unanswered(effect: Effect, sent_ns: int, why: str) -> Message | None:
    """What is known of a request that failed: nothing. None where there is no word for that."""
    if type(effect) is VenueSubmit:
        return SubmitAnswered(client_order_id=effect.client_order_id, answer=Answer.UNKNOWN, reason=why)
    if type(effect) is VenueCancel:
        return CancelAnswered(client_order_id=effect.client_order_id, answer=Answer.UNKNOWN, reason=why)
    if type(effect) is VenueQuery:
        return QueryAnswered(
            client_order_id=effect.client_order_id, asked_mono_ns=sent_ns, answered=False
        )  # fmt: skip
    if type(effect) is VenueReport:
        return ReportAnswered(answered=False, asked_mono_ns=sent_ns, detail=why)
    return None
