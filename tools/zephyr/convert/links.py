"""Links to issues, pages and cycles as rows of the archive."""

from typing import Any

from contracts.ids import public_id
from contracts.transfer import LinkRow, LinkType
from kit.http.urls import executed_scheme
from tools.zephyr.convert.losses import Losses
from tools.zephyr.convert.numbers import LinkNumbers
from tools.zephyr.convert.texts import reference
from tools.zephyr.workdir import Row

_MOST = 1_000
_URL, _DESCRIPTION = 2_048, 1_000


class Links:
    """Makes the links of one kind of things."""

    def __init__(self, project: int, losses: Losses, remainder: int, modulus: int) -> None:
        self._project = project
        self._losses = losses
        self._numbers = LinkNumbers(remainder, modulus)

    def rows(self, links: Any, where: str) -> tuple[LinkRow, ...]:
        """Return the links to issues and pages, in their order."""
        found = [self._issue(link, where) for link in (links or {}).get("issues") or []]
        found += [self._page(link, where) for link in (links or {}).get("webLinks") or []]
        good = [row for row in found if row is not None]
        if len(good) > _MOST:
            self._losses.add(f"links beyond {_MOST} left out", where)
        return tuple(good[:_MOST])

    def cycle(self, link: Row, key: str) -> LinkRow:
        """Return a plan's link to a cycle."""
        return LinkRow(id=self._id(link), type=_type(link), test_cycle_key=key)

    def _id(self, link: Row) -> int:
        return public_id(self._project, self._numbers.take(link.get("id")))

    def _issue(self, link: Row, where: str) -> LinkRow | None:
        issue = reference(link.get("issueId"))
        if issue is None:
            self._losses.add("link to no issue left out", where)
            return None
        return LinkRow(id=self._id(link), type=_type(link), issue_id=issue)

    def _page(self, link: Row, where: str) -> LinkRow | None:
        url, description = str(link.get("url") or ""), link.get("description")
        if not url or len(url) > _URL or executed_scheme(url) is not None:
            self._losses.add("web link that a browser would execute, or too long, left out", where)
            return None
        if description is not None and len(description) > _DESCRIPTION:
            self._losses.add(f"description of a web link cut at {_DESCRIPTION} characters", where)
            description = description[:_DESCRIPTION]
        return LinkRow(id=self._id(link), type=_type(link), url=url, description=description)


def _type(link: Row) -> LinkType:
    told = link.get("type")
    return LinkType(told) if told in set(LinkType) else LinkType.COVERAGE
