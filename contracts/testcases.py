"""State that testcases publishes, and its default options."""

import hashlib
import re
from enum import StrEnum
from typing import Annotated, NamedTuple

from contracts.base import Contract
from contracts.classes import DataClass
from contracts.ids import public_id


class OptionType(StrEnum):
    """Statuses of four entities, priorities and environments are all options."""

    TEST_CASE = "TEST_CASE"
    TEST_PLAN = "TEST_PLAN"
    TEST_CYCLE = "TEST_CYCLE"
    TEST_EXECUTION = "TEST_EXECUTION"
    PRIORITY = "PRIORITY"
    ENVIRONMENT = "ENVIRONMENT"


class OptionState(Contract):
    """One status, priority or environment of a project. Key: tenant/option id."""

    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    type: Annotated[OptionType, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    index: Annotated[int, DataClass.OPERATIONAL]
    default: Annotated[bool, DataClass.OPERATIONAL] = False
    archived: Annotated[bool, DataClass.OPERATIONAL] = False


class FolderState(Contract):
    """One folder. Key: tenant/folder id."""

    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    parent: Annotated[int | None, DataClass.OPERATIONAL] = None
    type: Annotated[str, DataClass.OPERATIONAL]
    """TEST_CASE, TEST_PLAN or TEST_CYCLE."""


class TestCaseState(Contract):
    """What other services need of a test case. Key: tenant/test case id."""

    __test__ = False  # not a pytest class

    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    version: Annotated[int, DataClass.OPERATIONAL]
    version_id: Annotated[int, DataClass.OPERATIONAL]
    """Public id of the version row: what ``testCase.id`` of an execution shows."""
    archived: Annotated[bool, DataClass.OPERATIONAL] = False


class DefaultOption(NamedTuple):
    """One option that every new project gets; ``number`` fixes its id."""

    number: int
    type: OptionType
    name: str
    color: str | None
    position: int
    default: bool

    def id(self, project: int) -> int:
        """Return the public id, the same in every service without asking."""
        return public_id(project, self.number)


def _defaults() -> tuple[DefaultOption, ...]:
    statuses = {
        OptionType.TEST_CASE: [
            ("Draft", "#f0ad4e", True),
            ("Deprecated", "#df2f36", False),
            ("Approved", "#3abb4b", False),
        ],
        OptionType.TEST_PLAN: [
            ("Draft", "#f0ad4e", True),
            ("Deprecated", "#df2f36", False),
            ("Approved", "#3abb4b", False),
        ],
        OptionType.TEST_CYCLE: [
            ("Not Executed", "#cfcfc4", True),
            ("In Progress", "#f0ad4e", False),
            ("Done", "#3abb4b", False),
        ],
        OptionType.TEST_EXECUTION: [
            ("Not Executed", "#cfcfc4", True),
            ("In Progress", "#f0ad4e", False),
            ("Pass", "#3abb4b", False),
            ("Fail", "#df2f36", False),
            ("Blocked", "#4b88e7", False),
        ],
        OptionType.PRIORITY: [
            ("High", "#ff0000", False),
            ("Normal", "#ffa900", True),
            ("Low", "#008000", False),
        ],
    }
    rows: list[DefaultOption] = []
    for kind, group in statuses.items():
        for index, (name, color, default) in enumerate(group):
            rows.append(DefaultOption(len(rows) + 1, kind, name, color, index, default))
    return tuple(rows)


DEFAULT_OPTIONS = _defaults()
"""Source: behaviour.md section 6 of the API facts; colours unknown there follow their siblings.
Append only: the numbers are part of stored ids."""

FIRST_CUSTOM_OPTION_NUMBER = 101
"""Options made by users count from here, so that defaults can grow."""

MAX_NAME_LENGTH = 255
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
"""What no name has."""
_BREAKS = re.compile(r"[\t\n\v\f\r]+")


def one_line(text: str) -> str:
    """Return a text with breaks as spaces, and control characters of ASCII as U+FFFD."""
    if text.isprintable():
        return text
    return CONTROLS.sub("\ufffd", _BREAKS.sub(" ", text))


def case_name(text: str) -> str:
    """Return the name of a case made from a test's name: at most 255 characters.

    A longer one is cut and ends in a digest of the whole, so that two long names stay two cases.
    """
    text = one_line(text).strip()
    if len(text) <= MAX_NAME_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: MAX_NAME_LENGTH - 17]}~{digest}"
