"""Children of the supervisor that are not organs, and where each hangs in the tree."""

import time
from typing import Protocol

from organism.settings import SupervisionSettings
from organism.supervision import FEED_INTENSITY, ChildSpec, Intensity, Strategy, TreeSpec, organ_trees
from organs.nervous.live import LiveFeed

FEED_HANG_S = 5.0  # a feed beats several times a second, even while it waits for credit


class FeedChild:
    """A feed's thread under the supervisor's protocol; it is hung when it has not beaten for too long."""

    def __init__(self, feed: LiveFeed) -> None:
        self.feed = feed
        self._failure: str | None = None

    def start(self) -> None:
        """Begin."""
        self.feed.start()

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self.feed.stop(0.0)

    def fail(self, why: str) -> None:
        """End it so that the supervisor starts another."""
        self._failure = why
        self.feed.stop(0.0)

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self.feed.is_alive

    @property
    def busy_since(self) -> float | None:
        """When it last beat, if that is long ago."""
        return self.feed.beat_s if time.monotonic() - self.feed.beat_s > 1.0 else None

    @property
    def last_error(self) -> object | None:
        """Why it ended."""
        return self._failure or self.feed.last_error


class Port(Protocol):
    """The connection to the venue, as far as supervision needs it."""

    def start(self) -> None:
        """Begin answering."""
        ...

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        ...

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        ...

    @property
    def busy_since(self) -> float | None:
        """Monotonic seconds at which the call it is in began."""
        ...

    @property
    def last_error(self) -> object | None:
        """Why it ended."""
        ...


class VenueChild:
    """The worker that talks to the venue. What waited when it died waits for the next one."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def start(self) -> None:
        """Begin."""
        self._port.start()

    def stop(self) -> None:
        """Ask it to end; returns at once. One that is dead must not hand the request on to the next."""
        if self._port.is_alive():
            self._port.stop()

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._port.is_alive()

    @property
    def busy_since(self) -> float | None:
        """Start of the call it is in."""
        return self._port.busy_since

    @property
    def last_error(self) -> object | None:
        """Why it ended."""
        return self._port.last_error


def trees(settings: SupervisionSettings, feed: str) -> tuple[TreeSpec, ...]:
    """The whole tree, in the order of starting: the venue first, the feed last."""
    each = Intensity(settings.child_restarts, settings.child_within_s)
    group = Intensity(settings.tree_restarts, settings.tree_within_s)
    often = FEED_INTENSITY

    def one(name: str, hang_s: float, limit: Intensity = each) -> ChildSpec:
        return ChildSpec(name=name, intensity=limit, hang_s=hang_s)

    return (
        TreeSpec(
            name="outside", strategy=Strategy.ONE_FOR_ONE, children=(one("venue", 10.0),), intensity=group
        ),
        *organ_trees(settings),
        TreeSpec(
            name="service",
            strategy=Strategy.ONE_FOR_ONE,
            children=(one("timers", 2.0), one("operator", 10.0), one("watch", 30.0)),
            intensity=group,
        ),
        TreeSpec(
            name="feeds",
            strategy=Strategy.ONE_FOR_ONE,
            children=(one(feed, FEED_HANG_S, often),),
            intensity=often,
        ),
    )
