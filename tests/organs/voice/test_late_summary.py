"""A channel slower than the deadline is told what it missed once, not again and again."""

import threading
import time

from voice_stubs import Body

from organism.redaction import Redactor
from organism.secret import Secret
from organs.voice.sender.channel import Target
from organs.voice.sender.courier import Limits
from organs.voice.sender.post import PostOffice
from organs.voice.sender.reach import Outcome
from tests.body.waiting import until

DEADLINE_S = 0.05


class Slow:
    """Refuses the first alert; whatever comes later arrives, but only once it is let in, after the deadline."""

    def __init__(self):
        self.titles = []
        self.inside = threading.Event()
        self.let_in = threading.Event()

    def __call__(self, _target):
        return self.send

    def send(self, alert):
        self.titles.append(alert.title)
        if len(self.titles) == 1:
            return Outcome(arrived=False, detail="refused")
        self.inside.set()
        arrived = self.let_in.wait(10.0)
        return Outcome(arrived=arrived, detail="")


def test_a_summary_that_arrives_after_its_deadline_counts_as_told(tmp_path, monkeypatch):
    monkeypatch.setattr("organs.voice.sender.post.CATCH_UP_S", 0.3)
    body, slow = Body(tmp_path), Slow()
    target = Target("slow", (), Secret("json://x"), "")
    post = PostOffice(tmp_path, (target,), Limits(1, DEADLINE_S, 0.001), Redactor(), slow)

    def turn():
        post.turn()
        post.note_results(wait_s=0.01)

    body.say("A")
    until(lambda: turn() or slow.inside.is_set(), "the summary is on its way")
    until(lambda: turn() or post.carrying == 0, "it was given up")
    slow.let_in.set()
    end = time.monotonic() + 0.25  # a channel that is tried again because it was reached is tried at once
    until(lambda: turn() or time.monotonic() > end, "some time has passed")
    assert slow.titles == ["A", "1 alerts did not arrive here before"]
    assert post._record.failed("slow") == []
    post.close()
    body.close()
