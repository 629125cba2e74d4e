"""One mutant: a patch with a header that says which rule it breaks and which tests must notice.

    Rule: an offset is committed only after the write
    Test: tests/integration/kit/test_consumer.py::test_nothing_is_committed_while_a_batch_fails

    --- a/kit/kafka/consumer.py
    +++ b/kit/kafka/consumer.py
    ...

``Test:`` may stand several times; one of them must fail. Longer remarks go between.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_HEADER = re.compile(r"^(Rule|Test): (.+)$", re.MULTILINE)
_CHANGED = re.compile(r"^\+\+\+ b/(\S+)$", re.MULTILINE)


class BadPatch(Exception):
    """The file is no mutant; the text says why."""


@dataclass(frozen=True)
class Mutant:
    """One broken rule."""

    name: str
    path: Path
    rule: str
    tests: Sequence[str]
    """Node ids for pytest."""
    changed: Sequence[str]
    """Files that the patch changes, relative to the root."""


def load(path: Path) -> Mutant:
    """Read one patch; raise ``BadPatch``."""
    text = path.read_text()
    head = text.partition("\n--- ")[0]
    fields = _HEADER.findall(head)
    rules = [value for name, value in fields if name == "Rule"]
    tests = [value for name, value in fields if name == "Test"]
    changed = _CHANGED.findall(text)
    if len(rules) != 1 or not tests or not changed:
        raise BadPatch(f"{path.name}: wants one Rule, at least one Test and a change of a file")
    return Mutant(path.stem, path, rules[0], tests, changed)


def all_mutants(folder: Path = FOLDER, chosen: str = "") -> list[Mutant]:
    """Return the mutants of a folder whose name or rule contains ``chosen``, by name."""
    found = [load(path) for path in sorted(folder.glob("*.patch"))]
    wanted = chosen.casefold()
    return [m for m in found if wanted in f"{m.name} {m.rule}".casefold()]
