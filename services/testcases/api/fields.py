"""Types of parameters and body fields that several routes share. Patterns are the vendor's."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from contracts.ids import PROJECT_KEY_PATTERN
from contracts.testcases import MAX_NAME_LENGTH
from kit.http.pages import MAX_INT64

Id = Annotated[int, Field(ge=1, le=MAX_INT64)]
TestCaseKey = Annotated[str, Path(alias="testCaseKey", pattern="(.+-T[0-9]+)")]


def _empty_is_absent(value: Any) -> Any:
    # clients send filters they have no value for
    return None if value == "" else value


EmptyIsAbsent = BeforeValidator(_empty_is_absent)


def not_blank(text: str) -> str:
    """Refuse what is nothing but white space."""
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _no_slashes(text: str) -> str:
    if "/" in text or "\\" in text:
        raise ValueError("must not contain / or \\")
    return text


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(not_blank)]
FolderName = Annotated[Name, AfterValidator(_no_slashes)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]
Color = Annotated[str, Field(pattern=r"^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$")]
ProjectKey = Annotated[str, Field(pattern=f"({PROJECT_KEY_PATTERN})")]
AccountId = Annotated[str, Field(pattern="^[-:a-zA-Z0-9]{1,128}$")]


class Body(BaseModel):
    """Base of bodies: camelCase, unknown fields are ignored (clients send extras)."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True
    )
