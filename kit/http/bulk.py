"""Bulk routes: many bodies of a single operation in one request, and a result for each.

What is wrong with the request as a whole is answered as everywhere, and changes nothing. What is
wrong with an item stands in its result, with the status and message of the single operation.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, NotRequired, TypeVar

from fastapi import Request, Response
from pydantic import AfterValidator, BaseModel, Field
from typing_extensions import TypedDict

from kit.errors import InvalidInput, TooLarge
from kit.http import jsontext
from kit.http.body import DEFAULT_MAX_BYTES, documented, read_body
from kit.http.errors import told
from kit.http.fields import OwnBody, not_blank
from kit.http.pages import Answers, json_response

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")

MAX_ITEMS = 1_000
MAX_BYTES = 8 * 1024 * 1024
_MANY = 100
"""Items that are validated before others have a turn."""
_SPACE = re.compile(r"[ \t\r\n]*")
# numbers are judged where an item is validated, whatever their length
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)

ClientId = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(not_blank)]
"""The client's own name of what it creates, unique in a project."""


class BulkResult(TypedDict):
    """What came of one item: ``status`` is that of the single operation."""

    index: int
    status: int
    id: NotRequired[int]
    key: NotRequired[str]
    self: NotRequired[str]
    errorCode: NotRequired[int]
    message: NotRequired[str]


class BulkResults(TypedDict):
    """Results in the order of the items."""

    results: list[BulkResult]


ANSWERS: Answers = {200: {"model": BulkResults}}


class Bulk(OwnBody, Generic[M]):
    """Body of a bulk route, as it is documented."""

    items: Annotated[list[M], Field(max_length=MAX_ITEMS)]


def documented_bulk(model: type[BaseModel]) -> dict[str, Any]:
    """Return ``openapi_extra`` of a route whose items are bodies of this model."""
    made = Bulk[model]  # type: ignore[valid-type]  # made for the document alone
    return documented(made, most=MAX_BYTES)


class Items(Generic[M]):
    """The items of a request, as text: none is validated yet."""

    def __init__(self, model: type[M], texts: Sequence[str], most: int) -> None:
        self._model = model
        self._texts = texts
        self._most = most

    async def each(
        self, work: Callable[[Sequence[M]], Awaitable[Sequence[R | Exception]]]
    ) -> list[R | Exception]:
        """Validate all, do the work of those that are valid, and return what came of each."""
        read: list[M | Exception] = []
        for at, text in enumerate(self._texts):
            if at % _MANY == 0:
                await asyncio.sleep(0)  # others have a turn
            read.append(self._read(text))
        made = iter(await work([item for item in read if not isinstance(item, Exception)]))
        return [item if isinstance(item, Exception) else next(made) for item in read]

    def _read(self, text: str) -> M | Exception:
        content = text.encode()
        if len(content) > self._most:
            return TooLarge(f"The request body is larger than {self._most} bytes.")
        try:
            return jsontext.read(self._model, content)
        except InvalidInput as fault:
            return fault


class BulkBody(Generic[M]):
    """Dependency, after the caller: ``items: Annotated[Items[One], Depends(BulkBody(One))]``.

    Raises ``TooLarge`` (413) above 8 MiB, and ``InvalidInput`` (400) for what is no object with a
    list ``items`` of at most 1,000.
    """

    def __init__(self, model: type[M]) -> None:
        self._model = model

    async def __call__(self, request: Request) -> Items[M]:
        """Read and take apart."""
        most = getattr(request.app.state, "max_body_bytes", DEFAULT_MAX_BYTES)
        return Items(self._model, texts_of(await read_body(request, MAX_BYTES)), most)


def bulk_response(outcomes: Sequence[Mapping[str, Any] | Exception], status: int) -> Response:
    """Render what came of each item; ``status`` is that of those that are done."""
    results = []
    for index, one in enumerate(outcomes):
        if isinstance(one, Exception):
            code, message = told(one)
            results.append({"index": index, "status": code, "errorCode": code, "message": message})
        else:
            results.append({"index": index, "status": status, **one})
    return json_response({"results": results})


def texts_of(content: bytes) -> list[str]:
    """Return the JSON text of each item, so that a fault inside of one is its own."""
    try:
        return _Text(jsontext.text_of(content)).items()
    except (ValueError, RecursionError) as fault:
        deep = "it is nested too deeply"
        why = deep if isinstance(fault, RecursionError) else str(fault)
        raise InvalidInput(f"The request body is not valid JSON: {why}.") from None


class _Text:
    """Reads ``{"items": […]}`` once from left to right; ValueError for what is no JSON."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def items(self) -> list[str]:
        if not self._took("{"):
            self._value()
            self._end()
            raise InvalidInput("The request body must be an object")
        if self._took("}"):
            self._end()
            raise InvalidInput("items must not be null")
        name = json.loads(self._value())
        self._must(":")
        if name != "items":
            raise InvalidInput("The request body has a field that is not known")
        found = self._list()
        if self._took(","):
            raise InvalidInput("The request body has a field that is not known")
        self._must("}")
        self._end()
        return found

    def _list(self) -> list[str]:
        if not self._took("["):
            null = self._value() == "null"
            raise InvalidInput("items must not be null" if null else "items must be a list")
        found: list[str] = []
        if self._took("]"):
            return found
        while True:
            if len(found) == MAX_ITEMS:
                raise InvalidInput(f"items must not have more items than {MAX_ITEMS}")
            found.append(self._value())
            if self._took("]"):
                return found
            self._must(",")

    def _value(self) -> str:
        """Pass over one value of any kind; return its text."""
        start = self._skip()
        _, self._at = _DECODER.raw_decode(self._text, start)
        return self._text[start : self._at]

    def _took(self, mark: str) -> bool:
        at = self._skip()
        if self._text[at : at + 1] != mark:
            return False
        self._at = at + 1
        return True

    def _must(self, mark: str) -> None:
        if not self._took(mark):
            raise json.JSONDecodeError(f"Expecting {mark!r}", self._text, self._at)

    def _end(self) -> None:
        if self._skip() != len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, self._at)

    def _skip(self) -> int:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at
