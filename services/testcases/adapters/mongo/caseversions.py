"""Versions of test cases in MongoDB: the newest one is the case, older ones lie beside."""

from collections.abc import Callable

from contracts.ids import number_of, project_of
from kit.mongo import Database, Document, Session
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.scriptforms import script_of
from services.testcases.adapters.mongo.testcases import TEST_CASES, VERSIONS, document, test_case
from services.testcases.adapters.mongo.turns import Turns

_BUSY = "The test case is being changed by others; try again."


class CaseVersionRows:
    """Implements ``VersionStore``; the tenant comes first.

    A transaction, as with scripts: a kept row without its next version would be shown by exports
    and hold options, and would outlive a case that is deleted meanwhile.
    """

    def __init__(self, database: Database, pending: Pending) -> None:
        self._cases = database[TEST_CASES]
        self._versions = database[VERSIONS]
        self._pending = pending
        self._turns = Turns(database, pending, _BUSY)

    async def begin(
        self, tenant: str, case: int, version_id: int, check: Callable[[int, int], None]
    ) -> int | None:
        """Keep the newest version of a visible case and begin the next; None when it is gone."""

        async def once(session: Session) -> int | None:
            return await self._begin(tenant, case, version_id, check, session)

        return await self._turns.run(tenant, case, once)

    async def _begin(
        self,
        tenant: str,
        case: int,
        version_id: int,
        check: Callable[[int, int], None],
        session: Session,
    ) -> int | None:
        any_version = {"tenant": tenant, "project": project_of(case), "id": case}
        this = any_version | {"visible": True}
        row = await self._cases.find_one(this, {"search": 0, "outbox": 0}, session=session)
        if row is None:
            return None
        older = await self._versions.count_documents(any_version, session=session)
        check(older + 1, row["version"])
        await self._versions.insert_one(_kept(row), session=session)
        number = int(row["version"]) + 1
        await self._cases.update_one(
            this,
            {
                "$set": {
                    "version": number,
                    "version_id": version_id,
                    "updated_on": self._pending.clock.now(),
                },
                "$inc": {"rev": 1},
                "$push": {"outbox": self._pending.entry()},
            },
            session=session,
        )
        return number


def _kept(row: Document) -> Document:
    """Return what is kept of a version; its links stay with the case, and no search finds it."""
    case = test_case(row)
    row_id = f"{row['tenant']}/{case.project}/{number_of(case.id)}/{case.version}"
    return dict(document(row_id, row["tenant"], case, script_of(row["script"]))) | {"search": []}
