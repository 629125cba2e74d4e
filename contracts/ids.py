"""Public ids and keys: how they are made and read.

A public id is an integer below 2**53 (JSON clients lose precision above):
``project << 33 | number``. The project part is drawn at random per tenant when the project is
enabled (20 bits), the number counts per project and kind. So a key (``DEMO-T7``) and an id name
the same thing without a look-up, ids of one project are one range, and they survive export and
import. Ids are unique per tenant and kind.
"""

import re
from enum import StrEnum
from typing import NamedTuple, Self

NUMBER_BITS = 33
NUMBER_MASK = (1 << NUMBER_BITS) - 1
PROJECT_BITS = 20
MAX_PROJECT_ID = (1 << PROJECT_BITS) - 1
MAX_ID = (1 << 53) - 1

PROJECT_KEY_PATTERN = r"[A-Z][A-Z_0-9]+"
PROJECT_KEY = re.compile(rf"\A{PROJECT_KEY_PATTERN}\Z")


class Kind(StrEnum):
    """Entity kinds with human keys, and the letter of their key."""

    TEST_CASE = "T"
    TEST_CYCLE = "R"
    TEST_PLAN = "P"
    TEST_EXECUTION = "E"


class ProjectId(int):
    """Id of a project, 1..2**20-1, unique per tenant."""

    def __new__(cls, value: int) -> Self:
        if not 1 <= value <= MAX_PROJECT_ID:
            raise ValueError(f"project id {value} is outside 1..{MAX_PROJECT_ID}")
        return super().__new__(cls, value)


def public_id(project: int, number: int) -> int:
    """Return the public id of the number-th entity (from 1) of a project."""
    if not 1 <= number <= NUMBER_MASK:
        raise ValueError(f"number {number} is outside 1..{NUMBER_MASK}")
    return int(ProjectId(project)) << NUMBER_BITS | number


def project_of(entity: int) -> int:
    """Return the project id inside a public id."""
    return entity >> NUMBER_BITS


def number_of(entity: int) -> int:
    """Return the number inside a public id."""
    return entity & NUMBER_MASK


def project_range(project: int) -> tuple[int, int]:
    """Return the half-open range [first, end) of the public ids of one project."""
    return project << NUMBER_BITS, (project + 1) << NUMBER_BITS


class EntityKey(NamedTuple):
    """A parsed human key: ``DEMO-T7`` is (DEMO, TEST_CASE, 7)."""

    project_key: str
    kind: Kind
    number: int

    def __str__(self) -> str:
        return f"{self.project_key}-{self.kind.value}{self.number}"


_KEY = re.compile(rf"\A({PROJECT_KEY_PATTERN})-([TRPE])([1-9][0-9]{{0,9}})\Z")


def parse_key(text: str, kind: Kind) -> EntityKey | None:
    """Parse a key of the given kind; None when it is not one or its number is out of range."""
    match = _KEY.match(text)
    if match is None or match[2] != kind.value or int(match[3]) > NUMBER_MASK:
        return None
    return EntityKey(match[1], kind, int(match[3]))


class LinkId(int):
    """Link ids are odd in testcases and even in executions, so that the edge can route them."""

    def __new__(cls, value: int, owner: str) -> Self:
        odd = owner == "testcases"
        if value <= 0 or bool(value % 2) is not odd:
            raise ValueError(f"link id {value} does not belong to {owner}")
        return super().__new__(cls, value)
