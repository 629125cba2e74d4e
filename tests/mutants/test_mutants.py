"""The mutants fit the tree, and the runner sees through survivors and patches that do nothing."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from tests.mutants.__main__ import ROOT, check
from tests.mutants.copies import Copy, DoesNotApply
from tests.mutants.patches import BadPatch, Mutant, all_mutants, load

WANTED = {
    "aborted-chunks-stored",
    "anonymizer-path-rule-skipped",
    "cap-removed",
    "consent-not-checked",
    "executions-tenant-filter",
    "hidden-cycles-listed",
    "iss-not-clientkey",
    "ledger-check-skipped",
    "offset-before-write",
    "outbox-not-emptied",
    "provisional-case-visible",
    "qsh-not-compared",
    "relay-not-fenced",
    "revocation-ignored",
    "testcases-tenant-filter",
}
"""Rules that must always have a mutant."""
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git applies the patches")


def test_the_rules_that_matter_have_a_mutant() -> None:
    assert {m.name for m in all_mutants()} >= WANTED


@needs_git
@pytest.mark.parametrize("mutant", all_mutants(), ids=lambda m: m.name)
def test_a_mutant_fits_the_tree_and_names_tests_that_exist(mutant: Mutant, tmp_path: Path) -> None:
    for name in mutant.changed:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    before = {name: (tmp_path / name).read_text() for name in mutant.changed}
    with Copy(tmp_path).broken_by(mutant):
        for name, text in before.items():
            broken = (tmp_path / name).read_text()
            assert broken != text
            compile(broken, name, "exec")
    assert {name: (tmp_path / name).read_text() for name in mutant.changed} == before
    for test in mutant.tests:
        file, _, function = test.partition("::")
        assert not function or f"def {function}(" in (ROOT / file).read_text()


THING = "def limit(n: int) -> int:\n    return min(n, 10)\n"
TESTS = """import thing

def test_limit():
    assert thing.limit(50) == 10

def test_weak():
    assert thing.limit(5) == 5
"""


def patch(folder: Path, name: str, *, test: str, old: str, new: str) -> None:
    """Write a mutant of the small tree."""
    first = "def limit(n: int) -> int:"
    (folder / f"{name}.patch").write_text(
        f"Rule: a limit\nTest: {test}\n\n--- a/thing.py\n+++ b/thing.py\n"
        f"@@ -1,2 +1,2 @@\n {first}\n-    {old}\n+    {new}\n"
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository of one rule."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "thing.py").write_text(THING)
    (root / "test_thing.py").write_text(TESTS)
    (root / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (root / ".gitignore").write_text("ignored.txt\n")
    (root / "ignored.txt").write_text("x")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def verdict(root: Path, folder: Path) -> tuple[int, str]:
    """Run all mutants of a folder on the small tree."""
    console = Console(record=True, width=200, file=io.StringIO())
    plain = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    code = check(all_mutants(folder), plain, console, root)
    return code, console.export_text()


@needs_git
def test_only_a_mutant_that_a_named_test_notices_is_killed(small: Path, tmp_path: Path) -> None:
    there = "return min(n, 10)"
    strong, weak = "test_thing.py::test_limit", "test_thing.py::test_weak"
    patch(tmp_path, "removed", test=strong, old=there, new="return n")
    code, said = verdict(small, tmp_path)
    assert (code, "1 of 1 mutants killed" in said) == (0, True), said
    patch(tmp_path, "unnoticed", test=weak, old=there, new="return n")
    patch(tmp_path, "outdated", test=strong, old="return min(n, 11)", new="return n")
    patch(tmp_path, "broken", test=strong, old=there, new="return (")
    code, said = verdict(small, tmp_path)
    assert (code, "1 of 4 mutants killed" in said) == (1, True), said
    for name, word in (
        ("removed", "killed"),
        ("unnoticed", "survived"),
        ("outdated", "does not apply"),
        ("broken", "unusable"),
    ):
        assert f"{word}  {name}  " in said
    assert (small / "thing.py").read_text() == THING


@needs_git
def test_a_test_that_fails_anyway_proves_nothing(small: Path, tmp_path: Path) -> None:
    (small / "thing.py").write_text(THING.replace("10", "12"))
    patch(
        tmp_path, "one", test="test_thing.py::test_limit", old="return min(n, 12)", new="return n"
    )
    code, said = verdict(small, tmp_path)
    assert (code, "Not all of them pass without a mutant" in said) == (2, True)


@needs_git
def test_a_copy_has_what_git_would_add(small: Path, tmp_path: Path) -> None:
    copy = Copy.made(small, tmp_path / "copy")
    found = {p.name for p in copy.folder.iterdir()}
    assert found == {"thing.py", "test_thing.py", "pytest.ini", ".gitignore"}
    patch(tmp_path, "x", test="t", old="return nothing", new="return n")
    with pytest.raises(DoesNotApply), copy.broken_by(load(tmp_path / "x.patch")):
        pass


@pytest.mark.parametrize("text", ["", "Rule: r\n\n--- a/x\n+++ b/x\n", "Rule: r\nTest: t\n"])
def test_a_patch_without_rule_test_or_change_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.patch").write_text(text)
    with pytest.raises(BadPatch):
        load(tmp_path / "x.patch")
