"""What a processor's answer means for the events of one request."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The processor has all of them."""


@dataclass(frozen=True, slots=True)
class Partly:
    """None was taken. Some never will be, some only after a wait; the rest may go again at once.

    Events are named by their position in the request. At least one is refused or delayed.
    """

    refused: Mapping[int, str]
    delayed: frozenset[int]
    wait: float


@dataclass(frozen=True, slots=True)
class Split:
    """None was taken, and nobody says which are at fault: send halves; a single one is refused."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Perhaps taken, perhaps not: send the same again, after ``wait`` seconds if that is given."""

    cause: str
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Our configuration is wrong. Nothing may be dropped; somebody must be told."""

    reason: str


Answer = Accepted | Partly | Split | Retry | Stop
