"""Delete and archive."""

from fastapi import APIRouter

from kit.jobs import wiring
from kit.jobs.rows import JobRows
from kit.service import Background, Runtime
from services.testcases.adapters.executions import ExecutionsDependents
from services.testcases.adapters.mongo.caseshelves import CaseShelfRows
from services.testcases.adapters.mongo.foldershelves import FolderShelfRows
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.remains import RemainsRows
from services.testcases.api.removals import RemovalRoutes
from services.testcases.composition.counting import Counting
from services.testcases.settings import TestcasesSettings
from services.testcases.usecases.folderremovals import FolderRemovals
from services.testcases.usecases.folders import Folders
from services.testcases.usecases.removaljobs import RemovalJobs
from services.testcases.usecases.removals import CaseRemovals


def removals(
    runtime: Runtime[TestcasesSettings], pending: Pending, counted: Counting, folders: Folders
) -> tuple[APIRouter, Background]:
    """Return the routes, and who does what is left to do behind them."""
    database, clock, jobs = runtime.database, runtime.clock, JobRows(runtime.database)
    elsewhere = ExecutionsDependents(runtime.peers["executions"])
    case_rows = CaseShelfRows(database, pending, counted.cases, jobs)
    folder_rows = FolderShelfRows(database, pending, counted.folders, jobs)
    routes = RemovalRoutes(
        CaseRemovals(case_rows, elsewhere, folders, clock),
        FolderRemovals(folder_rows, elsewhere, clock),
        runtime.settings.api_base,
    )
    remains = RemainsRows(database, pending, case_rows, folder_rows)
    steps = RemovalJobs(remains, elsewhere, clock).steps()
    return routes.router(), wiring.worker(runtime, jobs, steps)[1]
