"""Servers on loopback that stand in for people's channels, and a journal with something to say."""

import json
import queue
import socket
import socketserver
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from organism.core import Now
from organism.effects import Notify
from organism.journal.writer import SqliteJournal
from organism.messages import Envelope, Priority, Recovered, Severity


class Hook(ThreadingHTTPServer):
    """An HTTP service. `answer` decides the status by number of request; `received` holds (path, headers, body)."""

    daemon_threads = True

    def __init__(self, answer=lambda _: 200):
        self.received = queue.SimpleQueue()
        self.n_requests = 0
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Request)
        self.port = self.server_address[1]

    def take(self, timeout=10.0):
        return self.received.get(timeout=timeout)

    def bodies(self, n, timeout=10.0):
        return [json.loads(self.take(timeout)[2]) for _ in range(n)]


class _Request(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.n_requests += 1
        status = self.server.answer(self.server.n_requests)
        self.server.received.put((self.path, dict(self.headers), body))
        reply = b'{"ok": true, "result": {}}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


class Drip(socketserver.ThreadingTCPServer):
    """Answers one byte at a time, for as long as it lives."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        self.ended = threading.Event()
        self.n_requests = 0
        super().__init__(("127.0.0.1", 0), _Dripping)
        self.port = self.server_address[1]


class _Dripping(socketserver.BaseRequestHandler):
    def handle(self):
        self.server.n_requests += 1
        self.request.recv(65_536)
        try:
            self.request.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not self.server.ended.wait(0.05):
                self.request.sendall(b"a")
            self.request.sendall(b"\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            return


class Mail(socketserver.ThreadingTCPServer):
    """As much SMTP as a mail needs. `received` holds whole messages."""

    daemon_threads = True

    def __init__(self):
        self.received = queue.SimpleQueue()
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.port = self.server_address[1]


class _Dialogue(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 stub\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                message = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    message += part
                self.server.received.put(message)
                self.wfile.write(b"250 ok\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        if isinstance(server, Drip):
            server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Body:
    """Writes rows of voice (and of others) into a journal."""

    def __init__(self, state, **settings):
        self.journal = SqliteJournal(state, durability="off", threaded=False, **settings)
        self.incarnation = self.journal.begin_incarnation("voice")
        self.other = self.journal.begin_incarnation("brain")
        self.steps = self.journal.tip[0]
        self.wall_ns = time.time_ns()

    def say(self, *titles, tag="low", severity=Severity.WARNING, body="body"):
        for title in titles:
            notify = Notify(
                alert_id=f"{self.steps + 1}-0",
                severity=severity,
                priority=Priority.LOW,
                title=title,
                body=body,
                tags=(tag,),
            )
            self.write("voice", self.incarnation, (notify,))
        self.journal.flush()

    def work(self, n):
        for _ in range(n):
            self.write("brain", self.other, ())
        self.journal.flush()

    def write(self, organ, incarnation, effects):
        self.steps += 1
        message = Recovered(organ=organ, incarnation=incarnation, process=True)
        envelope = Envelope(f"test:{self.steps}", "supervisor", 0, 0, "", message)
        now = Now(0, 0, self.wall_ns + self.steps, self.steps)
        self.journal.record(organ, incarnation, self.steps, envelope, effects, now)

    def close(self):
        self.journal.close()
