"""The process around the page."""

import ipaddress
import json
import os
import socket
import ssl
import stat
import urllib.error
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard.server import BAD_USAGE, bind, is_loopback, main
from dashboard.tokens import FILE, Tokens
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


# ---------------------------------------------------------------- for others than this machine


def certificate(folder):
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "organism")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    key_path.chmod(0o600)
    return cert_path, key_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0", "--public"], "loopback only"),  # noqa: S104 - refused
        (["--host", "0.0.0.0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"], "loopback only"),  # noqa: S104 - refused
        (["--tls-cert", "cert.pem"], "go together"),
        (["--tls-cert", "cert.pem", "--tls-key", "none.pem"], "no such file"),
        (["--tls-cert", "cert.pem", "--tls-key", "open.pem"], "chmod 600"),
        (["--tls-cert", "key.pem", "--tls-key", "key.pem"], "PEM files of one certificate"),
    ],
)
def test_what_would_stand_open_is_refused_in_one_sentence(tmp_path, monkeypatch, capsys, words, said):
    certificate(tmp_path)
    (tmp_path / "open.pem").write_bytes((tmp_path / "key.pem").read_bytes())
    (tmp_path / "open.pem").chmod(0o644)
    monkeypatch.chdir(tmp_path)
    assert main(["--state", str(tmp_path), *words]) == BAD_USAGE
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.slow
def test_an_encrypted_page_is_read_with_a_login_and_its_stream_with_a_token(tmp_path):
    cert, key = certificate(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    token = Tokens(state / FILE).make("ear", ["read"])
    trust = ssl.create_default_context(cafile=str(cert))
    words = ("--tls-cert", str(cert), "--tls-key", str(key), "--read-login")
    with serving(state, words=words) as served:
        assert served.url.startswith("https://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            served.get("/api/vitals", trust=trust)
        assert json.loads(served.get("/api/vitals", trust=trust, token=token))["condition"] == "starting"
        address = served.url.replace("https://", "wss://") + "/api/stream"
        sent = {"Authorization": f"Bearer {token}"}
        with connect(address, ssl=trust, additional_headers=sent, proxy=None, open_timeout=10) as wire:
            assert json.loads(wire.recv(timeout=10))["type"] == "vitals"
        with (
            pytest.raises(InvalidStatus),
            connect(address, ssl=trust, origin="https://evil.example", proxy=None, open_timeout=10),
        ):
            pass
