"""Events and notices of pages inside Jira."""

from kit.auth.limits import RateLimiter
from services.telemetry.adapters.allowance import BrowserAllowance
from services.telemetry.adapters.browser_callers import BrowserCallers
from services.telemetry.adapters.usage_topic import UsageTopic
from services.telemetry.api import events, notices
from services.telemetry.composition import beamer
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.usecases.browser_events import BrowserEvents


async def build(common: Common) -> Piece:
    """Wire the routes."""
    runtime, settings = common.runtime, common.runtime.settings
    limiter = RateLimiter(runtime.database, settings.browser_site_per_minute, runtime.clock)
    allowance = BrowserAllowance(
        limiter, settings.browser_per_minute, settings.browser_site_per_minute
    )
    taking = BrowserEvents(
        common.directory,
        common.keys,
        allowance,
        UsageTopic(runtime.publisher, runtime.names),
        runtime.clock,
        runtime.ids,
    )
    callers = BrowserCallers(runtime.peers["tenancy"])
    client = beamer.client(common)
    shown = beamer.notices(common, client)
    return Piece(
        public=[
            events.router(taking, callers.of),
            notices.router(shown, taking.admit, callers.of),
        ],
        closers=[] if client is None else [client.close],
    )
