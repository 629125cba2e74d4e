"""The port that hands out numbers; a public id is made of the project and one of them."""

from enum import StrEnum
from typing import Protocol


class Numbered(StrEnum):
    """What testcases counts, each per tenant and project."""

    TEST_CASE = "testcase"
    VERSION = "version"
    STEP = "step"
    FOLDER = "folder"
    OPTION = "option"
    CUSTOM_FIELD = "customfield"
    LINK = "link"


class Numbers(Protocol):
    """Unique, increasing numbers from 1."""

    async def reserve(self, tenant: str, project: int, kind: Numbered, count: int = 1) -> int:
        """Return the first of ``count`` fresh consecutive numbers."""
        ...

    async def at_least(self, tenant: str, project: int, kind: Numbered, number: int) -> None:
        """Make sure that numbers up to ``number`` are never handed out."""
        ...
