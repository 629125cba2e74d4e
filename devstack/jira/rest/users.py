"""Users: bulk read and the app's own account."""

from typing import Any

from devstack.jira.model import User
from devstack.jira.rest.operation import Ask, BadRequest, Operation, Reply, page


def shown(ask: Ask, user: User) -> dict[str, Any]:
    """User bean; a hidden or missing mail address is left out."""
    avatar = ask.link(f"/avatars/{user.account_id}/48")
    bean: dict[str, Any] = {
        "self": ask.link(f"/rest/api/3/user?accountId={user.account_id}"),
        "accountId": user.account_id,
        "accountType": user.account_type,
        "avatarUrls": {"48x48": avatar},
        "displayName": user.display_name,
        "active": user.active,
        "timeZone": user.time_zone,
        "locale": "en_GB",
    }
    if user.email and user.email_visible:
        bean["emailAddress"] = user.email
    return bean


def app_user(ask: Ask) -> User | None:
    if ask.app is None:
        return None
    return User(
        account_id=ask.app.account_id,
        display_name=ask.app.app_name,
        email="",
        account_type="app",
        time_zone="Etc/GMT",
    )


def _find(ask: Ask, account_id: str) -> User | None:
    own = app_user(ask)
    if own is not None and own.account_id == account_id:
        return own
    return ask.site.users.get(account_id)


def bulk(ask: Ask) -> Reply:
    """Unknown ids are left out; ten to a page unless told otherwise (facts.md 2.6)."""
    wanted = ask.all("accountId")
    if not wanted:
        raise BadRequest("At least one accountId must be provided.")
    found = [user for user in (_find(ask, one) for one in dict.fromkeys(wanted)) if user]
    return page(ask, "/rest/api/3/user/bulk", [shown(ask, user) for user in found], 10, 200)


def myself(ask: Ask) -> Reply:
    own = app_user(ask)
    return Reply(401) if own is None else Reply(200, shown(ask, own))


OPERATIONS = (
    Operation(
        "GET",
        "/rest/api/3/user/bulk",
        "READ",
        bulk,
        frozenset({"accountId", "startAt", "maxResults"}),
        anonymous=False,
    ),
    Operation("GET", "/rest/api/3/myself", "READ", myself, anonymous=False),
)
