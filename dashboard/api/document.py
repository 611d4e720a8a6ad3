"""The OpenAPI document of what programs may ask, written beside what answers, so that it is complete by a test."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from organism import __version__

_OBJECT: Final = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that can be asked, or done.

    path, says   where, and in a sentence what
    scope        of a token; "" where everybody may
    query        parameters: name → what it means
    body         fields of the JSON that is sent: name → (JSON type, what it means, whether it must be there)
    media        of the answer
    """

    path: str
    says: str
    scope: str = "read"
    query: tuple[tuple[str, str], ...] = ()
    body: tuple[tuple[str, str, str, bool], ...] = ()
    media: str = "application/json"


_LIMIT = ("limit", "rows, newest first: 1 to 500, 100 unless said")
_SYMBOL = ("symbol", "only of this instrument, as in BTC/USDT")
_COMMANDS: Final = (
    "halt, reduce, resume, flatten, hibernate; of an instrument: close, bar, allow; of a strategy: pause, wake, retire. "
    "resume, allow and wake need the scope resume"
)
ENDPOINTS: Final = (
    Endpoint("/healthz", "Whether this process serves and how old the body's last word is.", ""),
    Endpoint("/metrics", "The vitals as Prometheus reads them.", "metrics", media="text/plain"),
    Endpoint("/api/openapi.json", "This document."),
    Endpoint("/api/vitals", "State, health with its parts, organs, feeds, risk and machine."),
    Endpoint("/api/performance", "Equity curve (thinned, no extreme lost), daily profit and loss, win rate, Sharpe ratio."),
    Endpoint("/api/portfolio", "Equity, cash, exposure, drawdown, positions with their stops. Money is text, exact."),
    Endpoint("/api/positions", "What is held, and how long it stood without a whole stop at the venue; null where that is not known."),
    Endpoint("/api/signals", "Forecasts of each funded strategy by symbol, from -1 (short) to 1 (long)."),
    Endpoint("/api/orders", "Orders and what became of them.", query=(_LIMIT, _SYMBOL)),
    Endpoint("/api/trades", "Closed trades.", query=(_LIMIT, _SYMBOL)),
    Endpoint("/api/alerts", "Alerts, whether a person has seen them, and which channels they reached.", query=(_LIMIT,)),
    Endpoint("/api/evolution", "How far breeding is, how fast, and its best."),
    Endpoint("/api/reports", "Stored reports, newest first; or all of one, or of two with their difference and its 95 % interval.", query=(
        _LIMIT, ("a", "id of a report"), ("b", "id of another: the difference is a less b"),
    )),
    Endpoint("/api/why", "The chain of a fill, order or any event back to what began it, or what stopped an instrument at a bar.", query=(
        ("id", "a fill's key, an order's id, or an event's"), ("symbol", "with at_ns: of which instrument"), ("at_ns", "close of the bar, market time"),
    )),
    Endpoint("/api/commands", "Give a command; it is journalled with the token's name and the note.", "command", body=(
        ("command", "string", _COMMANDS, True),
        ("target", "string", "the symbol, or the strategy's id", False),
        ("note", "string", "why; at most 300 characters", False),
        ("hours", "number", "of market time, for hibernate", False),
    )),
    Endpoint("/api/alerts/seen", "Mark an alert as seen.", "command", body=(("alert_id", "string", "of /api/alerts", True),)),
)  # fmt: skip
STREAM: Final = (
    "A websocket at /api/stream tells the vitals whenever they change and each new fill, trade, alert, restart and dead letter, "
    'as JSON texts {"type": "vitals", …} and {"type": "event", "table": …, "row": …}. It needs the scope read where reading '
    "needs a login; a program sends its token in the header Authorization."
)


def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "organism",
            "version": __version__,
            "description": "Everything is read from the living organism's view, and old when it is. Times end in _ns: "
            f"nanoseconds since 1970; ratios are fractions. {STREAM}",
        },
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`organism dashboard token add NAME --scope read`",
                }
            }
        },
        "paths": {one.path: {("post" if one.body else "get"): _operation(one)} for one in ENDPOINTS},
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    good = {"text/plain": {"schema": {"type": "string"}}} if one.media == "text/plain" else _json(_OBJECT)
    refusals = {
        "401": "nobody known: send a token",
        "403": "the token does not open this",
        "429": "too many requests: wait a moment",
    }
    found: dict[str, Any] = {
        "summary": one.says,
        "operationId": one.path.strip("/").replace("/", "_").removesuffix(".json"),
        "security": [{"token": [one.scope]}] if one.scope else [],
        "parameters": [_parameter(name, says) for name, says in one.query],
        "responses": {
            "202" if one.path == "/api/commands" else "200": {
                "description": "it was answered",
                "content": good,
            },
            **{status: _refusal(says) for status, says in (refusals if one.scope else {}).items()},
        },
    }
    if one.body:
        fields = {name: {"type": kind, "description": says} for name, kind, says, _ in one.body}
        needed = [name for name, _, _, must in one.body if must]
        form = {"type": "object", "properties": fields, "required": needed, "additionalProperties": False}
        found["requestBody"] = {"required": True, "content": _json(form)}
        found["responses"]["400"] = _refusal("one sentence says what was wrong")
    return found


def _parameter(name: str, says: str) -> dict[str, Any]:
    kind = "integer" if name == "limit" else "string"
    return {"name": name, "in": "query", "required": False, "description": says, "schema": {"type": kind}}


def _refusal(says: str) -> dict[str, Any]:
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    return {"description": says, "content": _json(error)}


def _json(schema: Iterable[Any] | dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
