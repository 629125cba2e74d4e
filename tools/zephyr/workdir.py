"""The working directory: JSON Lines that only grow, and a cursor beside each.

A page is appended, then the cursor is replaced; what a broken-off run left behind the cursor is cut
off by the next one, so each row stands there as often as it was read. A thing that changed stands
there again, and its last row counts. Nothing here holds a token.

    DIR/source.json           base URL and options of the copy
    DIR/KEY/state.json        cursors
    DIR/KEY/<kind>.jsonl      rows as the API gave them
    DIR/KEY/files/            attachments
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Row = dict[str, Any]


class WorkdirError(Exception):
    """The directory cannot be used for this copy."""


class Cursor(BaseModel):
    """How far one kind is read: bytes of its file, rows among them, where to go on, whether done.

    ``next`` is an id, a page's start, or the place in the file that this kind follows.
    """

    length: int = 0
    rows: int = 0
    next: int = 0
    done: bool = False


class Imported(BaseModel):
    """An import that was begun: the pass that its archives are of, and how far it is.

    ``lengths`` are those of the files then: what stands behind them came or changed afterwards.
    """

    number: int
    jira: str
    lengths: dict[str, int]
    parts: list[str] = Field(default_factory=list)
    left_out: dict[str, int] = Field(default_factory=dict)


class State(BaseModel):
    """What is known of one project's copy.

    A pass reads everything, or (``since``) what changed after that moment; times are the source's.
    """

    model_config = ConfigDict(extra="forbid")

    number: int = 0
    since: str | None = None
    started: str | None = None
    finished: bool = True
    kinds: dict[str, Cursor] = Field(default_factory=dict)
    totals: dict[str, int] = Field(default_factory=dict)
    cursor_walks: dict[str, bool] = Field(default_factory=dict)
    imported: Imported | None = None
    former: Imported | None = None
    """The one before ``imported``, as long as nothing of that was taken."""


@dataclass(frozen=True)
class Place:
    """A row's place in its file: first byte, and the byte behind it."""

    start: int
    end: int


class Workdir:
    """The part of the directory that holds one project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        _private(folder)
        _private(self.files)
        self.state = self._load()

    def file(self, kind: str) -> Path:
        """Return where the rows of a kind lie."""
        return self.folder / f"{kind}.jsonl"

    def cursor(self, kind: str) -> Cursor:
        """Return the cursor of a kind."""
        return self.state.kinds.setdefault(kind, Cursor())

    def save(self) -> None:
        """Replace the state on disk in one step."""
        _replace(self.folder / "state.json", self.state.model_dump_json(indent=1).encode())

    def restart(self, kind: str, *, empty: bool) -> None:
        """Let a kind be read from its beginning; ``empty`` drops what is there."""
        old = self.cursor(kind)
        self.state.kinds[kind] = Cursor() if empty else Cursor(length=old.length, rows=old.rows)

    def append(self, kind: str, rows: Sequence[Row], following: int, *, done: bool) -> None:
        """Add rows and move the cursor; both are on disk when this returns."""
        cursor = self.cursor(kind)
        text = b"".join(orjson.dumps(row) + b"\n" for row in rows)
        descriptor = os.open(self.file(kind), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(cursor.length)
            file.seek(cursor.length)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.state.kinds[kind] = Cursor(
            length=cursor.length + len(text),
            rows=cursor.rows + len(rows),
            next=following,
            done=done,
        )
        self.save()

    def walk(self, kind: str, start: int = 0) -> Iterator[tuple[Row, Place]]:
        """Yield the rows behind a byte, in the order they were read."""
        end = self.cursor(kind).length
        if start >= end:
            return
        with self.file(kind).open("rb") as file:
            file.seek(start)
            place = start
            while place < end:
                line = file.readline()
                if not line.endswith(b"\n"):
                    raise WorkdirError(f"{self.file(kind)} is shorter than its cursor says")
                yield orjson.loads(line), Place(place, place + len(line))
                place += len(line)

    def places(self, kind: str, by: str = "id") -> dict[Any, int]:
        """Return where the last row of each thing begins, in the order of first sight."""
        return {row[by]: place.start for row, place in self.walk(kind)}

    def latest(self, kind: str, by: str = "id") -> Iterator[Row]:
        """Yield the last row of each thing, in the order of first sight; keeps a number of each."""
        places = self.places(kind, by)
        if not places:
            return
        with self.file(kind).open("rb") as file:
            for start in places.values():
                file.seek(start)
                yield orjson.loads(file.readline())

    def changed(self, kind: str, length: int) -> set[Any]:
        """Return the ids of things that came behind a byte, or are otherwise than before it."""
        found: set[Any] = set()
        before: dict[Any, int] = {}
        for row, place in self.walk(kind):
            if place.start >= length:
                known = before.get(row["id"])
                if known is None or self.at(kind, known) != row:
                    found.add(row["id"])
            else:
                before[row["id"]] = place.start
        return found

    def at(self, kind: str, start: int) -> Row:
        """Return the row that begins at a byte."""
        with self.file(kind).open("rb") as file:
            file.seek(start)
            row: Row = orjson.loads(file.readline())
            return row

    def _load(self) -> State:
        path = self.folder / "state.json"
        if not path.exists():
            return State()
        try:
            return State.model_validate_json(path.read_bytes())
        except ValidationError:
            raise WorkdirError(f"{path} is not of this version; use an empty directory") from None


class Source(BaseModel):
    """What the copy is of; a directory serves one source, read in one way."""

    model_config = ConfigDict(extra="forbid")

    base_url: str
    attachments: bool
    step_attachments: bool
    versions: bool
    execution_steps: bool
    site_url: str | None = None
    """Of the Jira site, as the token says."""


def open_root(root: Path, source: Source) -> None:
    """Make the directory, for its owner alone, and note the source.

    Raises ``WorkdirError`` where it belongs to a copy of another source or other options.
    """
    path = root / "source.json"
    if root.exists() and not path.exists() and any(root.iterdir()):
        raise WorkdirError(f"{root} holds other things; give an empty directory, or a new one")
    _private(root)
    if path.exists():
        try:
            known = Source.model_validate_json(path.read_bytes())
        except ValidationError:
            raise WorkdirError(f"{path} is not of this version; use an empty directory") from None
        if known.model_copy(update={"site_url": source.site_url}) != source:
            raise WorkdirError(
                f"{root} holds a copy of {known.base_url} read with other options, or of another "
                "account; use an empty directory, or the same options"
            )
    else:
        _replace(path, source.model_dump_json(indent=1).encode())


def known_source(root: Path) -> Source:
    """Return what a directory is a copy of; raises ``WorkdirError`` where it is none."""
    path = root / "source.json"
    try:
        return Source.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise WorkdirError(f"{root} holds no copy") from None


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.new")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
