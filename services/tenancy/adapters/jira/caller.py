"""One way to call a Jira site: signed, guarded, bounded, tried again. Others compose it.

Source: facts.md 2.7 and 3. Of Jira's answers only status and kind of failure are logged.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import jwt
import orjson
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
from services.tenancy.domain.forge import ApiHosts
from services.tenancy.domain.qsh import query_string_hash
from services.tenancy.domain.sites import BadSite, SiteRules
from services.tenancy.usecases.jira import (
    ConnectSecret,
    CredentialRefused,
    JiraSite,
    SiteSource,
)

log = structlog.get_logger(__name__)
T = TypeVar("T")

_TRY_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
_MAX_BYTES = 1024 * 1024
_TOKEN_LIFE = timedelta(seconds=180)
_RETRY_AFTER = 5
_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
Query = Sequence[tuple[str, str | int]]


class Base(Enum):
    """What a path is relative to."""

    SITE = "the site's REST API"
    ORIGIN = "the host, with the credential: Forge's own API beside the sites"
    OPEN = "the host, without any credential"


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
        self._app_key = app_key
        self._rules = rules
        self._apis = apis
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
            transport=transport or SiteTransport(self._exempt, limits, resolve),
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": f"Ostro/{VERSION}",
            },
        )

    @property
    def app_key(self) -> str:
        """Return the key that the app has on every site."""
        return self._app_key

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
    ) -> Answer:
        """Call ``path`` (encoded, from ``/`` on) and return a 2xx, a 404 or an expected status.

        Raises what ``usecases.jira`` names. ``idempotent`` says of a POST that it may be sent
        twice; GET, PUT and DELETE may.
        """
        may_repeat = method in _IDEMPOTENT if idempotent is None else idempotent
        call = _Call(method, path, query, json, base, {404, *expect}, may_repeat)
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
        request = self._built(site, call)
        try:
            async with self._lanes.lane(site.tenant):
                response, body = await send(
                    self._http, request, _MAX_BYTES, min(seconds, _TRY_SECONDS)
                )
        except AddressRefused:
            log.warning("Jira site on a private address", tenant=site.tenant)
            raise Forbidden("The Jira site's host is not allowed.") from None
        except FAILURES as error:
            self._lanes.failed(site.tenant)
            unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            again = (call.idempotent and not isinstance(error, TooMuch)) or unsent
            return _Failed(_down(type(error).__name__, site), again)
        return self._judged(site, call, response, body)

    def _judged(
        self, site: JiraSite, call: _Call, response: httpx.Response, body: bytes
    ) -> "Answer | _Failed":
        status = response.status_code
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

    def _built(self, site: JiraSite, call: _Call) -> httpx.Request:
        if not call.path.startswith("/"):
            raise ValueError("a path begins with a slash")
        url = self._root(site, call.base) + call.path
        if call.query:
            url += "?" + "&".join(f"{_encoded(n)}={_encoded(str(v))}" for n, v in call.query)
        content = None if call.json is None else orjson.dumps(call.json)
        request = self._http.build_request(call.method, url, content=content)
        if content is not None:
            request.headers["content-type"] = "application/json"
        if call.base is not Base.OPEN:
            request.headers["authorization"] = self._authorization(site, request)
        return request

    def _root(self, site: JiraSite, base: Base) -> str:
        if isinstance(site.credential, ConnectSecret):
            try:
                return self._rules.normalised(site.base_url)
            except BadSite:
                raise Forbidden("The Jira site's host is not allowed any more.") from None
        if self._apis.cloud_of(site.base_url) is None:
            raise Forbidden("The host of Forge's API is not allowed any more.")
        parts = urlsplit(site.base_url)
        return site.base_url if base is Base.SITE else f"{parts.scheme}://{parts.netloc}"

    def _authorization(self, site: JiraSite, request: httpx.Request) -> str:
        credential = site.credential
        if not isinstance(credential, ConnectSecret):
            return f"Bearer {credential.token.reveal().decode()}"
        now = self._clock.now()
        claims = {
            "iss": self._app_key,
            "iat": int(now.timestamp()),
            "exp": int((now + _TOKEN_LIFE).timestamp()),
            # of what httpx will send, not of what we asked it to
            "qsh": query_string_hash(request.method, request.url.raw_path.decode("ascii"), ""),
        }
        return f"JWT {jwt.encode(claims, credential.secret.reveal(), algorithm='HS256')}"

    def _exempt(self, host: str) -> bool:
        gateway = self._apis.relaxed and host in self._apis.hosts
        return self._rules.exempt(host) or gateway


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


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
