"""Composition root of executions: the only place that knows which adapter stands behind a port."""

from dataclasses import dataclass
from datetime import timedelta

import orjson

from kit.attachments import wiring as attachment_wiring
from kit.auth.api_tokens import ApiTokens
from kit.counters import Counters
from kit.directory import copy as directory_copy
from kit.directory.catch_up import until_trusted
from kit.http.app import internal_app, public_app
from kit.leases import Lease
from kit.mongo import Database
from kit.service import Background, Group, Indexes, Parts, Role, Runtime
from services.executions.adapters.archives import ArchiveLimits
from services.executions.adapters.chunks import ChunkPublisher
from services.executions.adapters.issues import TenancyIssues
from services.executions.adapters.mongo import (
    deletedissues,
    library,
    testcycles,
    testexecutions,
    uploads,
    versions,
)
from services.executions.adapters.mongo import ledger as ledger_rows
from services.executions.adapters.mongo.housekeeping import HousekeepingRows
from services.executions.adapters.mongo.links import LinkRepository
from services.executions.adapters.mongo.usage import UsageRows
from services.executions.adapters.outbox import sources
from services.executions.adapters.resultfiles import ResultFiles
from services.executions.adapters.spool import sweep
from services.executions.adapters.testcases import ProjectOptions, TestCasesOwner
from services.executions.api import automations, issuelinks
from services.executions.api import links as links_api
from services.executions.api import testcycles as testcycles_api
from services.executions.api import testexecutions as testexecutions_api
from services.executions.api import uploads as uploads_api
from services.executions.api.attachments import AttachmentRoutes
from services.executions.api.internal import InternalRoutes
from services.executions.consumers.jira_changes import JiraChangesConsumer
from services.executions.consumers.library import LibraryConsumer
from services.executions.consumers.results import MAX_RECORDS, ResultsConsumer
from services.executions.domain.formats import Format
from services.executions.domain.links import Holder
from services.executions.settings import ExecutionsSettings
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.deletedissues import DeletedIssues
from services.executions.usecases.housekeeping import Housekeeping
from services.executions.usecases.links import Links
from services.executions.usecases.recording import Recording
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import TestExecutions
from services.executions.usecases.uploadports import Limits
from services.executions.usecases.uploads import Uploads
from services.executions.usecases.uploadstatus import UploadStatus
from services.executions.usecases.usage import Usages
from services.executions.usecases.versions import Versions

SERVICE = "executions"

INDEXES: Indexes = {
    **directory_copy.INDEXES,
    **library.INDEXES,
    uploads.COLLECTION: uploads.INDEXES,
    testcycles.COLLECTION: testcycles.INDEXES,
    testexecutions.COLLECTION: testexecutions.INDEXES,
    ledger_rows.COLLECTION: ledger_rows.INDEXES,
    deletedissues.COLLECTION: deletedissues.INDEXES,
    **attachment_wiring.INDEXES,
}


@dataclass(frozen=True)
class _Adapters:
    """What several use cases share."""

    uploads: uploads.UploadRepository
    ledger: ledger_rows.Ledger
    cycles: testcycles.TestCycleRepository
    owner: TestCasesOwner
    projection: library.LibraryProjection
    options: ProjectOptions

    @classmethod
    def of(cls, runtime: Runtime[ExecutionsSettings]) -> "_Adapters":
        database, clock, ids = runtime.database, runtime.clock, runtime.ids
        owner = TestCasesOwner(runtime.peers["testcases"])
        projection = library.LibraryProjection(database)
        return cls(
            uploads.UploadRepository(database, runtime.instance, clock, ids),
            ledger_rows.Ledger(database, clock, ids),
            testcycles.TestCycleRepository(database),
            owner,
            projection,
            ProjectOptions(projection, owner),
        )


