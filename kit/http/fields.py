"""Types of body fields that several services share. Bounds and patterns are the vendor's."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from contracts.ids import PROJECT_KEY_PATTERN
from contracts.testcases import MAX_NAME_LENGTH
from kit.errors import InvalidInput
from kit.http.pages import MAX_INT64
from kit.http.params import moment
from kit.http.urls import executed_scheme

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})"
)


def not_blank(text: str) -> str:
    """Refuse what is nothing but white space."""
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def no_nul(text: str) -> str:
    """Refuse NUL, where many readers think that a text ends."""
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


def not_executed(url: str) -> str:
    """Refuse a URL that browsers would execute; text without a scheme is let through."""
    if (scheme := executed_scheme(url)) is not None:
        raise ValueError(f"must not have the scheme {scheme}")
    return url


def number_as_text(value: object) -> object:
    """Take an id that is sent as a number where ids and keys may stand."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be an integer")  # noqa: TRY004  pydantic takes no other for a fault
    return value


def _moment(value: object) -> object:
    if value is None:
        return None
    wanted = "must be a date-time like 2026-11-24T12:00:00Z"
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError(wanted)
    try:
        return moment(value, "")
    except InvalidInput:
        raise ValueError(wanted) from None


Id = Annotated[int, Field(ge=1, le=MAX_INT64), BeforeValidator(_no_truth)]
"""Also in quotes: clients send it so."""
Index = Annotated[int, Field(ge=0, le=MAX_INT64), BeforeValidator(_no_truth)]
Milliseconds = Annotated[int, Field(ge=0, le=MAX_INT64), BeforeValidator(_no_truth)]
Name = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NAME_LENGTH),
    AfterValidator(not_blank),
    AfterValidator(no_nul),
]
Text = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]
ProjectKey = Annotated[str, Field(pattern=f"({PROJECT_KEY_PATTERN})")]
AccountId = Annotated[str, Field(pattern="^[-:a-zA-Z0-9]{1,128}$")]
Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A date-time with seconds or fractions of them and an offset, as UTC; the vendor's form has Z."""


class Body(BaseModel):
    """Base of bodies: camelCase, unknown fields are ignored (clients send extras)."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class OwnBody(Body):
    """Base of bodies that are Ostro's own: a misspelt field is an error, not another request."""

    model_config = ConfigDict(extra="forbid")
