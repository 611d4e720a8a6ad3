"""The log is sent on where a person wants it: Sentry and OTLP as stand-ins on loopback, in bounds, without a secret."""

import json
import logging
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from test_sender_process import Sender
from voice_stubs import Hook, closed_port, serving

from organism import logfile, logs
from organism.config import load
from organism.errors import ConfigError
from organism.redaction import Redactor
from organism.settings import LogsSettings
from organs.voice.sender import relay as relaying
from organs.voice.sender.follow import Follower
from organs.voice.sender.relay import N_KEPT, Relay, sinks_of
from organs.voice.sender.telemetry import otlp, sentry

KEY = "0123456789abcdefKEY"


def line(event, level="error", n=0, **more):
    stamp = f"2026-01-31T12:00:{n:02d}.250Z"
    return json.dumps(
        {"timestamp": stamp, "level": level, "process": "body", "logger": "x", "event": event, "pid": 7}
        | more
    )


class Folder:
    def __init__(self, state):
        self.path = state / "log"
        self.path.mkdir(parents=True, exist_ok=True)

    def say(self, *lines, name="body"):
        with (self.path / f"{name}.jsonl").open("a") as file:
            file.write("".join(f"{text}\n" for text in lines))


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


class Stub:
    """Answers as it is told, and remembers."""

    def __init__(self, *answers):
        self.answers, self.heard = list(answers), []

    def __call__(self, sink, body):
        self.heard.append((sink.name, body))
        return self.answers.pop(0) if self.answers else 200

    def events(self):
        """Of OTLP, in order."""
        return [
            record["body"]["stringValue"]
            for _, body in self.heard
            for record in json.loads(body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        ]


def relay(tmp_path, stub, *sinks, redact=None):
    return Relay(tmp_path, sinks or (otlp("https://h.example/v1/logs"),), redact or Redactor(), post=stub)


# ------------------------------------------------------------------ following


def test_it_begins_at_the_end_and_follows_every_process(tmp_path, folder):
    folder.say(line("old"))
    follower = Follower(folder.path)
    folder.say(line("a"), line("b"))
    folder.say(line("c"), name="sender")
    assert sorted(found["event"] for found in follower.lines()) == ["a", "b", "c"]
    assert follower.lines() == []
    follower.close()


def test_a_file_that_is_moved_aside_loses_nothing(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(logfile, "FILE_BYTES", 3_000)
    lived = logs.setup("body", tmp_path, stderr=False)
    follower, seen = Follower(folder.path), []
    try:
        for n in range(100):
            logging.getLogger("x").info("line %d", n)
            if n % 3 == 0:
                seen += follower.lines()
    finally:
        lived.close()
    for _ in range(3):
        seen += follower.lines()
    assert [found["event"] for found in seen] == [f"line {n}" for n in range(100)]
    follower.close()


def test_half_lines_wait_for_their_other_half_and_torn_ones_are_passed_over(folder):
    follower = Follower(folder.path)
    whole = line("whole")
    with (folder.path / "body.jsonl").open("a") as file:
        file.write(whole[:20])
        file.flush()
        assert follower.lines() == []
        file.write(whole[20:] + "\n{torn\n[1]\n\n")
    assert [found["event"] for found in follower.lines()] == ["whole"]
    (folder.path / "body.jsonl").write_text(line("x") + "\n")  # emptied, and begun anew
    assert [found["event"] for found in follower.lines()] == ["x"]
    (folder.path / "link.jsonl").symlink_to(folder.path / "body.jsonl")
    os.mkfifo(folder.path / "pipe.jsonl")
    assert follower.lines() == []
    follower.close()


# ------------------------------------------------------------------ what is said


@pytest.mark.requirement("S2-13.7")
@pytest.mark.requirement("S4-11.17")
def test_sentry_hears_of_errors_as_events_that_are_the_same_when_told_twice(tmp_path, folder):
    sink = sentry(f"https://{KEY}@h.example:9/pre/fix/42")
    assert sink.url == "https://h.example:9/pre/fix/api/42/envelope/"
    assert f"sentry_key={KEY}" in sink.headers["X-Sentry-Auth"]
    assert KEY not in repr(sink)
    stub = Stub()
    one = relay(tmp_path, stub, sink)
    folder.say(
        line("quiet", "warning"),
        line("bad", organ="brain", correlation="3.0", exception="Traceback\n  x\nValueError: it was −1"),
        line("worse", "critical"),
    )
    one.turn(0.0)
    bodies = [body for _, body in stub.heard]
    head, item, event = (json.loads(part) for part in bodies[0].splitlines())
    assert item == {"type": "event", "length": len(bodies[0].splitlines()[2])}
    assert head["event_id"] == event["event_id"]
    assert len(event["event_id"]) == 32
    assert event["logentry"]["formatted"] == "bad"
    assert event["tags"] == {"process": "body", "organ": "brain", "correlation": "3.0"}
    assert event["exception"]["values"] == [{"type": "ValueError", "value": "it was −1"}]
    assert json.loads(bodies[1].splitlines()[2])["level"] == "fatal"
    assert len(bodies) == 2
    again = sink.body([json.loads(line("bad", organ="brain"))])
    assert again == sink.body([json.loads(line("bad", organ="brain"))])


def test_otlp_hears_of_everything_many_at_once(tmp_path, folder):
    stub = Stub()
    one = relay(tmp_path, stub, otlp("https://h.example", "api-key=k1,x=2"))
    folder.say(line("a", "info", 1, incarnation=3, share=0.5, on=True, exception="T\nE: x"), line("b", "odd"))
    one.turn(0.0)
    assert stub.events() == ["a", "b"]
    (_, body) = stub.heard[0]
    record = json.loads(body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    assert (record["timeUnixNano"], record["severityNumber"]) == ("1769860801250000000", 9)
    said = {entry["key"]: entry["value"] for entry in record["attributes"]}
    assert said["incarnation"] == {"intValue": "3"}
    assert said["share"] == {"doubleValue": 0.5}
    assert said["on"] == {"boolValue": True}
    assert said["exception.stacktrace"] == {"stringValue": "T\nE: x"}
    sink = otlp("https://h.example", "api-key=k1,x=2")
    assert sink.url == "https://h.example/v1/logs"
    assert (sink.headers["api-key"], sink.headers["x"]) == ("k1", "2")


def test_secrets_that_a_line_holds_all_the_same_do_not_leave(tmp_path, folder):
    stub = Stub()
    one = relay(tmp_path, stub, redact=Redactor([KEY]))
    folder.say(line(f"said {KEY}", exception=f"E: {KEY}", **{KEY: KEY}))
    one.turn(0.0)
    assert KEY.encode() not in stub.heard[0][1]


# ------------------------------------------------------------------ a sink that does not answer


def test_who_does_not_answer_is_tried_later_and_later_and_nothing_is_lost(tmp_path, folder, caplog):
    caplog.set_level(logging.INFO)
    stub = Stub(0, 503, 429)
    one = relay(tmp_path, stub)
    folder.say(line("a"))
    tried = []
    for second in range(60):
        n = len(stub.heard)
        one.turn(float(second))
        tried += [second] * (len(stub.heard) - n)
    assert tried == [0, 5, 15, 35]
    assert stub.events() == ["a"] * 4
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "otlp does not take the log (no answer); it is tried again",
        "otlp hears the log again; 0 lines were lost",
    ]


def test_what_is_kept_for_it_is_bounded_and_the_newest_stay(tmp_path, folder):
    stub = Stub(0)
    one = relay(tmp_path, stub)
    folder.say(*(line(f"e{n}") for n in range(N_KEPT // 2)))
    one.turn(0.0)
    for part in range(4):
        folder.say(*(line(f"f{part}-{n}") for n in range(N_KEPT // 2)))
        one.turn(1.0)
    stub.heard.clear()
    for _ in range(3):
        one.turn(10.0)
    assert len(stub.events()) == N_KEPT
    assert stub.events()[-1] == f"f3-{N_KEPT // 2 - 1}"


def test_what_is_refused_is_said_once_and_not_sent_again(tmp_path, folder, caplog):
    stub = Stub(400)
    one = relay(tmp_path, stub)
    folder.say(line("a"))
    one.turn(0.0)
    folder.say(line("b"))
    one.turn(1.0)
    assert stub.events() == ["a", "b"]
    assert "refused 1 lines of the log (400)" in caplog.text


def test_a_flood_of_errors_reaches_sentry_in_small_measure(tmp_path, folder):
    stub = Stub()
    one = relay(tmp_path, stub, sentry(f"https://{KEY}@h.example/1"))
    folder.say(*(line(f"e{n}") for n in range(100)))
    for second in range(60):
        one.turn(float(second))
    assert len(stub.heard) == 10
    one.turn(60.0)
    assert len(stub.heard) == 20


def test_that_it_cannot_be_sent_is_not_sent(tmp_path, folder):
    stub = Stub()
    one = relay(tmp_path, stub)
    folder.say(line("a", logger=relaying.__name__), line("b"))
    one.turn(0.0)
    assert stub.events() == ["b"]


# ------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    "address",
    ["http://h.example/1", "ftp://k@h/1", "https://h.example/1", f"https://{KEY}@h.example/", "", "x", f"https://{KEY}@[::1",
     f"https://{KEY}@h.example/1\nX: y", f"https://{KEY}@h.example:port/1", f"http://{KEY}@127.0.0.1.example/1"],
)  # fmt: skip
def test_an_address_that_logs_must_not_go_to_is_refused_and_never_shown(address):
    with pytest.raises(ConfigError) as caught:
        sentry(address)
    assert KEY not in str(caught.value)


def test_one_that_cannot_be_used_silences_no_other(caplog):
    environ = {"D": f"https://{KEY}@h.example/1", "O": "http://elsewhere.example/"}
    wanted = LogsSettings(sentry="env:D", otlp="env:O", otlp_headers="env:H")
    redact = Redactor()
    assert [sink.name for sink in sinks_of(wanted, environ, redact)] == ["sentry"]
    assert sinks_of(LogsSettings(), environ, redact) == ()
    assert "the log is not sent on: [logs] otlp" in caplog.text
    assert KEY not in caplog.text
    assert redact(f"x {KEY}") == "x ***"


@pytest.mark.parametrize("name", ["sentry", "otlp", "otlp_headers"])
def test_a_secret_in_the_settings_is_refused_without_being_shown(tmp_path, name):
    with pytest.raises(ConfigError, match="env:NAME or file:PATH") as caught:
        load(None, {}, {f"logs.{name}": f"https://{KEY}@h/1"}, state=tmp_path)
    assert KEY not in str(caught.value)


# ------------------------------------------------------------------ over real sockets


class Elsewhere(BaseHTTPRequestHandler):
    """Points to another address of its own, and remembers who came there."""

    def do_POST(self):
        self.send_response(302)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.server.came.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


def test_an_address_that_points_elsewhere_is_not_followed_with_our_key():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    server.came = []
    with serving(server):
        address = f"http://{KEY}@127.0.0.1:{server.server_address[1]}/1"
        assert relaying._post(sentry(address), b"{}") == 302
        assert server.came == []
        with urllib.request.build_opener().open(sentry(address).url, b"{}") as reply:
            assert reply.status == 200
        assert server.came == ["/elsewhere"], "others would have gone there"


def test_nobody_there_is_no_answer():
    assert relaying._post(sentry(f"http://{KEY}@127.0.0.1:{closed_port()}/1"), b"{}") == 0


def test_a_sender_without_any_channel_sends_the_log_on(tmp_path):
    state = tmp_path / "state"
    with serving(Hook()) as sentry_stub, serving(Hook()) as otlp_stub:
        secret = tmp_path / "dsn"
        secret.write_text(f"http://{KEY}@127.0.0.1:{sentry_stub.port}/7\n")
        secret.chmod(0o600)
        address = tmp_path / "otlp"
        address.write_text(f"http://127.0.0.1:{otlp_stub.port}/v1/logs")
        address.chmod(0o600)
        config = tmp_path / "settings.toml"
        config.write_text(f'[logs]\nsentry = "file:{secret}"\notlp = "file:{address}"\n')
        folder = Folder(state)
        sender = Sender(state, config)
        path, _, body = otlp_stub.take(30.0)  # its own first line: it lives
        assert path == "/v1/logs"
        assert b"delivering to 0 channels" in body
        folder.say(line("the body ended by an unexpected error"))
        path, headers, body = sentry_stub.take(30.0)
        code, err = sender.end()
    assert path == "/api/7/envelope/"
    assert KEY in headers["X-Sentry-Auth"]
    assert b"the body ended by an unexpected error" in body
    assert code == 0
    assert KEY not in err + (state / "log" / "sender.jsonl").read_text()
