"""Puts on the server what programs ask beside the page's own questions."""

from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from starlette.concurrency import run_in_threadpool

from dashboard.api import answers, metrics
from dashboard.api.document import document
from dashboard.api.replies import told
from dashboard.api.stream import Stream, Vitals
from dashboard.window import Window


def add_endpoints(server: FastAPI, window: Window, vitals: Vitals) -> None:
    """Figures, metrics, the document and the stream. vitals: what `/api/vitals` answers, for the stream to tell."""
    telling: dict[str, Any] = {
        "/api/portfolio": lambda _: answers.portfolio(window),
        "/api/signals": lambda _: answers.signals(window),
        "/api/orders": lambda request: {"orders": answers.rows(window, "orders", request.query_params)},
        "/api/why": lambda request: answers.why(window, request.query_params),
        "/api/reports": lambda request: answers.reports(window, request.query_params),
        "/api/evolution": lambda _: answers.evolution(window),
        "/api/openapi.json": lambda _: document(),
    }
    for path, answer in telling.items():
        server.add_api_route(path, told(answer), methods=["GET", "HEAD"], include_in_schema=False)

    async def measured(_: Request) -> Response:
        seen = await run_in_threadpool(window.see)
        return Response(metrics.told(seen.glimpse, seen.judged), media_type=metrics.CONTENT_TYPE)

    server.add_api_route("/metrics", measured, methods=["GET", "HEAD"], include_in_schema=False)
    stream = Stream(vitals, lambda table: answers.rows(window, table, {}))

    async def listened(socket: WebSocket) -> None:
        await stream.serve(socket)

    server.add_api_websocket_route("/api/stream", listened)
