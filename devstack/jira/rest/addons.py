"""The app's own record on the site: licence (facts.md 7) and properties."""

import json
from typing import Any

from devstack.jira import demo
from devstack.jira.model import Installation
from devstack.jira.rest.operation import Ask, BadRequest, Operation, Reply, errors

CLIENT_KEY_PROPERTY = "connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8"
MAX_KEY = 127
_ENTITLEMENT = "8f3a1d52-6d1b-4f0e-9b53-2f7d1e6c9a10"


def _licence(app: Installation) -> dict[str, Any] | None:
    if app.licence in ("unlicensed_free", "none_page"):
        return None
    bean: dict[str, Any] = {
        "active": app.licence != "expired",
        "type": app.licence_type,
        "evaluation": app.licence == "evaluation",
        "supportEntitlementNumber": app.support_entitlement or "SEN-1234567",
    }
    if app.support_entitlement is None:
        bean |= {"entitlementId": _ENTITLEMENT, "entitlementNumber": "E-1AB-2CD-3EF-4GH"}
    return bean


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
    licence = _licence(app)
    if licence is not None:
        bean["license"] = licence
    return bean


def _own(ask: Ask) -> Installation | None:
    """The caller, when the path names it."""
    return ask.app if ask.app and ask.path["addonKey"] == ask.app.app_key else None


def _foreign(ask: Ask) -> Reply:
    return errors(404, f"Add-on with key {ask.path['addonKey']} not found.")


def read(ask: Ask) -> Reply:
    app = _own(ask)
    return _foreign(ask) if app is None else Reply(200, _shown(ask, app))


def _reserved(ask: Ask, app: Installation) -> str | None:
    """The clientKey that a Forge app had under Connect, for its system token (facts.md 9)."""
    connect = ask.site.installations.get(app.app_key)
    by_forge = ask.site.forge is not None and app is ask.site.forge.installation
    if not by_forge or connect is None or connect.state == "uninstalled":
        return None
    return ask.site.client_key


def property_read(ask: Ask) -> Reply:
    app, key = _own(ask), ask.path["propertyKey"]
    if app is None:
        return _foreign(ask)
    value = _reserved(ask, app) if key == CLIENT_KEY_PROPERTY else app.properties.get(key)
    if value is None:
        return errors(404, f"Property with key {key} not found.")
    link = ask.link(f"/rest/atlassian-connect/1/addons/{app.app_key}/properties/{key}")
    return Reply(200, {"key": key, "value": value, "self": link})


def property_write(ask: Ask) -> Reply:
    """201 for a new one, 200 for one that was there."""
    app, key = _own(ask), ask.path["propertyKey"]
    if app is None:
        return _foreign(ask)
    if len(key) > MAX_KEY or key == CLIENT_KEY_PROPERTY:
        raise BadRequest(f"The property key must have at most {MAX_KEY} characters.")
    try:
        value = json.loads(ask.body)
    except ValueError as error:
        raise BadRequest("The property value must be valid JSON.") from error
    status = 200 if key in app.properties else 201
    app.properties[key] = value
    ask.world.save()
    return Reply(status, {"message": "Property saved.", "statusCode": status})


def property_delete(ask: Ask) -> Reply:
    app, key = _own(ask), ask.path["propertyKey"]
    if app is None:
        return _foreign(ask)
    if app.properties.pop(key, None) is None:
        return errors(404, f"Property with key {key} not found.")
    ask.world.save()
    return Reply(204)


ADDON = "/rest/atlassian-connect/1/addons/{addonKey}"
PROPERTY = ADDON + "/properties/{propertyKey}"
OPERATIONS = (
    Operation("GET", ADDON, None, read, anonymous=False),
    Operation("GET", PROPERTY, None, property_read, anonymous=False),
    Operation("PUT", PROPERTY, None, property_write, anonymous=False),
    Operation("DELETE", PROPERTY, None, property_delete, anonymous=False),
)
