"""A secret shows itself to whoever asks by name, and to nobody else."""

import copy
import json
import os
import pickle
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import ConfigError
from organism.redaction import Redactor, masked_url, one_line, parts_of
from organism.secret import Secret, read

VALUE = "sk_live_51Habc"


@pytest.mark.requirement("S2-13.2")
def test_a_secret_is_masked_wherever_it_is_printed():
    secret = Secret(VALUE)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{[secret]}",
        "%s %r" % (secret, secret),  # noqa: UP031 - the old way must be safe too
    ]

    assert all(VALUE not in text for text in shown)
    assert secret.reveal() == VALUE


def test_a_secret_is_never_pickled_nor_encoded():
    secret = Secret(VALUE)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)
    assert copy.deepcopy([secret])[0] is secret


def test_equal_secrets_are_equal():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert {Secret("a"), Secret("a")} == {Secret("a")}


def test_a_secret_is_read_from_the_environment():
    assert read("env:TOKEN", {"TOKEN": f" {VALUE}\n"}, what="channel 1").reveal() == VALUE
    for source, environ in (("env:TOKEN", {}), ("env:TOKEN", {"TOKEN": "  "}), ("env:not a name", {})):
        with pytest.raises(ConfigError, match="channel 1"):
            read(source, environ, what="channel 1")


def test_a_secret_file_must_be_private_regular_and_ours(tmp_path):
    path = tmp_path / "token"
    path.write_text(VALUE + "\n")
    path.chmod(0o600)
    assert read(f"file:{path}", {}, what="key").reveal() == VALUE

    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        read(f"file:{path}", {}, what="key")
    path.chmod(0o600)

    link = tmp_path / "link"
    link.symlink_to(path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xff")
    binary.chmod(0o600)
    empty = tmp_path / "empty"
    empty.touch(mode=0o600)
    huge = tmp_path / "huge"
    huge.write_bytes(b"a" * 70_000)
    huge.chmod(0o600)
    for bad in (link, pipe, binary, empty, huge, tmp_path, tmp_path / "nowhere", "\0"):
        with pytest.raises(ConfigError, match="key"):
            read(f"file:{bad}", {}, what="key")


def test_a_file_of_somebody_else_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "token"
    path.write_text(VALUE)
    path.chmod(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    with pytest.raises(ConfigError, match="of the user who runs this"):
        read(f"file:{path}", {}, what="key")


def test_a_plain_secret_is_refused_without_being_repeated():
    with pytest.raises(ConfigError) as caught:
        read(VALUE, {}, what="key")
    assert VALUE not in str(caught.value)
    assert read(VALUE, {}, what="key", plain=True).reveal() == VALUE


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v3/order?symbol=X&signature=SECRETsecret1 HTTP/1.1",
        "X-MBX-APIKEY: SECRETsecret1",
        "{'X-MBX-APIKEY': 'SECRETsecret1'}",
        '"apiKey": "SECRETsecret1"',
        "OK-ACCESS-SIGN: SECRETsecret1",
        "api_secret=SECRETsecret1",
        "listenKey=SECRETsecret1",
        "Authorization: Bearer SECRETsecret1",
        "sent with bearer SECRETsecret1",
        "https://api.telegram.org/bot123456:SECRETsecret1/sendMessage",
        "https://me:SECRETsecret1@host/x",
        "https://SECRETsecret1@sentry.example/1",
        "tgram://123456:SECRETsecret1/42",
        "ERROR - Unparseable: discord://12345/SECRETsecret1",
        "https://hooks.slack.com/services/T0/B0/SECRETsecret1",
        "https://discord.com/api/webhooks/1/SECRETsecret1",
        "password = SECRETsecret1",
        "-----BEGIN EC PRIVATE KEY-----\nSECRETsecret1\n-----END EC PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.SECRETsecret1.abc",
    ],
)
def test_a_secret_nobody_announced_is_recognised_by_its_shape(text):
    assert "SECRETsecret1" not in Redactor()(text)


def test_private_keys_of_wallets_are_recognised_and_ordinary_text_is_left_alone():
    redact = Redactor()
    assert "ab12" not in redact("key was 0x" + "ab12" * 16)
    for text in (
        "BTC/USDT closed at 42000.5 at 2024-01-01T00:00:00Z",
        "organ motor restarted: attempt 1 of 3",
        "see https://example.org/docs and http://127.0.0.1:8320/",
        "order 17-0 filled 0.5 at 12:30:45",
    ):
        assert redact(text) == text


@given(st.text(st.characters(codec="utf-8"), min_size=4, max_size=30), st.text(max_size=10))
def test_a_known_secret_never_survives_in_any_spelling(secret, around):
    redact = Redactor([secret])
    for spelling in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]):
        assert secret not in redact(f"{around}{spelling}{around}").replace("***", "")


def test_the_parts_of_an_address_are_known_one_by_one():
    redact = Redactor(parts_of("tgram://123456:AAtokenAAtoken/chat9988/?topic=priv4te"))
    for part in ("123456:AAtokenAAtoken", "AAtokenAAtoken", "chat9988", "priv4te"):
        assert part not in redact(f"failed at {part}!")
    redact = Redactor(parts_of("mailto://user:pa55word@example.org?to=someone"))
    assert "example.org" in redact("no answer from example.org")
    assert "dXNlcjpwYTU1d29yZA==" not in redact("AUTH PLAIN dXNlcjpwYTU1d29yZA==")


def test_only_what_cannot_be_a_token_is_shown_of_an_address():
    assert masked_url("mailtos://user:pass@example.org:465?to=x") == "mailtos://example.org"
    for url in ("tgram://1:a/2", "discord://1/a", "slack://a/b/c", "ntfy://topic", "json://[", "nonsense"):
        assert masked_url(url).endswith("***")


def test_text_from_outside_cannot_forge_lines():
    assert one_line("a\nCRITICAL b\x1b[31m\u202ec\r") == "a CRITICAL b [31m c"
    assert len(one_line("x" * 9_000, 100)) == 100


@pytest.mark.parametrize(
    "unit",
    [
        "y",
        "api_key",
        "a.",
        "bot1:",
        "://",
        "://a@",
        "-----BEGIN KEY",
        "eyJ",
        "0x",
        "f",
        "a://",
        "key=",
        "1:",
        " bearer ",
    ],
)
def test_redacting_a_hostile_text_takes_no_longer_than_reading_it(unit):
    """A venue's error page must not hang an organ: 100 kB of any pattern in well under a second."""
    redact = Redactor(["some-known-secret"])
    started = time.perf_counter()
    redact(unit * (100_000 // len(unit)))
    assert time.perf_counter() - started < 1.0
