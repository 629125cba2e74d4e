"""One way to call a Jira site: signed, guarded, bounded, tried again. Others compose it.

Source: facts.md 2.7 and 3. Of Jira's answers only status and kind of failure are logged.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import structlog
from pydantic import TypeAdapter, ValidationError

from kit.clock import Clock
from kit.errors import Forbidden, OstroError, TooManyRequests, Unavailable
from kit.ids import Ids
from kit.version import VERSION
from services.tenancy.adapters.jira.addresses import AddressRefused, Resolve, SiteTransport, resolve
from services.tenancy.adapters.jira.http import FAILURES, TooMuch, send
from services.tenancy.adapters.jira.lanes import IN_ALL, Lanes
from services.tenancy.adapters.jira.retries import (
    RETRIED,
    TOTAL_SECONDS,
    TRIES,
    LoopPace,
    Pace,
    pause_after,
    retry_after,
)
from services.tenancy.adapters.jira.signed import Base, Query, SignedRequests
from services.tenancy.domain.forge import ApiHosts
from services.tenancy.domain.sites import SiteRules
from services.tenancy.metrics import JIRA_ANSWERS
from services.tenancy.usecases.jira import CredentialRefused, JiraSite, SiteSource

log = structlog.get_logger(__name__)
T = TypeVar("T")

_TRY_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
_MAX_BYTES = 1024 * 1024
_RETRY_AFTER = 5
_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})


@dataclass(frozen=True)
class Answer:
    """A status that the caller of ``request`` expects, and the body."""

    status: int
    body: bytes = field(repr=False)

    def read(self, shape: type[T]) -> T:
        """Parse and validate the body; raise ``Unavailable`` for anything else."""
        try:
            return TypeAdapter(shape).validate_json(self.body)
        except ValidationError:
            # its text would hold the values
            raise _down("an answer of another shape") from None


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    query: Query
    json: Any
    base: Base
    expect: Collection[int]
    idempotent: bool
    max_bytes: int


class SiteCaller:
    """Calls allowed hosts only, and proves itself with what the site's credential is."""

    def __init__(
        self,
        app_key: str,
        rules: SiteRules,
        apis: ApiHosts,
        source: SiteSource,
        clock: Clock,
        ids: Ids,
        *,
        pace: Pace | None = None,
        resolve: Resolve = resolve,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._requests = SignedRequests(app_key, rules, apis, clock)
        self._source = source
        self._clock = clock
        self._ids = ids
        self._pace = pace or LoopPace()
        self._lanes = Lanes(self._pace)
        limits = httpx.Limits(max_connections=IN_ALL, max_keepalive_connections=IN_ALL)
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(_TRY_SECONDS, connect=_CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,  # the transport knows of proxies
            transport=transport or SiteTransport(self._requests.exempt, limits, resolve),
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": f"Ostro/{VERSION}",
            },
        )

    @property
    def app_key(self) -> str:
        """Return the key that the app has on every site."""
        return self._requests.app_key

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(
        self,
        site: JiraSite,
        method: str,
        path: str,
        *,
        query: Query = (),
        json: Any = None,
        base: Base = Base.SITE,
        expect: Collection[int] = (),
        idempotent: bool | None = None,
        max_bytes: int = _MAX_BYTES,
    ) -> Answer:
        """Call ``path`` (encoded, from ``/`` on) and return a 2xx, a 404 or an expected status.

        Raises what ``usecases.jira`` names. ``idempotent`` says of a POST that it may be sent
        twice; GET, PUT and DELETE may.
        """
        may_repeat = method in _IDEMPOTENT if idempotent is None else idempotent
        call = _Call(method, path, query, json, base, {404, *expect}, may_repeat, max_bytes)
        answer = await self._tried(site, call)
        if answer.status != httpx.codes.UNAUTHORIZED or base is Base.OPEN:
            return answer
        # another replica may have taken a new secret in since ours was read
        fresh = await self._source.find(site.tenant)
        if fresh is not None and fresh != site:
            answer = await self._tried(fresh, call)
        if answer.status == httpx.codes.UNAUTHORIZED:
            log.warning("Jira refuses the app's credentials", tenant=site.tenant)
            raise CredentialRefused
        return answer

    async def _tried(self, site: JiraSite, call: _Call) -> Answer:
        """Return an expected answer or a 401, after as many tries as there is time for."""
        deadline = self._pace.seconds() + TOTAL_SECONDS
        for attempt in range(TRIES):
            outcome = await self._once(site, call, deadline - self._pace.seconds())
            if isinstance(outcome, Answer):
                return outcome
            pause = max(pause_after(attempt, self._ids), outcome.wait or 0)
            over = self._pace.seconds() + pause >= deadline
            if not outcome.again or over or attempt == TRIES - 1:
                raise outcome.error
            await self._pace.sleep(pause)
        raise AssertionError("the last try returns or raises")

    async def _once(self, site: JiraSite, call: _Call, seconds: float) -> "Answer | _Failed":
        request = self._requests.build(
            self._http,
            site,
            call.method,
            call.path,
            query=call.query,
            json=call.json,
            base=call.base,
        )
        try:
            async with self._lanes.lane(site.tenant):
                response, body = await send(
                    self._http, request, call.max_bytes, min(seconds, _TRY_SECONDS)
                )
        except AddressRefused:
            log.warning("Jira site on a private address", tenant=site.tenant)
            raise Forbidden("The Jira site's host is not allowed.") from None
        except FAILURES as error:
            self._lanes.failed(site.tenant)
            JIRA_ANSWERS.labels("none").inc()
            unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            again = (call.idempotent and not isinstance(error, TooMuch)) or unsent
            return _Failed(_down(type(error).__name__, site), again)
        return self._judged(site, call, response, body)

    def _judged(
        self, site: JiraSite, call: _Call, response: httpx.Response, body: bytes
    ) -> "Answer | _Failed":
        status = response.status_code
        JIRA_ANSWERS.labels(_kind(status)).inc()
        if status >= 500:
            self._lanes.failed(site.tenant)
        else:
            self._lanes.worked(site.tenant)
        wanted = response.is_success or status in call.expect
        if wanted or (status == httpx.codes.UNAUTHORIZED and call.base is not Base.OPEN):
            return Answer(status, body)
        if status == httpx.codes.FORBIDDEN:
            log.warning("Jira call refused", tenant=site.tenant, status=status)
            return _Failed(Forbidden("Jira does not allow the app to do this."), again=False)
        wait = retry_after(response.headers.get("retry-after"), self._clock.now())
        if status == httpx.codes.TOO_MANY_REQUESTS:
            log.warning("Jira call failed", tenant=site.tenant, status=status)
            busy = TooManyRequests(
                "Jira asks to be called less often.",
                retry_after=_RETRY_AFTER if wait is None else wait,
            )
            return _Failed(busy, again=True, wait=wait)
        # a redirect after a rename, too: the new host comes with a signed install only
        again = status in RETRIED and call.idempotent
        return _Failed(_down(f"status {status}", site, wait), again, wait)


@dataclass(frozen=True)
class _Failed:
    error: OstroError
    again: bool
    wait: int | None = None


def _down(cause: str, site: JiraSite | None = None, wait: int | None = None) -> Unavailable:
    log.warning("Jira call failed", cause=cause, tenant=None if site is None else site.tenant)
    return Unavailable(
        "The Jira site is not available; try again.",
        retry_after=_RETRY_AFTER if wait is None else max(wait, 1),
    )


def _kind(status: int) -> str:
    if status in {401, 403, 404, 429}:
        return str(status)
    return {2: "ok", 5: "5xx"}.get(status // 100, "other")
