"""Permission schemes of the copy, read and arranged once per revision."""

from collections import OrderedDict
from collections.abc import Mapping

from contracts.permissions import ProjectPermissions
from kit.directory.permissions import Scheme
from kit.mongo import Collection

_Known = Mapping[int, tuple[int, Scheme]]
"""By project: revision and scheme."""


class SchemeRows:
    """A scheme may hold a thousand grants, and the tenant's view is made anew each second."""

    def __init__(self, rows: Collection, most_tenants: int) -> None:
        self._rows = rows
        self._most = most_tenants
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def of(self, tenant: str) -> dict[int, Scheme]:
        """Return the schemes of a tenant, by project."""
        fields = {"_id": 0, "project": 1, "seq": 1}
        rows = await self._rows.find({"tenant": tenant}, fields).to_list(None)
        known = self._known.get(tenant, {})
        current = {r["project"]: known.get(r["project"]) for r in rows}
        stale = [
            row["project"]
            for row in rows
            if (found := current[row["project"]]) is None or found[0] < row["seq"]
        ]
        if stale:
            wanted = {"tenant": tenant, "project": {"$in": stale}}
            current |= {
                r["project"]: _parsed(r) for r in await self._rows.find(wanted).to_list(None)
            }
        found_all = {p: found for p, found in current.items() if found is not None}
        if found_all or known:
            self._remember(tenant, found_all)
        return {project: scheme for project, (_, scheme) in found_all.items()}

    def _remember(self, tenant: str, found: _Known) -> None:
        self._known[tenant] = found
        self._known.move_to_end(tenant)
        while len(self._known) > self._most:
            self._known.popitem(last=False)


def _parsed(row: Mapping[str, object]) -> tuple[int, Scheme]:
    return int(str(row["seq"])), Scheme.of(ProjectPermissions.model_validate(row))
