"""Ask an ASGI application directly, as a browser on this machine would: no socket, no server."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1:8320"
ORIGIN = f"http://{HOST}"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Browser:
    """Keeps its cookie and its token. `client` is its address, so that tests do not share a rate limit."""

    def __init__(self, app: Any, client: str = "127.0.0.1") -> None:
        self.app = app
        self.client = client
        self.cookie = ""
        self.csrf = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        given = {"origin": ORIGIN, "content-type": "application/json", "x-csrf-token": self.csrf} | headers
        return self.ask("POST", path, given, body if isinstance(body, bytes) else json.dumps(body).encode())

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b"", *, host: str = HOST
    ) -> Answer:
        path, _, query = path.partition("?")
        given = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body:
            given.setdefault("content-length", str(len(body)))
        if self.cookie:
            given.setdefault("cookie", self.cookie)
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(n.encode(), v.encode()) for n, v in given.items() if v is not None],
            "client": (self.client, 50_000), "server": ("127.0.0.1", 8320),
        }  # fmt: skip
        answer = asyncio.run(_ask(self.app, scope, body))
        if kept := answer.headers.get("set-cookie"):
            self.cookie = kept.split(";", 1)[0]
        return answer

    def enter(self, token: str, password: str = "correct horse battery") -> None:  # noqa: S107
        answer = self.post("/api/setup", {"token": token, "password": password})
        assert answer.status == 200, answer.text
        self.csrf = answer.json["csrf"]


async def _ask(app: Any, scope: dict[str, Any], body: bytes) -> Answer:
    events = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        if events:
            return events.pop()
        return await asyncio.Event().wait()

    async def send(event: Any) -> None:
        sent.append(event)

    await asyncio.wait_for(app(scope, receive, send), 20)
    start = sent[0]
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(event.get("body", b"") for event in sent[1:]))
