"""The process around the page."""

import json
import os
import socket
import stat

import pytest

from dashboard.server import BAD_USAGE, bind, is_loopback, main
from dashboard.window import clean_environment
from tests.dashboard.serving import serving


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", ""])  # noqa: S104 - refused
def test_anything_but_loopback_is_refused(host, tmp_path, capsys):
    assert main(["--state", str(tmp_path), "--host", host]) == BAD_USAGE
    said = capsys.readouterr().err
    assert "loopback" in said
    assert len(said.splitlines()) == 1
    assert not is_loopback(host)


def test_a_busy_port_gives_way_to_the_next_of_ten():
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with bind("127.0.0.1", port) as found:
            assert port < found.getsockname()[1] < port + 10


def test_ten_busy_ports_are_said_in_one_sentence(tmp_path, capsys, monkeypatch):
    def busy(*_):
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket.socket, "bind", busy)
    assert main(["--state", str(tmp_path)]) == BAD_USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_variables_that_could_open_the_dashboard_are_forgotten(monkeypatch):
    for name in ("HOST", "PORT", "DASH_DEBUG", "FLASK_ENV", "KEPT"):
        monkeypatch.setenv(name, "1")
    clean_environment()
    assert not {"HOST", "PORT", "DASH_DEBUG", "FLASK_ENV"} & set(os.environ)
    assert "KEPT" in os.environ


@pytest.mark.slow
@pytest.mark.requirement("S0-4.1.1")
def test_it_says_where_it_is_and_ends_when_its_guardian_does(tmp_path):
    with serving(tmp_path, environment={"HOST": "0.0.0.0", "DASH_DEBUG": "1"}) as served:  # noqa: S104 - must not matter
        assert served.url.startswith("http://127.0.0.1:")
        assert any("/setup#" in line for line in served.lines)
        written = json.loads((tmp_path / "dashboard.json").read_text())
        assert written["url"] == served.url
        assert written["pid"] == served.process.pid
        assert not list(tmp_path.glob(".dashboard.*"))
        # Guarded and without a view: the body is about to come up.
        assert json.loads(served.get("/healthz"))["condition"] == "starting"
        assert "<title>organism</title>" in served.get("/")
        os.close(served.parent)
        assert served.process.wait(10) == 0


@pytest.mark.slow
def test_the_password_survives_a_restart_and_no_link_is_printed_again(tmp_path):
    from dashboard.access import Access

    first = Access(tmp_path / "dashboard.secret")
    first.set_up(first.setup_token, "correct horse battery")
    with serving(tmp_path, guarded=False) as served:
        assert not any("/setup#" in line for line in served.lines)
    assert stat.S_IMODE((tmp_path / "dashboard.secret").stat().st_mode) == 0o600
