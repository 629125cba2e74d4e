"""Erasure at the processors: what is asked of each, in parts as large as it takes, and its state.

Only pseudonyms are asked for and kept. They are all worked out before anything else happens, while
the keys exist; afterwards nobody needs a key, nor the account's id, to go on.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts.telemetry import ProcessorName

_DIGEST_CHARACTERS = 32
NOTHING_OF_A_PERSON = "nothing of a person is sent there"
NOTHING_IS_SENT = "nothing is sent there"
NOTHING_KNOWN = "no pseudonym was ever made"


class Subject(StrEnum):
    """Whose data goes."""

    ACCOUNT = "account"
    TENANT = "tenant"


class State(StrEnum):
    """Of one part, or of a processor. ``WAITING`` has not been asked yet."""

    WAITING = "WAITING"
    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"
    NOT_SUPPORTED = "NOT_SUPPORTED"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {State.WAITING, State.PENDING}


# what is shown of several parts: the first that any of them is in
_WORST_FIRST = (State.FAILED, State.WAITING, State.PENDING, State.DONE, State.NOT_SUPPORTED)

MOST_IDS: Mapping[ProcessorName, int] = {
    ProcessorName.AMPLITUDE: 100,
    ProcessorName.BEAMER: 1,
    ProcessorName.BUGSNAG: 1,
    ProcessorName.LAUNCHDARKLY: 1,
    ProcessorName.SEGMENT: 5_000,
}
"""Ids that one request to a processor may name."""


@dataclass(frozen=True, slots=True)
class Part:
    """One request to a processor. ``reference`` is what the processor calls it."""

    processor: ProcessorName
    ids: tuple[str, ...]
    state: State
    next_at: datetime
    reference: str | None = None
    reason: str | None = None
    attempts: int = 0
    """Failed in a row."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One request for erasure. ``digest`` tells a repeat while it is open; no id of a person."""

    tenant: str
    id: str
    subject: Subject
    digest: str | None
    """None once it has ended."""
    parts: Sequence[Part]
    requested_at: datetime
    requested_by: str
    ended_at: datetime | None = None
    keys_destroyed: int | None = None

    @property
    def states(self) -> Mapping[ProcessorName, State]:
        """By processor, the worst of its parts."""
        found: dict[ProcessorName, set[State]] = {}
        for part in self.parts:
            found.setdefault(part.processor, set()).add(part.state)
        return {name: worst(states) for name, states in found.items()}


def worst(states: Iterable[State]) -> State:
    """Return the state that several parts are in together."""
    among = set(states)
    return next(state for state in _WORST_FIRST if state in among)


@dataclass(frozen=True, slots=True)
class Names:
    """Pseudonyms, of every epoch that has a key, by what is called so at the processors."""

    users: Sequence[str] = ()
    instances: Sequence[str] = ()
    tenants: Sequence[str] = ()
    beamer_users: Sequence[str] = ()


def parts_of(subject: Subject, names: Names, at: datetime) -> list[Part]:
    """Return what has to be asked of each processor, first at a time."""
    analytics = names.users if subject is Subject.ACCOUNT else names.instances
    beamer = names.users if subject is Subject.ACCOUNT else names.beamer_users
    parts = [
        *_asked(ProcessorName.AMPLITUDE, analytics, at),
        *_asked(ProcessorName.SEGMENT, analytics, at),
        *_asked(ProcessorName.BEAMER, beamer, at),
    ]
    if subject is Subject.ACCOUNT:
        parts.append(_unsupported(ProcessorName.BUGSNAG, NOTHING_OF_A_PERSON, at))
    else:
        parts += _asked(ProcessorName.BUGSNAG, names.tenants, at)
    return [*parts, _unsupported(ProcessorName.LAUNCHDARKLY, NOTHING_IS_SENT, at)]


def _asked(name: ProcessorName, ids: Sequence[str], at: datetime) -> Iterator[Part]:
    if not ids:
        yield Part(name, (), State.DONE, at, reason=NOTHING_KNOWN)
    for begin in range(0, len(ids), MOST_IDS[name]):
        yield Part(name, tuple(ids[begin : begin + MOST_IDS[name]]), State.WAITING, at)


def _unsupported(name: ProcessorName, reason: str, at: datetime) -> Part:
    return Part(name, (), State.NOT_SUPPORTED, at, reason=reason)


def suppression_key(wrapping_key: bytes) -> bytes:
    """Return the key of suppressions: it outlives those of pseudonyms, which are destroyed."""
    return hmac.digest(wrapping_key, b"ostro suppression of accounts", "sha256")


def digest_of(key: bytes, tenant: str, account_id: str) -> str:
    """Return what an account is remembered by once it is erased."""
    message = f"{tenant}\x1f{account_id}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, message, "sha256").hex()[:_DIGEST_CHARACTERS]
