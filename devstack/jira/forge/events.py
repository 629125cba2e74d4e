"""Names and bodies of what Forge tells the app (facts.md 10.3)."""

from typing import Any

from devstack.jira.changes.happening import Happening
from devstack.jira.forge.app import ForgeApp
from devstack.jira.model import ForgeInstallation, Site

INSTALLED, UPGRADED = "avi:forge:installed:app", "avi:forge:upgraded:app"
_SUBJECTS = {
    "jira:issue": "issue",
    "issuelink": "issuelink",
    "project": "project",
    "jira:version": "version",
    "component": "component",
    "user": "user",
}
_VERBS = {"soft_deleted": "softdeleted", "restored_deleted": "restored"}
_ARCHIVE = {"archived": "archived", "restored_archived": "unarchived"}


def event_name(webhook_event: str) -> str | None:
    """`avi:jira:updated:issue` for `jira:issue_updated`; None for what Forge does not tell."""
    for prefix, subject in _SUBJECTS.items():
        if webhook_event.startswith(f"{prefix}_"):
            verb = webhook_event.removeprefix(f"{prefix}_")
            return f"avi:jira:{(_VERBS | _ARCHIVE).get(verb, verb)}:{subject}"
    return None


def product_body(name: str, happening: Happening) -> dict[str, Any]:
    """A product event: the same beans as in a webhook, another envelope."""
    kept = {key: value for key, value in happening.body.items() if key != "user"}
    if "user" in happening.body and ":user" in name:
        kept["user"] = happening.body["user"]
    return {"eventType": name, "atlassianId": happening.actor, "selfGenerated": False, **kept}


def lifecycle_body(
    name: str, site: Site, app: ForgeApp, installed: ForgeInstallation, account_id: str
) -> dict[str, Any]:
    who = "installerAccountId" if name == INSTALLED else "upgraderAccountId"
    return {
        "eventType": name,
        "id": installed.id,
        who: account_id,
        "app": {"id": app.app_id, "version": installed.version},
        "environment": {"id": app.environment_id},
        "context": f"ari:cloud:jira::site/{site.cloud_id}",
    }
