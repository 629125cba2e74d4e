"""The three routes of attachments, for whatever a service lets files be attached to.

Source: behaviour.md section 14. PUT is documented; POST is tolerated, as clients of both kinds
were seen.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote, unquote_to_bytes

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.convertors import Convertor, register_url_convertor
from typing_extensions import TypedDict

from kit.attachments.attachments import Attachments
from kit.attachments.download import download
from kit.attachments.names import MAX_NAME_LENGTH, checked_name, kept_type
from kit.attachments.rows import Place
from kit.errors import InvalidInput, NotFound, TooLarge
from kit.http.pages import MAX_INT64, json_response
from kit.http.removal import only_parameters

_BYTES = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_DIGITS = 18


class _Rest(Convertor[str]):
    """The rest of a path: with slashes and newlines, so that no name leads to another route."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Return it."""
        return value

    def to_string(self, value: str) -> str:
        """Return it."""
        return value


register_url_convertor("rest", _Rest())


class AttachmentRef(TypedDict):
    """One attachment in a list."""

    id: int
    name: str


class AttachmentList(TypedDict):
    """All attachments of something."""

    attachments: list[AttachmentRef]


@dataclass(frozen=True, slots=True)
class Located:
    """Something that exists and that the caller may see, or change, as the route needs."""

    tenant: str
    place: Place


@dataclass(frozen=True)
class Resource:
    """What files are attached to. ``seen``, ``read`` and ``edited`` are dependencies.

    Each returns a ``Located`` or raises what an unknown or forbidden thing is answered with;
    ``edited`` depends on ``FileName`` so that a wrong name is said first.
    """

    list_path: str
    one_path: str
    """Up to and without ``/attachments``, as ``list_path``."""
    operations: tuple[str, str, str]
    """Ids of list, download and upload."""
    tag: str
    what: str
    """A word for it, such as ``a test case``."""
    seen: Callable[..., Any]
    read: Callable[..., Any]
    edited: Callable[..., Any]
    over_cap_is_413: bool = False
    """Else 400."""


async def _file_name(
    request: Request,
    name: Annotated[
        str, Path(alias="fileName", min_length=1, json_schema_extra={"maxLength": MAX_NAME_LENGTH})
    ],
) -> str:
    """Return the name as it was encoded: the path alone does not tell %2F from /."""
    raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    encoded = raw.removesuffix(b"/").rpartition(b"/attachments/")[2]
    try:
        return checked_name(unquote_to_bytes(encoded or name.encode()).decode())
    except UnicodeDecodeError:
        raise InvalidInput("fileName must be UTF-8, percent-encoded.") from None


FileName = Annotated[str, Depends(_file_name)]
"""The file's name in the path of an upload."""


def attachment_routes(attachments: Attachments, resource: Resource) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=[resource.tag])

    async def of(located: Annotated[Located, Depends(resource.seen)]) -> Response:
        """List attachments with their ids, oldest first; 404 where there are none."""
        found = await attachments.of(located.tenant, located.place)
        if not found:
            raise NotFound("There are no attachments.")
        refs: list[AttachmentRef] = [{"id": ident, "name": name} for ident, name in found]
        return json_response({"attachments": refs})

    async def fetch(
        request: Request,
        located: Annotated[Located, Depends(resource.read)],
        ident: Annotated[int, Path(alias="attachmentId", ge=1, le=MAX_INT64)],
    ) -> Response:
        """Return the bytes of an attachment."""
        found = await attachments.get(located.tenant, located.place, ident)
        if found is None:
            raise NotFound(f"Attachment with id {ident} does not exist.")
        return await download(request, attachments, found)

    async def send(
        request: Request, located: Annotated[Located, Depends(resource.edited)], name: FileName
    ) -> Response:
        """Attach a file: its bytes are the body. The same name again adds another one."""
        kept = kept_type(request.headers.get("content-type"))
        body: AsyncIterator[bytes] = request.stream()
        declared = _declared(request)
        try:
            ident = await attachments.add(located.tenant, located.place, name, kept, declared, body)
        except TooLarge as error:
            if resource.over_cap_is_413:
                raise
            raise InvalidInput(error.message) from None
        return json_response({"id": ident, "name": name})

    _add(router, resource, of, fetch, send)
    return router


def _add(
    router: APIRouter,
    resource: Resource,
    of: Callable[..., Any],
    fetch: Callable[..., Any],
    send: Callable[..., Any],
) -> None:
    listed, fetched, sent = resource.operations
    one = f"{resource.one_path}/attachments"
    add = partial(router.add_api_route, response_class=Response)
    add(
        f"{resource.list_path}/attachments",
        of,
        operation_id=listed,
        summary=f"List the attachments of {resource.what}",
        responses={200: {"model": AttachmentList}},
    )
    add(
        f"{one}/{{attachmentId}}",
        fetch,
        operation_id=fetched,
        summary=f"Download an attachment of {resource.what}",
        responses={200: {"content": _BYTES}},
    )
    upload = partial(add, f"{one}/{{fileName:rest}}", send)
    upload(
        methods=["PUT"],
        operation_id=sent,
        summary=f"Attach a file to {resource.what}",
        responses={200: {"model": AttachmentRef}},
        openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
    )
    upload(methods=["POST"], include_in_schema=False)


def removal_route(
    attachments: Attachments, path: str, what: str, located: Callable[..., Any]
) -> APIRouter:
    """Build the route that removes one attachment, which the vendor has not.

    ``path`` goes up to and without ``/attachments``; ``what`` is as in ``Resource``, ``located``
    as its ``edited``.
    """
    router = APIRouter(tags=["Delete and archive"], dependencies=[only_parameters()])

    async def remove(
        found: Annotated[Located, Depends(located)],
        ident: Annotated[int, Path(alias="attachmentId", ge=1, le=MAX_INT64)],
    ) -> Response:
        """Remove an attachment; its bytes go within minutes."""
        if not await attachments.remove_one(found.tenant, found.place, ident):
            raise NotFound(f"Attachment with id {ident} does not exist.")
        return Response(status_code=204)

    router.add_api_route(
        f"{path}/attachments/{{attachmentId}}",
        remove,
        methods=["DELETE"],
        status_code=204,
        summary=f"Remove an attachment of {what}",
    )
    return router


def _declared(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    # longer ones are no lengths: the client is read as if it had said nothing
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None
