"""Labels of test cases and test plans."""

from collections.abc import Sequence

from kit.errors import InvalidInput

MAX_LABELS = 50


def check_labels(labels: Sequence[str]) -> None:
    """Raise ``InvalidInput`` for more than 50 labels, a blank one, one with white space."""
    if len(labels) > MAX_LABELS:
        raise InvalidInput(f"labels must not hold more than {MAX_LABELS} labels.")
    for label in labels:
        if not label.strip():
            raise InvalidInput("labels must not hold a blank label.")
        if any(c.isspace() for c in label):
            raise InvalidInput(f"The label '{label}' must not contain spaces.")
