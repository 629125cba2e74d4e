"""How an import reads an archive: what its caller chooses."""

from enum import StrEnum


class JiraIds(StrEnum):
    """What becomes of ids of Jira in an import: issues, components, versions."""

    AUTO = "auto"
    """Kept where the archive comes from the same Jira site."""
    KEEP = "keep"
    DROP = "drop"


class Missing(StrEnum):
    """What becomes of references to things of other projects that the target does not have."""

    REFUSE = "refuse"
    """The archive is refused, and each such reference is named."""
    DROP = "drop"
    """They are left out, and named: links of plans, and calls, in whose place is a text."""
