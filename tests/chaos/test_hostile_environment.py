"""G9: variables that would open the page to the network, switch debugging on or send everything through a stranger."""

import http.server
import socket
import threading

import psutil
import pytest

from tests.body.house import BUSY
from tests.body.waiting import until
from tests.chaos.beset import Beset

pytestmark = [pytest.mark.chaos, pytest.mark.slow]


class Stranger:
    """Listens on loopback, answers nothing, and counts who comes."""

    def __init__(self):
        self.n = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.n += 1
            caller.close()

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Channel(http.server.BaseHTTPRequestHandler):
    """An alert channel on this machine."""

    def do_POST(self):
        self.server.said.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def stranger():
    found = Stranger()
    yield found
    found.close()


@pytest.fixture
def channel():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Channel)
    server.said = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def house(tmp_path, stranger, channel):
    proxy = f"http://127.0.0.1:{stranger.port}"
    names = (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "WS_PROXY",
        "WSS_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    )
    found = Beset(
        tmp_path / "state", *BUSY,
        environment={
            "HOST": "0.0.0.0", "PORT": "80", "UVICORN_HOST": "0.0.0.0", "FLASK_RUN_HOST": "0.0.0.0",  # noqa: S104 - must not matter
            "DASH_DEBUG": "1", "DASH_UI": "1", "DASH_HOT_RELOAD": "1", "DASH_SERVE_DEV_BUNDLES": "1",
            "DASH_URL_BASE_PATHNAME": "/elsewhere/", "FLASK_DEBUG": "1", "FLASK_ENV": "development",
            "WERKZEUG_DEBUG_PIN": "off", "FORWARDED_ALLOW_IPS": "*", "WEB_CONCURRENCY": "4", "NO_PROXY": "", "no_proxy": "",
            **dict.fromkeys(names, proxy),
        },
        config=f'[voice]\nchannels = [{{url = "json://127.0.0.1:{channel.server_address[1]}/", tags = ["all"]}}]\n',
    )  # fmt: skip
    yield found
    found.end()


def listening(house):
    """Addresses on which any process of the organism can be reached."""
    root = psutil.Process(house.guardian.pid)
    return {
        one.laddr.ip
        for process in (root, *root.children(recursive=True))
        for one in process.net_connections(kind="inet")
        if one.status == psutil.CONN_LISTEN
    }


def test_it_listens_on_loopback_alone_debugs_nothing_and_asks_no_stranger(house, stranger, channel):
    house.start()
    house.wait_trading(2)
    assert house.url.startswith("http://127.0.0.1:")
    assert listening(house) == {"127.0.0.1"}
    status, page = house.ask("/")
    assert status == 200
    assert "<title>organism</title>" in page
    assert '"hot_reload"' not in page
    assert '"ui":false' in page.replace(" ", "")
    assert "dev_bundle" not in page
    for path in ("/console", "/_reload-hash", "/elsewhere/", "/docs"):
        assert house.ask(path)[0] == 404, path
    assert "debugger" not in house.ask("/?__debugger__=yes&cmd=resource&f=debugger.js")[1].lower()
    until(lambda: channel.said, "an alert, straight to a channel on this machine", 60.0)
    assert house.stop(deadline_s=30.0)[0] == 0
    assert stranger.n == 0
