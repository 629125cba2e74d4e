"""Group ``testcases.directory``: tenancy's states, and default options for enabled projects."""

from collections import defaultdict
from collections.abc import Sequence

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.tenancy import ProjectState
from contracts.topics import PROJECT_STATE
from kit.directory.view import usable
from kit.kafka.records import Poison, Record, decode
from kit.projection import Projection
from services.testcases.usecases.defaults import DefaultOptions

_PROJECTS: TypeAdapter[Event[ProjectState]] = TypeAdapter(Event[ProjectState])


class DirectoryConsumer:
    """Applies the projection first, so that a project is known once its options are there."""

    def __init__(self, projection: Projection, defaults: DefaultOptions) -> None:
        self._projection = projection
        self._defaults = defaults

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Store the states of a batch; repeats do no harm."""
        poison = await self._projection.apply(records)
        enabled: dict[str, set[int]] = defaultdict(set)
        for record in records:
            if record.topic is PROJECT_STATE and record.value is not None:
                event = decode(record, _PROJECTS)
                # what cannot be read was reported by the projection
                if not isinstance(event, Poison) and usable(event.data):
                    enabled[event.tenantid].add(event.data.id)
        for tenant, projects in enabled.items():
            await self._defaults.ensure(tenant, projects)
        return poison