async def build(runtime: Runtime[ExecutionsSettings]) -> Parts:
    """Wire adapters to use cases."""
    settings, database, clock = runtime.settings, runtime.database, runtime.clock
    sweep(settings.spool_dir)  # what a killed process left
    directory = directory_copy.DirectoryCopy(database, runtime.peers["tenancy"], clock)
    adapters = _Adapters.of(runtime)
    cycles = TestCycles(adapters.cycles, adapters.uploads, adapters.options)
    executions = TestExecutions(testexecutions.TestExecutionRepository(database), adapters.uploads)
    links = _links(runtime, adapters, cycles, executions)
    attached = attachment_wiring.wired(runtime, Counters(database["counters"]))
    housekeeping = _housekeeping(runtime, adapters)
    recording = Recording(
        testexecutions.ExecutionWriter(database), adapters.ledger, adapters.uploads, clock
    )
    results = ResultsConsumer(recording)
    fields = CustomFields(adapters.projection, adapters.owner)
    base = settings.api_base
    routers = [
        automations.router(
            _uploads(runtime, adapters, fields),
            _result_files(settings).receive,
            settings.upload_parallel,
            base,
        ),
        testcycles_api.router(cycles, fields, base),
        testexecutions_api.router(executions, fields, base),
        links_api.router(links, cycles, executions, base),
        issuelinks.router(links, base),
        *AttachmentRoutes(attached.attachments, cycles, executions).routers(),
        uploads_api.router(UploadStatus(adapters.uploads, adapters.ledger), base),
    ]
    return Parts(
        public=public_app(SERVICE, routers, ApiTokens(directory, settings.cell, clock)),
        internal=internal_app(
            SERVICE,
            [InternalRoutes(Usages(UsageRows(database))).router()],
            runtime.tokens,
            runtime.health,
        ),
        groups={
            "executions.directory": Group(directory_copy.projection(database).apply),
            "executions.library": Group(
                LibraryConsumer(library.projection(database), adapters.cycles).handle
            ),
            "executions.jira-changes": Group(_jira_changes(runtime).handle),
            "executions.results": Group(
                results.handle, max_records=MAX_RECORDS, parked=results.parked
            ),
        },
        outboxes=sources(runtime.names),
        background=[
            until_trusted(runtime, directory),
            Background(Role.API, housekeeping.renew),
            Background(Role.API, housekeeping.run),
            attached.background,
        ],
        closers=[attached.attachments.close],
    )


def _uploads(
    runtime: Runtime[ExecutionsSettings], adapters: _Adapters, fields: CustomFields
) -> Uploads:
    settings = runtime.settings
    return Uploads(
        rows=adapters.uploads,
        cycles=adapters.cycles,
        sender=ChunkPublisher(runtime.publisher, runtime.names, runtime.clock),
        ledger=adapters.ledger,
        options=adapters.options,
        fields=fields,
        projection=adapters.projection,
        owner=adapters.owner,
        counters=Counters(runtime.database["counters"]),
        limits=Limits(
            settings.upload_parallel,
            settings.upload_wait_seconds,
            settings.upload_max_results,
            settings.max_unstored_results,
            settings.max_queue_age_seconds,
        ),
        serialise=orjson.dumps,
        clock=runtime.clock,
        ids=runtime.ids,
    )


def _jira_changes(runtime: Runtime[ExecutionsSettings]) -> JiraChangesConsumer:
    database, clock = runtime.database, runtime.clock
    rows = versions.RemovedVersions(database)
    replacer = versions.VersionReplacer(database)
    notes = deletedissues.DeletedIssueNotes(database)
    issues = DeletedIssues(notes, list(_link_rows(database).values()), clock)
    return JiraChangesConsumer(Versions(rows, replacer, clock), issues)


def _links(
    runtime: Runtime[ExecutionsSettings],
    adapters: _Adapters,
    cycles: TestCycles,
    executions: TestExecutions,
) -> Links:
    database = runtime.database
    return Links(
        cycles=cycles,
        executions=executions,
        rows=_link_rows(database),
        uploads=adapters.uploads,
        deleted=deletedissues.DeletedIssueNotes(database),
        issues=TenancyIssues(runtime.peers["tenancy"]),
        counters=Counters(database["counters"]),
        clock=runtime.clock,
    )


def _link_rows(database: Database) -> dict[Holder, LinkRepository]:
    collections = {
        Holder.TEST_CYCLE: testcycles.COLLECTION,
        Holder.TEST_EXECUTION: testexecutions.COLLECTION,
    }
    return {holder: LinkRepository(database[name], holder) for holder, name in collections.items()}


def _housekeeping(runtime: Runtime[ExecutionsSettings], adapters: _Adapters) -> Housekeeping:
    database, clock, instance = runtime.database, runtime.clock, runtime.instance
    turn = Lease(database["leases"], "housekeeping", instance, timedelta(seconds=10), clock)
    return Housekeeping(
        HousekeepingRows(database),
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
