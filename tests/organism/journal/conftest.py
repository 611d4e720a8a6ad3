"""What tests of the journal share: one typical step, and journals that need no disk sync."""

import contextlib

import pytest

from organism.core import Now
from organism.effects import Publish
from organism.journal.writer import SqliteJournal
from organism.market import Bar
from organism.messages import BarClosed, BarsArrived, Envelope

BARS = (Bar("BTC/USDT", 0, 300, 1.0, 2.0, 0.5, 1.5, 10.0),)
NOW = Now(1, 2, 3, 1)


class Steps:
    """Records typical steps of one organ."""

    def __init__(self, journal, organ="nervous"):
        self.journal, self.organ = journal, organ
        self.incarnation = journal.begin_incarnation(organ)
        self.n = 0

    def __call__(self, n=1):
        for _ in range(n):
            self.n += 1
            arrived = BarsArrived(feed="f", session=1, at_ns=self.n, bars=BARS)
            closed = BarClosed(at_ns=self.n, session=1, bars=BARS)
            self.journal.record(
                self.organ,
                self.incarnation,
                self.n,
                Envelope(f"bar:{self.n}", "feed", 0, self.n, "", arrived),
                (Publish(to=("brain", "motor"), message=closed),),
                Now(self.n, self.n, self.n, self.n),
            )
        return self.journal.tip[0]


@pytest.fixture
def steps():
    """Make a recorder of typical steps: steps(journal, organ)."""
    return Steps


@pytest.fixture
def opened():
    """Open journals that are closed at the end, whatever happens; quick and inline unless told otherwise."""
    with contextlib.ExitStack() as stack:

        def open_(folder, **options):
            options = {"durability": "off", "threaded": False, "started_wall_ns": 0} | options
            journal = SqliteJournal(folder, **options)
            stack.callback(journal.close)
            return journal

        yield open_
