"""Requests to a site: built once, proved by what the credential is. Source: facts.md 3."""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import jwt
import orjson

from kit.clock import Clock
from kit.errors import Forbidden
from services.tenancy.domain.forge import ApiHosts
from services.tenancy.domain.qsh import query_string_hash
from services.tenancy.domain.sites import BadSite, SiteRules
from services.tenancy.usecases.jira import ConnectSecret, JiraSite

_TOKEN_LIFE = timedelta(seconds=180)
Query = Sequence[tuple[str, str | int]]


class Base(Enum):
    """What a path is relative to."""

    SITE = "the site's REST API"
    ORIGIN = "the host, with the credential: Forge's own API beside the sites"
    OPEN = "the host, without any credential"


class SignedRequests:
    """Builds requests to allowed hosts only."""

    def __init__(self, app_key: str, rules: SiteRules, apis: ApiHosts, clock: Clock) -> None:
        self.app_key = app_key
        self._rules = rules
        self._apis = apis
        self._clock = clock

    def exempt(self, host: str) -> bool:
        """Whether a host is a stand-in's, which may be on this machine."""
        gateway = self._apis.relaxed and host in self._apis.hosts
        return self._rules.exempt(host) or gateway

    def build(
        self,
        http: httpx.AsyncClient,
        site: JiraSite,
        method: str,
        path: str,
        *,
        query: Query,
        json: Any,
        base: Base,
    ) -> httpx.Request:
        """Return a request; raise ``Forbidden`` for a host that is not allowed (any more)."""
        if not path.startswith("/"):
            raise ValueError("a path begins with a slash")
        url = self._root(site, base) + path
        if query:
            url += "?" + "&".join(f"{_encoded(n)}={_encoded(str(v))}" for n, v in query)
        content = None if json is None else orjson.dumps(json)
        request = http.build_request(method, url, content=content)
        if content is not None:
            request.headers["content-type"] = "application/json"
        if base is not Base.OPEN:
            request.headers["authorization"] = self._authorization(site, request)
        return request

    def _root(self, site: JiraSite, base: Base) -> str:
        if isinstance(site.credential, ConnectSecret):
            try:
                return self._rules.normalised(site.base_url)
            except BadSite:
                raise Forbidden(
                    "The Jira site's host is not allowed (any more): OSTRO_JIRA_HOSTS does not "
                    "name it, or OSTRO_JIRA_ALLOW_HTTP is not set for a site with http or a port."
                ) from None
        if self._apis.cloud_of(site.base_url) is None:
            raise Forbidden(
                "The host of Forge's API is not allowed (any more): OSTRO_FORGE_API_HOSTS does not "
                "name it."
            )
        parts = urlsplit(site.base_url)
        return site.base_url if base is Base.SITE else f"{parts.scheme}://{parts.netloc}"

    def _authorization(self, site: JiraSite, request: httpx.Request) -> str:
        credential = site.credential
        if not isinstance(credential, ConnectSecret):
            return f"Bearer {credential.token.reveal().decode()}"
        now = self._clock.now()
        claims = {
            "iss": self.app_key,
            "iat": int(now.timestamp()),
            "exp": int((now + _TOKEN_LIFE).timestamp()),
            # of what httpx will send, not of what we asked it to
            "qsh": query_string_hash(request.method, request.url.raw_path.decode("ascii"), ""),
        }
        return f"JWT {jwt.encode(claims, credential.secret.reveal(), algorithm='HS256')}"


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
