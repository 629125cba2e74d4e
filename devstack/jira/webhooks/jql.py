"""The JQL subset of webhook filters (facts.md 5.1): six fields, = != IN NOT IN, AND OR."""

import re
from collections.abc import Callable

from devstack.jira.content import Issue
from devstack.jira.model import Site

Predicate = Callable[[Site, Issue], bool]
_TOKEN = re.compile(r"""\s*("[^"]*"|'[^']*'|!=|[=(),]|[^\s"'=!(),]+)""")
_CLAUSE_END = frozenset({"AND", "OR", ")"})


class JqlError(ValueError):
    """Not JQL, or more of it than webhooks may use."""


def _of_project(site: Site, issue: Issue) -> set[str]:
    project = site.projects[issue.project_id]
    return {str(project.id), project.key.lower(), project.name.lower()}


_FIELDS: dict[str, Callable[[Site, Issue], set[str]]] = {
    "issuekey": lambda _site, issue: {issue.key.lower(), str(issue.id)},
    "project": _of_project,
    "issuetype": lambda _site, issue: {issue.issue_type.lower()},
    "status": lambda _site, issue: {issue.status.lower()},
    "assignee": lambda _site, issue: {(issue.assignee or "").lower()},
    "reporter": lambda _site, issue: {(issue.reporter or "").lower()},
}
_SYNONYMS = {"key": "issuekey", "issue": "issuekey", "id": "issuekey", "type": "issuetype"}


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise JqlError(f"Error in the JQL Query at character {position + 1}.")
        found.append(match.group(1))
        position = match.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._left = _tokens(text)

    def whole(self) -> Predicate:
        found = self._either()
        if self._left:
            raise JqlError(f"Error in the JQL Query: '{self._left[0]}' was not expected.")
        return found

    def _next(self) -> str:
        if not self._left:
            raise JqlError("Error in the JQL Query: it ends too early.")
        return self._left.pop(0)

    def _comes(self, word: str) -> bool:
        if self._left and self._left[0].upper() == word:
            self._left.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._comes(word):
            raise JqlError(f"Error in the JQL Query: '{word}' was expected.")

    def _either(self) -> Predicate:
        parts = [self._every()]
        while self._comes("OR"):
            parts.append(self._every())
        return lambda site, issue: any(part(site, issue) for part in parts)

    def _every(self) -> Predicate:
        parts = [self._clause()]
        while self._comes("AND"):
            parts.append(self._clause())
        return lambda site, issue: all(part(site, issue) for part in parts)

    def _clause(self) -> Predicate:
        if self._comes("("):
            inner = self._either()
            self._expect(")")
            return inner
        name = self._next().strip("\"'").lower()
        read = _FIELDS.get(_SYNONYMS.get(name, name))
        if read is None:
            raise JqlError(f"The clause '{name}' is not supported in webhook filters.")
        positive, values = self._comparison()
        return lambda site, issue: bool(read(site, issue) & values) == positive

    def _comparison(self) -> tuple[bool, set[str]]:
        operator = self._next().upper()
        if operator == "NOT":
            self._expect("IN")
            return False, self._list()
        if operator == "IN":
            return True, self._list()
        if operator not in ("=", "!="):
            raise JqlError(f"The operator '{operator}' is not supported in webhook filters.")
        return operator == "=", {self._value()}

    def _value(self) -> str:
        value = self._next()
        if value.upper() in _CLAUSE_END or (self._left and self._left[0] == "("):
            raise JqlError(f"Error in the JQL Query: a value was expected, not '{value}'.")
        return value.strip("\"'").lower()

    def _list(self) -> set[str]:
        self._expect("(")
        values = {self._value()}
        while self._comes(","):
            values.add(self._value())
        self._expect(")")
        return values


def parsed(text: str) -> Predicate:
    """An empty filter lets every issue through. Raises JqlError."""
    if not text.strip():
        return lambda _site, _issue: True
    return _Parser(text).whole()
