"""Send a ccxt exchange somewhere else: every address it knows is mapped to one server, or it is not used at all."""

import re
from typing import Any

from organism.errors import BadInput

_ADDRESS = re.compile(r"(https?|wss?)://([^/]+)(.*)", re.DOTALL)
LOOPBACK = re.compile(r"http://(?:127(?:\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}")


def redirected(exchange: Any, endpoint: str) -> None:
    """Map every address to ENDPOINT/HOST/PATH, so that one server can play several exchanges.

    ccxt merges addresses that are set into its own, so those that nobody named would stay real: all are walked, and it
    is checked afterwards that none is left. Raises `BadInput` for an endpoint that is not on this machine.
    """
    if not LOOPBACK.fullmatch(endpoint):
        raise BadInput(
            f"[history] endpoint is for a stand-in on this machine, as in http://127.0.0.1:8000; was {endpoint[:80]!r}."
        )
    exchange.urls["api"] = _mapped(exchange.urls["api"], endpoint)
    exchange.urls.pop("apiBackup", None)
    for one in addresses(exchange):
        if not one.startswith((f"{endpoint}/", f"ws{endpoint.removeprefix('http')}/")):
            raise BadInput(f"{exchange.id} keeps the address {one!r} in spite of [history] endpoint.")


def addresses(exchange: Any) -> list[str]:
    """Every address that its calls can go to."""
    found: list[str] = []
    waiting = [exchange.urls.get("api"), exchange.urls.get("apiBackup")]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            found.append(one)
    return found


def _mapped(tree: Any, endpoint: str) -> Any:
    if isinstance(tree, dict):
        return {key: _mapped(value, endpoint) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_mapped(value, endpoint) for value in tree]
    match = _ADDRESS.fullmatch(tree) if isinstance(tree, str) else None
    if match is None:
        return tree
    base = endpoint if match[1].startswith("http") else "ws" + endpoint.removeprefix("http")
    return f"{base}/{match[2].replace(':', '_')}{match[3]}"
