"""What the HTTP door answers, path by path. A page, a file or plain JSON is one more route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from asktell_server.transport.calls import Service
from asktell_server.transport.connect import ConnectService
from asktell_server.transport.edge import Edge


def routes(edge: Edge, services: Sequence[Service], *, is_serving: Callable[[], bool]) -> list[BaseRoute]:
    """Every path of the HTTP door."""
    return [
        Route("/healthz", _health(is_serving)),
        *(Mount(f"/{service.name}", ConnectService(edge, service)) for service in services),
    ]


def application(routes: Sequence[BaseRoute]) -> Starlette:
    """The ASGI application of these routes."""
    # Starlette's type of a handler is that of any exception; it calls ours with its own alone.
    application = Starlette(routes=routes, exception_handlers={HTTPException: _refused})  # type: ignore[dict-item]
    application.router.redirect_slashes = False
    return application


def _health(is_serving: Callable[[], bool]) -> Callable[[Request], Awaitable[Response]]:
    """200 while the server serves, otherwise 503."""

    async def health(_request: Request) -> Response:
        return PlainTextResponse("SERVING\n") if is_serving() else PlainTextResponse("NOT_SERVING\n", status_code=503)

    return health


async def _refused(request: Request, error: HTTPException) -> Response:
    """An error in the same form as those of calls."""
    message = f"nothing is served at {request.url.path}" if error.status_code == 404 else error.detail
    body = {"code": _CODES.get(error.status_code, "unknown"), "message": message}
    return JSONResponse(body, status_code=error.status_code, headers=error.headers)


_CODES = {400: "invalid_argument", 404: "unimplemented", 405: "unimplemented", 415: "invalid_argument"}
"""As Connect's clients read these statuses."""
