"""The Forge manifest: rendered from the routes and the descriptor, so that it cannot drift.

Source: facts.md 9 and 10.4; ``@forge/manifest`` 13.7.0 accepts it (tests/conformance).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from services.tenancy.api.connect import descriptor
from services.tenancy.api.forge import Endpoint

REMOTE = "ostro"
RUNTIME = "nodejs22.x"
_SCOPES = ("read:jira-work", "read:jira-user")
"""What the routes that we call ask for, as an app. Source: facts.md 2.6."""
_CONNECT_SCOPES = ("read:connect-jira",)
_PLAIN = (bool, int, str)


def manifest(app_id: str, base_url: str, *, connect_key: str | None = None) -> dict[str, Any]:
    """Return the manifest of a Forge app on our remote.

    With the key of a Connect app it is the bridge: the Connect life goes on beside it.
    """
    found: dict[str, Any] = {
        "app": {"id": app_id, "runtime": {"name": RUNTIME}},
        "remotes": [
            {
                "key": REMOTE,
                "baseUrl": base_url,
                "operations": ["storage", "compute"],
                "storage": {"inScopeEUD": True},
            }
        ],
        "permissions": {"scopes": list(_SCOPES)},
        "modules": _modules(),
    }
    if connect_key is not None:
        found["app"]["connect"] = {"key": connect_key, "remote": REMOTE, "authentication": "jwt"}
        found["permissions"]["scopes"] += _CONNECT_SCOPES
        found["connectModules"] = _connect_modules(connect_key, base_url)
    return found


def _modules() -> dict[str, Any]:
    return {
        "trigger": [
            {"key": f"on-{endpoint.value}", "events": [event], "endpoint": endpoint.value}
            for endpoint, event in (
                (Endpoint.INSTALLED, "avi:forge:installed:app"),
                (Endpoint.UPGRADED, "avi:forge:upgraded:app"),
            )
        ],
        "scheduledTrigger": [
            {"key": "every-hour", "interval": "hour", "endpoint": Endpoint.REFRESH.value}
        ],
        "preUninstall": [{"key": "before-uninstall", "endpoint": Endpoint.UNINSTALLED.value}],
        "endpoint": [
            {
                "key": endpoint.value,
                "remote": REMOTE,
                "route": {"path": endpoint.path},
                "auth": {"appSystemToken": {"enabled": endpoint.needs_token}},
            }
            for endpoint in Endpoint
        ],
    }


def _connect_modules(connect_key: str, base_url: str) -> dict[str, Any]:
    """Return the descriptor's hooks and modules under their Forge names."""
    connect = descriptor(connect_key, base_url)
    hooks = {"key": "lifecycle", **connect["lifecycle"]}
    modules = {f"jira:{name}": list(found) for name, found in connect["modules"].items()}
    for number, webhook in enumerate(modules.get("jira:webhooks", ())):
        modules["jira:webhooks"][number] = {"key": f"webhook-{number + 1}", **webhook}
    return {"jira:lifecycle": [hooks], **modules}


def rendered(content: Mapping[str, Any]) -> str:
    """Return it as YAML in block style; each text is quoted as in JSON."""
    return "\n".join(_lines(content)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, _PLAIN):
                yield f"{name}: {json.dumps(inner)}"
            else:
                yield f"{name}:"
                yield from (f"  {line}" for line in _lines(inner))
        return
    for inner in value:
        if isinstance(inner, _PLAIN):
            yield f"- {json.dumps(inner)}"
            continue
        for number, line in enumerate(_lines(inner)):
            yield f"{'  ' if number else '- '}{line}"
