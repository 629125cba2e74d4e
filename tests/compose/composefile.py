"""docker-compose.yml as data, with `${NAME:-default}` resolved to the defaults."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
ONE_SHOTS = {"topics", "acls", "kafka-users", "mongo-init"}
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


@cache
def compose() -> dict[str, Any]:
    """Return the file; merge keys and defaults are resolved."""
    text = _VARIABLE.sub(r"\2", COMPOSE_FILE.read_text())
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def containers() -> dict[str, dict[str, Any]]:
    """Return every service of the file."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def environment(service: str) -> dict[str, str]:
    """Return what the container gets when the shell and .env set nothing."""
    block: dict[str, Any] = containers()[service]["environment"]
    return {name: str(value) for name, value in block.items() if value is not None}


def secret_targets(service: str) -> dict[str, str]:
    """Map the names under /run/secrets to the secrets mounted there."""
    listed = containers()[service].get("secrets", [])
    return dict((s, s) if isinstance(s, str) else (s["target"], s["source"]) for s in listed)


def variables() -> set[str]:
    """Return every setting that an operator can give: `${NAME}`, and names without a value."""
    blocks = [c.get("environment", {}) for c in containers().values()]
    passed_on = {name for block in blocks for name, value in block.items() if value is None}
    return passed_on | {name for name, _ in _VARIABLE.findall(COMPOSE_FILE.read_text())}
