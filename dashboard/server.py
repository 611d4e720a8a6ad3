"""`python -m dashboard`: bind a loopback port, say where, serve until the guardian's pipe closes."""

import argparse
import contextlib
import ipaddress
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dashboard.window import Window, clean_environment
from organism.heartbeat import Heart, leave_tracebacks

PORTS = 10  # ports tried, from the one that was asked for
BAD_USAGE = 2
LOG = logging.getLogger("dashboard")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the dashboard; answers the exit status."""
    wanted = _parser().parse_args(argv)
    if not is_loopback(wanted.host):
        return _refuse(
            f"--host was {wanted.host}; the dashboard listens on loopback only, such as 127.0.0.1."
        )
    if not 0 <= wanted.port <= 65535 - PORTS:
        return _refuse(f"--port was {wanted.port}; it must lie from 0 to {65535 - PORTS}.")
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    state: Path = wanted.state
    try:
        state.mkdir(parents=True, exist_ok=True)
        listener = bind(wanted.host, wanted.port)
    except OSError as error:
        return _refuse(
            f"the dashboard could not start on {wanted.host}:{wanted.port} for {state}: {error.strerror}."
        )
    with listener:
        return _serve(state, listener)


def is_loopback(host: str) -> bool:
    """Whether this address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int) -> socket.socket:
    """Listen on the port, or on the next free one of `PORTS`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    failed: OSError | None = None
    for offset in range(PORTS if port else 1):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port + offset))
            listener.listen(128)
        except OSError as error:
            listener.close()
            failed = error
        else:
            listener.set_inheritable(False)
            return listener
    raise failed or OSError(f"no port from {port} on was free")


def announce(state: Path, url: str, wall_ns: int) -> None:
    """Write `dashboard.json`, whole or not at all."""
    path = state / "dashboard.json"
    part = state / f".dashboard.{os.getpid()}.json"
    part.write_text(
        json.dumps({"url": url, "pid": os.getpid(), "started_wall_ns": wall_ns}) + "\n", encoding="utf-8"
    )
    part.replace(path)


def _serve(state: Path, listener: socket.socket) -> int:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    announce(state, url, time.time_ns())
    heart = Heart()
    with contextlib.suppress(OSError):  # a page without tracebacks is better than none
        leave_tracebacks(state, "dashboard")
    clean_environment()
    # Heavy imports come after the port is bound: a browser that is early waits instead of being refused.
    import uvicorn  # noqa: PLC0415

    from dashboard.access import Access  # noqa: PLC0415
    from dashboard.app import build  # noqa: PLC0415
    from dashboard.patience import Patience  # noqa: PLC0415

    access = Access(state / "dashboard.secret")
    app = build(Window(state, guarded=heart.is_guarded), access)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        http=Patience,
        limit_concurrency=128,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=32 * 1024,
    )

    class Server(uvicorn.Server):
        """Beats from the event loop, ten times a second: what holds the loop up is a page that hangs.

        Not by `callback_notify`, which goes by the wall clock and would be silent for as long as that is put back.
        """

        async def on_tick(self, counter: int) -> bool:
            heart.beat()
            return await super().on_tick(counter)

    server = Server(config)
    heart.watch_parent(lambda: setattr(server, "should_exit", True))
    _say(url, access)
    # Ctrl-C reaches the guardian and us alike; both stop in order.
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0


def _say(url: str, access: object) -> None:
    from dashboard.access import Access  # noqa: PLC0415

    lines = [f"dashboard: {url}"]
    if isinstance(access, Access):
        if access.setup_token:
            lines.append(
                f"to give commands from the page, choose a password once: {url}/setup#{access.setup_token}"
            )
        elif trouble := access.trouble():
            lines.append(f"nobody can sign in: {trouble}.")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return BAD_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dashboard",
        description="Show the vitals of the organism that lives in a state folder.",
        epilog="example: python -m dashboard --state state --port 8320",
    )
    parser.add_argument("--state", type=Path, default=Path("state"), help="the state folder (default: state)")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=8320, help="first port tried; 0 means any (default: 8320)"
    )
    return parser
