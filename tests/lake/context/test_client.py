"""The client of fear and greed against a server on this machine, with its faults."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from organism.errors import BadInput
from organism.lake.context import context_series, newest, vintages
from organism.lake.context.client import asked, fetch_fear_greed, read
from organism.lake.context.moods import mood
from organism.lake.store import Lake
from tests.lake.made import START_US

DAY_US = 86_400_000_000


@contextlib.contextmanager
def service(answer):
    """A server whose every answer is made by `answer(handler)`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with contextlib.suppress(OSError):
                answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/fng/?limit=0"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def sends(body, status=200, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def index(*values, first_us=START_US):
    rows = [
        {"value": str(v), "value_classification": "x", "timestamp": str((first_us + i * DAY_US) // 1_000_000)}
        for i, v in enumerate(values)
    ]
    return json.dumps(
        {"name": "Fear and Greed Index", "data": rows[::-1], "metadata": {"error": None}}
    ).encode()


def lake_in(folder, now_us):
    return Lake(folder / "lake", now_us=lambda: now_us)


@pytest.mark.requirement("S4-13.4", "S0-2.3.4", "S2-0.29")
def test_the_index_is_fetched_kept_seen_from_the_end_of_its_day_and_classed(tmp_path):
    now_us = START_US + 2 * DAY_US + DAY_US // 2
    lake = lake_in(tmp_path, now_us)
    with service(sends(index(20, 50, 80))) as url:
        done = fetch_fear_greed(lake, url)
        assert done.appended == (3, 0, 0)
        assert done.refused == ()
        assert fetch_fear_greed(lake, url).appended == (0, 3, 0)
    days = START_US + DAY_US * np.array([0, 1, 2, 3])
    seen = newest(vintages(lake, context_series("fear_greed")), days, "fear_greed")
    np.testing.assert_array_equal(seen, [np.nan, 20, 50, 80])
    assert [str(mood(v)) for v in seen[1:]] == ["Extreme Fear", "Neutral", "Extreme Greed"]


def test_the_value_of_a_running_day_may_be_restated_and_its_last_is_what_is_seen(tmp_path):
    noon, evening = START_US + DAY_US // 2, START_US + DAY_US * 3 // 4
    for now_us, value in ((noon, 40), (evening, 44)):
        with service(sends(index(value))) as url:
            fetch_fear_greed(lake_in(tmp_path, now_us), url)
    read_back = vintages(lake_in(tmp_path, evening), context_series("fear_greed"))
    asked_us = np.array([evening, START_US + DAY_US])
    np.testing.assert_array_equal(newest(read_back, asked_us, "fear_greed"), [np.nan, 44])


def test_a_day_of_the_future_and_a_value_off_the_scale_are_refused():
    events, refused = read(index(20, 160, 50), START_US + DAY_US)
    assert events.values["value"].tolist() == [20.0]
    assert [line.split(":")[0] for line in refused] == ["row 1", "row 2"]


def drips(handler):
    handler.send_response(200)
    handler.end_headers()
    stop = threading.Event()
    for _ in range(400):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        stop.wait(0.02)


def sends_less(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"data"')


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (sends(b"", 429, Retry_After="60"), "answered 429 instead of the index. It asks to wait 60 s"),
        (sends(b"", 500), "answered 500"),
        (sends(b"", 302, Location="http://127.0.0.1:1/"), "answered 302"),
        (sends(b"<html>"), "answered with no index"),
        (sends(b'{"data": {}}'), "answered with no index"),
        (sends(b'{"data": []}'), "nothing that can be believed; it named no day"),
        (sends(b'{"data": [{"value": "NaN", "timestamp": "1"}]}'), "nothing that can be believed; row 1"),
        (sends(b"[" * 100_000), "answered with no index"),
        (lambda handler: handler.connection.close(), "could not be asked"),
        (sends_less, "answered with no index"),
        (drips, "was not done after 0.3 s"),
    ],
)
def test_a_faulty_answer_is_one_sentence_and_nothing_is_kept(tmp_path, answer, said):
    lake = lake_in(tmp_path, START_US)
    with service(answer) as url, pytest.raises(BadInput, match=said):
        fetch_fear_greed(lake, url, deadline_s=0.3)
    assert lake.all() == ()


def test_only_https_and_this_machine_are_asked():
    for url in ("http://example.com/fng", "file:///etc/hostname", "ftp://x/y"):
        with pytest.raises(BadInput, match="asked over https"):
            asked(url, 1.0)
