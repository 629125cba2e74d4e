"""Composition root of executions: the only place that knows which adapter stands behind a port."""

from collections.abc import Mapping
from datetime import timedelta

from kit.attachments import wiring as attachment_wiring
from kit.auth.api_tokens import ApiTokens
from kit.counters import Counters
from kit.directory import copy as directory_copy
from kit.directory.catch_up import until_trusted
from kit.http.app import internal_app, public_app
from kit.jobs import wiring as job_wiring
from kit.leases import Lease
from kit.segments import blocks as segment_blocks
from kit.segments import summaries as segment_summaries
from kit.service import Background, Group, Indexes, Parts, Role, Runtime
from services.executions.adapters.archives import ArchiveLimits
from services.executions.adapters.mongo import (
    deletedissues,
    library,
    runsummaries,
    testcycles,
    testexecutions,
    testplans,
    uploads,
)
from services.executions.adapters.mongo import ledger as ledger_rows
from services.executions.adapters.mongo.executionwrites import ExecutionChangesRepository
from services.executions.adapters.mongo.housekeeping import HousekeepingRows
from services.executions.adapters.mongo.usage import UsageRows
from services.executions.adapters.outbox import sources
from services.executions.adapters.resultfiles import ResultFiles
from services.executions.adapters.spool import sweep
from services.executions.api import automations, issuelinks
from services.executions.api import links as links_api
from services.executions.api import testcycles as testcycles_api
from services.executions.api import testexecutions as testexecutions_api
from services.executions.api import uploads as uploads_api
from services.executions.api.attachmentremoval import AttachmentRemovalRoutes
from services.executions.api.attachments import AttachmentRoutes
from services.executions.api.internal import InternalRoutes
from services.executions.api.testplans import TestPlanRoutes
from services.executions.composition import (
    counting,
    planning,
    recording,
    removals,
    search,
    uploading,
)
from services.executions.composition.adapters import Adapters
from services.executions.composition.transfer import transfer_router
from services.executions.consumers.library import LibraryConsumer
from services.executions.consumers.results import MAX_RECORDS, ResultsConsumer
from services.executions.domain.formats import Format
from services.executions.settings import ExecutionsSettings
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.housekeeping import Housekeeping
from services.executions.usecases.recording import Recording
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import TestExecutions
from services.executions.usecases.uploadstatus import UploadStatus
from services.executions.usecases.usage import Usages

SERVICE = "executions"

INDEXES: Indexes = {
    **directory_copy.INDEXES,
    **library.INDEXES,
    uploads.COLLECTION: uploads.INDEXES,
    testcycles.COLLECTION: testcycles.INDEXES,
    testplans.COLLECTION: testplans.INDEXES,
    testexecutions.COLLECTION: testexecutions.INDEXES,
    ledger_rows.COLLECTION: ledger_rows.INDEXES,
    deletedissues.COLLECTION: deletedissues.INDEXES,
    segment_blocks.BLOCKS: segment_blocks.INDEXES,
    runsummaries.COLLECTION: segment_summaries.INDEXES,
    **attachment_wiring.INDEXES,
    **job_wiring.INDEXES,
}


