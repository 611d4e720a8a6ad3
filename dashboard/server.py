"""`python -m dashboard`: bind a loopback port, say where, serve until the guardian's pipe closes."""

import argparse
import contextlib
import ipaddress
import json
import logging
import os
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard import private
from dashboard.policy import Policy
from dashboard.window import Window, clean_environment
from organism.heartbeat import Heart, leave_tracebacks

if TYPE_CHECKING:
    from organism.logs import Logs

PORTS = 10  # ports tried, from the one that was asked for
BAD_USAGE = 2
LOG = logging.getLogger("dashboard")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the dashboard; answers the exit status."""
    wanted = _parser().parse_args(argv)
    if why := _too_open(wanted):
        return _refuse(why)
    if not 0 <= wanted.port <= 65535 - PORTS:
        return _refuse(f"--port was {wanted.port}; it must lie from 0 to {65535 - PORTS}.")
    state: Path = wanted.state
    try:
        state.mkdir(parents=True, exist_ok=True)
        listener = bind(wanted.host, wanted.port)
    except OSError as error:
        return _refuse(
            f"the dashboard could not start on {wanted.host}:{wanted.port} for {state}: {error.strerror}."
        )
    policy = Policy(
        names=frozenset(wanted.name),
        read_login=wanted.read_login or bool(wanted.name) or not is_loopback(wanted.host),
        encrypted=bool(wanted.tls_cert),
    )
    with listener, contextlib.closing(_logged(state)):
        return _serve(state, listener, policy, wanted)


def _logged(state: Path) -> "Logs":
    """Warnings and worse go to the log, redacted. Imported late: a browser that is early waits for the bound port."""
    from organism.logs import setup  # noqa: PLC0415

    return setup("dashboard", state, level=logging.WARNING)


def _too_open(wanted: argparse.Namespace) -> str:
    """Why this may not be served, "" where it may: what others can reach is encrypted, and somebody said they may."""
    if bool(wanted.tls_cert) != bool(wanted.tls_key):
        return "--tls-cert and --tls-key go together; give both, or neither."
    if not is_loopback(wanted.host) and not (wanted.public and wanted.tls_cert):
        return (
            f"--host was {wanted.host}; the dashboard listens on loopback only, such as 127.0.0.1, unless --public says that "
            "others may reach it and --tls-cert and --tls-key encrypt what they are told."
        )
    if not wanted.tls_key:
        return ""
    try:
        if private.read(wanted.tls_key, 1) is None:
            return f"--tls-key was {wanted.tls_key}; there is no such file."
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(wanted.tls_cert, wanted.tls_key, password="")
    except private.NotPrivate as error:
        return f"--tls-key: {error}."
    except (OSError, ssl.SSLError) as error:
        return f"--tls-cert and --tls-key could not be used together ({error.strerror or error}): both are PEM files of one certificate."
    return ""


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


def _serve(state: Path, listener: socket.socket, policy: Policy, wanted: argparse.Namespace) -> int:
    host, port = listener.getsockname()[:2]
    scheme = "https" if policy.encrypted else "http"
    url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
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
    from dashboard.reading import Reading  # noqa: PLC0415

    access = Access(state / "dashboard.secret")
    reading = Reading(state)
    app = build(Window(state, guarded=heart.is_guarded, reading=reading), access, policy)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        ws_max_size=4096,  # nothing is said to us over it
        ws_ping_interval=10.0,
        http=Patience,
        ssl_certfile=wanted.tls_cert,
        ssl_keyfile=wanted.tls_key,
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
    reading.start()
    # Ctrl-C reaches the guardian and us alike; both stop in order.
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        reading.close()
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
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--public", action="store_true", help="others than this machine may reach it")
    parser.add_argument("--tls-cert", type=Path, help="certificate chain, PEM")
    parser.add_argument("--tls-key", type=Path, help="its key, PEM, readable by its owner alone")
    parser.add_argument(
        "--name", action="append", default=[], help="a host name it is served under, repeatable"
    )
    parser.add_argument("--read-login", action="store_true", help="looking needs a login, too")
    parser.add_argument(
        "--port", type=int, default=8320, help="first port tried; 0 means any (default: 8320)"
    )
    return parser
