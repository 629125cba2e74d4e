"""User agents to families of a fixed list and major versions; device, system, all else is gone."""

import re
from dataclasses import dataclass
from functools import lru_cache

from contracts.telemetry import ClientFamily

_INSPECTED_CHARACTERS = 512

# Marks in lower case; the first that occurs decides: a browser names those it descends from, too.
_MARKS: tuple[tuple[str, ClientFamily], ...] = (
    ("edg/", ClientFamily.EDGE),
    ("edga/", ClientFamily.EDGE),
    ("edgios/", ClientFamily.EDGE),
    ("edge/", ClientFamily.EDGE),
    ("opr/", ClientFamily.OPERA),
    ("opera", ClientFamily.OPERA),
    ("firefox/", ClientFamily.FIREFOX),
    ("fxios/", ClientFamily.FIREFOX),
    ("powershell/", ClientFamily.POWERSHELL),
    ("chrome/", ClientFamily.CHROME),
    ("crios/", ClientFamily.CHROME),
    ("safari/", ClientFamily.SAFARI),
    ("curl/", ClientFamily.CURL),
    ("wget/", ClientFamily.WGET),
    ("postmanruntime/", ClientFamily.POSTMAN),
    ("python-requests/", ClientFamily.PYTHON),
    ("python-httpx/", ClientFamily.PYTHON),
    ("python-urllib/", ClientFamily.PYTHON),
    ("python/", ClientFamily.PYTHON),
    ("aiohttp/", ClientFamily.PYTHON),
    ("axios/", ClientFamily.NODE),
    ("node-fetch", ClientFamily.NODE),
    ("undici", ClientFamily.NODE),
    ("node", ClientFamily.NODE),
    ("got (", ClientFamily.NODE),
    ("apache-httpclient/", ClientFamily.JAVA),
    ("okhttp/", ClientFamily.JAVA),
    ("java-http-client/", ClientFamily.JAVA),
    ("java/", ClientFamily.JAVA),
    ("go-http-client/", ClientFamily.GO),
    ("restsharp/", ClientFamily.DOTNET),
    (".net", ClientFamily.DOTNET),
)


# Safari writes the version of its engine behind its name, and its own behind this
_SAFARI_VERSION = "version/"
_MAJOR = re.compile(r"/?([1-9][0-9]{0,2})(?![0-9])")


@dataclass(frozen=True, slots=True)
class Client:
    """What may be known of a client. ``major`` is 1 to 999, None when it names none."""

    family: ClientFamily
    major: int | None = None


def client_of(user_agent: str) -> Client:
    """Return family and major; ``Other`` for what names none (the bare ``Mozilla/5.0``, too)."""
    # cut first: what is kept in memory must not be as long as somebody likes
    return _client_of(user_agent[:_INSPECTED_CHARACTERS].lower())


@lru_cache(maxsize=4096)
def _client_of(text: str) -> Client:
    for mark, family in _MARKS:
        if mark in text:
            before = _SAFARI_VERSION if family is ClientFamily.SAFARI else mark
            return Client(family, _major_after(before, text))
    return Client(ClientFamily.OTHER)


def _major_after(mark: str, text: str) -> int | None:
    position = text.find(mark)
    found = _MAJOR.match(text, position + len(mark)) if position >= 0 else None
    return None if found is None else int(found[1])
