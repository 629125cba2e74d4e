"""URLs that others will show as links: which of them a browser would run instead of open."""

import re
import unicodedata

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_EXECUTED = frozenset({"javascript", "data", "vbscript", "blob", "file"})
# a URL parser drops these wherever they stand (WHATWG URL, basic URL parser)
_DROPPED = str.maketrans(dict.fromkeys("\t\n\r"))


def executed_scheme(url: str) -> str | None:
    """Return the scheme, in lower case, if a browser executes it or reads the user's disk by it.

    Read as browsers do: control characters and spaces in front count for nothing, tabs and line
    breaks nowhere. Pages that trim more than a browser does are allowed for.
    """
    text = url.translate(_DROPPED)
    start = next((at for at, char in enumerate(text) if not _ignored(char)), len(text))
    found = _SCHEME.match(text, start)
    scheme = found[1].lower() if found is not None else ""
    return scheme if scheme in _EXECUTED else None


def _ignored(char: str) -> bool:
    # controls and spaces of all kinds, invisible format characters such as U+FEFF among them
    return unicodedata.category(char)[0] in "CZ"