async def build(runtime: Runtime[ExecutionsSettings]) -> Parts:
    """Wire adapters to use cases."""
    settings, database, clock = runtime.settings, runtime.database, runtime.clock
    sweep(settings.spool_dir)  # what a killed process left
    directory = directory_copy.DirectoryCopy(database, runtime.peers["tenancy"], clock)
    adapters = Adapters.of(runtime)
    cycles = TestCycles(adapters.cycles, adapters.uploads, adapters.options)
    counted = counting.wired(runtime, adapters)
    executions = TestExecutions(counted.executions, adapters.uploads, clock)
    fields = CustomFields(adapters.projection, adapters.owner)
    plans = planning.plans(runtime, adapters, fields)
    links = planning.links(runtime, adapters, cycles, plans, executions)
    attached = attachment_wiring.wired(runtime, Counters(database["counters"]))
    housekeeping = _housekeeping(runtime, adapters)
    base = settings.api_base
    routers = [
        # routes are tried in this order, and these are read most
        testexecutions_api.router(executions, fields, base),
        automations.router(
            uploading.uploads(runtime, adapters, fields),
            _result_files(settings).receive,
            settings.upload_parallel,
            base,
        ),
        testcycles_api.router(
            cycles, planning.cycle_changes(runtime, adapters, cycles, fields), plans, fields, base
        ),
        TestPlanRoutes(plans, cycles, links, fields, base).router(),
        *recording.routes(runtime, adapters, cycles, executions, fields),
        search.routes(runtime, adapters, fields).router(),
        links_api.LinkRoutes(links, cycles, plans, executions, base).router(),
        issuelinks.router(links, base),
        *AttachmentRoutes(attached.attachments, cycles, plans, executions).routers(),
        removals.routes(runtime, adapters),
        *AttachmentRemovalRoutes(attached.attachments, cycles, plans, executions).routers(),
        transfer_router(runtime, adapters, cycles, attached),
        uploads_api.router(UploadStatus(adapters.uploads, adapters.ledger), base),
    ]
    ours = InternalRoutes(Usages(UsageRows(database)), removals.of_the_library(runtime, adapters))
    return Parts(
        public=public_app(SERVICE, routers, ApiTokens(directory, settings.cell, clock)),
        internal=internal_app(SERVICE, [ours.router()], runtime.tokens, runtime.health),
        groups=_groups(runtime, adapters),
        outboxes=sources(runtime.names),
        background=[
            until_trusted(runtime, directory),
            Background(Role.API, housekeeping.renew),
            Background(Role.API, housekeeping.run),
            attached.background,
            removals.jobs(runtime, adapters),
            *counted.background,
        ],
        closers=[attached.attachments.close, adapters.claims.close],
    )


def _groups(runtime: Runtime[ExecutionsSettings], adapters: Adapters) -> Mapping[str, Group]:
    database = runtime.database
    writer = testexecutions.ExecutionWriter(database, adapters.claims)
    behind = removals.behind_the_library(runtime)
    stored = Recording(writer, adapters.ledger, adapters.uploads, behind, runtime.clock)
    results = ResultsConsumer(stored)
    values = (
        adapters.cycles,
        adapters.plans,
        ExecutionChangesRepository(database, adapters.claims),
    )
    heard = LibraryConsumer(library.projection(database), values, behind)
    return {
        "executions.directory": Group(directory_copy.projection(database).apply),
        "executions.library": Group(heard.handle),
        "executions.jira-changes": Group(planning.jira_changes(runtime, adapters).handle),
        "executions.results": Group(results.handle, max_records=MAX_RECORDS, parked=results.parked),
    }


def _housekeeping(runtime: Runtime[ExecutionsSettings], adapters: Adapters) -> Housekeeping:
    database, clock, instance = runtime.database, runtime.clock, runtime.instance
    turn = Lease(database["leases"], "housekeeping", instance, timedelta(seconds=10), clock)
    return Housekeeping(
        HousekeepingRows(database, adapters.claims),
        adapters.uploads,
        adapters.ledger,
        adapters.owner,
        turn,
        instance,
        clock,
    )


def _result_files(settings: ExecutionsSettings) -> ResultFiles:
    return ResultFiles(
        caps={
            Format.JUNIT: settings.upload_max_junit_bytes,
            Format.CUCUMBER: settings.upload_max_cucumber_bytes,
            Format.CUSTOM: settings.upload_max_custom_bytes,
        },
        archive=ArchiveLimits(
            max_entries=settings.upload_max_zip_entries,
            max_unpacked_bytes=settings.upload_max_unpacked_bytes,
        ),
        folder=settings.spool_dir,
    )
