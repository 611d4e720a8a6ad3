"""A line says what the moment knows, holds no secret and no end of text; a file that resists costs lines only."""

import errno
import json
import logging
import os
import sys
import threading

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from organism import logfile, logs
from organism.errors import BadInput
from organism.handling import IN_HAND, SERVED, moment
from organism.logbook import Wanted, read
from organism.logline import JsonLines
from organism.logrecord import PlainLines
from organism.messages import Envelope
from organism.redaction import MASK, Redactor
from tests.organism.living import living, say

SECRET = "s3cr3t-canary-0815"


@pytest.fixture
def running(tmp_path):
    lived = logs.setup("body", tmp_path, Redactor([SECRET]), stderr=False)
    yield lived
    lived.close()


def lines(tmp_path, name="body.jsonl"):
    return [json.loads(line) for line in (tmp_path / "log" / name).read_text().splitlines()]


def explode(text):
    raise RuntimeError(text)


def served(envelope, work):
    """As an organ's thread does it."""

    def thread():
        SERVED.set(("brain", 4))
        IN_HAND.set(envelope)
        work()

    worker = threading.Thread(target=thread, name="brain")
    worker.start()
    worker.join(10.0)


@pytest.mark.requirement("S3-1.1.8")
def test_in_an_organs_thread_a_line_belongs_to_the_message_in_hand(tmp_path, running):
    for envelope in (
        Envelope("13.0", "nervous", 1, 0, "12.1", say("x")),
        Envelope("bar:7", "feed", 0, 0, "", say("x")),
    ):
        served(envelope, lambda: logging.getLogger("a.package").warning("odd"))
    logging.getLogger("x").warning("elsewhere")

    inside, first, outside = lines(tmp_path)
    assert (inside["organ"], inside["incarnation"]) == ("brain", 4)
    assert (inside["correlation"], inside["envelope"]) == ("12.1", "13.0")
    assert first["correlation"] == "bar:7", "what has no cause is its own"
    assert not {"organ", "correlation", "envelope"} & outside.keys()
    assert moment() == {}
    assert list(inside)[:9] == [
        "timestamp", "level", "process", "organ", "incarnation", "correlation", "envelope", "logger", "event",
    ]  # fmt: skip


def test_what_is_said_explicitly_goes_before_what_the_thread_knows(tmp_path, running):
    told = {"organ": "motor", "cause": "3.0"}
    envelope = Envelope("13.0", "nervous", 1, 0, "12.1", say("x"))
    served(envelope, lambda: logging.getLogger("x").warning("odd", extra=told))
    (line,) = lines(tmp_path)
    assert (line["organ"], line["correlation"]) == ("motor", "3.0")
    assert "cause" not in line


def test_structlogs_own_loggers_are_taken_in(tmp_path, running):
    log = structlog.get_logger("ours")
    with bound_contextvars(round=7):
        log.warning("bred", families=3, best=1.5, note=SECRET, api_key="0xdeadbeef")
    try:
        explode(SECRET)
    except RuntimeError:
        log.exception("failed")
    log.debug("below the level")

    bred, failed = lines(tmp_path)
    assert (bred["event"], bred["logger"], bred["families"], bred["best"]) == ("bred", "ours", 3, 1.5)
    assert (bred["note"], bred["api_key"], bred["round"]) == (MASK, MASK, 7)
    assert failed["level"] == "error"
    assert failed["exception"].splitlines()[-1] == f"RuntimeError: {MASK}"


def test_a_person_reads_a_structlog_line_too(tmp_path, capsys):
    lived = logs.setup("body", None, Redactor([SECRET]))
    try:
        structlog.get_logger("ours").warning("bred", families=3, token="abcdef", note=SECRET)
    finally:
        lived.close()
    assert capsys.readouterr().err.rstrip().endswith("body: warning: bred families=3 token=*** note=***")


def test_text_without_end_is_cut_and_its_secrets_are_still_found(tmp_path, running):
    log = logging.getLogger("x")
    log.warning("%s", "a" * 7_990 + SECRET + "b" * 10_000_000)
    log.warning("%s", f"{SECRET} " * 100_000)
    log.warning("%s", "c" * (64_000 - 5) + SECRET)
    try:
        explode("d" * 1_000_000 + SECRET)
    except RuntimeError:
        log.exception("e", extra={"channel": "f" * 1_000_000})

    text = (tmp_path / "log" / "body.jsonl").read_text()
    assert "s3cr3t" not in text
    first, second, third, fourth = lines(tmp_path)
    assert [len(line["event"]) for line in (first, second, third)] == [8_000] * 3
    assert first["event"].startswith("a" * 7_990 + MASK)
    assert second["event"].startswith(f"{MASK} {MASK}")
    assert len(fourth["exception"]) == 32_000
    assert len(fourth["channel"]) == 2_000
    assert max(map(len, text.splitlines())) < 50_000


