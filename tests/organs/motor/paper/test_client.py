"""The connection to a venue in another process: it gives up in time, and does not besiege a venue that is gone."""

import threading
import time

import pytest

from organism.chaos.proxy import Proxy
from organism.chaos.strikes import Armed, Drip, Reset, Strike, Way, lengths
from organism.chaos.wired.stand import Stand
from organism.effects import VenueReport
from organs.motor.paper.client import Remote
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.wire import SOCKET
from tests.organs.motor.making import INSTRUMENTS, paper

REPORT = VenueReport(since="")


@pytest.fixture
def line(tmp_path):
    """A client whose venue is behind a line that can be struck."""
    for name in ("venue", "line"):
        (tmp_path / name).mkdir()
    stand = Stand(tmp_path / "venue", PaperExchange(paper(), INSTRUMENTS), time.monotonic_ns)
    armed = Armed()
    at, behind = tmp_path / "line" / SOCKET, tmp_path / "venue" / SOCKET
    with Proxy(at, behind, decide=armed, framing=lengths) as proxy:
        remote = Remote(tmp_path / "line", deadline_s=0.2, longest_pause_s=0.1)
        yield remote, proxy, armed
        remote.close()
    stand.close()


def test_after_one_failure_it_connects_again_at_once(line):
    remote, proxy, armed = line
    assert remote.handle(REPORT, 0).answered
    armed.arm(Strike("cut", Way.UP, Reset()))
    assert not remote.handle(REPORT, 0).answered
    assert remote.handle(REPORT, 0).answered
    assert proxy.n_accepted == 2


def test_a_venue_that_is_gone_is_not_besieged_and_is_found_again(line):
    remote, proxy, _ = line
    proxy.down()
    pause = threading.Event()
    n_asked, end = 0, time.monotonic() + 0.5
    while time.monotonic() < end:
        assert not remote.handle(REPORT, 0).answered
        n_asked += 1
        pause.wait(0.001)
    assert n_asked > 50, "while it pauses it answers at once"
    assert proxy.n_accepted < 20
    proxy.down(is_down=False)
    end = time.monotonic() + 5.0
    while not remote.handle(REPORT, 0).answered:
        assert time.monotonic() < end, "never found again"
        pause.wait(0.001)
    armed_once = proxy.n_accepted
    for _ in range(5):
        assert remote.handle(REPORT, 0).answered
    assert proxy.n_accepted == armed_once, "one connection serves until it breaks"


def test_a_dripping_answer_is_given_up_at_the_deadline_of_the_whole(line):
    remote, proxy, armed = line
    armed.arm(Strike("drip", Way.DOWN, Drip(pause_s=0.02)))
    began = time.monotonic()
    assert not remote.handle(REPORT, 0).answered
    assert 0.15 < time.monotonic() - began < 0.5
    assert remote.handle(REPORT, 0).answered
    assert proxy.wait_seen("drip")
