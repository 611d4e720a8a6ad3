"""Logs are structured, correlated, private, and never hold a secret."""

import json
import logging
import stat
import sys
import threading
import warnings

import pytest

from organism import logfile, logs
from organism.redaction import Redactor

TOKEN = 'AAtoken"with\\quotes77'


@pytest.fixture
def redact():
    return Redactor([TOKEN])


@pytest.fixture
def running(tmp_path, redact, capsys):
    lived = logs.setup("body", tmp_path, redact)
    yield lived
    lived.close()


def lines(tmp_path, name="body"):
    return [json.loads(line) for line in (tmp_path / "log" / f"{name}.jsonl").read_text().splitlines()]


@pytest.mark.requirement("S4-11.16")
@pytest.mark.requirement("S2-13.5")
@pytest.mark.requirement("S3-1.1.8")
def test_each_event_is_one_json_object_that_names_what_caused_it(tmp_path, running):
    logging.getLogger("organism.organ").warning(
        "order %s refused", "7-0", extra={"organ": "immune", "cause": "12.1", "incarnation": 3}
    )

    (line,) = lines(tmp_path)
    assert line["event"] == "order 7-0 refused"
    assert (line["organ"], line["correlation"], line["incarnation"]) == ("immune", "12.1", 3)
    assert (line["level"], line["process"], line["logger"]) == ("warning", "body", "organism.organ")
    assert line["timestamp"].endswith("Z")


def test_a_person_reads_one_short_line(running, capsys):
    logging.getLogger("x").info("feed connected", extra={"organ": "nervous"})
    logging.getLogger("x").error("forged\nline \x1b[2J")

    err = capsys.readouterr().err.splitlines()
    assert err[0].endswith("nervous: feed connected")
    assert err[1].endswith("body: error: forged line  [2J")
    assert len(err) == 2


def test_the_file_and_its_folder_are_private(tmp_path, running):
    logging.getLogger().info("hello")
    assert stat.S_IMODE((tmp_path / "log" / "body.jsonl").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700


def test_files_rotate_and_stay_private(tmp_path, monkeypatch):
    monkeypatch.setattr(logfile, "FILE_BYTES", 2_000)
    running = logs.setup("body", tmp_path, stderr=False)
    try:
        for n in range(40):
            logging.getLogger().info("line %d %s", n, "x" * 50)
    finally:
        running.close()
    files = sorted((tmp_path / "log").iterdir())
    assert 2 <= len(files) <= logfile.N_FILES + 1
    assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in files)


def explode():
    secret = TOKEN
    raise RuntimeError(f"request to https://u:p4ssw0rd@host failed with {secret} api_key=K123456789")


@pytest.mark.requirement("S2-13.2")
def test_secrets_never_come_out_not_even_in_tracebacks_or_extras(tmp_path, running, capsys):
    log = logging.getLogger("organs.voice")
    try:
        explode()
    except RuntimeError:
        log.exception("failed for %s", TOKEN, extra={"cause": TOKEN, "organ": TOKEN})
    log.error("raw %r", TOKEN)
    log.error({"token": TOKEN})
    log.error("child", stack_info=True, extra={"alert_id": f"x{TOKEN}"})

    written = (tmp_path / "log" / "body.jsonl").read_text() + capsys.readouterr().err
    for secret in (TOKEN, json.dumps(TOKEN)[1:-1], "AAtoken", "p4ssw0rd", "K123456789"):
        assert secret not in written
    assert "RuntimeError" in written
    assert "explode" in lines(tmp_path)[0]["exception"]


def test_uncaught_errors_of_any_thread_go_through_the_redactor(tmp_path, running, capsys):
    try:
        explode()
    except RuntimeError:
        sys.excepthook(*sys.exc_info())
    thread = threading.Thread(target=explode, name="worker")
    thread.start()
    thread.join()

    written = (tmp_path / "log" / "body.jsonl").read_text() + capsys.readouterr().err
    assert "AAtoken" not in written
    assert [line["event"] for line in lines(tmp_path)] == [
        "ended by an unexpected error",
        "thread worker ended by an unexpected error",
    ]


def test_an_interrupt_is_not_an_error(tmp_path, running):
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert lines(tmp_path) == []


def test_warnings_and_unraisable_errors_are_redacted_too(tmp_path, running):
    class Broken:
        def __del__(self):
            explode()

    broken = Broken()
    del broken
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(f"token={TOKEN}", UserWarning, stacklevel=1)
        logging.captureWarnings(capture=False)

    written = (tmp_path / "log" / "body.jsonl").read_text()
    assert "AAtoken" not in written
    assert [line["logger"] for line in lines(tmp_path)] == ["body", "py.warnings"]


@pytest.mark.parametrize("name", ["apprise", "urllib3", "requests", "ccxt", "websockets"])
def test_libraries_that_print_secrets_below_warning_are_pinned(tmp_path, name, running):
    logging.getLogger(name).info("bot token here")
    logging.getLogger(f"{name}.child").debug("bot token here")
    assert lines(tmp_path) == []
    assert logging.getLogger(name).getEffectiveLevel() >= logging.WARNING


def test_a_record_that_cannot_be_written_says_so_without_repeating_it(tmp_path, running, capsys):
    class Rude:
        def __str__(self):
            raise OSError(TOKEN)

    for message, arguments in (
        ("%s", (Rude(),)),
        ("wrong number %s %s", (TOKEN,)),
        ("half a character \ud800", ()),
    ):
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, message, arguments, None)
        for handler in running._handlers:
            handler.handle(record)

    assert [line["event"] for line in lines(tmp_path)] == ["wrong number %s %s", "half a character \\ud800"]
    err = capsys.readouterr().err
    assert "a record of x was lost (OSError)" in err
    assert "AAtoken" not in (tmp_path / "log" / "body.jsonl").read_text() + err


def test_close_puts_every_hook_back(tmp_path):
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook, logging.getLogger().handlers[:])
    logs.setup("body", tmp_path).close()
    assert (
        sys.excepthook,
        threading.excepthook,
        sys.unraisablehook,
        logging.getLogger().handlers[:],
    ) == before
