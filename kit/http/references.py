"""References in answers: absolute URLs of our own resources and of Jira's.

Source: behaviour.md section 5.
"""

from dataclasses import dataclass
from typing import NotRequired
from urllib.parse import quote

from typing_extensions import TypedDict

from kit.directory.access import Access


class ResourceRef(TypedDict):
    """A reference; ``self`` is absolute, and left out where there is no Jira site to point at."""

    id: int
    self: NotRequired[str]


class UserRef(TypedDict):
    """A Jira user."""

    accountId: str
    self: NotRequired[str]


@dataclass(frozen=True)
class References:
    """``base`` is the public API's, ending in /v2; ``site`` the tenant's Jira, if it has one."""

    base: str
    site: str | None

    @classmethod
    def of(cls, base: str, access: Access) -> "References":
        """Return what builds the caller's references."""
        return cls(base, access.view.tenant.site_url)

    def url(self, kind: str, ident: int | str) -> str:
        """Return the URL of a resource."""
        return f"{self.base}/{kind}/{ident}"

    def resource(self, kind: str, ident: int) -> ResourceRef:
        """Return the reference of a resource, for example of ``projects``."""
        return {"id": ident, "self": self.url(kind, ident)}

    def optional(self, kind: str, ident: int | None) -> ResourceRef | None:
        """Return the reference, null for nothing."""
        return None if ident is None else self.resource(kind, ident)

    def jira(self, kind: str, ident: int | None) -> ResourceRef | None:
        """Return the reference of a Jira ``component`` or ``version``."""
        if ident is None:
            return None
        if self.site is None:
            return {"id": ident}
        return {"id": ident, "self": f"{self.site}/rest/api/2/{kind}/{ident}"}

    def user(self, account: str | None) -> UserRef | None:
        """Return the reference of a Jira user."""
        if account is None:
            return None
        if self.site is None:
            return {"accountId": account}
        url = f"{self.site}/rest/api/2/user?accountId={quote(account, safe='')}"
        return {"accountId": account, "self": url}
