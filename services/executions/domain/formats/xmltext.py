"""Characters that XML cannot hold, replaced before the parser refuses the whole file for them.

Writers that do not look put terminal colours (ESC) or NUL into names and failure texts.
"""

import re
from typing import Final

_CONTROLS: Final = bytes(n for n in range(32) if n not in b"\t\n\r")
_RAW = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_REFERENCE = re.compile(
    rb"&#(?:0*(?:[0-8]|1[1245-9]|2[0-9]|3[01])|x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]));"
)
_ENCODING = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']+)")
_LONGEST_REFERENCE: Final = 12
_UTF_8_MARK = b"\xef\xbb\xbf"


class CleanXml:
    """Replaces control characters by U+FFFD, piece by piece; ``?`` where UTF-8 is not the encoding.

    UTF-16 stays as it is: its bytes are not characters.
    """

    def __init__(self) -> None:
        self._instead: bytes | None = None
        self._begun = False
        self._held = b""

    def piece(self, data: bytes) -> bytes:
        """Return what of the file is now known; an empty piece says that it ends."""
        if not self._begun:
            self._begun, self._instead = True, _instead(data)
        if self._instead is None:
            return data
        whole, self._held = self._held + data, b""
        if data and (start := whole.rfind(b"&", -_LONGEST_REFERENCE)) >= 0:
            # the rest of a reference may be in the next piece
            whole, self._held = whole[:start], whole[start:]
        # a look costs a tenth of a search
        if len(whole.translate(None, _CONTROLS)) != len(whole):
            whole = _RAW.sub(self._instead, whole)
        return _REFERENCE.sub(b"&#xFFFD;", whole) if b"&#" in whole else whole


def _instead(start: bytes) -> bytes | None:
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in start[:4]:
        return None
    declared = _ENCODING.match(start.removeprefix(_UTF_8_MARK))
    utf_8 = declared is None or declared[1].lower() in {b"utf-8", b"utf8"}
    return "\ufffd".encode() if utf_8 else b"?"
