"""Uploads, and what limits them: settings, and flags where something is decided for a tenant."""

import orjson

from contracts.flags import UNSTORED_RESULTS, UPLOAD_RESULTS, UPLOAD_WAIT
from kit.counters import Counters
from kit.flags import Flags
from kit.service import Runtime
from services.executions.adapters.chunks import ChunkPublisher
from services.executions.composition.adapters import Adapters
from services.executions.settings import ExecutionsSettings
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.uploadports import Limits, LimitsOf
from services.executions.usecases.uploads import Uploads


def uploads(
    runtime: Runtime[ExecutionsSettings], adapters: Adapters, fields: CustomFields
) -> Uploads:
    """Wire them."""
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
        limits=limits_of(runtime.flags, runtime.settings),
        parallel=runtime.settings.upload_parallel,
        serialise=orjson.dumps,
        clock=runtime.clock,
        ids=runtime.ids,
    )


def limits_of(flags: Flags, settings: ExecutionsSettings) -> LimitsOf:
    """Return what looks a tenant's limits up."""

    def limits(tenant: str) -> Limits:
        return Limits(
            flags.value(tenant, UPLOAD_WAIT, settings.upload_wait_seconds),
            flags.value(tenant, UPLOAD_RESULTS, settings.upload_max_results),
            flags.value(tenant, UNSTORED_RESULTS, settings.max_unstored_results),
            settings.max_queue_age_seconds,
        )

    return limits
