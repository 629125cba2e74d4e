"""References in answers: absolute URLs of our own resources and of Jira's."""

from dataclasses import dataclass
from urllib.parse import quote

from services.testcases.api.shapes import ResourceRef, UserRef


@dataclass(frozen=True)
class References:
    """``base`` is the public API's, ending in /v2; ``site`` the tenant's Jira, if it has one."""

    base: str
    site: str | None

    def resource(self, kind: str, ident: int) -> ResourceRef:
        """Return the reference of a resource, for example of ``projects``."""
        return {"id": ident, "self": self.url(kind, ident)}

    def optional(self, kind: str, ident: int | None) -> ResourceRef | None:
        """Return the reference, null for nothing."""
        return None if ident is None else self.resource(kind, ident)

    def url(self, kind: str, ident: int | str) -> str:
        """Return the URL of a resource."""
        return f"{self.base}/{kind}/{ident}"

    def component(self, ident: int | None) -> ResourceRef | None:
        """Return the reference of a Jira component."""
        if ident is None:
            return None
        if self.site is None:
            return {"id": ident}
        return {"id": ident, "self": f"{self.site}/rest/api/2/component/{ident}"}

    def user(self, account: str | None) -> UserRef | None:
        """Return the reference of a Jira user."""
        if account is None:
            return None
        if self.site is None:
            return {"accountId": account}
        url = f"{self.site}/rest/api/2/user?accountId={quote(account, safe='')}"
        return {"accountId": account, "self": url}
