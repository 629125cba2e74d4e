"""Which document stands in which collection, for the data inventory."""

from services.executions.adapters.mongo import ledger, testcycles, testexecutions, uploads
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import LedgerRow, TestExecution

DOCUMENTS: dict[str, type] = {
    uploads.COLLECTION: uploads.UploadRow,
    testcycles.COLLECTION: TestCycle,
    testexecutions.COLLECTION: TestExecution,
    ledger.COLLECTION: LedgerRow,
}
