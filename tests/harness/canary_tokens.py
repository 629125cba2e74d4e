"""Personal values that nobody else has ever written: each says where it was planted.

All of a run share a core of 80 random bits in hex; four hex digits after it number the token. So
one search finds all of them, and a hit names the hole. The core fits an account id, a UUID, an
IPv6 address and any text.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

CORE_DIGITS = 20
_PLACES = "0123456789abcdef"
_FIRST = 0x1000
"""Numbers begin here: no leading zero is lost in an address."""
_MOST = 0xFFFF - _FIRST


class Kind(StrEnum):
    """What may become of a token inside the house; outside, nothing may."""

    CONTENT = "content that a customer wrote, which is stored"
    ACCOUNT = "an account id, which is stored"
    USAGE = "in the product event, until telemetry has made an anonymous one of it"
    JIRA = "known to Jira alone"
    NOWHERE = "neither stored nor published"


OUTSIDE_ONLY = frozenset({Kind.CONTENT, Kind.ACCOUNT, Kind.USAGE})
"""Kinds that are looked for outside the house only."""


@dataclass(frozen=True, slots=True)
class Token:
    """One planted value."""

    number: int
    place: str
    value: str
    kind: Kind


class Planter:
    """Makes tokens of one run."""

    def __init__(self) -> None:
        self.core = secrets.token_hex(CORE_DIGITS // 2)
        self.planted: list[Token] = []

    def _lay(self, place: str, kind: Kind, form: str) -> str:
        number = len(self.planted)
        if number > _MOST:
            raise ValueError("more tokens than four digits can number")
        value = form.replace("$", f"{self.core}{_FIRST + number:04x}")
        self.planted.append(Token(number, place, value, kind))
        return value

    def name(self, place: str, kind: Kind = Kind.NOWHERE) -> str:
        """Return a person's name with letters that have two Unicode forms."""
        return self._lay(place, kind, "Zoë Müller-$")

    def mail(self, place: str, kind: Kind = Kind.NOWHERE) -> str:
        """Return a mail address."""
        return self._lay(place, kind, "Zoe.$@Example.test")

    def summary(self, place: str, kind: Kind = Kind.NOWHERE) -> str:
        """Return free text, as of an issue."""
        return self._lay(place, kind, "Refund for <Zoë> & co, IBAN $: 50%")

    def word(self, place: str, kind: Kind = Kind.NOWHERE) -> str:
        """Return a word of letters and digits, for names of fields, headers and files."""
        return self._lay(place, kind, "x$")

    def secret(self, place: str, kind: Kind = Kind.NOWHERE) -> str:
        """Return what looks like a password or an API token."""
        return self._lay(place, kind, f"tok_{secrets.token_urlsafe(9)}_$")

    def account(self, place: str, kind: Kind = Kind.ACCOUNT) -> str:
        """Return an account id in the older of the two shapes: 24 hex digits."""
        return self._lay(place, kind, "$")

    def long_account(self, place: str, kind: Kind = Kind.ACCOUNT) -> str:
        """Return an account id in the newer shape, a number and a UUID."""
        plain = self._lay(place, kind, "$")
        value = f"557058:{_dashed(plain)}{secrets.token_hex(4)}"
        self.planted[-1] = Token(len(self.planted) - 1, place, value, kind)
        return value

    def address(self, place: str, kind: Kind = Kind.NOWHERE) -> str:
        """Return an IPv6 address."""
        plain = self._lay(place, kind, "$")
        groups = (plain[start : start + 4] for start in range(0, len(plain), 4))
        value = f"2001:db8:{':'.join(groups)}"
        self.planted[-1] = Token(len(self.planted) - 1, place, value, kind)
        return value

    def any(self, place: str, kind: Kind = Kind.NOWHERE) -> str:
        """Return one shape after the other."""
        shapes = (self.name, self.mail, self.summary, self.secret, self.word)
        return shapes[len(self.planted) % len(shapes)](place, kind)

    def forms_of_core(self) -> Iterator[str]:
        """Yield how the core is written in the shapes: plain, in a UUID, in an address."""
        yield self.core
        yield _dashed(self.core + "0000")[:-4]
        groups = [self.core[start : start + 4] for start in range(0, CORE_DIGITS, 4)]
        yield ":".join(groups) + ":"
        # as it is written when somebody has read it
        yield ":".join(group.lstrip("0") or "0" for group in groups) + ":"

    def numbered(self, digits: str) -> Token | None:
        """Return the token with these digits after the core."""
        if len(digits) != 4 or set(digits) - set(_PLACES):
            return None
        number = int(digits, 16) - _FIRST
        return self.planted[number] if 0 <= number < len(self.planted) else None


def _dashed(digits: str) -> str:
    """Write 24 hex digits as the beginning of a UUID."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
