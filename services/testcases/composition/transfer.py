"""Export and import of a project's library."""

from fastapi import APIRouter

from contracts.permissions import Entity, Right
from contracts.transfer import Part
from kit.attachments.wiring import Wired
from kit.auth.principal import Scope
from kit.directory.permissions import Need
from kit.http.security import AccessTo
from kit.service import Runtime
from kit.transfer.exporting import Exporter
from kit.transfer.importing import Importer
from kit.transfer.reading import ReadLimits
from kit.transfer.routes import TransferRoutes
from kit.transfer.rows import ImportRows
from kit.usage import UsageReporter
from services.testcases.adapters.mongo.customfields import CustomFieldRepository
from services.testcases.adapters.mongo.folders import FolderRepository
from services.testcases.adapters.mongo.libraryreads import LibraryReads
from services.testcases.adapters.mongo.librarywrites import LibraryWrites
from services.testcases.adapters.mongo.numbers import CounterNumbers
from services.testcases.adapters.mongo.options import OptionRepository
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.testcases import TestCaseRepository
from services.testcases.composition.counting import Counting
from services.testcases.settings import TestcasesSettings
from services.testcases.usecases.defaults import DefaultOptions
from services.testcases.usecases.options import Options
from services.testcases.usecases.transfer.exporting import LibraryOrigin
from services.testcases.usecases.transfer.importing import LibraryDestination

_SEES = Need.of((Entity.TEST_CASE, Right.VIEW), (Entity.CONFIGURATION, Right.VIEW))
_CHANGES = Need.of(
    *(
        (entity, right)
        for entity in (Entity.TEST_CASE, Entity.CONFIGURATION)
        for right in (Right.CREATE, Right.EDIT)
    )
)
READER = AccessTo(_SEES, Scope.READ)
WRITER = AccessTo(_CHANGES, Scope.WRITE)


def transfer_router(
    runtime: Runtime[TestcasesSettings],
    pending: Pending,
    counted: Counting,
    options: Options,
    defaults: DefaultOptions,
    numbers: CounterNumbers,
    attached: Wired,
) -> APIRouter:
    """Return the routes."""
    database, settings, clock = runtime.database, runtime.settings, runtime.clock
    sink = LibraryWrites(
        database,
        pending,
        OptionRepository(database, pending),
        CustomFieldRepository(database, pending),
        FolderRepository(database, pending, counted.folders),
        counted.cases,
    )
    cases = TestCaseRepository(database, pending, counted.cases)
    destination = LibraryDestination(sink, options, cases, numbers, attached.moving)
    origin = LibraryOrigin(LibraryReads(database), defaults, attached.moving)
    limits = ReadLimits(
        settings.import_max_unpacked_bytes,
        settings.import_max_members,
        settings.attachment_max_bytes,
    )
    importer = Importer(destination, ImportRows(database, clock), limits, runtime.ids)
    return TransferRoutes(
        part=Part.LIBRARY,
        prefix="/ostro/v1/testcases",
        exporter=Exporter(origin, attached.attachments, clock),
        importer=importer,
        reader=READER,
        writer=WRITER,
        usage=UsageReporter(runtime),
        spool_dir=settings.spool_dir,
        max_bytes=settings.import_max_bytes,
    ).router()
