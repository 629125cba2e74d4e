"""How an operation is walked through: the call that succeeds, and one that fails for each cause.

Texts hold names of the stage in braces. ``"{case_id}"`` alone becomes the value itself, an integer;
inside a longer text it is written out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tests.conformance.furniture import FIELDS

Names = Mapping[str, Any]
_NAME = re.compile(r"\{(\w+)\}")
LEFT_OUT = ...
"""A field with this value is not sent."""


class Who(StrEnum):
    """Whose token it is; all of one tenant."""

    USER = "user"
    ELSEWHERE = "elsewhere"
    """A user whose token is good for another project alone."""
    STRANGER = "stranger"
    """A user to whom the scheme of LOCKED grants nothing."""


class Where(StrEnum):
    """A project with one of everything, by its key."""

    DEMO = "DEMO"
    DISABLED = "DISABLED"
    LOCKED = "LOCKED"
    """Its scheme lets the user view everything and nothing else."""


@dataclass(frozen=True)
class Call:
    """One request; ``path`` below /v2."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    """Sent as JSON."""
    content: bytes | None = None
    """Sent as it is."""
    files: Mapping[str, Any] | None = None
    """Parts of a form: name to file name, content and type."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def filled(self, names: Names) -> "Call":
        """Return it with the names of a stage filled in."""
        return replace(
            self,
            path=fill(self.path, names),
            params=fill(self.params, names),
            body=fill(self.body, names),
            files=fill(self.files, names),
        )


def fill(value: Any, names: Names) -> Any:
    """Return a value with the names in its texts filled in."""
    if isinstance(value, str):
        if alone := _NAME.fullmatch(value):
            return names[alone[1]]
        return _NAME.sub(lambda found: str(names[found[1]]), value)
    if isinstance(value, Mapping):
        return {key: fill(item, names) for key, item in value.items() if item is not LEFT_OUT}
    if isinstance(value, list | tuple):
        return type(value)(fill(item, names) for item in value)
    return value


@dataclass(frozen=True)
class Try:
    """What is done otherwise than in the call that succeeds, so that it fails."""

    names: Names = field(default_factory=dict)
    """Names of the stage that stand for something else."""
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the body."""
    content: bytes | None = None
    """Sent in place of the body."""
    files: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of the stage that stand for the user's, such as its authorization."""
    where: Where = Where.DEMO
    who: Who = Who.USER
    twice: bool = False
    """Sent once before."""
    path: Callable[[str], str] | None = None
    """Makes another path of the template."""
    answers: int | None = None
    """The status where Ostro decides otherwise; None for the listed one."""
    because: str = ""
    """Why it does."""

    def of(self, call: Call) -> Call:
        """Return the call that fails, with names still to be filled in."""
        return replace(
            call,
            path=self.path(call.path) if self.path else call.path,
            params={**call.params, **self.params},
            body={**call.body, **self.body} if self.body else call.body,
            content=call.content if self.content is None else self.content,
            files={**(call.files or {}), **self.files} if self.files else call.files,
            headers={**call.headers, **self.headers},
        )


Check = Callable[[Names, Any, Any], None]
"""Is given names, what was sent and what was read."""


@dataclass(frozen=True)
class Read:
    """Where what was sent, or what is listed, is found."""

    call: Call | None = None
    """None for the answer itself. May name ``made``, the new thing's id, and ``location``."""
    within: str = ""
    """The member of the answer that holds the things, such as ``values``; none for the whole."""
    by: Mapping[str, Any] = field(default_factory=dict)
    """Members that tell the thing from the others there."""


@dataclass(frozen=True)
class Walk:
    """One operation."""

    operation: str
    call: Call
    causes: Mapping[str, Try]
    """By cause; ``404`` where a status is listed without a cause, ``default 400`` where neither."""
    reads: tuple[Read, ...] = ()
    shown: Mapping[str, Any] = field(default_factory=dict)
    """What must be read beside what was sent, such as an id."""
    fresh: str = ""
    """What is made anew for the call that succeeds: ``case``, ``cycle`` and so on."""
    check: Check | None = None
    """What else must hold; given names, what was sent and what ``reads`` found last."""


def _first_is_malformed(path: str) -> str:
    return _NAME.sub("nope", path, count=1)


def _last_is_text(path: str) -> str:
    head, _, _ = path.rpartition("{")
    return f"{head}x"


GENERIC: Mapping[str, Try] = {
    "body-not-json": Try(content=b'{"name": '),
    "path-param-invalid": Try(path=_first_is_malformed),
    "path-param-not-number": Try(path=_last_is_text),
    "project-unknown": Try(names={"project": "NOPE"}),
    "project-disabled": Try(where=Where.DISABLED),
    "not-found-or-no-access": Try(who=Who.ELSEWHERE),
    "no-permission": Try(where=Where.LOCKED),
}
"""Causes that are provoked alike everywhere."""


def generic(*causes: str, **others: Try) -> dict[str, Try]:
    """Return causes that are provoked as everywhere; ``others`` with ``_`` for ``-``."""
    return {cause: GENERIC[cause] for cause in causes} | {
        cause.replace("_", "-"): tried for cause, tried in others.items()
    }


OFFSET = {
    "query-param-invalid": Try(params={"maxResults": -1}),
    "query-param-not-number": Try(params={"startAt": "x"}),
}
CURSOR = {
    "query-param-invalid": Try(params={"limit": 1001}),
    "query-param-not-number": Try(params={"startAtId": "x"}),
}
"""Causes of lists."""
SEEN = generic("not-found-or-no-access", "project-disabled")
"""Causes of whatever is in a project."""
KNOWN = SEEN | generic("project-unknown")
"""Causes of whatever names a project."""


def custom_fields(field_of: Callable[[dict[str, Any]], Mapping[str, Any]], *but: str) -> Any:
    """Return the causes of custom fields; ``field_of`` makes a body's change of their values."""

    def tried(**change: Any) -> Try:
        values = {k: v for k, v in {**FIELDS, **change}.items() if v is not LEFT_OUT}
        return Try(body=field_of(values))

    found = {
        "cf-unknown-name": tried(Nothing="x"),
        "cf-wrong-type": tried(Number="seven"),
        "cf-unknown-option": tried(Pick="Purple"),
        "cf-required-missing": tried(Text=LEFT_OUT),
        "cf-required-empty": tried(Text=None),
        "cf-required-multi-empty": tried(Many=[]),
    }
    return {cause: t for cause, t in found.items() if cause not in but}


def foreign_fields(field_of: Callable[[dict[str, Any]], Mapping[str, Any]]) -> dict[str, Try]:
    """Return the cause of another tenant's custom fields."""
    return {
        "cf-foreign": Try(
            body=field_of({**FIELDS, "Foreign": "x"}),
            answers=400,
            because="Fields have names alone; another tenant's is unknown, and answers as such.",
        )
    }
