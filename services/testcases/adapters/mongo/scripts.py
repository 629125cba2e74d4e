"""Scripts in MongoDB: inside their cases, written together with the case's state event."""

from collections.abc import AsyncGenerator, Collection, Mapping

from pymongo import ASCENDING, IndexModel

from contracts.ids import project_of
from kit.attachments.attachments import SETTLE
from kit.attachments.rows import AttachmentRows
from kit.mongo import Database, Document, Session
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.scriptforms import script_document, script_of
from services.testcases.adapters.mongo.testcases import TEST_CASES
from services.testcases.adapters.mongo.turns import Turns
from services.testcases.domain.scripts import Script, StepsScript
from services.testcases.domain.searchwords import script_words
from services.testcases.usecases.attachments import KIND
from services.testcases.usecases.features import BddCase
from services.testcases.usecases.scripts import Decide

CALL_TURNS = "call_turns"
INDEXES = {
    # there from the start: a collection that a transaction makes is a conflict with all others
    CALL_TURNS: [IndexModel([("tenant", ASCENDING)], name="tenant")],
}
_BUSY = "The test case is being changed by others; try again."
_BATCH = 20
"""Scripts read at once: each may be as large as scripts get."""
_CALLS = 0
"""The turn of whoever adds calls; no case has this id."""


class ScriptRepository:
    """Implements ``ScriptStore``, ``CalledScripts`` and ``BddCases``; the tenant comes first.

    A change is a transaction, for the attachments of steps that go and for calls: of two writers
    of one case the second conflicts there, of two that add calls in one tenant at the document
    that both touch first. It is done again then, on what the first one left.
    """

    def __init__(self, database: Database, pending: Pending) -> None:
        self._cases = database[TEST_CASES]
        self._call_turns = database[CALL_TURNS]
        self._attachments = AttachmentRows(database)
        self._pending = pending
        self._turns = Turns(database, pending, _BUSY)

    async def get(self, tenant: str, case: int) -> Script | None:
        """Return the script of a visible case."""
        row = await self._cases.find_one(_named(tenant, (case,)), {"script": 1})
        return script_of(row["script"]) if row is not None else None

    async def scripts(self, tenant: str, cases: Collection[int]) -> Mapping[int, Script]:
        """Return the scripts of those cases that are visible."""
        rows = self._cases.find(_named(tenant, cases), {"_id": 0, "id": 1, "script": 1})
        return {row["id"]: script_of(row["script"]) for row in await rows.to_list(None)}

    async def known(self, tenant: str, cases: Collection[int]) -> set[int]:
        """Return those of the cases that are visible."""
        rows = self._cases.find(_named(tenant, cases), {"_id": 0, "id": 1})
        return {row["id"] for row in await rows.to_list(None)}

    async def bdd(self, tenant: str, project: int) -> AsyncGenerator[BddCase, None]:
        """Yield the visible BDD cases of a project, by id."""
        cursor = (
            self._cases.find(
                {"tenant": tenant, "project": project, "visible": True, "script.type": "bdd"},
                {"_id": 0, "id": 1, "name": 1, "script.text": 1, "updated_on": 1},
            )
            .hint("bdd")
            .sort([("id", ASCENDING)])
            .batch_size(_BATCH)
        )
        async for row in cursor:
            yield BddCase(row["id"], row["name"], row["script"]["text"], row["updated_on"])

    async def change(self, tenant: str, case: int, decide: Decide, *, calls: bool) -> bool:
        """Store what is decided in sight of the present script; False when the case is gone."""

        async def once(session: Session) -> bool:
            if calls:
                await self._take(tenant, session)
            return await self._change(tenant, case, decide, session)

        return await self._turns.run(tenant, _CALLS if calls else case, once)

    async def _change(self, tenant: str, case: int, decide: Decide, session: Session) -> bool:
        async def calls_of(cases: Collection[int]) -> Mapping[int, Collection[int]]:
            return await self._calls_of(tenant, cases, session)

        this = _named(tenant, (case,))
        row = await self._cases.find_one(this, {"script": 1}, session=session)
        if row is None:
            return False
        old = script_of(row["script"])
        new = await decide(old, calls_of)
        now = self._pending.clock.now()
        await self._cases.update_one(
            this,
            {
                "$set": {
                    "script": dict(script_document(new)),
                    "search.1.words": script_words(new),
                    "updated_on": now,
                },
                "$inc": {"rev": 1},
                "$push": {"outbox": self._pending.entry()},
            },
            session=session,
        )
        gone = _steps(old) - _steps(new)
        if gone:
            await self._attachments.drop(tenant, KIND, case, gone, now + SETTLE, session)
        return True

    async def _take(self, tenant: str, session: Session) -> None:
        await self._call_turns.update_one(
            {"_id": tenant},
            {"$set": {"tenant": tenant}, "$inc": {"changes": 1}},
            upsert=True,
            session=session,
        )

    async def _calls_of(
        self, tenant: str, cases: Collection[int], session: Session
    ) -> Mapping[int, Collection[int]]:
        rows = self._cases.find(
            _named(tenant, cases), {"_id": 0, "id": 1, "script.steps.call.case": 1}, session=session
        )
        return {
            row["id"]: {
                step["call"]["case"] for step in row["script"].get("steps", ()) if "call" in step
            }
            for row in await rows.to_list(None)
        }


def _named(tenant: str, cases: Collection[int]) -> Document:
    return {
        "tenant": tenant,
        "project": {"$in": sorted({project_of(case) for case in cases})},
        "visible": True,
        "id": {"$in": list(cases)},
    }


def _steps(script: Script) -> set[int]:
    return {s.id for s in script.steps} if isinstance(script, StepsScript) else set()
