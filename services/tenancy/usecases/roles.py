"""The roles of a project and who has them: read for all users of a moment at once."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from kit.clock import Clock
from services.tenancy.usecases.jira import JiraMemberships, JiraSite, RoleActors

_LIFE = timedelta(seconds=5)
_CACHED_PROJECTS = 1_000


_Actors = Mapping[str, RoleActors]


class RoleCache:
    """Keeps the actors of a project for 5 s: users are resolved one by one, projects are not.

    The age of a membership is counted without them: refreshing begins earlier by more than that.
    """

    def __init__(self, jira: JiraMemberships, clock: Clock) -> None:
        self._jira = jira
        self._clock = clock
        self._known: OrderedDict[tuple[str, int], tuple[datetime, _Actors]] = OrderedDict()
        self._reading: dict[tuple[str, int], asyncio.Task[_Actors]] = {}

    async def of(
        self, site: JiraSite, project: int, account: str, groups: Collection[str]
    ) -> tuple[str, ...]:
        """Return the roles of a user in a project, through its groups too."""
        actors = await self._actors(site, project)
        mine = frozenset(groups)
        return tuple(
            sorted(
                role
                for role, held in actors.items()
                if account in held.accounts or not mine.isdisjoint(held.groups)
            )
        )

    async def _actors(self, site: JiraSite, project: int) -> _Actors:
        key = (site.tenant, project)
        known = self._known.get(key)
        if known is not None and self._clock.now() - known[0] < _LIFE:
            return known[1]
        if key not in self._reading:
            task = asyncio.create_task(self._read(site, project))
            self._reading[key] = task
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        return await asyncio.shield(self._reading[key])

    async def _read(self, site: JiraSite, project: int) -> _Actors:
        began = self._clock.now()
        actors = {}
        # a project or role that went, or that the app does not see, gives nobody anything
        for role in sorted(await self._jira.roles_of_project(site, project) or ()):
            held = await self._jira.role_actors(site, project, role)
            if held is not None:
                actors[role] = held
        self._known[site.tenant, project] = (began, actors)
        self._known.move_to_end((site.tenant, project))
        while len(self._known) > _CACHED_PROJECTS:
            self._known.popitem(last=False)
        return actors
