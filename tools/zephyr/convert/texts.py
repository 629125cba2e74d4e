"""Single values as the archive takes them."""

import re
from datetime import UTC, datetime
from typing import Any

from contracts.testcases import MAX_NAME_LENGTH
from tools.zephyr.convert.losses import Losses

_ACCOUNT = re.compile(r"\A[-:a-zA-Z0-9]{1,128}\Z")
_VERSION = re.compile(r"/testcases/([^/]+)/versions/([0-9]+)/?\Z")
_MOST = 2**63 - 1


class Texts:
    """Reads single values and notes what does not fit."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses

    def name(self, value: Any, where: str) -> str:
        """Return a name of 1 to 255 characters."""
        text = str(value or "")
        if text.strip() and len(text) <= MAX_NAME_LENGTH:
            return text
        self._losses.add("name blank or longer than 255 characters", where)
        return text[:MAX_NAME_LENGTH] if text.strip() else where

    def account(self, value: Any, where: str) -> str | None:
        """Return an account id, given bare or as ``{accountId}``."""
        ident = value.get("accountId") if isinstance(value, dict) else value
        if not ident:
            return None
        if _ACCOUNT.match(str(ident)):
            return str(ident)
        self._losses.add("account id of an unknown form left out", where)
        return None

    def labels(self, value: Any, where: str) -> tuple[str, ...]:
        """Return labels without white space, at most 50."""
        given = [str(label) for label in value or []]
        good = [label for label in given if label and not re.search(r"\s", label)][:50]
        if good != given:
            self._losses.add("labels that no label can be, or beyond 50, left out", where)
        return tuple(good)


def moment(value: Any) -> datetime | None:
    """Return a date-time with its offset; None where there is none."""
    if not value:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def amount(value: Any) -> int | None:
    """Return milliseconds."""
    return int(value) if isinstance(value, int | float) and 0 <= value <= _MOST else None


def reference(value: Any) -> int | None:
    """Return the id of ``{id, self}``, where it can be one of Jira's."""
    ident = value.get("id") if isinstance(value, dict) else value
    return int(ident) if isinstance(ident, int) and 1 <= ident <= _MOST else None


def version_of(test_case: Any) -> tuple[str, int] | None:
    """Return key and version of an execution's test case, both from its address."""
    found = _VERSION.search(str((test_case or {}).get("self") or ""))
    return (found[1], int(found[2])) if found else None


def end_of_address(value: Any) -> str:
    """Return the last part of the address of ``{self}``."""
    return str((value or {}).get("self") or "").rstrip("/").rpartition("/")[2]
