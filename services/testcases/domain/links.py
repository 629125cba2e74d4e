"""Links of a test case to Jira issues and to pages: the model, and what may be added."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from contracts.ids import LinkId, public_id
from kit.errors import InvalidInput

MAX_LINKS = 1_000
"""Of one test case."""
OWNER = "testcases"


class LinkType(StrEnum):
    """How a test case and what it is linked to are related. Clients cannot choose."""

    COVERAGE = "COVERAGE"
    BLOCKS = "BLOCKS"
    RELATED = "RELATED"


@dataclass(frozen=True, slots=True)
class IssueLink:
    """A link to an issue, by Jira's id."""

    id: int
    issue: int
    type: LinkType = LinkType.COVERAGE

    def same(self, other: "Link") -> bool:
        """Whether both lead to the same issue."""
        return isinstance(other, IssueLink) and other.issue == self.issue


@dataclass(frozen=True, slots=True)
class WebLink:
    """A link to a page. The URL is content: nobody here follows it."""

    id: int
    url: str
    description: str | None = None
    type: LinkType = LinkType.COVERAGE

    def same(self, other: "Link") -> bool:
        """Whether URL and description are alike."""
        return isinstance(other, WebLink) and (other.url, other.description) == (
            self.url,
            self.description,
        )


Link = IssueLink | WebLink


@dataclass(frozen=True, slots=True)
class LinkedCase:
    """A case that is linked to an issue: what a list by issue shows of it."""

    id: int
    project: int
    version: int


def link_id(project: int, count: int) -> int:
    """Return the id of a project's count-th link (from 1): ids of links are odd here."""
    return LinkId(public_id(project, 2 * count - 1), OWNER)


def check_new(links: Collection[Link], new: Link) -> None:
    """Raise ``InvalidInput`` for a link that is there already, or one too many."""
    if any(new.same(link) for link in links):
        what = "Jira issue" if isinstance(new, IssueLink) else "web page with this description"
        raise InvalidInput(f"The test case is linked to this {what} already.")
    if len(links) >= MAX_LINKS:
        raise InvalidInput(f"A test case must not have more than {MAX_LINKS} links.")
