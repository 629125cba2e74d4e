"""What an account may do in Jira's projects. Absence is denial."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from kit.clock import Clock
from kit.errors import InvalidInput
from services.tenancy.usecases.jira import JiraSite, Sites
from services.tenancy.usecases.memory import Memory

MAX_PERMISSIONS = 50
MAX_PROJECTS = 1000
"""As many as Jira takes."""
_LIFE = timedelta(seconds=60)
_REMEMBERED = 50_000
_PERMISSION = re.compile(r"[A-Z][A-Z_]{0,63}")

Granted = frozenset[tuple[str, int]]
"""(permission, Jira's project id)."""


class JiraPermissions(Protocol):
    """Permissions as Jira checks them. Raises what ``usecases.jira`` says."""

    async def granted(
        self, site: JiraSite, account_id: str, permissions: Sequence[str], projects: Sequence[int]
    ) -> Granted:
        """Return which of the permissions the account has in which of the projects."""
        ...


class PermissionChecks:
    """Answers for one account at a time, from memory for up to a minute."""

    def __init__(self, sites: Sites, jira: JiraPermissions, clock: Clock) -> None:
        self._sites = sites
        self._jira = jira
        self._known: Memory[tuple[str, str, str, int], bool] = Memory(_LIFE, _REMEMBERED, clock)

    async def check(
        self, tenant: str, account_id: str, permissions: Sequence[str], projects: Sequence[int]
    ) -> Granted:
        """Return what is granted; everything else is denied.

        Raises ``InvalidInput`` for an empty account id (Jira would answer for the app), an
        impossible permission or too many, ``NotFound`` without Jira, and what a question to Jira
        may raise.
        """
        _check(account_id, permissions, projects)
        site = await self._sites.get(tenant)
        pairs = [(permission, project) for permission in permissions for project in projects]
        known = {pair: self._known.get((tenant, account_id, *pair)) for pair in pairs}
        missing = [pair for pair, answer in known.items() if answer is None]
        granted = {pair for pair, answer in known.items() if answer}
        if missing:
            wanted = list(dict.fromkeys(permission for permission, _ in missing))
            where = list(dict.fromkeys(project for _, project in missing))
            answer = await self._jira.granted(site, account_id, wanted, where)
            for pair in missing:
                self._known.put((tenant, account_id, *pair), pair in answer)
            granted |= answer & set(missing)
        return frozenset(granted)


def _check(account_id: str, permissions: Sequence[str], projects: Sequence[int]) -> None:
    if not account_id.strip():
        raise InvalidInput("account_id must not be empty.")
    if len(permissions) > MAX_PERMISSIONS or len(projects) > MAX_PROJECTS:
        raise InvalidInput(
            f"There must be at most {MAX_PERMISSIONS} permissions and {MAX_PROJECTS} projects."
        )
    if not all(map(_PERMISSION.fullmatch, permissions)):
        raise InvalidInput("permissions must be keys of Jira's project permissions.")
