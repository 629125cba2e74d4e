"""Jira issues by key and by id. Keys are for the answer at hand and are kept in memory only."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from kit.clock import Clock
from kit.errors import InvalidInput
from services.tenancy.usecases.jira import JiraSite, Sites
from services.tenancy.usecases.memory import Memory
from services.tenancy.usecases.together import together

MAX_ISSUES = 100
"""In one question."""
_AT_ONCE = 8
_LIFE = timedelta(seconds=60)
_REMEMBERED = 20_000
_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,254}-[1-9][0-9]{0,17}")
_MAX_ID = 2**63 - 1


@dataclass(frozen=True)
class JiraIssue:
    """What we take of an issue: never its summary."""

    id: int
    key: str
    project: int
    """Jira's project id."""


@dataclass(frozen=True)
class Found:
    """An issue, and the key (upper case) or id that it was asked for by."""

    asked: str
    issue: JiraIssue


class JiraIssues(Protocol):
    """Issues as the app sees them in Jira. Raises what ``usecases.jira`` says."""

    async def find(self, site: JiraSite, id_or_key: str) -> JiraIssue | None:
        """Return the issue, None when it is not there or not visible to the app."""
        ...


class Issues:
    """Answers which issues exist, and under which id and key."""

    def __init__(self, sites: Sites, jira: JiraIssues, clock: Clock) -> None:
        self._sites = sites
        self._jira = jira
        self._known: Memory[tuple[str, str], JiraIssue] = Memory(_LIFE, _REMEMBERED, clock)

    async def find(self, tenant: str, keys: Sequence[str], ids: Sequence[int]) -> Sequence[Found]:
        """Return the issues that exist and are visible to the app; the others are left out.

        Raises ``InvalidInput`` for more than ``MAX_ISSUES``, ``NotFound`` without Jira, and what
        a question to Jira may raise. A moved issue comes with its new key.
        """
        if len(keys) + len(ids) > MAX_ISSUES:
            raise InvalidInput(f"There must be at most {MAX_ISSUES} keys and ids.")
        site = await self._sites.get(tenant)
        asked = list(dict.fromkeys(_names(keys, ids)))
        known = {name: issue for name in asked if (issue := self._known.get((tenant, name)))}
        missing = [name for name in asked if name not in known]

        async def ask(name: str) -> JiraIssue | None:
            return await self._jira.find(site, name)

        answers = await together(ask, missing, _AT_ONCE)
        fresh = {name: issue for name, issue in zip(missing, answers, strict=True) if issue}
        for name, issue in fresh.items():
            self._known.put((tenant, name), issue)
        # of what was known when it was asked: that may be forgotten by now
        found = known | fresh
        return [Found(name, found[name]) for name in asked if name in found]


def _names(keys: Sequence[str], ids: Sequence[int]) -> Iterable[str]:
    """Yield what may stand in a URL; what cannot be a key or an id is unknown without asking."""
    for key in keys:
        # only these letters: upper() of others may become them
        if key.isascii() and _KEY.fullmatch(key.upper()):
            yield key.upper()
    for number in ids:
        if 0 < number <= _MAX_ID:
            yield str(number)
