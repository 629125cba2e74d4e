"""Group ``testcases.jira-changes``: of all that happens in Jira, deleted issues."""

from collections import defaultdict
from collections.abc import Sequence

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.jira import JiraAction, JiraChange, JiraEntity
from kit.http.pages import MAX_INT64
from kit.kafka.records import Poison, Record, decode
from services.testcases.usecases.links import IssueLinks

_EVENT: TypeAdapter[Event[JiraChange]] = TypeAdapter(Event[JiraChange])
_ISSUE = b"/" + JiraEntity.ISSUE.value.encode() + b"/"


class JiraChangesConsumer:
    """Drops the links to deleted issues; repeats do no harm, and order does not matter."""

    def __init__(self, links: IssueLinks) -> None:
        self._links = links

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Apply the deletions of a batch, one tenant after another; return what is unreadable."""
        poison: list[Poison] = []
        deleted: defaultdict[str, set[int]] = defaultdict(set)
        for record in records:
            # what is about something else is not even decoded
            if _ISSUE not in (record.key or b""):
                continue
            event = decode(record, _EVENT)
            if isinstance(event, Poison):
                poison.append(event)
            elif event.data.action is JiraAction.DELETED:
                issue = _number(event.data.id)
                if issue is None:
                    poison.append(Poison(record, "data.id: no number"))
                else:
                    deleted[event.tenantid].add(issue)
        for tenant, issues in deleted.items():
            await self._links.deleted(tenant, issues)
        return poison


def _number(text: str) -> int | None:
    """Read an id of an issue; None for what is none, or larger than any that is stored."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_INT64)):
        return None
    return number if (number := int(text)) <= MAX_INT64 else None
