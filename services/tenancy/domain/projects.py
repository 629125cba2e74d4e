"""Projects of a tenant: the directory that gives them their id and key."""

from dataclasses import dataclass, replace

from contracts.ids import PROJECT_KEY
from contracts.tenancy import ProjectState
from kit.errors import InvalidInput


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


def checked_key(key: str) -> str:
    """Return the key; raise ``InvalidInput`` when it cannot be part of ``KEY-T1``."""
    if len(key) > 64 or not PROJECT_KEY.match(key):
        raise InvalidInput(
            "The project key must begin with an upper-case letter, followed by at least one "
            "upper-case letter, digit or underscore."
        )
    return key
