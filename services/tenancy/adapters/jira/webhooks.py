"""Dynamic webhooks of a Jira site. Source: facts.md 5.1 and 5.5."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from pydantic import Field

from services.tenancy.adapters.jira.bean import Bean
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.domain.site_webhooks import SiteWebhook, jql_of, projects_of
from services.tenancy.domain.webhooks import ISSUE_EVENTS
from services.tenancy.usecases.jira import JiraSite
from services.tenancy.usecases.site_webhooks import FailedDelivery, FailedPage

log = structlog.get_logger(__name__)

_PATH = "/rest/api/3/webhook"
_EVENTS = sorted(ISSUE_EVENTS)
_PAGE = 100
_MAX_PAGES = 20
_MAX_FAILED_BYTES = 64 * 1024 * 1024
"""Twenty bodies of usual length, or one of the longest, written as JSON text."""


class _Webhook(Bean):
    id: int
    jql: str = Field("", alias="jqlFilter")
    events: list[str] = Field([])
    url: str | None = None
    expires: int | str | None = Field(None, alias="expirationDate")


class _Webhooks(Bean):
    values: list[_Webhook]
    last: bool = Field(default=True, alias="isLast")


class _Result(Bean):
    id: int | None = Field(None, alias="createdWebhookId")


class _Results(Bean):
    results: list[_Result] = Field(alias="webhookRegistrationResult", min_length=1)


class _Expiration(Bean):
    expires: int | str | None = Field(None, alias="expirationDate")


class _FailedWebhook(Bean):
    id: str
    body: str | None = None
    failed: int = Field(alias="failureTime")


class _FailedWebhooks(Bean):
    values: list[_FailedWebhook]
    most: int | None = Field(None, alias="maxResults")
    """Jira may allow fewer than were asked for."""


class HttpJiraWebhooks:
    """Implements ``JiraWebhooks``; ``url`` is what Jira shall call."""

    def __init__(self, caller: SiteCaller, url: str) -> None:
        self._caller = caller
        self._url = url

    async def listed(self, site: JiraSite) -> Sequence[SiteWebhook]:
        """Return all of the app's."""
        found: list[SiteWebhook] = []
        for page in range(_MAX_PAGES):
            query = (("startAt", str(page * _PAGE)), ("maxResults", str(_PAGE)))
            answer = await self._caller.request(site, "GET", _PATH, query=query)
            beans = answer.read(_Webhooks)
            found += [self._webhook(bean) for bean in beans.values]
            if beans.last:
                break
        return found

    async def register(self, site: JiraSite, projects: Sequence[int]) -> int | None:
        """Register one; return its id, None when the result is an error."""
        details = {"events": _EVENTS, "jqlFilter": jql_of(projects)}
        answer = await self._caller.request(
            site, "POST", _PATH, json={"url": self._url, "webhooks": [details]}
        )
        return answer.read(_Results).results[0].id

    async def remove(self, site: JiraSite, webhooks: Sequence[int]) -> None:
        """Remove by id."""
        await self._caller.request(site, "DELETE", _PATH, json={"webhookIds": list(webhooks)})

    async def refresh(self, site: JiraSite, webhooks: Sequence[int]) -> datetime:
        """Refresh by id; Jira answers one date for all, known or not."""
        answer = await self._caller.request(
            site, "PUT", f"{_PATH}/refresh", json={"webhookIds": list(webhooks)}
        )
        return _moment(answer.read(_Expiration).expires)

    async def failed(self, site: JiraSite, after: int, size: int) -> FailedPage:
        """Return one page."""
        answer = await self._caller.request(
            site,
            "GET",
            f"{_PATH}/failed",
            query=(("after", str(after)), ("maxResults", str(size))),
            max_bytes=_MAX_FAILED_BYTES,
        )
        found = answer.read(_FailedWebhooks)
        most = size if found.most is None else min(size, found.most)
        return FailedPage(
            [FailedDelivery(v.id, v.body, v.failed) for v in found.values],
            full=len(found.values) >= most,
        )

    def _webhook(self, bean: _Webhook) -> SiteWebhook:
        ours = sorted(bean.events) == _EVENTS and bean.url in {None, self._url}
        projects = projects_of(bean.jql) if ours else None
        return SiteWebhook(bean.id, projects or (), _moment(bean.expires))


def _moment(value: int | str | None) -> datetime:
    """Read an expiration: the schema has milliseconds, the examples a date.

    What cannot be read counts as over, so that a refresh follows.
    """
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value / 1000, UTC)
        found = datetime.fromisoformat(value or "")
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
