"""Reading and checking the app descriptor (facts.md 1)."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

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
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Descriptor:
    key: str
    name: str
    base_url: str
    lifecycle: dict[str, str]
    scopes: list[str]


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


def _webhook_problems(modules: object) -> list[str]:
    hooks = modules.get("webhooks", []) if isinstance(modules, dict) else []
    problems = []
    for position, hook in enumerate(hooks):
        place = f"modules.webhooks[{position}]"
        if not 0 < len(str(hook.get("event", ""))) <= MAX_EVENT:
            problems.append(f"{place}.event must have 1 to {MAX_EVENT} characters")
        if not str(hook.get("url", "")).startswith("/"):
            problems.append(f"{place}.url must be relative to baseUrl")
        if len(str(hook.get("filter", ""))) > MAX_FILTER:
            problems.append(f"{place}.filter is longer than {MAX_FILTER} characters")
    return problems


def parse(raw: Any) -> Descriptor:
    """Raises DescriptorError with every problem found."""
    if not isinstance(raw, dict):
        raise DescriptorError(["the descriptor is not a JSON object"])
    problems = [
        *_base_url_problems(raw.get("baseUrl")),
        *_lifecycle_problems(raw.get("lifecycle")),
        *_scope_problems(raw.get("scopes", [])),
        *_webhook_problems(raw.get("modules", {})),
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
    )
