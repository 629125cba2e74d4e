"""Asks Ostro for archives and sends them."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from contracts.importing import JiraIds, Missing
from contracts.transfer import Part

_SERVICES = {Part.LIBRARY: "testcases", Part.EXECUTIONS: "executions"}
_CONNECT, _ANSWER = 10.0, 3_600.0
"""Seconds. An import is checked wholly before its first line."""
_REFUSALS = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Failed(Exception):
    """It did not work; the text says why and never holds the token."""


class Refused(Failed):
    """Ostro does not take an archive, or not into this project."""


@dataclass(frozen=True)
class Wish:
    """How archives are to be read: the parameters of an import."""

    jira: JiraIds
    missing: Missing
    coming: Sequence[str] = ()
    """Keys of the projects that are imported together."""

    @property
    def params(self) -> dict[str, str | list[str]]:
        """The query."""
        return {
            "jira": self.jira.value,
            "missing": self.missing.value,
            "coming": list(self.coming),
        }


class Client:
    """One installation, with one token."""

    def __init__(self, url: str, token: str) -> None:
        base = url.rstrip("/").removesuffix("/v2")
        self._http = httpx.Client(
            base_url=base,
            headers={"authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(_ANSWER, connect=_CONNECT),
            trust_env=urlsplit(base).hostname not in _LOOPBACK,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def export(self, part: Part, project: str, target: Path, heard: Callable[[int], None]) -> None:
        """Store an archive; ``heard`` hears how many bytes came."""
        with (
            _reachable(),
            self._http.stream("GET", _path(part, project, "export")) as answer,
            target.open("wb") as out,
        ):
            _check(answer)
            for piece in answer.iter_bytes():
                out.write(piece)
                heard(len(piece))

    def check(
        self, part: Part, project: str, content: Iterator[bytes], size: int, wish: Wish, ahead: int
    ) -> dict[str, Any]:
        """Ask what an import would do; the first ``ahead`` bytes are the library's archive.

        Raises ``Refused`` with what is in its way.
        """
        with _reachable():
            answer = self._http.post(
                _path(part, project, "import/check"),
                params={**wish.params, **({"libraryBytes": ahead} if ahead else {})},
                content=content,
                headers=_headers(size),
            )
        _check(answer)
        found: dict[str, Any] = answer.json()
        return found

    def send(
        self, part: Part, project: str, content: Iterator[bytes], size: int, wish: Wish
    ) -> Iterator[dict[str, Any]]:
        """Import an archive; yield the lines that say how it goes."""
        with (
            _reachable(),
            self._http.stream(
                "POST",
                _path(part, project, "import"),
                params=wish.params,
                content=content,
                headers=_headers(size),
            ) as answer,
        ):
            _check(answer)
            for line in answer.iter_lines():
                if line:
                    yield json.loads(line)


def _path(part: Part, project: str, what: str) -> str:
    return f"/ostro/v1/{_SERVICES[part]}/projects/{project}/{what}"


def _check(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    answer.read()
    try:
        message = told(answer.json())
    except (ValueError, KeyError, TypeError):
        message = answer.reason_phrase
    kind = Refused if answer.status_code in _REFUSALS else Failed
    raise kind(f"{answer.request.url.path} answered {answer.status_code}: {message}")


def told(body: dict[str, Any]) -> str:
    """Return the message, with each reference that is told in a line of its own."""
    references = body.get("references", ())
    if not references:
        return str(body["message"])
    lines = [str(body["message"]).partition(":")[0] + ":", *(f"  {named(r)}" for r in references)]
    rest = body["count"] - len(references)
    return "\n".join([*lines, *([f"  and {rest} more"] if rest else [])])


def named(reference: dict[str, str]) -> str:
    """Return a reference in words."""
    return "{kind} {key}: {field} names {target}".format(**reference)


def _headers(size: int) -> dict[str, str]:
    return {"content-type": "application/zip", "content-length": str(size)}


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise Failed(f"the connection broke: {type(error).__name__}: {error}") from None
    except OSError as error:
        raise Failed(f"cannot write: {error.strerror}") from None
