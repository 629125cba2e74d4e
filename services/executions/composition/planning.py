"""Test cycles and test plans, and the links of everything."""

from kit.counters import Counters
from kit.mongo import Database
from kit.segments.claims import Claims
from kit.service import Runtime
from services.executions.adapters.issues import TenancyIssues
from services.executions.adapters.mongo import (
    deletedissues,
    testcycles,
    testexecutions,
    testplans,
    versions,
)
from services.executions.adapters.mongo.links import LinkRepository
from services.executions.composition.adapters import Adapters
from services.executions.consumers.jira_changes import JiraChangesConsumer
from services.executions.domain.links import Holder
from services.executions.settings import ExecutionsSettings
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.cyclechanges import CycleChanges
from services.executions.usecases.deletedissues import DeletedIssues
from services.executions.usecases.links import Links
from services.executions.usecases.statuses import Statuses
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import TestExecutions
from services.executions.usecases.testplans import TestPlans
from services.executions.usecases.versions import Versions


def cycle_changes(
    runtime: Runtime[ExecutionsSettings],
    adapters: Adapters,
    cycles: TestCycles,
    fields: CustomFields,
) -> CycleChanges:
    return CycleChanges(
        cycles=cycles,
        store=adapters.cycles,
        statuses=Statuses(adapters.projection, adapters.owner),
        folders=adapters.options,
        fields=fields,
        versions=versions.RemovedVersions(runtime.database),
        counters=Counters(runtime.database["counters"]),
        clock=runtime.clock,
    )


def plans(
    runtime: Runtime[ExecutionsSettings], adapters: Adapters, fields: CustomFields
) -> TestPlans:
    return TestPlans(
        store=adapters.plans,
        statuses=Statuses(adapters.projection, adapters.owner),
        folders=adapters.options,
        fields=fields,
        counters=Counters(runtime.database["counters"]),
        clock=runtime.clock,
    )


def links(
    runtime: Runtime[ExecutionsSettings],
    adapters: Adapters,
    cycles: TestCycles,
    plans: TestPlans,
    executions: TestExecutions,
) -> Links:
    database = runtime.database
    return Links(
        cycles=cycles,
        executions=executions,
        plans=plans,
        rows=link_rows(database, adapters.claims),
        uploads=adapters.uploads,
        deleted=deletedissues.DeletedIssueNotes(database),
        issues=TenancyIssues(runtime.peers["tenancy"]),
        counters=Counters(database["counters"]),
        clock=runtime.clock,
    )


def jira_changes(runtime: Runtime[ExecutionsSettings], adapters: Adapters) -> JiraChangesConsumer:
    database, clock = runtime.database, runtime.clock
    rows = versions.RemovedVersions(database)
    replacer = versions.VersionReplacer(database, adapters.claims)
    notes = deletedissues.DeletedIssueNotes(database)
    issues = DeletedIssues(notes, list(link_rows(database, adapters.claims).values()), clock)
    return JiraChangesConsumer(Versions(rows, replacer, clock), issues)


def link_rows(database: Database, claims: Claims) -> dict[Holder, LinkRepository]:
    collections = {
        Holder.TEST_CYCLE: testcycles.COLLECTION,
        Holder.TEST_PLAN: testplans.COLLECTION,
        Holder.TEST_EXECUTION: testexecutions.COLLECTION,
    }
    return {
        holder: LinkRepository(database[name], holder, claims)
        for holder, name in collections.items()
    }
