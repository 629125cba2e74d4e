"""Topic ``ostro.tenancy.jira-change.v1``: of all that happens in Jira, deleted versions."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.jira import JiraAction, JiraChange, JiraEntity
from kit.kafka.records import Poison, Record, decode
from services.executions.usecases.versions import Versions

_EVENT = TypeAdapter(Event[JiraChange])
_VERSION = b"/" + JiraEntity.VERSION.value.encode() + b"/"


class JiraChangesConsumer:
    """Handler of the group ``executions.jira-changes``."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Apply deleted versions; the others are not even decoded: most are about issues."""
        poison: list[Poison] = []
        for record in records:
            if _VERSION not in (record.key or b""):
                continue
            event = decode(record, _EVENT)
            if isinstance(event, Poison):
                poison.append(event)
            elif not event.data.id.isdecimal():
                poison.append(Poison(record, "data.id: no number"))
            elif event.data.action is JiraAction.DELETED:
                await self._versions.removed(
                    event.tenantid,
                    int(event.data.id),
                    jira_project=event.data.project,
                    merged_into=event.data.merged_into,
                )
        return poison
