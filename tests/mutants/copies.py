"""A copy of the tree that may be broken; the working tree never is."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.mutants.patches import Mutant


class DoesNotApply(Exception):
    """The patch does not fit the tree any more."""


@dataclass(frozen=True)
class Copy:
    """A folder whose files a patch may change."""

    folder: Path

    @classmethod
    def made(cls, root: Path, folder: Path) -> Self:
        """Copy what git knows or would add, as it stands in the working tree."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            source = root / name
            if source.is_file():  # not one that is being removed
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        return cls(folder)

    @contextmanager
    def broken_by(self, mutant: Mutant) -> Iterator[None]:
        """Apply the patch for the length of the block; raise ``DoesNotApply``."""
        kept = {name: (self.folder / name).read_bytes() for name in self._existing(mutant)}
        try:
            self._apply(mutant)
            yield
        finally:
            for name in mutant.changed:
                if name in kept:
                    (self.folder / name).write_bytes(kept[name])
                else:
                    (self.folder / name).unlink(missing_ok=True)

    def _existing(self, mutant: Mutant) -> list[str]:
        return [name for name in mutant.changed if (self.folder / name).is_file()]

    def _apply(self, mutant: Mutant) -> None:
        # outside any repository git only writes files
        done = subprocess.run(
            ["git", "apply", "-C1", "--whitespace=nowarn", str(mutant.path.resolve())],
            cwd=self.folder,
            env={"GIT_CEILING_DIRECTORIES": str(self.folder.parent), "PATH": _path()},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DoesNotApply(done.stderr.strip())


def _path() -> str:
    git = shutil.which("git")
    return str(Path(git).parent) if git else "/usr/bin"
