"""The bad line itself: each behaviour does what it says, on both kinds of sockets, and is counted when it was done."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from organism.chaos.proxy import Proxy
from organism.chaos.sockets import Address, connected, listening
from organism.chaos.strikes import (
    Armed,
    Delay,
    Drip,
    Drop,
    Duplicate,
    Freeze,
    HalfOpen,
    Reorder,
    Reset,
    Rewrite,
    Seeded,
    Strike,
    Truncate,
    Way,
    lengths,
)
from organism.errors import BadInput
from tests.body.waiting import until

DEADLINE_S = 5.0


def framed(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


class Echo:
    """A server that says everything again, and remembers what it was told."""

    def __init__(self, at: Address) -> None:
        self._listener = listening(at)
        self.address: Address = at if isinstance(at, Path) else self._listener.getsockname()[:2]
        self.heard: list[bytes] = []
        self.n_clients = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                channel, _ = self._listener.accept()
            except OSError:
                return
            self.n_clients += 1
            threading.Thread(target=self._serve, args=(channel,), daemon=True).start()

    def _serve(self, channel: socket.socket) -> None:
        buffer = bytearray()
        with channel:
            try:
                while piece := channel.recv(65_536):
                    buffer += piece
                    while (message := lengths(buffer)) is not None:
                        self.heard.append(message[4:])
                        channel.sendall(message)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(params=["unix", "tcp"])
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Proxy, Echo, Armed]]:
    unix = request.param == "unix"
    echo = Echo(tmp_path / "server.sock" if unix else ("127.0.0.1", 0))
    armed = Armed()
    at: Address = tmp_path / "proxy.sock" if unix else ("127.0.0.1", 0)
    with Proxy(at, echo.address, decide=armed, framing=lengths) as proxy:
        yield proxy, echo, armed
    echo.close()


_open: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _hang_up() -> Iterator[None]:
    yield
    while _open:
        _open.pop().close()


class Client:
    """Asks and waits for answers."""

    def __init__(self, address: Address) -> None:
        self.channel = connected(address)
        self.channel.settimeout(DEADLINE_S)
        self._buffer = bytearray()
        _open.append(self.channel)

    def say(self, *contents: bytes) -> None:
        self.channel.sendall(b"".join(map(framed, contents)))

    def hear(self, deadline_s: float = DEADLINE_S) -> bytes | None:
        """The next answer; None when it was hung up. Raises TimeoutError at the deadline."""
        end = time.monotonic() + deadline_s
        while (message := lengths(self._buffer)) is None:
            self.channel.settimeout(max(0.001, end - time.monotonic()))
            piece = self.channel.recv(65_536)
            if not piece:
                return None
            self._buffer += piece
        return message[4:]

    @property
    def rest(self) -> bytes:
        return bytes(self._buffer)


def wants(content: bytes) -> Callable[[bytes], bool]:
    return lambda message: message[4:] == content


def strike(behaviour: object, way: Way = Way.DOWN, content: bytes = b"b") -> Strike:
    return Strike("it", way, behaviour, wants(content))  # type: ignore[arg-type]


def once(proxy: Proxy) -> bool:
    """Whether the strike happened once, and nothing else did; it is counted just after it was felt."""
    return proxy.wait_seen("it") and proxy.seen == {"it": 1}


def test_what_nothing_befalls_passes_as_it_is_also_when_it_is_large(line):
    proxy, echo, _ = line
    client = Client(proxy.address)
    large = bytes(range(256)) * 20_000
    client.say(b"a", large, b"c")
    assert [client.hear(), client.hear(), client.hear()] == [b"a", large, b"c"]
    assert proxy.n_messages == {Way.UP: 3, Way.DOWN: 3}
    assert not proxy.seen
    client.channel.shutdown(socket.SHUT_WR)
    assert client.hear() is None, "an end passes on as well"
    assert echo.n_clients == proxy.n_accepted == 1


@pytest.mark.parametrize("way", Way)
def test_a_delayed_message_comes_late_and_in_order(line, way):
    proxy, _, armed = line
    armed.arm(strike(Delay(0.2, 0.05), way))
    client = Client(proxy.address)
    client.say(b"a", b"b", b"c")
    assert client.hear() == b"a"
    began = time.monotonic()
    assert not proxy.seen["it"], "ordered is not yet seen"
    assert (client.hear(), client.hear()) == (b"b", b"c")
    assert 0.15 < time.monotonic() - began < 2.0
    assert proxy.wait_seen("it")


def test_a_request_that_is_late_arrives_although_its_client_has_given_up(line):
    proxy, echo, armed = line
    armed.arm(strike(Delay(0.2), Way.UP))
    client = Client(proxy.address)
    client.say(b"b")
    client.channel.close()
    assert not echo.heard
    until(lambda: echo.heard == [b"b"], "the late request")
    assert proxy.wait_seen("it")


def test_a_dripping_answer_comes_byte_by_byte(line):
    proxy, _, armed = line
    armed.arm(strike(Drip(pause_s=0.03, n_bytes=2), content=b"12345678"))
    client = Client(proxy.address)
    began = time.monotonic()
    client.say(b"12345678")
    assert client.hear() == b"12345678"
    assert time.monotonic() - began >= 0.15, "twelve bytes, two at a time"
    assert proxy.wait_seen("it")


def test_a_drip_is_seen_from_its_second_piece_on_whoever_gives_up_then(line):
    proxy, _, armed = line
    armed.arm(strike(Drip(pause_s=0.05)))
    client = Client(proxy.address)
    client.say(b"b")
    assert not proxy.seen["it"], "one piece is no drip yet"
    with pytest.raises(TimeoutError):
        client.hear(0.12)
    client.channel.close()
    assert once(proxy)


@pytest.mark.parametrize("way", Way)
def test_a_dropped_message_never_comes_and_the_next_one_does(line, way):
    proxy, echo, armed = line
    armed.arm(strike(Drop(), way))
    client = Client(proxy.address)
    client.say(b"a", b"b", b"c")
    assert (client.hear(), client.hear()) == (b"a", b"c")
    assert (b"b" in echo.heard) == (way is Way.DOWN), "of a lost answer the request has taken effect"
    assert once(proxy)


def test_a_reset_tears_the_connection_down_and_the_next_one_works(line):
    proxy, echo, armed = line
    armed.arm(strike(Reset(), Way.UP))
    client = Client(proxy.address)
    client.say(b"b")
    if isinstance(proxy.address, Path):  # a Unix socket knows no RST
        assert client.hear() is None
    else:
        with pytest.raises(ConnectionResetError):
            client.hear()
    assert once(proxy)
    again = Client(proxy.address)
    again.say(b"b")
    assert again.hear() == b"b"
    assert echo.heard == [b"b"]


def test_a_half_open_connection_neither_answers_nor_ends(line):
    proxy, echo, armed = line
    armed.arm(strike(HalfOpen(), Way.UP))
    client = Client(proxy.address)
    client.say(b"b")
    assert proxy.wait_seen("it")
    client.say(b"c")
    with pytest.raises(TimeoutError):
        client.hear(0.1)
    again = Client(proxy.address)
    again.say(b"d")
    assert again.hear() == b"d"
    assert echo.heard == [b"d"]


def test_a_truncated_answer_ends_in_the_middle(line):
    proxy, _, armed = line
    armed.arm(strike(Truncate(6), content=b"12345678"))
    client = Client(proxy.address)
    client.say(b"12345678")
    assert client.hear() is None
    assert client.rest == framed(b"12345678")[:6]
    assert proxy.wait_seen("it")


def test_a_doubled_request_arrives_twice(line):
    proxy, echo, armed = line
    armed.arm(strike(Duplicate(), Way.UP))
    client = Client(proxy.address)
    client.say(b"b", b"c")
    assert [client.hear(), client.hear(), client.hear()] == [b"b", b"b", b"c"]
    assert echo.heard == [b"b", b"b", b"c"]
    assert once(proxy)


def test_messages_change_places_and_one_that_nothing_follows_comes_at_the_end(line):
    proxy, echo, armed = line
    armed.arm(strike(Reorder(), Way.UP), times=2)
    client = Client(proxy.address)
    client.say(b"a", b"b", b"c")
    assert [client.hear(), client.hear(), client.hear()] == [b"a", b"c", b"b"]
    assert once(proxy)
    client.say(b"b")
    client.channel.shutdown(socket.SHUT_WR)
    assert client.hear() == b"b"
    assert once(proxy), "it changed places with nothing"
    assert echo.heard == [b"a", b"c", b"b", b"b"]


def test_what_is_frozen_waits_for_the_thaw_with_all_that_follows(line):
    proxy, echo, armed = line
    armed.arm(strike(Freeze(), Way.UP))
    client = Client(proxy.address)
    client.say(b"a", b"b", b"c")
    assert client.hear() == b"a"
    assert proxy.wait_seen("it")
    with pytest.raises(TimeoutError):
        client.hear(0.1)
    assert echo.heard == [b"a"]
    proxy.thaw()
    assert (client.hear(), client.hear()) == (b"b", b"c")
    assert proxy.n_messages[Way.UP] == 3


def test_something_else_may_come_instead(line):
    proxy, _, armed = line
    armed.arm(strike(Rewrite(lambda message: framed(b"<html>") if message else b"")))
    client = Client(proxy.address)
    client.say(b"b")
    assert client.hear() == b"<html>"
    assert once(proxy)


def test_while_it_is_down_nobody_is_served_and_afterwards_everybody(line):
    proxy, _, _ = line
    proxy.down()
    for _ in range(3):
        try:
            assert Client(proxy.address).hear() is None
        except ConnectionResetError:
            assert not isinstance(proxy.address, Path)
    assert proxy.wait_seen("down", 3)
    assert proxy.seen == {"down": 3}
    proxy.down(is_down=False)
    client = Client(proxy.address)
    client.say(b"a")
    assert client.hear() == b"a"


def test_without_a_server_clients_are_hung_up_on_and_it_is_counted(tmp_path):
    with Proxy(tmp_path / "proxy.sock", tmp_path / "nobody.sock") as proxy:
        assert Client(proxy.address).hear() is None
        assert proxy.wait_seen("no server")


def test_it_leaves_neither_thread_nor_socket_nor_descriptor(tmp_path):
    echo = Echo(tmp_path / "server.sock")
    threads, descriptors = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with Proxy(tmp_path / "proxy.sock", echo.address, framing=lengths) as proxy:
            client = Client(proxy.address)
            client.say(b"a")
            assert client.hear() == b"a"
            client.channel.close()
    assert not (tmp_path / "proxy.sock").exists()
    until(lambda: threading.active_count() <= threads, "threads have ended")
    until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= descriptors, "descriptors are closed")
    echo.close()


def test_the_same_seed_strikes_the_same_messages_and_about_the_share_asked_for():
    strikes = [Strike("a", Way.UP, Drop()), Strike("b", Way.UP, Duplicate()), Strike("c", Way.DOWN, Drop())]

    def fates(seed: int) -> list[str]:
        decide = Seeded(seed, strikes, 0.25)
        return [s.name if (s := decide(Way.UP, b"")) else "" for _ in range(4_000)]

    assert fates(3) == fates(3) != fates(4)
    struck = [name for name in fates(3) if name]
    assert 900 < len(struck) < 1_100
    assert 400 < struck.count("a") < 600
    assert set(struck) == {"a", "b"}, "a strike in the other direction befalls nothing here"


def test_what_was_stopped_or_disarmed_strikes_no_more():
    decide = Seeded(1, [Strike("a", Way.UP, Drop())], 1.0)
    assert decide(Way.UP, b"")
    decide.stop()
    assert decide(Way.UP, b"") is None
    armed = Armed()
    armed.arm(Strike("a", Way.UP, Drop()), times=None)
    armed.arm(Strike("b", Way.DOWN, Drop()), times=2)
    assert armed(Way.UP, b"").name == armed(Way.UP, b"").name == "a"
    armed.disarm("a")
    assert armed(Way.UP, b"") is None
    assert armed(Way.DOWN, b"").name == "b"
    armed.disarm()
    assert armed(Way.DOWN, b"") is None


def test_orders_that_mean_nothing_are_refused():
    with pytest.raises(BadInput, match=r"share of messages to strike must be within 0 and 1; was 1\.5"):
        Seeded(1, [], 1.5)
    with pytest.raises(BadInput, match="armed at least once; times was 0"):
        Armed().arm(Strike("a", Way.UP, Drop()), times=0)
