"""The shape of a REST operation: what it needs, what it may be asked, how it answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from devstack.jira.model import Installation, Site
from devstack.jira.world import World


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def errors(status: int, *messages: str) -> Reply:
    """Jira's error collection."""
    return Reply(status, {"errorMessages": list(messages), "errors": {}})


@dataclass(frozen=True, slots=True)
class Ask:
    """A verified request. `app` is None for an anonymous caller; `user`: for whom it acts."""

    world: World
    site: Site
    app: Installation | None
    path: dict[str, str]
    query: tuple[tuple[str, str], ...]
    body: bytes
    user: str | None = None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def one(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def number(self, name: str, default: int, most: int) -> int:
        """A paging number; Jira cuts what is above its own limit. Raises BadRequest."""
        text = self.one(name)
        if text is None:
            return default
        if not text.isdecimal():
            raise BadRequest(f"{name} must be a number")
        return min(int(text), most)

    def json(self) -> Any:
        """Raises BadRequest unless the body is a JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise BadRequest("There was an error parsing JSON.") from error
        if not isinstance(value, dict):
            raise BadRequest("There was an error parsing JSON.")
        return value

    def link(self, path: str) -> str:
        return self.site.base_url + path


class BadRequest(Exception):
    """400 with the message."""


class Unsupported(Exception):
    """Real Jira knows it, the stand-in does not: 501 and a record, never a guess."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` has {names} for single segments; `scope` None means that no scope is needed."""

    method: str
    path: str
    scope: str | None
    handler: Callable[[Ask], Reply]
    query: frozenset[str] = frozenset()
    anonymous: bool = True

    def match(self, method: str, raw_path: str) -> dict[str, str] | None:
        """Path parameters (decoded) when this operation is meant."""
        if method != self.method:
            return None
        wanted, given = self.path.split("/"), raw_path.rstrip("/").split("/")
        if len(wanted) != len(given):
            return None
        parameters = {}
        for template, segment in zip(wanted, given, strict=True):
            if template.startswith("{"):
                parameters[template[1:-1]] = unquote(segment)
            elif template != segment:
                return None
        return parameters


def parsed_query(raw: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(raw, keep_blank_values=True))


def page(ask: Ask, path: str, found: list[Any], default: int, most: int) -> Reply:
    """Jira's page bean over everything found."""
    start = ask.number("startAt", 0, 2**31)
    size = ask.number("maxResults", default, most)
    values = found[start : start + size]
    return Reply(
        200,
        {
            "self": ask.link(path),
            "maxResults": size,
            "startAt": start,
            "total": len(found),
            "isLast": start + size >= len(found),
            "values": values,
        },
    )
