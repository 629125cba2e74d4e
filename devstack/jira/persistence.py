"""The state file: what lets a second start continue with the same keys, client key and secret."""

import os
from pathlib import Path

from devstack.jira.model import State


def load(path: Path) -> State | None:
    """None when there is no file yet. Raises ValueError naming the file when it is unreadable."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return State.model_validate_json(text)
    except ValueError as error:
        raise ValueError(f"{path} is not a state file of the Jira stand-in: {error}") from error


def save(path: Path, state: State) -> None:
    """Replace the file in one step, readable by its owner only (it holds private keys)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(state.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
