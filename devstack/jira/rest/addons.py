"""The app's own record on the site, with its licence (facts.md 7)."""

from typing import Any

from devstack.jira import demo
from devstack.jira.model import Installation, LicenceState
from devstack.jira.rest.operation import Ask, Operation, Reply, errors

_ENTITLEMENT = "8f3a1d52-6d1b-4f0e-9b53-2f7d1e6c9a10"


def _licence(state: LicenceState) -> dict[str, Any] | None:
    if state in ("unlicensed_free", "none_page"):
        return None
    return {
        "active": state != "expired",
        "type": "COMMERCIAL",
        "evaluation": state == "evaluation",
        "supportEntitlementNumber": "SEN-1234567",
        "entitlementId": _ENTITLEMENT,
        "entitlementNumber": "E-1AB-2CD-3EF-4GH",
    }


def _shown(ask: Ask, app: Installation) -> dict[str, Any]:
    admin = ask.site.users.get(demo.ADMIN)
    contacts = [{"name": admin.display_name, "email": admin.email}] if admin else []
    bean: dict[str, Any] = {
        "key": app.app_key,
        "version": "1.0.0-AC",
        "state": "ENABLED",
        # Always there, to prove that an app drops it: it is personal data.
        "host": {"product": "Jira", "contacts": contacts},
        "links": {
            "marketplace": [],
            "self": [{"href": ask.link(f"/rest/atlassian-connect/1/addons/{app.app_key}")}],
        },
    }
    licence = _licence(app.licence)
    if licence is not None:
        bean["license"] = licence
    return bean


def read(ask: Ask) -> Reply:
    if ask.app is None or ask.path["addonKey"] != ask.app.app_key:
        return errors(404, f"Add-on with key {ask.path['addonKey']} not found.")
    return Reply(200, _shown(ask, ask.app))


OPERATIONS = (
    Operation("GET", "/rest/atlassian-connect/1/addons/{addonKey}", None, read, anonymous=False),
)
