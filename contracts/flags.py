"""Feature flags: the closed catalogue, and their state as telemetry publishes it.

A flag guards behaviour that is shipped. Its default is what happens when nobody has decided
anything, when nothing is known, and when a value is of the wrong type or out of bounds.
"""

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from contracts.base import Contract
from contracts.classes import DataClass

V = TypeVar("V", bool, int, float)

EVERYBODY = "anonymous"
"""Key, and tenant in the envelope, of the state that holds where a tenant has none of its own."""


@dataclass(frozen=True)
class Flag(Generic[V]):
    """One flag. Bounds are inclusive; booleans have none."""

    key: str
    """As it is called at LaunchDarkly and in the flags file."""
    default: V
    guards: str
    """What it changes, in half a sentence."""
    heeded_by: tuple[str, ...]
    """Services that ask for it; the first one owns it."""
    least: V | None = None
    most: V | None = None
    setting: str | None = None
    """Setting of these services whose value stands in for the default."""

    @property
    def owner(self) -> str:
        """The service that answers for it."""
        return self.heeded_by[0]

    def accepted(self, value: object) -> V | None:
        """Return the value as the flag's type, None for another type or out of bounds."""
        kind = type(self.default)
        if kind is bool:
            return kind(value) if isinstance(value, bool) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.least is None or self.most is None or not self.least <= value <= self.most:
            return None  # a NaN, too: it compares with nothing
        return kind(value) if kind(value) == value else None


UPLOAD_WAIT = Flag(
    "upload-wait-seconds",
    20.0,
    "how many seconds an upload's answer waits until all its results are stored",
    ("executions",),
    0.0,
    60.0,
    "OSTRO_UPLOAD_WAIT_SECONDS",
)
UPLOAD_RESULTS = Flag(
    "upload-max-results",
    1_000_000,
    "most results in one upload; beyond it 413",
    ("executions",),
    1,
    1_000_000,
    "OSTRO_UPLOAD_MAX_RESULTS",
)
UNSTORED_RESULTS = Flag(
    "upload-max-unstored-results",
    50_000,
    "accepted results of a tenant that may wait for storage; beyond it uploads get 429",
    ("executions",),
    0,
    10_000_000,
    "OSTRO_MAX_UNSTORED_RESULTS",
)
SEARCH = Flag(
    "search",
    default=True,
    guards="searches over test cases and test executions; where it is off they get 503",
    heeded_by=("executions", "testcases"),
)

FLAGS: tuple[Flag[bool] | Flag[int] | Flag[float], ...] = (
    UPLOAD_WAIT,
    UPLOAD_RESULTS,
    UNSTORED_RESULTS,
    SEARCH,
)


class FlagState(Contract):
    """What is decided of flags, for one tenant or for everybody. Key: tenant, or ``anonymous``.

    A tenant's own state stands in for everybody's as a whole. A flag that is not in it has its
    default.
    """

    values: Annotated[
        dict[str, StrictBool | StrictInt | StrictFloat | StrictStr], DataClass.OPERATIONAL
    ] = Field(default_factory=dict)
    """By the flag's key; readers pass over what they do not know."""
