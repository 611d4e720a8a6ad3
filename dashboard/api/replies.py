"""Answers as JSON, made on a thread: one slow disk must not hold up the other viewers."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from organism.errors import BadInput

Handler = Callable[[Request], Awaitable[Response]]


def reply(found: Any, status: int = 200) -> Response:
    """An answer."""
    return Response(msgspec.json.encode(found), status_code=status, media_type="application/json")


def told(answer: Callable[[Request], Any]) -> Handler:
    """Ask for it when somebody does; what was asked wrongly is answered in one sentence, with 400."""

    async def handler(request: Request) -> Response:
        try:
            return reply(await run_in_threadpool(answer, request))
        except BadInput as error:
            return reply({"error": str(error)}, status=400)

    return handler
