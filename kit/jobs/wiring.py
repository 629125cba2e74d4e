"""Puts the jobs of one service together."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

from kit.jobs.rows import COLLECTION, INDEXES, JobDocument, JobRows
from kit.jobs.worker import Step, Worker
from kit.leases import Lease
from kit.service import Background, Role, Runtime
from kit.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)
__all__ = ["DOCUMENTS", "INDEXES", "worker"]
DOCUMENTS: dict[str, type] = {COLLECTION: JobDocument}
_TURN = timedelta(seconds=10)


def worker(
    runtime: Runtime[S], rows: JobRows, steps: Mapping[str, Step]
) -> tuple[Worker, Background]:
    """Return who does the jobs of a service, and its place in the background."""
    turn = Lease(runtime.database["leases"], "jobs", runtime.instance, _TURN, runtime.clock)
    found = Worker(rows, steps, turn, runtime.clock)
    return found, Background(Role.API, found.run)
