"""An alert on its way, and which channels want it."""

import msgspec


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What is delivered. seq is its journal row, 0 when the guardian wrote it; wall_ns labels it for people."""

    id: str
    severity: str
    priority: str
    title: str
    body: str
    tags: tuple[str, ...]
    wall_ns: int
    seq: int = 0
    count: int = 1


def wanted(alert_tags: tuple[str, ...], channel_tags: tuple[str, ...]) -> bool:
    """Whether a channel wants an alert. Without tags of its own, or with "all", it wants everything.

    >>> wanted(("high",), ("critical",)), wanted(("high",), ()), wanted(("low",), ("all", "critical"))
    (False, True, True)
    """
    return (
        not channel_tags
        or "all" in channel_tags
        or "all" in alert_tags
        or not set(alert_tags).isdisjoint(channel_tags)
    )