def test_a_text_of_secrets_that_shrinks_below_the_bound_still_loses_its_end(tmp_path, running):
    """Cut at 64,000 characters in the middle of a secret; what was looked at shrinks to a few masks."""
    url = "https://user:" + "p" * 15_980 + "@host "
    logging.getLogger("x").warning("%s", url * 4 + SECRET * 20_000)
    logging.getLogger("x").warning("%s", "x=" + (SECRET + " ") * 3_368 + SECRET * 3)
    assert "s3cr3t" not in (tmp_path / "log" / "body.jsonl").read_text()


def test_a_name_that_cannot_be_told_from_a_secrets_is_masked_whatever_its_value(tmp_path, running):
    structlog.get_logger("x").warning("e", password=7, Authorization="x y", listen_key=["a"], quantity=2)
    (line,) = lines(tmp_path)
    assert [line[k] for k in ("password", "Authorization", "listen_key", "quantity")] == [MASK] * 3 + [2]


def test_fields_without_end_are_left_out(tmp_path, running):
    structlog.get_logger("x").warning("e", **{f"f{n}": n for n in range(1_000)})
    (line,) = lines(tmp_path)
    assert len(line) < 50


def test_files_are_moved_aside_newest_first_and_their_room_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(logfile, "FILE_BYTES", 1_000)
    lived = logs.setup("body", tmp_path, stderr=False)
    try:
        for n in range(200):
            logging.getLogger("x").info("line %d", n)
    finally:
        lived.close()
    names = sorted(p.name for p in (tmp_path / "log").iterdir())
    assert names == sorted(["body.jsonl", *(f"body.{n}.jsonl" for n in range(1, logfile.N_FILES + 1))])
    assert all(p.stat().st_size <= 1_000 for p in (tmp_path / "log").iterdir())
    told = [
        line["event"]
        for name in [f"body.{n}.jsonl" for n in range(logfile.N_FILES, 0, -1)] + ["body.jsonl"]
        for line in lines(tmp_path, name)
    ]
    assert told == [f"line {n}" for n in range(200 - len(told), 200)], "in order, none missing"


def test_a_file_that_was_moved_or_deleted_by_others_is_made_anew(tmp_path, running):
    log, path = logging.getLogger("x"), tmp_path / "log" / "body.jsonl"
    log.info("one")
    path.rename(path.with_suffix(".old"))
    log.info("two")
    path.unlink()
    path.parent.rename(tmp_path / "elsewhere")
    log.info("three")
    assert [line["event"] for line in lines(tmp_path)] == ["three"]


def test_a_link_in_its_place_is_not_followed(tmp_path, running, capsys):
    log, path = logging.getLogger("x"), tmp_path / "log" / "body.jsonl"
    other = tmp_path / "other"
    other.write_text("mine")
    path.unlink()
    path.symlink_to(other)
    log.info("one")
    assert other.read_text() == "mine"
    assert "was lost (OSError)" in capsys.readouterr().err


def test_a_torn_line_does_not_take_the_next_with_it(tmp_path, running):
    path = tmp_path / "log" / "body.jsonl"
    path.write_text('{"event": "cut in the mid')
    second = logs.setup("body", tmp_path, stderr=False)
    try:
        logging.getLogger("x").info("whole")
    finally:
        second.close()
    torn, whole = path.read_text().splitlines()
    assert torn == '{"event": "cut in the mid'
    assert json.loads(whole)["event"] == "whole"


def test_a_full_disk_costs_lines_says_so_once_and_heals(tmp_path, running, monkeypatch, capsys):
    log, write = logging.getLogger("x"), os.write

    room = [20]

    def full(descriptor, data):
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        n = write(descriptor, data[: room[0]])
        room[0] -= n
        return n

    log.info("before")
    monkeypatch.setattr(os, "write", full)
    for n in range(50):
        log.info("lost %d %s", n, "x" * n)
    monkeypatch.setattr(os, "write", write)
    log.info("after")

    assert capsys.readouterr().err.count("was lost") == 1
    whole = [
        json.loads(line) for line in (tmp_path / "log" / "body.jsonl").read_text().splitlines() if "}" in line
    ]
    assert [line["event"] for line in whole] == [
        "before",
        "50 lines before this one could not be written",
        "after",
    ]


