"""Export and import of a project's plans, cycles and executions."""

from fastapi import APIRouter

from contracts.permissions import Entity, Right
from contracts.transfer import Part
from kit.attachments.wiring import Wired
from kit.auth.principal import Scope
from kit.counters import Counters
from kit.directory.permissions import Need
from kit.http.security import AccessTo
from kit.service import Runtime
from kit.transfer.exporting import Exporter
from kit.transfer.importing import Importer
from kit.transfer.reading import ReadLimits
from kit.transfer.routes import TransferRoutes
from kit.transfer.rows import ImportRows
from kit.usage import UsageReporter
from services.executions.adapters.mongo.projectreads import ProjectReads
from services.executions.adapters.mongo.projectwrites import ProjectWrites
from services.executions.composition.adapters import Adapters
from services.executions.settings import ExecutionsSettings
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.transfer.exporting import RunOrigin
from services.executions.usecases.transfer.importing import RunDestination

_ENTITIES = (Entity.TEST_PLAN, Entity.TEST_CYCLE, Entity.TEST_EXECUTION)
_CHANGES = (Right.CREATE, Right.EDIT)
READER = AccessTo(Need.of(*((entity, Right.VIEW) for entity in _ENTITIES)), Scope.READ)
WRITER = AccessTo(
    Need.of(*((entity, right) for entity in _ENTITIES for right in _CHANGES)), Scope.WRITE
)


def transfer_router(
    runtime: Runtime[ExecutionsSettings], adapters: Adapters, cycles: TestCycles, attached: Wired
) -> APIRouter:
    """Return the routes."""
    database, settings, clock = runtime.database, runtime.settings, runtime.clock
    destination = RunDestination(
        ProjectWrites(database, adapters.claims),
        adapters.owner,
        cycles,
        Counters(database["counters"]),
        attached.moving,
        clock,
    )
    origin = RunOrigin(ProjectReads(database, adapters.uploads), adapters.owner, attached.moving)
    limits = ReadLimits(
        settings.import_max_unpacked_bytes,
        settings.import_max_members,
        settings.attachment_max_bytes,
    )
    return TransferRoutes(
        part=Part.EXECUTIONS,
        prefix="/ostro/v1/executions",
        exporter=Exporter(origin, attached.attachments, clock),
        importer=Importer(destination, ImportRows(database, clock), limits, runtime.ids),
        reader=READER,
        writer=WRITER,
        usage=UsageReporter(runtime),
        spool_dir=settings.spool_dir,
        max_bytes=settings.import_max_bytes,
    ).router()
