"""Test executions that are recorded through the API, and their steps."""

from collections.abc import Sequence

from fastapi import APIRouter

from kit.counters import Counters
from kit.service import Runtime
from services.executions.adapters.mongo.executionwrites import ExecutionChangesRepository
from services.executions.api.bulk import BulkRoutes
from services.executions.api.executionwrites import ExecutionWriteRoutes
from services.executions.composition.adapters import Adapters
from services.executions.settings import ExecutionsSettings
from services.executions.usecases.bulkexecutions import BulkExecutions
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.executionchanges import ExecutionChanges
from services.executions.usecases.executionoptions import ExecutionOptions
from services.executions.usecases.executionsteps import StepsOfExecutions
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import TestExecutions


def routes(
    runtime: Runtime[ExecutionsSettings],
    adapters: Adapters,
    cycles: TestCycles,
    executions: TestExecutions,
    fields: CustomFields,
) -> Sequence[APIRouter]:
    """Wire what the routes need."""
    store = ExecutionChangesRepository(runtime.database, adapters.claims)
    options = ExecutionOptions(adapters.projection, adapters.owner)
    counters = Counters(runtime.database["counters"])
    changes = ExecutionChanges(
        executions=executions,
        cycles=cycles,
        cases=adapters.owner,
        store=store,
        options=options,
        fields=fields,
        counters=counters,
        clock=runtime.clock,
    )
    steps = StepsOfExecutions(
        executions=executions,
        store=store,
        cases=adapters.owner,
        options=options,
        counters=counters,
        clock=runtime.clock,
    )
    base = runtime.settings.api_base
    return (
        ExecutionWriteRoutes(changes, steps, base).router(),
        BulkRoutes(BulkExecutions(changes), base).router(),
    )
