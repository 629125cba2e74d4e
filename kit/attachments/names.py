"""Names and content types of attached files: what clients may send, what answers may carry."""

import re
from urllib.parse import quote

from kit.errors import InvalidInput

MAX_NAME_LENGTH = 255
"""Characters. Source: behaviour.md section 14."""
UNKNOWN_TYPE = "application/octet-stream"
_MAX_TYPE_LENGTH = 255

_WORD = r"[A-Za-z0-9!#$&^_.+-]+"
_TYPE = re.compile(rf"({_WORD}/{_WORD})(\s*;\s*{_WORD}=({_WORD}|\"{_WORD}\"))*")
_ACTIVE = re.compile(
    r"html|xml|svg|script|xsl|multipart/|message/|text/(css|vbs|cache-manifest)|shockwave|pdf"
)
"""What a browser would run, render with scripts in it, or take for a part of a page."""
_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")


def checked_name(name: str) -> str:
    """Return a file's name; raise ``InvalidInput`` naming the rule that it breaks."""
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidInput(f"fileName must have 1 to {MAX_NAME_LENGTH} characters.")
    if any(c in name for c in ("/", "\\", "\0")) or ".." in name:
        raise InvalidInput("fileName must not contain '/', '\\', '..' or NUL.")
    return name


def kept_type(sent: str | None) -> str:
    """Return what to note of a request's Content-Type; what is none becomes octet-stream."""
    text = (sent or "").strip()
    if len(text) > _MAX_TYPE_LENGTH or not _TYPE.fullmatch(text):
        return UNKNOWN_TYPE
    return text


def safe_type(kept: str) -> str:
    """Return what an answer may say: never a type that could act in a browser."""
    return UNKNOWN_TYPE if _ACTIVE.search(kept.lower()) else kept


def disposition(name: str) -> str:
    """Return a Content-Disposition (RFC 6266) that makes browsers save the file."""
    plain = _PLAIN.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
