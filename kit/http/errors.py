"""Turns exceptions into HTTP, once, in the vendor's exact shape.

``{"errorCode": <status>, "message": <text>}``; 401 is ``{"error": <text>}`` everywhere.
Source: behaviour.md section 2.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.diagnostics import Place
from kit.errors import OstroError, Unavailable
from kit.mongo import is_transient
from kit.observability import diagnostics

log = structlog.get_logger(__name__)
_LONGEST_MESSAGE = 500
_EXPECTED = {
    "int": "must be an integer",
    "float": "must be a number",
    "finite": "must be a number",
    "bool": "must be true or false",
    "string": "must be text",
    "list": "must be a list",
    "tuple": "must be a list",
    "frozen": "must be a list",
    "dict": "must be an object",
    "model": "must be an object",
    "date": "must be a date like 2026-11-24",
    "datetime": "must be a date-time like 2026-11-24T12:00:00Z",
    "uuid": "must be a UUID",
}
"""What to say of a fault, by the first word of Pydantic's name for it."""
_FIELD_NAME = re.compile(r"[A-Za-z_]{1,32}")


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Build one error answer; a message that repeats what was sent is cut."""
    message = _cut(message)
    body: dict[str, Any] = (
        {"error": message} if status == 401 else {"errorCode": status, "message": message}
    )
    return Response(orjson.dumps(body), status, dict(headers or {}), media_type="application/json")


def _cut(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"


def told(error: Exception) -> tuple[int, str]:
    """Return the status and message that a client gets of an error, where it is one of several."""
    known = error if isinstance(error, OstroError) else _unexpected(error)
    return known.status, _cut(known.message)


def install(app: FastAPI, *, unknown_route: int = 404) -> None:
    """Register the handlers on an application.

    Internal listeners answer 501 for a route that they do not have: an older owner must not look
    as if it did not know the thing.
    """

    def http(error: HTTPException) -> Response:
        status = unknown_route if error.status_code == 404 else error.status_code
        return error_response(status, str(error.detail), error.headers)

    app.add_exception_handler(OstroError, _handler(ostro_response))
    app.add_exception_handler(RequestValidationError, _handler(invalid_response))
    app.add_exception_handler(HTTPException, _handler(http))
    app.add_middleware(LastResort)


def _handler(
    render: Callable[[Any], Response],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(_: Request, error: Exception) -> Response:
        return render(error)

    return handle


def ostro_response(error: OstroError) -> Response:
    """Render one of ours."""
    return error_response(error.status, error.message, error.headers)


def invalid_response(error: RequestValidationError) -> Response:
    """Render what FastAPI found wrong with a request."""
    # FastAPI puts where the value stood in front: query, path, header or body
    errors = [{**e, "loc": e["loc"][1:]} for e in error.errors()]
    whole = "The request body" if error.errors()[0]["loc"][:1] == ("body",) else "The request"
    return error_response(400, validation_message(errors, whole))


def validation_message(errors: Any, whole: str = "The request body") -> str:
    """Name the first fault by field: ``maxResults must be greater than or equal to 1``.

    ``whole`` is what to call all of it, when it is no JSON; the cause names line and column.
    """
    first = errors[0]
    name = ".".join(map(str, first["loc"]))
    kind, context = first["type"], first.get("ctx", {})
    if kind == "json_invalid":
        return f"{whole} is not valid JSON: {context['error']}."
    if kind == "missing" or (kind.endswith("_type") and first.get("input", ...) is None):
        return f"{name or 'body'} must not be null"
    if kind == "extra_forbidden" and not _FIELD_NAME.fullmatch(str(first["loc"][-1])):
        # somebody put a value, perhaps a secret, where names stand
        return f"{whole} has a field that is not known"
    limits = {
        "greater_than_equal": ("ge", "must be greater than or equal to"),
        "less_than_equal": ("le", "must be less than or equal to"),
        "string_too_long": ("max_length", "must not be longer than"),
        "string_too_short": ("min_length", "must not be shorter than"),
        "too_long": ("max_length", "must not have more items than"),
        "too_short": ("min_length", "must not have fewer items than"),
        "string_pattern_mismatch": ("pattern", "must match"),
    }
    if kind in limits:
        key, text = limits[kind]
        return f"{name} {text} {context.get(key)}"
    if kind in {"enum", "literal_error"}:
        return f"{name} must be {context['expected']}"
    texts = {
        "extra": "is no parameter here" if whole == "The request" else "is no field of this body",
        # raised by our own validators, in words for the client
        "value": str(context.get("error", "is not valid")),
    }
    start = kind.split("_")[0]
    return f"{name or 'body'} {texts.get(start) or _EXPECTED.get(start, 'is not valid')}"


class LastResort:
    """Nothing unknown reaches the server's log with its text, nor the client."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; answer 503 for a database that is down and 500 for what we did not expect."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            log.debug("the client went away")
        except Exception as error:  # noqa: BLE001  last_resort logs it
            response = last_resort(error)
            if started:
                raise ConnectionAbortedError from None
            await response(scope, receive, send)


def last_resort(error: Exception) -> Response:
    """Log what nobody expected and render it: 503 for a database that is down, else 500."""
    return ostro_response(_unexpected(error))


def _unexpected(error: Exception) -> OstroError:
    down = is_transient(error)
    log.warning("request failed", exc_info=error, unavailable=down)
    if down:
        return Unavailable("The database is not available; try again.")
    diagnostics.note(error, Place.HTTP, handled=False)
    return OstroError("Internal error.")
