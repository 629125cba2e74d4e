"""Topic ``ostro.tenancy.jira-change.v1``: of all that happens in Jira, deletions.

Of versions and of issues. What is about something else is not even decoded.
"""

from collections import defaultdict
from collections.abc import Sequence

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.jira import JiraAction, JiraChange, JiraEntity
from kit.http.pages import MAX_INT64
from kit.kafka.records import Poison, Record, decode
from services.executions.usecases.deletedissues import DeletedIssues
from services.executions.usecases.versions import Versions

_EVENT = TypeAdapter(Event[JiraChange])
_CONCERNS = tuple(b"/%b/" % kind.encode() for kind in (JiraEntity.VERSION, JiraEntity.ISSUE))


class JiraChangesConsumer:
    """Handler of the group ``executions.jira-changes``."""

    def __init__(self, versions: Versions, issues: DeletedIssues) -> None:
        self._versions = versions
        self._issues = issues

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Apply the deletions; those of issues together, for Jira deletes them by thousands."""
        poison: list[Poison] = []
        issues: defaultdict[str, set[int]] = defaultdict(set)
        for record in records:
            if not any(kind in (record.key or b"") for kind in _CONCERNS):
                continue
            event = decode(record, _EVENT)
            if isinstance(event, Poison):
                poison.append(event)
            elif (ident := _number(event.data.id)) is None:
                poison.append(Poison(record, "data.id: no number"))
            elif event.data.action is not JiraAction.DELETED:
                continue
            elif event.data.entity is JiraEntity.ISSUE:
                issues[event.tenantid].add(ident)
            elif event.data.entity is JiraEntity.VERSION:
                await self._removed(event, ident)
        for tenant, deleted in issues.items():
            await self._issues.deleted(tenant, deleted)
        return poison

    async def _removed(self, event: Event[JiraChange], version: int) -> None:
        change = event.data
        await self._versions.removed(
            event.tenantid, version, jira_project=change.project, merged_into=change.merged_into
        )


def _number(text: str) -> int | None:
    """Read an id; None for what is none, or larger than any that can be stored."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_INT64)):
        return None
    return number if (number := int(text)) <= MAX_INT64 else None
