"""The adapters that several use cases share."""

from dataclasses import dataclass

from kit.segments.claims import Claims
from kit.service import Runtime
from services.executions.adapters.mongo import ledger as ledger_rows
from services.executions.adapters.mongo import library, testcycles, testplans, uploads
from services.executions.adapters.testcases import ProjectOptions, TestCasesOwner
from services.executions.settings import ExecutionsSettings


@dataclass(frozen=True)
class Adapters:
    """What several use cases share."""

    uploads: uploads.UploadRepository
    ledger: ledger_rows.Ledger
    cycles: testcycles.TestCycleRepository
    plans: testplans.TestPlanRepository
    owner: TestCasesOwner
    projection: library.LibraryProjection
    options: ProjectOptions
    claims: Claims
    """Taken by whoever writes executions, so that they are counted one by one meanwhile."""

    @classmethod
    def of(cls, runtime: Runtime[ExecutionsSettings]) -> "Adapters":
        database, clock, ids = runtime.database, runtime.clock, runtime.ids
        owner = TestCasesOwner(runtime.peers["testcases"])
        projection = library.LibraryProjection(database)
        return cls(
            uploads.UploadRepository(database, runtime.instance, clock, ids),
            ledger_rows.Ledger(database, clock, ids),
            testcycles.TestCycleRepository(database),
            testplans.TestPlanRepository(database),
            owner,
            projection,
            ProjectOptions(projection, owner),
            Claims(database, clock, ids),
        )
