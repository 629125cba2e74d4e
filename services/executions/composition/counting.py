"""How test executions are counted: summaries of their segments, and who makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from kit.leases import Lease
from kit.segments.known import Segments
from kit.segments.making import Making
from kit.segments.summaries import Summaries
from kit.service import Background, Role, Runtime
from services.executions.adapters.mongo import runsummaries, testexecutions
from services.executions.adapters.mongo.runtotals import RunTotals
from services.executions.adapters.mongo.testexecutions import TestExecutionRepository
from services.executions.composition.adapters import Adapters
from services.executions.settings import ExecutionsSettings


@dataclass(frozen=True)
class Counting:
    """What reads executions, and what runs behind it."""

    executions: TestExecutionRepository
    background: Sequence[Background]


def wired(runtime: Runtime[ExecutionsSettings], adapters: Adapters) -> Counting:
    """Wire the summaries of executions."""
    database, claims = runtime.database, adapters.claims
    rows = database[testexecutions.COLLECTION]
    summaries = Summaries(database, runsummaries.COLLECTION)
    segments = Segments(database, summaries)
    turn = Lease(
        database["leases"], "run-summaries", runtime.instance, timedelta(seconds=60), runtime.clock
    )
    maker = runsummaries.RunSummaries(rows, segments, claims)
    making = Making(database, rows, segments, summaries, claims, maker, turn)
    totals = RunTotals(rows, segments, making.want)
    return Counting(
        TestExecutionRepository(database, totals),
        (Background(Role.API, making.run), Background(None, claims.run)),
    )
