"""JSON text that every reader reads alike.

Pydantic takes the last of two fields of one name and the words NaN and Infinity; others take the
first one, or refuse. A proxy or a log that read another value than we did would be wrong about
what was asked for.
"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from kit.errors import InvalidInput
from kit.http.errors import validation_message

M = TypeVar("M", bound=BaseModel)

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read(model: type[M], content: bytes, whole: str = "The request body") -> M:
    """Validate UTF-8 JSON; one byte order mark in front is passed over.

    Raises ``InvalidInput`` naming the field, or calling all of it ``whole``: also for a field that
    stands in an object twice, and for what is no number of JSON.
    """
    text = content.removeprefix(_BYTE_ORDER_MARK)
    try:
        found = model.model_validate_json(text)
    except ValidationError as error:
        # its own text would hold the values
        errors = error.errors(include_url=False)
        raise InvalidInput(validation_message(errors, whole=whole)) from None
    try:
        # it is JSON, and not deep
        json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except ValueError as fault:
        raise InvalidInput(f"{whole} is not valid JSON: {fault}.") from None
    return found


def text_of(content: bytes) -> str:
    """Return the text of UTF-8 JSON; ``ValueError`` for other bytes."""
    try:
        return content.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError:
        # its own text would hold what was sent
        raise ValueError("it is not UTF-8") from None


def _once(fields: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(fields)
    if len(found) != len(fields):
        raise ValueError("a field stands in an object twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
