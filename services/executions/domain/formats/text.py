"""Text of results: comments as bounded HTML fragments, durations as whole milliseconds."""

from contracts.executions import MAX_COMMENT_BYTES

MARKER = "<br>… (cut: the text was longer)"
_ROOM = MAX_COMMENT_BYTES - len(MARKER.encode())
_LONGEST_ENTITY = 10
MAX_TIME_MS = 2**53 - 1


def escape(text: str) -> str:
    """Turn plain text into an HTML fragment; newlines become ``<br>``."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r\n", "\n").replace("\n", "<br>")


def cut(html: str) -> str:
    """Cut an HTML fragment to ``MAX_COMMENT_BYTES``, whole characters, tags and entities only."""
    if len(html) * 4 <= MAX_COMMENT_BYTES:
        return html
    data = html.encode()
    if len(data) <= MAX_COMMENT_BYTES:
        return html
    kept = data[:_ROOM].decode(errors="ignore")
    if (tag := kept.rfind("<")) > kept.rfind(">"):
        kept = kept[:tag]
    entity = kept.rfind("&", -_LONGEST_ENTITY)
    if entity > kept.rfind(";"):
        kept = kept[:entity]
    return kept + MARKER


def comment_of(text: str) -> str | None:
    """Turn plain failure text into a comment; None when it says nothing."""
    text = text[: MAX_COMMENT_BYTES + 1].strip()
    return cut(escape(text)) if text else None


class BoundedText:
    """Collects pieces of text and forgets what no comment could hold."""

    __slots__ = ("_pieces", "_room")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._room = MAX_COMMENT_BYTES + 1  # one more, so that the cut is noticed

    def add(self, piece: str) -> None:
        """Append, as far as there is room."""
        if self._room > 0:
            self._pieces.append(piece[: self._room])
            self._room -= len(piece)

    def __str__(self) -> str:
        return "".join(self._pieces)


def milliseconds(amount: float, per_second: int = 1) -> int | None:
    """Convert a duration to ms. ``per_second``: 1 for seconds, 10**9 for ns. None if absurd."""
    value = amount * 1000 / per_second
    return round(value) if 0 <= value <= MAX_TIME_MS else None  # also refuses NaN


def seconds_text(text: str | None) -> int | None:
    """Read a JUnit ``time``: seconds, with what locales do to them (``1,234.5``, ``0,25``)."""
    if not text or len(text) > 40:
        return None
    text = text.replace(",", "") if "." in text else text.replace(",", ".")
    try:
        return milliseconds(float(text))
    except ValueError:
        return None


def add_times(first: int | None, second: int | None) -> int | None:
    """Add durations of which some are unknown."""
    if first is None or second is None:
        return first if second is None else second
    return min(first + second, MAX_TIME_MS)
