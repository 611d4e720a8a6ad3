"""The line between body and venue: which frames a fault befalls, and what comes in their place."""

from collections.abc import Callable

import msgspec

from organism.effects import VenueAdvance, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.messages import (
    Answer,
    CancelAnswered,
    QueryAnswered,
    ReportAnswered,
    SubmitAnswered,
    VenueAdvanced,
)
from organs.motor.paper.wire import LENGTH, Answered, Asked, decode_answered, decode_asked, frame

Request = VenueAdvance | VenueSubmit | VenueCancel | VenueQuery | VenueReport
Reply = VenueAdvanced | SubmitAnswered | CancelAnswered | QueryAnswered | ReportAnswered
Wants = Callable[[bytes], bool]

HTML = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\n\r\n<html>Try again later</html>"


def asked(message: bytes) -> Asked | None:
    """The request in a frame; None when it is none."""
    try:
        return decode_asked(message[LENGTH.size :])
    except msgspec.DecodeError:
        return None


def answered(message: bytes) -> Answered | None:
    """The answer in a frame; None when it is none."""
    try:
        return decode_answered(message[LENGTH.size :])
    except msgspec.DecodeError:
        return None


def asks(*kinds: type, where: Callable[[Request], bool] = lambda _request: True) -> Wants:
    """Requests of these kinds."""

    def wants(message: bytes) -> bool:
        found = asked(message)
        return found is not None and type(found.effect) in kinds and where(found.effect)

    return wants


def answers(*kinds: type, where: Callable[[Reply], bool] = lambda _reply: True) -> Wants:
    """Answers of these kinds."""

    def wants(message: bytes) -> bool:
        found = answered(message)
        return found is not None and type(found.message) in kinds and where(found.message)

    return wants


def accepted(reply: Reply) -> bool:
    """Whether an order was taken: the answer whose loss leaves an order at the venue that nobody here is sure of."""
    return type(reply) is SubmitAnswered and reply.answer is Answer.ACCEPTED


def enters(request: Request) -> bool:
    """Whether a submission may add risk."""
    return type(request) is VenueSubmit and not request.approved.order.reduce_only


def instead(change: Callable[[Reply], Reply]) -> Callable[[bytes], bytes]:
    """Another answer to the same request."""

    def changed(message: bytes) -> bytes:
        found = answered(message)
        return message if found is None else frame(Answered(found.number, change(found.message)))

    return changed


def content(data: bytes) -> Callable[[bytes], bytes]:
    """A whole frame whose content is this."""
    return lambda _message: LENGTH.pack(len(data)) + data


def raw(data: bytes) -> Callable[[bytes], bytes]:
    """Bytes that are no frame at all."""
    return lambda _message: data


def unsure(reason: str) -> Callable[[bytes], bytes]:
    """The venue took the order and says that it does not know: 503 "unknown", 504, −1006, −1007."""

    def change(reply: Reply) -> Reply:
        if type(reply) is not SubmitAnswered:
            return reply
        return SubmitAnswered(client_order_id=reply.client_order_id, answer=Answer.UNKNOWN, reason=reason)

    return instead(change)


def nameless(reply: Reply) -> Reply:
    """Accepted, without the venue's id: "ok" with nothing to hold it to."""
    return msgspec.structs.replace(reply, venue_order_id="") if type(reply) is SubmitAnswered else reply
