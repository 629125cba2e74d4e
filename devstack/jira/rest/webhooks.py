"""Dynamic webhooks: registered, listed, refreshed, removed, and those that failed (facts.md 5)."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from devstack.jira.changes.happening import DYNAMIC_EVENTS
from devstack.jira.model import DynamicWebhook, Installation
from devstack.jira.rest.operation import Ask, BadRequest, Operation, Reply, page
from devstack.jira.webhooks.jql import JqlError, parsed
from devstack.standin.clock import iso

LIFE_SECONDS = 30 * 86400
KEPT_SECONDS = 72 * 3600
MAX_WEBHOOKS = 100


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Details(_Body):
    events: list[str]
    jql_filter: str = Field(alias="jqlFilter")
    field_ids: list[str] | None = Field(default=None, alias="fieldIdsFilter")
    property_keys: list[str] | None = Field(default=None, alias="issuePropertyKeysFilter")


class Registration(_Body):
    url: str
    webhooks: list[Details] = Field(min_length=1)


class Ids(_Body):
    webhook_ids: list[int] = Field(alias="webhookIds")


def _app(ask: Ask) -> Installation:
    """The caller, without what has expired meanwhile."""
    if ask.app is None:
        raise BadRequest("Only apps can use webhooks.")
    now = ask.world.clock.now()
    ask.app.dynamic_webhooks = [one for one in ask.app.dynamic_webhooks if one.expires_at > now]
    return ask.app


def _read(ask: Ask, model: type[BaseModel]) -> Any:
    try:
        return model.model_validate(ask.json())
    except ValidationError as error:
        raise BadRequest(f"Invalid request payload: {error.error_count()} errors.") from error


def _expiration(ask: Ask, at: float) -> str | int:
    """The schema says a number, the examples show a text; the policy chooses."""
    if ask.world.state.policy.webhook_expiration == "number":
        return int(at * 1000)
    return iso(at).replace("+00:00", "+0000")


def _problems(app: Installation, url: str, wanted: Details) -> list[str]:
    found = [
        f"The event {event} is not supported for dynamic webhooks."
        for event in wanted.events
        if event not in DYNAMIC_EVENTS
    ]
    if not wanted.events:
        found.append("At least one event is required.")
    if wanted.property_keys is not None:
        found.append("issuePropertyKeysFilter is not played by the stand-in.")
    if any(one.url != url for one in app.dynamic_webhooks):
        found.append("Only a single URL per app is allowed to be registered via REST API.")
    if len(app.dynamic_webhooks) >= MAX_WEBHOOKS:
        found.append(f"No more than {MAX_WEBHOOKS} webhooks can be registered.")
    try:
        parsed(wanted.jql_filter)
    except JqlError as error:
        found.append(str(error))
    return found


def register(ask: Ask) -> Reply:
    """200 with a result or errors for each; 400 only for a URL that is not the app's."""
    app, wanted = _app(ask), _read(ask, Registration)
    if not wanted.url.startswith(app.app_base_url.rstrip("/") + "/"):
        raise BadRequest("The webhook URL must begin with the base URL of the app.")
    results: list[dict[str, Any]] = []
    for one in wanted.webhooks:
        problems = _problems(app, wanted.url, one)
        if problems:
            results.append({"errors": problems})
            continue
        number = ask.site.next_number("dynamic-webhook", first=10_000)
        app.dynamic_webhooks.append(
            DynamicWebhook(
                id=number,
                url=wanted.url,
                events=one.events,
                jql_filter=one.jql_filter,
                field_ids=one.field_ids,
                expires_at=ask.world.clock.now() + LIFE_SECONDS,
            )
        )
        results.append({"createdWebhookId": number})
    ask.world.save()
    return Reply(200, {"webhookRegistrationResult": results})


def listed(ask: Ask) -> Reply:
    found = []
    for one in _app(ask).dynamic_webhooks:
        bean = {
            "id": one.id,
            "url": one.url,
            "jqlFilter": one.jql_filter,
            "events": one.events,
            "expirationDate": _expiration(ask, one.expires_at),
        }
        if one.field_ids is not None:
            bean["fieldIdsFilter"] = one.field_ids
        found.append(bean)
    return page(ask, "/rest/api/3/webhook", found, 100, 100)


def remove(ask: Ask) -> Reply:
    """Unknown ids are ignored."""
    app, wanted = _app(ask), _read(ask, Ids)
    app.dynamic_webhooks = [one for one in app.dynamic_webhooks if one.id not in wanted.webhook_ids]
    ask.world.save()
    return Reply(202)


def refresh(ask: Ask) -> Reply:
    """One date for the whole call, whether or not each id is known."""
    app, wanted = _app(ask), _read(ask, Ids)
    until = ask.world.clock.now() + LIFE_SECONDS
    for one in app.dynamic_webhooks:
        if one.id in wanted.webhook_ids:
            one.expires_at = until
    ask.world.save()
    return Reply(200, {"expirationDate": _expiration(ask, until)})


def failed(ask: Ask) -> Reply:
    """Given up within the last 72 hours, oldest first; `after` is a failure time in ms."""
    app, now = _app(ask), ask.world.clock.now()
    app.failed_webhooks = [one for one in app.failed_webhooks if one.failed_at > now - KEPT_SECONDS]
    after, size = ask.number("after", 0, 2**53), ask.number("maxResults", 100, 100)
    found = sorted(
        (one for one in app.failed_webhooks if int(one.failed_at * 1000) > after),
        key=lambda one: one.failed_at,
    )
    values = [
        {
            "id": one.identifier,
            "url": one.url,
            "body": one.body,
            "failureTime": int(one.failed_at * 1000),
        }
        for one in found[:size]
    ]
    content: dict[str, Any] = {"values": values, "maxResults": size}
    if len(found) > size:
        last = values[-1]["failureTime"]
        content["next"] = ask.link(f"/rest/api/3/webhook/failed?after={last}&maxResults={size}")
    return Reply(200, content)


WEBHOOK = "/rest/api/3/webhook"
OPERATIONS = (
    Operation(
        "GET", WEBHOOK, "READ", listed, frozenset({"startAt", "maxResults"}), anonymous=False
    ),
    Operation("POST", WEBHOOK, "READ", register, anonymous=False),
    Operation("DELETE", WEBHOOK, "READ", remove, anonymous=False),
    Operation("PUT", WEBHOOK + "/refresh", "READ", refresh, anonymous=False),
    Operation(
        "GET",
        WEBHOOK + "/failed",
        "READ",
        failed,
        frozenset({"after", "maxResults"}),
        anonymous=False,
    ),
)
