"""`organism alerts test --channel TAG`: one message to each channel that carries the tag, all at once."""

import os
import queue
import time
from collections.abc import Collection, Mapping
from functools import partial

from organism.redaction import Redactor
from organism.settings import Settings
from organs.voice.sender.alert import Alert
from organs.voice.sender.channel import resolve
from organs.voice.sender.courier import DELIVERED, Courier, Limits, Result
from organs.voice.sender.reach import through_apprise


def test_channels(settings: Settings, tag: str) -> list[tuple[str, bool, str]]:
    """(channel, whether it arrived, what happened) for each channel with the tag; "all" means every channel."""
    return attempt(settings, tag, os.environ)


def attempt(settings: Settings, tag: str, environ: Mapping[str, str]) -> list[tuple[str, bool, str]]:
    """The same, in a given environment."""
    redact = Redactor()
    targets = [
        t
        for t in resolve(settings.voice.channels, environ, redact)
        if tag == "all" or tag in (t.tags or (tag,))
    ]
    alert = Alert(
        id="test",
        severity="info",
        priority="low",
        title="Test",
        body="This channel can be reached. Nothing is wrong.",
        tags=(tag,),
        wall_ns=time.time_ns(),
    )
    limits = Limits(attempts=1, deadline_s=settings.voice.total_deadline_s)
    results: queue.Queue[Result] = queue.Queue()
    couriers = {
        t.name: Courier(t.name, partial(through_apprise, redact, t), limits, results)
        for t in targets
        if t.url is not None
    }
    for courier in couriers.values():
        courier.hand(alert)
    heard = gathered(results, couriers)
    for courier in couriers.values():
        courier.close()
    return [(t.name, *heard.get(t.name, (False, t.problem))) for t in targets]


def gathered(results: "queue.Queue[Result]", channels: Collection[str]) -> dict[str, tuple[bool, str]]:
    """Whether it arrived and what happened, by channel, when each has given the one result that it owes.

    A delivery that ends after its deadline reports once more, before or after that one: it stands for no
    other channel's result, and what arrived has arrived.
    """
    heard: dict[str, tuple[bool, str]] = {}
    owing = set(channels)
    while owing:
        result = results.get()  # each courier reports within its deadline
        if result.late:
            heard[result.channel] = (True, "arrived, but late")
        else:
            owing.remove(result.channel)
            heard.setdefault(result.channel, (result.state == DELIVERED, result.error or "arrived"))
    return heard
