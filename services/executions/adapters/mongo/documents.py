"""Which document stands in which collection, for the data inventory."""

from kit.attachments import wiring as attachment_wiring
from kit.jobs import wiring as job_wiring
from kit.segments import blocks as segment_blocks
from kit.segments import summaries as segment_summaries
from kit.transfer import rows as import_rows
from services.executions.adapters.mongo import (
    deletedissues,
    ledger,
    runsummaries,
    testcycles,
    testexecutions,
    testplans,
    uploads,
    versions,
)
from services.executions.domain.deletedissues import DeletedIssue
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import LedgerRow, TestExecution
from services.executions.domain.testplans import TestPlan
from services.executions.domain.versions import RemovedVersion

DOCUMENTS: dict[str, type] = {
    uploads.COLLECTION: uploads.UploadRow,
    testcycles.COLLECTION: TestCycle,
    testplans.COLLECTION: TestPlan,
    testexecutions.COLLECTION: TestExecution,
    ledger.COLLECTION: LedgerRow,
    versions.COLLECTION: RemovedVersion,
    deletedissues.COLLECTION: DeletedIssue,
    segment_blocks.BLOCKS: segment_blocks.StoredBlock,
    runsummaries.COLLECTION: segment_summaries.StoredSummary,
    import_rows.COLLECTION: import_rows.ImportDocument,
    **attachment_wiring.DOCUMENTS,
    **job_wiring.DOCUMENTS,
}