def test_a_folder_that_may_not_be_changed_keeps_the_newest_lines_within_bounds(
    tmp_path, running, monkeypatch
):
    monkeypatch.setattr(logfile, "FILE_BYTES", 1_000)

    def refused(*_):
        raise PermissionError(errno.EACCES, "not allowed")

    monkeypatch.setattr("pathlib.Path.replace", refused)
    for n in range(30):
        logging.getLogger("x").info("line %d", n)
    path = tmp_path / "log" / "body.jsonl"
    assert path.stat().st_size <= 1_000
    assert lines(tmp_path)[-1]["event"] == "line 29"


def test_a_place_that_is_no_folder_hurts_nobody(tmp_path, capsys):
    (tmp_path / "log").write_text("a file")
    lived = logs.setup("body", tmp_path)
    try:
        logging.getLogger("x").warning("said all the same")
    finally:
        lived.close()
    err = capsys.readouterr().err
    assert "said all the same" in err
    assert "was lost" in err


def test_two_processes_that_share_a_file_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(logfile, "FILE_BYTES", 4_000)
    files = [logfile.PrivateFile(tmp_path / "log" / "body.jsonl") for _ in range(2)]
    for file in files:
        file.setFormatter(logging.Formatter('{"event": "%(message)s"}'))

    def work(file, name):
        for n in range(150):
            file.handle(logging.LogRecord("x", 20, "", 0, f"{name}{n}", None, None))

    threads = [threading.Thread(target=work, args=(f, name)) for f, name in zip(files, "ab", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    told = {
        json.loads(line)["event"] for p in (tmp_path / "log").iterdir() for line in p.read_text().splitlines()
    }
    assert told == {f"{name}{n}" for name in "ab" for n in range(150)}


def test_the_actor_shell_tells_the_log_whom_it_serves(tmp_path, running):
    log = logging.getLogger("within")
    with living() as body:
        body.trap.set("brain", "boom", lambda: log.warning("odd"), times=1)
        body.tell("brain", say("boom"))
        body.quiet()
        incarnation = body.incarnations()["brain"]
    (line,) = [line for line in lines(tmp_path) if line["logger"] == "within"]
    assert (line["organ"], line["incarnation"], line["thread"]) == ("brain", incarnation, "brain")
    assert line["correlation"] == line["envelope"], "it came from outside: it is its own cause"
    assert moment() == {}


def guardians_line(record):
    return json.loads(PlainLines("guardian", Redactor([SECRET])).format(record))


@pytest.mark.parametrize(
    ("message", "arguments", "more"),
    [
        ("the body ended with %s; restart %d", ("signal 9", 3), {}),
        ("wrong number %s %s", ("one",), {}),
        (f"token={SECRET} \ud800", (), {"organ": "brain", "cause": "12.1", "seq": 7, "stranger": 1}),
        ({"event": "as structlog says it", "api_key": "abc"}, (), {}),
        ("x" * 20_000, (), {}),
    ],
    ids=["plain", "arguments", "secret", "mapping", "endless"],
)
def test_a_guardian_writes_the_lines_of_every_other_process_without_structlog(message, arguments, more):
    def record():
        made = logging.LogRecord("guardian", logging.WARNING, __file__, 1, message, arguments, None)
        made.__dict__.update(more)
        made.created = 1_700_000_000.25
        return made

    expected = json.loads(JsonLines("guardian", Redactor([SECRET])).format(record()))
    assert guardians_line(record()) == expected
    assert list(guardians_line(record())) == list(expected)
    assert SECRET not in json.dumps(expected)


def test_a_guardians_error_has_its_traceback():
    try:
        explode(f"no {SECRET}")
    except RuntimeError:
        record = logging.LogRecord("guardian", logging.CRITICAL, __file__, 1, "ended", (), sys.exc_info())
    said = guardians_line(record)
    assert said["exception"].startswith("Traceback (most recent call last):")
    assert said["exception"].endswith(f"RuntimeError: no {MASK}")
    assert said == json.loads(JsonLines("guardian", Redactor([SECRET])).format(record))


def test_the_log_of_a_guardian_ends_with_it_and_keeps_what_it_did_not_know(tmp_path):
    before = logging.getLogger().handlers[:]

    def guard(error):
        logging.getLogger("guardian").info("the body was started, process %d", 7)
        raise error

    for error in (ZeroDivisionError("odd"), BadInput("a person reads this")):
        with pytest.raises(type(error)), logfile.guardian_log(tmp_path):
            guard(error)
    assert logging.getLogger().handlers == before
    first, last, again = lines(tmp_path, "guardian.jsonl")
    assert (first["process"], first["level"]) == ("guardian", "info")
    assert (last["level"], last["exception"].splitlines()[-1]) == ("critical", "ZeroDivisionError: odd")
    assert again["event"] == first["event"], "what a person is told is no mistake of ours"
    assert len(read(tmp_path, Wanted(process="guardian")).lines) == 3
