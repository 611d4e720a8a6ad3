"""The dashboard as one ASGI application: dash on FastAPI, behind the guard."""

from pathlib import Path
from typing import Any

from dash import Dash
from fastapi import FastAPI

from dashboard import early
from dashboard.access import Access
from dashboard.api.endpoints import add_endpoints
from dashboard.guard import App, Guard, Receive, Scope, Send
from dashboard.layout import INDEX, page
from dashboard.pages.names import PATHS
from dashboard.policy import LOOPBACK, Policy
from dashboard.routes import add_routes, vitals
from dashboard.tokens import FILE, Tokens
from dashboard.visitor import recogniser
from dashboard.window import Window

ASSETS = Path(__file__).parent / "assets"


def build(window: Window, access: Access, policy: Policy = LOOPBACK) -> Guard:
    """Assemble everything. Call `clean_environment` before importing this module."""
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, title="organism")
    dash = _Document(
        window,
        "organism",
        server=server,
        assets_folder=str(ASSETS),
        assets_ignore=r"^door\.js$",
        serve_locally=True,
        title="organism",
        update_title="",
        index_string=INDEX,
        suppress_callback_exceptions=False,
        enable_mcp=False,
        include_assets_files=True,
    )
    # Nothing here pushes: without this the page would keep trying to open a websocket that the guard refuses.
    dash.backend.websocket_capability = False
    dash.layout = page()
    server.add_middleware(_OneDocument)
    add_routes(server, window, access)
    add_endpoints(server, window, lambda: vitals(window))
    return Guard(
        server,
        script_hashes=dash.csp_hashes(),
        names=policy.served,
        recognise=recogniser(access, Tokens(window.state / FILE)),
        read_login=policy.read_login,
        encrypted=policy.encrypted,
    )


class _Document(Dash):  # type: ignore[misc]  # dash is not typed
    """The one document of all pages."""

    def __init__(self, window: Window, *args: Any, **more: Any) -> None:
        self._window = window
        super().__init__(*args, **more)

    def interpolate_index(self, **parts: Any) -> str:
        """As Dash makes it, and the sentence in it; put in last, so that no word of it is taken for a part of the document."""
        return early.put_in(super().interpolate_index(**parts), self._window)


class _OneDocument:
    """Every page is the one document that dash serves at "/": which is shown, the browser reads from its address."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in PATHS:
            early.ask(scope)
            scope = {**scope, "path": "/", "raw_path": b"/"}
        await self._app(scope, receive, send)
