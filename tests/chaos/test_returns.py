"""When a body counts as back: what serving and trading mean, on books written by hand."""

import sqlite3
import threading

import pytest

from organism.chaos.campaign import Tally
from organism.chaos.habitat import Habitat, Last, NotBack
from organism.journal.segments import CURRENT
from organs.motor.paper.wire import BOOK
from tests.body.waiting import until


@pytest.fixture
def home(tmp_path):
    """A folder with a journal and a venue's book of which only the columns are there that are looked at."""
    with sqlite3.connect(tmp_path / CURRENT) as journal:
        journal.execute("CREATE TABLE runs (run INTEGER)")
        journal.execute("CREATE TABLE rows (run INTEGER, organ TEXT, market_ns INTEGER)")
        journal.execute("INSERT INTO runs VALUES (4)")
        journal.execute("INSERT INTO rows VALUES (4, 'metabolism', 100)")
    with sqlite3.connect(tmp_path / BOOK) as book:
        book.execute("CREATE TABLE orders (id INTEGER)")
        book.execute("INSERT INTO orders VALUES (1)")
    return Habitat(tmp_path)


def write(home, name, *statements):
    with sqlite3.connect(home.state / name) as file:
        for statement in statements:
            file.execute(statement)


class Waiting(threading.Thread):
    """Waits for the return of a body while a test writes what it does."""

    def __init__(self, home):
        super().__init__(daemon=True)
        self.home, self.n_looks, self.found = home, 0, None
        self.start()

    def run(self):
        look = self.home._guarded

        def counted():
            self.n_looks += 1
            return look()

        self.home._guarded = counted
        self.found = self.home.returns(Last(4, 100), 0.0)

    def looked(self):
        """Wait for two whole looks from now."""
        n = self.n_looks + 2
        until(lambda: self.n_looks > n)
        return self.found


def test_a_body_serves_with_a_new_instant_and_trades_with_an_order_of_its_own(home):
    assert home.last == Last(4, 100)
    waiting = Waiting(home)
    write(home, BOOK, "INSERT INTO orders VALUES (2)")  # what the dead body had still sent
    assert waiting.looked() is None
    write(home, CURRENT, "INSERT INTO runs VALUES (5)", "INSERT INTO rows VALUES (5, 'metabolism', 100)")
    assert waiting.looked() is None, "what was known before is read back, no more"
    write(home, CURRENT, "INSERT INTO rows VALUES (5, 'metabolism', 101)")
    assert waiting.looked() is None, "it serves, and has not traded"
    write(home, BOOK, "INSERT INTO orders VALUES (3)")
    until(lambda: waiting.found)
    serving_s, trading_s = waiting.found
    assert 0.0 < serving_s < trading_s


def test_whoever_does_not_come_back_is_told_of_in_words(home):
    write(home, CURRENT, "INSERT INTO rows VALUES (4, 'metabolism', 101)")  # the dead one's own last words
    with pytest.raises(
        NotBack, match=r"a body after 4 that serves and trades did not come true within 0\.05 s"
    ):
        home.returns(Last(4, 100), 0.0, 0.05)


def test_a_tally_keeps_both_times():
    tally = Tally()
    tally.back(1.0, 2.0)
    assert (tally.serving_s, tally.recovery_s) == ([1.0], [2.0])
