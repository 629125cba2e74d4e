"""JSON bodies of public routes: read after authentication, capped, validated on the bytes.

FastAPI reads a declared body before any dependency runs; ours is a dependency itself, listed
after the caller, so that nobody unknown has a body read or learns what is wrong with it.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel

from kit.errors import TooLarge
from kit.http import jsontext

M = TypeVar("M", bound=BaseModel)

DEFAULT_MAX_BYTES = 2 * 1024 * 1024


class JsonBody(Generic[M]):
    """Dependency: ``body: Annotated[Wanted, Depends(JsonBody(Wanted))]``, after the caller.

    The cap is ``app.state.max_body_bytes`` where set. Raises ``TooLarge`` (413) above it and
    ``InvalidInput`` (400) naming the field.
    """

    def __init__(self, model: type[M]) -> None:
        self._model = model

    async def __call__(self, request: Request) -> M:
        """Read and validate."""
        limit = getattr(request.app.state, "max_body_bytes", DEFAULT_MAX_BYTES)
        return jsontext.read(self._model, await read_body(request, limit))


async def read_body(request: Request, limit: int) -> bytes:
    """Return the bytes of the body; ``TooLarge`` (413) where it has more than the limit."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > limit:
            raise TooLarge(f"The request body is larger than {limit} bytes.")
    return bytes(content)


async def asks_something(request: Request) -> bool:
    """Whether the body says more than ``{}``; no more of it is read than that takes."""
    content = b""
    async for part in request.stream():
        content = b"".join((content + part).split())
        if not b"{}".startswith(content):
            return True
    return content not in {b"", b"{}"}


def documented(
    model: type[BaseModel],
    *,
    most: int = DEFAULT_MAX_BYTES,
    examples: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return ``openapi_extra`` of a route that reads ``model`` by ``JsonBody``.

    ``most``: bytes that it may have; ``examples``: bodies by what they show.
    """
    # the definitions it brings along are moved there by kit.http.docs
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    content: dict[str, Any] = {"schema": schema}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    size = f"{most >> 20} MiB" if most >> 20 else f"{most >> 10} KiB"
    return {
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {"413": answer_of(f"The body is larger than {size}.", "Error")},
    }


def answer_of(description: str, schema: str) -> dict[str, Any]:
    """Return a documented answer of a schema that kit.http.docs adds to every document."""
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {"application/json": {"schema": reference}}}
