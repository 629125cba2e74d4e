"""Composition root of executions: the only place that knows which adapter stands behind a port."""

from dataclasses import dataclass
from datetime import timedelta

import orjson

from kit.auth.api_tokens import ApiTokens
from kit.counters import Counters
from kit.directory import copy as directory_copy
from kit.directory.catch_up import until_trusted
from kit.http.app import internal_app, public_app
from kit.leases import Lease
from kit.service import Background, Group, Indexes, Parts, Role, Runtime
from services.executions.adapters.archives import ArchiveLimits
from services.executions.adapters.chunks import ChunkPublisher
from services.executions.adapters.mongo import ledger as ledger_rows
from services.executions.adapters.mongo import (
    library,
    testcycles,
    testexecutions,
    uploads,
    versions,
)
from services.executions.adapters.mongo.housekeeping import HousekeepingRows
from services.executions.adapters.outbox import sources
from services.executions.adapters.resultfiles import ResultFiles
from services.executions.adapters.spool import sweep
from services.executions.adapters.testcases import ProjectOptions, TestCasesOwner
from services.executions.api import automations
from services.executions.api import testcycles as testcycles_api
from services.executions.api import testexecutions as testexecutions_api
from services.executions.api import uploads as uploads_api
from services.executions.consumers.jira_changes import JiraChangesConsumer
from services.executions.consumers.results import MAX_RECORDS, ResultsConsumer
from services.executions.domain.formats import Format
from services.executions.settings import ExecutionsSettings
from services.executions.usecases.housekeeping import Housekeeping
from services.executions.usecases.recording import Recording
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import TestExecutions
from services.executions.usecases.uploadports import Limits
from services.executions.usecases.uploads import Uploads
from services.executions.usecases.uploadstatus import UploadStatus
from services.executions.usecases.versions import Versions

SERVICE = "executions"

INDEXES: Indexes = {
    **directory_copy.INDEXES,
    **library.INDEXES,
    uploads.COLLECTION: uploads.INDEXES,
    testcycles.COLLECTION: testcycles.INDEXES,
    testexecutions.COLLECTION: testexecutions.INDEXES,
    ledger_rows.COLLECTION: ledger_rows.INDEXES,
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
    executions = testexecutions.TestExecutionRepository(database)
    housekeeping = _housekeeping(runtime, adapters)
    recording = Recording(
        testexecutions.ExecutionWriter(database), adapters.ledger, adapters.uploads, clock
    )
    results = ResultsConsumer(recording)
    base = settings.api_base
    routers = [
        automations.router(
            _uploads(runtime, adapters),
            _result_files(settings).receive,
            settings.upload_parallel,
            base,
        ),
        testcycles_api.router(
            TestCycles(adapters.cycles, adapters.uploads, adapters.options), base
        ),
        testexecutions_api.router(TestExecutions(executions, adapters.uploads), base),
        uploads_api.router(UploadStatus(adapters.uploads, adapters.ledger), base),
    ]
    return Parts(
        public=public_app(SERVICE, routers, ApiTokens(directory, settings.cell, clock)),
        internal=internal_app(SERVICE, [], runtime.tokens, runtime.health),
        groups={
            "executions.directory": Group(directory_copy.projection(database).apply),
            "executions.library": Group(library.projection(database).apply),
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
        ],
    )


def _uploads(runtime: Runtime[ExecutionsSettings], adapters: _Adapters) -> Uploads:
    settings = runtime.settings
    return Uploads(
        rows=adapters.uploads,
        cycles=adapters.cycles,
        sender=ChunkPublisher(runtime.publisher, runtime.names, runtime.clock),
        ledger=adapters.ledger,
        options=adapters.options,
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
    rows = versions.RemovedVersions(runtime.database)
    replacer = versions.VersionReplacer(runtime.database)
    return JiraChangesConsumer(Versions(rows, replacer, runtime.clock))


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
