"""Search over test executions."""

from kit.service import Runtime
from services.executions.adapters.mongo.search import ExecutionSearch
from services.executions.api.search import SearchRoutes
from services.executions.composition.adapters import Adapters
from services.executions.settings import ExecutionsSettings
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.search import SearchExecutions


def routes(
    runtime: Runtime[ExecutionsSettings], adapters: Adapters, fields: CustomFields
) -> SearchRoutes:
    """Wire what the route needs."""
    settings = runtime.settings
    executions = ExecutionSearch(runtime.database, settings.search_seconds)
    found = SearchExecutions(
        executions, adapters.uploads, adapters.projection, adapters.owner, fields, runtime.flags
    )
    return SearchRoutes(found, fields, settings.api_base)
