"""`organism alerts test --channel TAG`: one message to each channel that carries the tag, all at once."""

import os
import queue
import time
from collections.abc import Mapping
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
    found = {t.name: (t.name, False, t.problem) for t in targets}
    for _ in couriers:
        result = results.get()  # each courier reports within its deadline
        found[result.channel] = (result.channel, result.state == DELIVERED, result.error or "arrived")
    for courier in couriers.values():
        courier.close()
    return list(found.values())
