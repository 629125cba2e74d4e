"""One automation result, whatever file it came from."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a parser can say. The value is the name of the default status that shows it."""

    PASS = "Pass"  # noqa: S105  a test status
    FAIL = "Fail"
    SKIPPED = "Skipped"
    BLOCKED = "Blocked"
    NOT_EXECUTED = "Not Executed"
    IN_PROGRESS = "In Progress"


@dataclass(frozen=True, slots=True)
class ParsedResult:
    """One result: an execution for each of its keys, or one for the case its name matches."""

    keys: tuple[str, ...]
    """Test case keys in order of appearance (``DEMO-T1``), each once. Several when a scenario
    carries two tags. Keys given explicitly (tag, custom format) may be unknown or malformed."""
    name: str | None
    """Name to match, or to create, when there is no key; at most 255 characters."""
    alternative_names: tuple[str, ...]
    """Further names to try for matching, in order."""
    status: str
    """A value of ``Outcome``; of the custom format any other word as it was written."""
    time_ms: int | None
    comment: str | None
    """HTML fragment of at most ``MAX_COMMENT_BYTES`` bytes."""
    group: str | None = None
    """Before folding: the same for all variants of one test in a file. None: not a variant."""
    variant: str = ""
    """Before folding: which variant, as the file names it (``[3+5-8]``)."""
