"""Links of cycles, plans and executions: how they are stored, and what an id says of its owner."""

from enum import StrEnum
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass
from contracts.ids import LinkId, number_of, public_id

MAX_LINKS = 1_000
"""Of one cycle, plan or execution."""
OWNER = "executions"
_STEP = 8


class LinkKind(StrEnum):
    """What a link leads to."""

    ISSUE = "issue"
    WEB = "web"
    TEST_CYCLE = "test-cycle"
    """Of a test plan."""


class LinkType(StrEnum):
    """How it is related to what it is linked to. Clients cannot choose."""

    COVERAGE = "COVERAGE"
    BLOCKS = "BLOCKS"
    RELATED = "RELATED"


class Holder(StrEnum):
    """What has a link."""

    TEST_CYCLE = "test cycle"
    TEST_EXECUTION = "test execution"
    TEST_PLAN = "test plan"


class Link(TypedDict):
    """One link; what its kind does not have is left out."""

    id: Annotated[int, DataClass.OPERATIONAL]
    kind: Annotated[str, DataClass.OPERATIONAL]
    type: Annotated[str, DataClass.OPERATIONAL]
    issue: NotRequired[Annotated[int, DataClass.JIRA_ID]]
    """Jira's id."""
    url: NotRequired[Annotated[str, DataClass.CUSTOMER_CONTENT]]
    """Nobody here follows it."""
    description: NotRequired[Annotated[str, DataClass.CUSTOMER_CONTENT]]
    cycle: NotRequired[Annotated[int, DataClass.OPERATIONAL]]


# 6 is free
_RESIDUES = {Holder.TEST_CYCLE: 0, Holder.TEST_EXECUTION: 2, Holder.TEST_PLAN: 4}
_HOLDERS = {residue: holder for holder, residue in _RESIDUES.items()}


def link_id(project: int, count: int, holder: Holder) -> int:
    """Return the id of a project's count-th link (from 1).

    Even, as all are here; what it leaves when divided by 8 says what has the link, so that rights
    are decided before anything is looked up.
    """
    return LinkId(public_id(project, _STEP * count + _RESIDUES[holder]), OWNER)


def residue_of(holder: Holder) -> int:
    """Return what ids of a holder's links leave when divided by 8."""
    return _RESIDUES[holder]


def holder_of(link: int) -> Holder | None:
    """Return what has the link, None for an id that is none of ours."""
    return _HOLDERS.get(number_of(link) % _STEP)


def issue_link(ident: int, issue: int) -> Link:
    """Return a new link to an issue."""
    return Link(id=ident, kind=LinkKind.ISSUE.value, type=LinkType.COVERAGE.value, issue=issue)


def web_link(ident: int, url: str, description: str | None) -> Link:
    """Return a new link to a page."""
    made = Link(id=ident, kind=LinkKind.WEB.value, type=LinkType.COVERAGE.value, url=url)
    if description is not None:
        made["description"] = description
    return made


def cycle_link(ident: int, cycle: int) -> Link:
    """Return a new link of a plan to a cycle."""
    return Link(id=ident, kind=LinkKind.TEST_CYCLE.value, type=LinkType.COVERAGE.value, cycle=cycle)
