"""Calls to a Jira site with the app's own token. Source: facts.md 3."""

from datetime import timedelta
from urllib.parse import quote

import httpx
import jwt
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from kit.clock import Clock
from kit.errors import Forbidden, TooManyRequests, Unavailable
from services.tenancy.adapters.jira.http import FAILURES, client, send
from services.tenancy.domain.qsh import query_string_hash
from services.tenancy.domain.sites import BadSite, SiteRules
from services.tenancy.usecases.jira import JiraProject, JiraSite

log = structlog.get_logger(__name__)

_TIMEOUT_SECONDS = 5.0
_MAX_BYTES = 1024 * 1024
_TOKEN_LIFE = timedelta(seconds=180)
_RETRY_AFTER = 5
_MAX_RETRY_AFTER = 3600


class _ProjectBean(BaseModel):
    """What we read of ``GET /rest/api/3/project/{key}``; everything else is never taken in."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: int
    key: str


class JiraClient:
    """Signs the exact bytes of each request; calls allowed hosts only."""

    def __init__(
        self,
        app_key: str,
        sites: SiteRules,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._app_key = app_key
        self._sites = sites
        self._clock = clock
        self._http = client(
            [f"https://{host}" for host in sites.hosts], _TIMEOUT_SECONDS, transport
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def find(self, site: JiraSite, id_or_key: str) -> JiraProject | None:
        """Return a project as the app sees it."""
        body = await self._get(site, f"/rest/api/3/project/{quote(id_or_key, safe='')}")
        if body is None:
            return None
        try:
            bean = _ProjectBean.model_validate_json(body)
        except ValidationError:
            raise _down("an answer that is no project") from None
        return JiraProject(bean.id, bean.key)

    async def _get(self, site: JiraSite, target: str) -> bytes | None:
        """Return the body of a 200, None for a 404."""
        request = self._request(site, "GET", target)
        try:
            response, body = await send(self._http, request, _MAX_BYTES, _TIMEOUT_SECONDS)
        except FAILURES as error:
            raise _down(type(error).__name__) from None
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.status_code == httpx.codes.FORBIDDEN:
            raise Forbidden("Jira does not allow the app to read this.")
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise TooManyRequests(
                "Jira asks to be called less often.", retry_after=_retry_after(response)
            )
        if response.status_code != httpx.codes.OK:
            # a redirect after a rename, too: the new host comes with a signed install only
            raise _down(f"status {response.status_code}")
        return body

    def _request(self, site: JiraSite, method: str, target: str) -> httpx.Request:
        try:
            base_url = self._sites.normalised(site.base_url)
        except BadSite:
            raise Forbidden("The Jira site's host is not allowed any more.") from None
        request = self._http.build_request(
            method, base_url + target, headers={"accept": "application/json"}
        )
        # what httpx will send, not what we asked it to
        sent = request.url.raw_path.decode("ascii")
        now = self._clock.now()
        claims = {
            "iss": self._app_key,
            "iat": int(now.timestamp()),
            "exp": int((now + _TOKEN_LIFE).timestamp()),
            "qsh": query_string_hash(method, sent, ""),
        }
        token = jwt.encode(claims, site.secret.reveal(), algorithm="HS256")
        request.headers["authorization"] = f"JWT {token}"
        return request


def _down(cause: str) -> Unavailable:
    log.warning("Jira call failed", cause=cause)
    return Unavailable("The Jira site is not available; try again.", retry_after=_RETRY_AFTER)


def _retry_after(response: httpx.Response) -> int:
    text = response.headers.get("retry-after", "")
    return min(int(text), _MAX_RETRY_AFTER) if text.isdecimal() else _RETRY_AFTER
