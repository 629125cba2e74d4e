"""Delete and archive."""

from fastapi import APIRouter

from kit.jobs import wiring
from kit.jobs.rows import JobRows
from kit.service import Background, Runtime
from services.executions.adapters.mongo.dependents import DependentRows
from services.executions.adapters.mongo.remains import RemainsRows, UploadsBehind, WhatIsThere
from services.executions.adapters.mongo.shelving import Shelving
from services.executions.api.removals import RemovalRoutes
from services.executions.composition.adapters import Adapters
from services.executions.settings import ExecutionsSettings
from services.executions.usecases.dependents import OfTheLibrary
from services.executions.usecases.removaljobs import BehindTheLibrary, RemovalJobs
from services.executions.usecases.removals import Removals


def routes(runtime: Runtime[ExecutionsSettings], adapters: Adapters) -> APIRouter:
    """Return the public routes."""
    database = runtime.database
    shelves = Shelving(database, JobRows(database), adapters.claims)
    removals = Removals(shelves, UploadsBehind(database), adapters.options, runtime.clock)
    return RemovalRoutes(removals, runtime.settings.api_base).router()


def of_the_library(runtime: Runtime[ExecutionsSettings], adapters: Adapters) -> OfTheLibrary:
    """Return what answers testcases."""
    database, jobs = runtime.database, JobRows(runtime.database)
    remains = RemainsRows(database, jobs, adapters.claims)
    shelves = Shelving(database, jobs, adapters.claims)
    return OfTheLibrary(
        DependentRows(database), shelves, remains, UploadsBehind(database), runtime.clock
    )


def behind_the_library(runtime: Runtime[ExecutionsSettings]) -> BehindTheLibrary:
    """Return what follows when something of the library goes."""
    database = runtime.database
    return BehindTheLibrary(JobRows(database), WhatIsThere(database), runtime.clock)


def jobs(runtime: Runtime[ExecutionsSettings], adapters: Adapters) -> Background:
    """Return who does what is left to do."""
    database, rows = runtime.database, JobRows(runtime.database)
    remains = RemainsRows(database, rows, adapters.claims)
    steps = RemovalJobs(remains, UploadsBehind(database), WhatIsThere(database), runtime.clock)
    return wiring.worker(runtime, rows, steps.steps())[1]
