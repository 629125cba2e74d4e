"""Reading and checking the app descriptor (facts.md 1)."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from devstack.jira.changes.happening import EVENTS, URL_VARIABLES
from devstack.jira.model import ModuleWebhook
from devstack.jira.webhooks.jql import JqlError, parsed
from devstack.jira.webhooks.targets import variables_in

HOOKS = ("installed", "enabled", "disabled", "uninstalled")
SCOPES = frozenset(
    {
        "NONE",
        "READ",
        "WRITE",
        "DELETE",
        "PROJECT_ADMIN",
        "ADMIN",
        "ACT_AS_USER",
        "ACCESS_EMAIL_ADDRESSES",
    }
)
MAX_EVENT = 100
MAX_FILTER = 10_000
NOT_PLAYED = ("conditions", "propertyKeys")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Descriptor:
    key: str
    name: str
    base_url: str
    lifecycle: dict[str, str]
    scopes: list[str]
    webhooks: list[ModuleWebhook]


class DescriptorError(ValueError):
    """The host refuses the app; `problems` names each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _base_url_problems(value: object) -> list[str]:
    if not isinstance(value, str):
        return ["baseUrl must be a string"]
    parts = urlsplit(value)
    problems = []
    if value.endswith("/"):
        problems.append("baseUrl must not end with a slash")
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        problems.append("baseUrl must be an origin with an optional path")
    if parts.scheme not in ("https", "http"):
        problems.append("baseUrl must be https (http is a liberty of the stand-in)")
    return problems


def _lifecycle_problems(value: object) -> list[str]:
    if not isinstance(value, dict) or "installed" not in value:
        return ["lifecycle.installed is missing"]
    return [
        f"lifecycle.{hook} must be a path relative to baseUrl that begins with /"
        for hook in HOOKS
        if hook in value and not str(value[hook]).startswith("/")
    ]


def _scope_problems(value: object) -> list[str]:
    if not isinstance(value, list):
        return ["scopes must be a list"]
    return [f"unknown scope {scope!r}" for scope in value if scope not in SCOPES]


def _webhook_problems(modules: object, scopes: object) -> list[str]:
    hooks = modules.get("webhooks", []) if isinstance(modules, dict) else []
    problems = []
    if hooks and (not isinstance(scopes, list) or "READ" not in scopes):
        problems.append("modules.webhooks need the scope READ")
    for position, hook in enumerate(hooks):
        place = f"modules.webhooks[{position}]"
        problems += [f"{place}.{problem}" for problem in _problems_of_webhook(hook)]
    return problems


def _problems_of_webhook(hook: dict[str, Any]) -> list[str]:
    event, url, jql = str(hook.get("event", "")), str(hook.get("url", "")), hook.get("filter", "")
    problems = []
    if not 0 < len(event) <= MAX_EVENT:
        problems.append(f"event must have 1 to {MAX_EVENT} characters")
    elif event not in EVENTS:
        problems.append(f"event {event!r} is not known to the stand-in")
    if not url.startswith("/"):
        problems.append("url must be relative to baseUrl")
    unknown = variables_in(url) - URL_VARIABLES
    problems += [f"url has the unknown variable {name}" for name in sorted(unknown)]
    if len(str(jql)) > MAX_FILTER:
        problems.append(f"filter is longer than {MAX_FILTER} characters")
    try:
        parsed(str(jql))
    except JqlError as error:
        problems.append(f"filter: {error}")
    problems += [f"{name} is not played by the stand-in" for name in NOT_PLAYED if name in hook]
    return problems


def parse(raw: Any) -> Descriptor:
    """Raises DescriptorError with every problem found."""
    if not isinstance(raw, dict):
        raise DescriptorError(["the descriptor is not a JSON object"])
    problems = [
        *_base_url_problems(raw.get("baseUrl")),
        *_lifecycle_problems(raw.get("lifecycle")),
        *_scope_problems(raw.get("scopes", [])),
        *_webhook_problems(raw.get("modules", {}), raw.get("scopes")),
    ]
    if not _KEY.fullmatch(str(raw.get("key", ""))):
        problems.append("key must match [A-Za-z0-9._-]{1,64}")
    if not isinstance(raw.get("authentication"), dict) or (
        raw["authentication"].get("type") != "jwt"
    ):
        problems.append("authentication.type must be jwt, the app has lifecycle hooks")
    if problems:
        raise DescriptorError(problems)
    return Descriptor(
        key=raw["key"],
        name=str(raw.get("name") or raw["key"]),
        base_url=raw["baseUrl"],
        lifecycle={hook: raw["lifecycle"][hook] for hook in HOOKS if hook in raw["lifecycle"]},
        scopes=list(raw.get("scopes", [])),
        webhooks=[
            ModuleWebhook(
                event=hook["event"],
                url=hook["url"],
                filter=hook.get("filter", ""),
                exclude_body=bool(hook.get("excludeBody", False)),
            )
            for hook in raw.get("modules", {}).get("webhooks", [])
        ],
    )
