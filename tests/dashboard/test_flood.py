"""G3: a flood, slow connections and huge bodies are refused, cost little memory, and lock nobody out for long."""

import contextlib
import http.client
import socket
import threading
from collections import Counter
from urllib.parse import urlsplit

import psutil
import pytest

from tests.body.waiting import until
from tests.dashboard.living import FakeBody
from tests.dashboard.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.chaos]
HEAD = b"POST /api/commands HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nContent-Type: application/json\r\n"
MB = 2**20


@pytest.fixture
def served(tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=80)
    with serving(tmp_path) as found:
        until(lambda: status(found, "/") == 200, "the page")
        yield found
    body.close()


def place(served):
    parts = urlsplit(served.url)
    return parts.hostname, parts.port


def status(served, path):
    """Of one request on a connection of its own; 0 where it was not answered."""
    asking = http.client.HTTPConnection(*place(served), timeout=10)
    try:
        asking.request("GET", path)
        return asking.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        asking.close()


def memory_mb(served):
    return psutil.Process(served.process.pid).memory_info().rss / MB


def test_a_flood_from_two_hundred_clients_is_slowed_down_and_over_when_it_ends(served):
    before, found, lock = memory_mb(served), Counter(), threading.Lock()

    def client():
        mine = Counter(status(served, "/healthz") for _ in range(10))
        with lock:
            found.update(mine)

    clients = [threading.Thread(target=client) for _ in range(200)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert sum(found.values()) == 2_000
    assert found[429] > 500
    assert set(found) <= {200, 429, 503, 0}, found
    assert found[0] < 100, found
    until(lambda: status(served, "/healthz") == 200, "an answer", 15.0)
    assert memory_mb(served) - before < 60.0


@pytest.mark.parametrize(
    "length",
    [b"Content-Length: 62914560\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"],
    ids=["said", "chunked"],
)
def test_sixty_megabytes_are_refused_before_they_are_read(served, length):
    before = memory_mb(served)
    host = "{}:{}".format(*place(served)).encode()
    chunk = b"x" * 65_536
    with socket.create_connection(place(served), timeout=20) as asking:
        asking.sendall(HEAD % (host, host) + length)
        with contextlib.suppress(OSError):  # it hangs up on us
            for _ in range(960):
                asking.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk) if b"chunked" in length else chunk)
        answer = b""
        with contextlib.suppress(OSError):
            answer = asking.recv(4_096)
    assert not answer or answer.startswith(b"HTTP/1.1 413"), answer[:80]
    assert status(served, "/healthz") == 200
    assert memory_mb(served) - before < 20.0


def test_two_hundred_connections_that_never_finish_a_sentence_are_hung_up_on(served):
    held = []
    try:
        for n in range(200):
            one = socket.create_connection(place(served), timeout=10)
            held.append(one)
            if n % 2:
                one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        halt = threading.Event()

        def drip():
            while not halt.wait(0.5):
                for one in held[1::2]:
                    with contextlib.suppress(OSError):
                        one.sendall(b"x")

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        try:
            until(
                lambda: status(served, "/healthz") == 200, "an answer among the slow ones", 15.0, every_s=0.2
            )
        finally:
            halt.set()
            dripping.join()
        for one in held:
            one.settimeout(10.0)
            with contextlib.suppress(ConnectionError):
                while answer := one.recv(4_096):
                    assert answer.startswith(b"HTTP/1.1 "), answer[:60]
    finally:
        for one in held:
            one.close()


def test_a_browser_that_is_slow_between_two_requests_is_served(served):
    asking = http.client.HTTPConnection(*place(served), timeout=10)
    try:
        for _ in range(3):
            asking.request("GET", "/healthz")
            assert asking.getresponse().read()
            threading.Event().wait(3.0)
        assert asking.sock is not None
    finally:
        asking.close()
