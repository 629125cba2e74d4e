"""The principal: what a verified credential proves."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from kit.errors import Forbidden


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"
    WRITE = "write"
    RESULTS = "results"
    """Upload results and have cases ensured by name, nothing else."""
    ADMIN = "admin"
    """Tokens, projects and consent under /ostro/v1."""


@dataclass(frozen=True)
class Principal:
    """The caller of a request. The tenant comes from here and from nowhere else."""

    tenant: str
    account_id: str | None
    token_id: str
    scopes: frozenset[Scope]
    projects: frozenset[int] | None = None
    """Project ids the token is limited to; None means all."""

    def require(self, *any_of: Scope) -> None:
        """Raise ``Forbidden`` unless one of the scopes is held."""
        if not self.scopes.intersection(any_of):
            wanted = " or ".join(any_of)
            raise Forbidden(f"The token lacks the scope {wanted}.")

    def may_see(self, project: int) -> bool:
        """Whether the token is good for this project."""
        return self.projects is None or project in self.projects


ACTING: ContextVar[Principal | None] = ContextVar("acting", default=None)
"""The caller of the public request that is being served; calls to other services name it."""
