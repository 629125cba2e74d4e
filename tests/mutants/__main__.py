"""``python -m tests.mutants [WORD]``: break a rule at a time, a named test must fail each time."""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.harness.backends import Backends, backends
from tests.mutants import trials
from tests.mutants.copies import Copy, DoesNotApply
from tests.mutants.patches import FOLDER, BadPatch, Mutant, all_mutants

ROOT = Path(__file__).parents[2]
_TAIL_LINES = 30
_WIDTH = 150
"""Columns of the table where the output is no terminal."""


@dataclass(frozen=True)
class Verdict:
    """How one mutant ended."""

    mutant: Mutant
    word: str
    """killed, survived, unusable (its tests could not run) or does not apply."""
    detail: str
    seconds: float

    @property
    def killed(self) -> bool:
        """Whether a test noticed."""
        return self.word == "killed"


def try_one(copy: Copy, mutant: Mutant, servers: dict[str, str]) -> Verdict:
    """Break the rule and run its tests."""
    started = time.monotonic()
    try:
        with copy.broken_by(mutant):
            trial = trials.run(copy.folder, mutant.tests, servers)
    except DoesNotApply as error:
        return Verdict(mutant, "does not apply", str(error), time.monotonic() - started)
    seconds = time.monotonic() - started
    if trial.noticed:
        return Verdict(mutant, "killed", ", ".join(trial.failed), seconds)
    word = "unusable" if trial.unusable or not trial.passed else "survived"
    return Verdict(mutant, word, _tail(trial.output), seconds)


def check(mutants: Sequence[Mutant], servers: dict[str, str], console: Console, root: Path) -> int:
    """Try all; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="ostro-mutants-") as folder:
        copy = Copy.made(root, Path(folder))
        tests = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
        console.print(f"{len(tests)} tests as the tree is …")
        before = trials.run(copy.folder, tests, servers, stop_early=False)
        if not before.good:
            console.print(_tail(before.output), markup=False)
            console.print("Not all of them pass without a mutant.")
            return 2
        verdicts = []
        for mutant in mutants:
            verdict = try_one(copy, mutant, servers)
            console.print(f"{verdict.word:>10}  {mutant.name}  {verdict.seconds:.0f} s")
            verdicts.append(verdict)
    return _report(verdicts, console)


def _report(verdicts: Sequence[Verdict], console: Console) -> int:
    table = Table("mutant", "rule that it breaks", "verdict", "noticed by")
    for v in verdicts:
        # escaped: a test's parameters look like markup
        table.add_row(v.mutant.name, v.mutant.rule, v.word, escape(v.detail) if v.killed else "")
    console.print(table)
    alive = [v for v in verdicts if not v.killed]
    for v in alive:
        console.print(f"\n{v.mutant.name}: {v.word}\n{v.detail}", markup=False)
    console.print(f"{len(verdicts) - len(alive)} of {len(verdicts)} mutants killed")
    return 1 if alive else 0


def _tail(output: str) -> str:
    return "\n".join(output.splitlines()[-_TAIL_LINES:])


def main(
    word: str = typer.Argument("", help="only mutants whose name or rule holds it"),
) -> None:
    """Break one rule at a time; a named test must fail each time."""
    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else _WIDTH)
    try:
        mutants = all_mutants(FOLDER, word)
    except BadPatch as error:
        console.print(str(error), markup=False)
        sys.exit(2)
    if not mutants:
        console.print(f"No mutant holds '{word}'.", markup=False)
        sys.exit(2)
    with backends() as servers:
        sys.exit(check(mutants, environment(servers), console, ROOT))


def environment(servers: Backends) -> dict[str, str]:
    """Return what points a test run at servers that run already."""
    return {"OSTRO_TEST_KAFKA": servers.kafka, "OSTRO_TEST_MONGO": servers.mongodb}


if __name__ == "__main__":
    typer.run(main)
