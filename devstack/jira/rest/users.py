"""Users: one, in bulk, by search, and the app's own account."""

from typing import Any

from devstack.jira.content import User
from devstack.jira.rest.operation import Ask, BadRequest, Operation, Reply, errors, page


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


def read(ask: Ask) -> Reply:
    wanted = ask.one("accountId")
    if not wanted:
        raise BadRequest("The query parameter 'accountId' is required.")
    user = _find(ask, wanted)
    if user is None:
        return errors(404, "Specified user does not exist or you do not have required permissions")
    return Reply(200, shown(ask, user))


def search(ask: Ask) -> Reply:
    """A plain list of active accounts whose name or visible mail address has a word like this."""
    text, account_id = ask.one("query"), ask.one("accountId")
    if text is None and account_id is None:
        raise BadRequest("The username, query or property parameter must be provided.")
    start, size = ask.number("startAt", 0, 2**31), ask.number("maxResults", 50, 1000)
    found = [
        shown(ask, user)
        for user in sorted(ask.site.users.values(), key=lambda user: user.display_name)
        if user.active and _meant(user, text, account_id)
    ]
    return Reply(200, found[start : start + size])


def _meant(user: User, text: str | None, account_id: str | None) -> bool:
    if account_id is not None:
        return user.account_id == account_id
    words = user.display_name.split() + ([user.email] if user.email_visible else [])
    whole = [user.display_name, *words]
    return any(word.lower().startswith((text or "").lower()) for word in whole)


def myself(ask: Ask) -> Reply:
    own = app_user(ask) if ask.user is None else ask.site.users.get(ask.user)
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
    Operation(
        "GET",
        "/rest/api/3/user/search",
        "READ",
        search,
        frozenset({"query", "accountId", "startAt", "maxResults"}),
        anonymous=False,
    ),
    Operation("GET", "/rest/api/3/user", "READ", read, frozenset({"accountId"}), anonymous=False),
    Operation("GET", "/rest/api/3/myself", "READ", myself, anonymous=False),
)
