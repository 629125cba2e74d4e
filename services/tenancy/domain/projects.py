"""Projects of a tenant: the directory that gives them their id and key."""

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.ids import PROJECT_KEY
from contracts.jira import JiraAction, JiraChange
from contracts.tenancy import ProjectState
from kit.errors import InvalidInput

_HIDES = frozenset({JiraAction.DELETED, JiraAction.ARCHIVED})
_SHOWS = frozenset({JiraAction.RESTORED})


@dataclass(frozen=True)
class Project:
    """One project. Its key never changes; Jira's later keys become aliases."""

    tenant: str
    id: int
    jira_project_id: int
    key: str
    aliases: tuple[str, ...] = ()
    enabled: bool = True
    deleted: bool = False
    enforced: bool = False
    """Whether its permission scheme is enforced; that changes with the scheme."""
    visibility_at: datetime | None = None
    """When it was last hidden or brought back: Jira's time of the change, ours of a look."""
    rev: int = 0

    @property
    def visible(self) -> bool:
        """Whether it shows under /v2."""
        return self.enabled and not self.deleted

    def state(self) -> ProjectState:
        """Return what the other services may know."""
        return ProjectState(
            id=self.id,
            jira_project_id=self.jira_project_id,
            key=self.key,
            aliases=self.aliases,
            enabled=self.enabled,
            deleted=self.deleted,
            enforced=self.enforced,
        )

    def known_as(self, key: str) -> "Project":
        """Accept a key that Jira uses now."""
        if key == self.key or key in self.aliases:
            return self
        return replace(self, aliases=(*self.aliases, key))

    def after(self, change: JiraChange) -> "Project":
        """Return the project once Jira has told a change of it, in whatever order changes come.

        What is deleted or in the archive of Jira is hidden here: nobody finds it or writes to it
        there, either. Its data stays and shows again when it comes back.
        """
        key = change.project_key
        known = self.known_as(key) if key is not None and PROJECT_KEY.match(key) else self
        if change.action not in _HIDES | _SHOWS:
            return known
        last, hides = known.visibility_at, change.action in _HIDES
        if last is not None and change.at < last:
            return known
        # of two changes in the same millisecond the one that hides counts, whichever comes first
        deleted = hides or (change.at == last and known.deleted)
        return replace(known, deleted=deleted, visibility_at=change.at)

    def seen(self, key: str | None, *, hidden: bool, at: datetime) -> "Project":
        """Return the project once Jira was looked at itself, not before ``at``.

        ``key`` is None where Jira did not show it. What Jira told of a later moment counts more.
        """
        known = self.known_as(key) if key is not None and PROJECT_KEY.match(key) else self
        last = known.visibility_at
        if hidden == known.deleted or (last is not None and last >= at):
            return known
        return replace(known, deleted=hidden, visibility_at=at)


def checked_key(key: str) -> str:
    """Return the key; raise ``InvalidInput`` when it cannot be part of ``KEY-T1``."""
    if len(key) > 64 or not PROJECT_KEY.match(key):
        raise InvalidInput(
            "The project key must begin with an upper-case letter, followed by at least one "
            "upper-case letter, digit or underscore."
        )
    return key
