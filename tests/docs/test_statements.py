"""What the pages name exists: links, files, commands, variables, metrics, operations."""

import importlib.util
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.settings import StackSettings, port_setting
from tests.docs.pages import PAGES, ROOT, anchors, blocks, links, name_of, prose, spans
from tools.docs.metrics import MODULES, metrics_of
from tools.docs.settings import COMMANDS, SERVICES, variables

_TOP = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
_METHODS = {"get", "post", "put", "delete"}
_MADE = ("deploy/secrets/",)
"""Paths that a command makes; a fresh clone has none of them."""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(page: Path) -> None:
    missing = [span for span in spans(page) if _is_path(span) and not _exists(span)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_named_exists(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    modules = set(re.findall(r"python -m ([a-z_][a-z_.]*[a-z_])", text)) - {"services"}
    assert {m for m in modules if importlib.util.find_spec(m) is None} == set()
    code = "\n".join([*spans(page), *blocks(page, "sh")])
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_variable_that_is_named_is_read_by_something(page: Path) -> None:
    known = {
        name
        for settings in (*SERVICES.values(), *COMMANDS.values())
        for name in variables(settings)
    }
    known |= {port_setting(name) for name in StackSettings.model_fields}
    # what compose and tests read: `${NAME` and `environ[...]`
    known |= set(re.findall(r"OSTRO_[A-Z_]+[A-Z]", _other_readers()))
    named = set(re.findall(r"\bOSTRO_[A-Z_]+[A-Z]\b(?!_?\*)", page.read_text()))
    assert named - known == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_metric_that_is_named_exists(page: Path) -> None:
    known = {name for module in MODULES.values() for m in metrics_of(module) for name in _names(m)}
    named = set(re.findall(r"`(ostro_[a-z_]+)`", prose(page)))
    collections = {s for s in named if s.removeprefix("ostro_") in SERVICES}
    assert named - known - collections == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_shell_blocks_can_be_parsed(page: Path) -> None:
    for block in blocks(page, "sh"):
        done = subprocess.run(
            ["sh", "-n"], input=block, text=True, check=False, timeout=10, capture_output=True
        )
        assert done.returncode == 0, f"{done.stderr}\n{block}"


def test_readme_counts_the_operations_right() -> None:
    # two services remove links, each its own: one operation
    found = {
        (method, route)
        for path in (ROOT / "docs" / "openapi").glob("*.json")
        for route, methods in json.loads(path.read_text())["paths"].items()
        for method in methods.keys() & _METHODS
        if route.startswith("/v2/")
    }
    assert f"{len(found)} of the 84 operations" in (ROOT / "README.md").read_text()


def test_decisions_are_short_and_complete() -> None:
    parts = (
        "Status: ",
        "Date: ",
        "## Context",
        "## Decision",
        "## Consequences",
        "## Alternatives",
        "Enforced by: ",
    )
    numbers = []
    for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        text = path.read_text()
        assert text.count("\n") <= 40, path.name
        assert all(f"\n{part}" in text for part in parts), path.name
        numbers.append(path.name[:4])
        assert text.startswith(f"# {path.name[:4]}. ")
    assert len(numbers) == len(set(numbers))


def test_no_page_names_a_machine_or_registry() -> None:
    # no host is named here either: an index is known by how it is given or by its path
    wrong = re.compile(r"/(?:work|root)/|-index-url|https?://\S+/simple\b", re.IGNORECASE)
    assert [name_of(p) for p in PAGES if wrong.search(p.read_text())] == []


def _names(metric: object) -> Iterator[str]:
    for family in metric.describe():  # type: ignore[attr-defined]  # Prometheus' own classes
        yield family.name
        yield f"{family.name}_total"


def _is_path(span: str) -> bool:
    first = span.split("/", maxsplit=1)[0]
    return "/" in span and " " not in span and first in _TOP


def _exists(span: str) -> bool:
    return span.startswith(_MADE) or all(
        any(ROOT.glob(option.rstrip("/"))) for option in _expanded(span.partition(":")[0])
    )


def _expanded(span: str) -> list[str]:
    """Expand ``{a,b}`` as a shell does."""
    found = re.search(r"\{([^}]*)\}", span)
    if found is None:
        return [span]
    before, after = span[: found.start()], span[found.end() :]
    return [e for part in found[1].split(",") for e in _expanded(before + part + after)]


def _other_readers() -> str:
    files = [ROOT / "docker-compose.yml", ROOT / ".env.example"]
    for folder in ("devstack", "tests", "deploy"):
        for base, _, names in os.walk(ROOT / folder):
            files += [Path(base) / n for n in names if n.endswith((".py", ".yml", ".sh"))]
    return "\n".join(f.read_text() for f in files if f.name != Path(__file__).name)
