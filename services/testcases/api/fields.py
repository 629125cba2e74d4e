"""Types of parameters and body fields that several routes share. Patterns are the vendor's."""

from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field

from kit.http.fields import AccountId, Body, Id, Name, ProjectKey, Text, not_blank

__all__ = [
    "AccountId",
    "Body",
    "Color",
    "FolderName",
    "Id",
    "Name",
    "ProjectKey",
    "TestCaseKey",
    "Text",
    "not_blank",
]
TestCaseKey = Annotated[str, Path(alias="testCaseKey", pattern="(.+-T[0-9]+)")]


def _no_slashes(text: str) -> str:
    if "/" in text or "\\" in text:
        raise ValueError("must not contain / or \\")
    return text


FolderName = Annotated[Name, AfterValidator(_no_slashes)]
Color = Annotated[str, Field(pattern=r"^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$")]
