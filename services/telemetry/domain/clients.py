"""User agents to families of a fixed list. Versions, devices, systems and the rest are dropped."""

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


@lru_cache(maxsize=4096)
def family_of(user_agent: str) -> ClientFamily:
    """Return the family; ``Other`` for whatever names none (the bare ``Mozilla/5.0``, too)."""
    text = user_agent[:_INSPECTED_CHARACTERS].lower()
    for mark, family in _MARKS:
        if mark in text:
            return family
    return ClientFamily.OTHER
