"""What all members of an archive share: the project, names, losses."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contracts.ids import Kind, parse_key, public_id
from tools.zephyr.convert.folders import Folders
from tools.zephyr.convert.losses import Losses
from tools.zephyr.convert.options import Options
from tools.zephyr.convert.texts import Texts
from tools.zephyr.convert.values import Values
from tools.zephyr.workdir import Row, Workdir


@dataclass
class Shared:
    """One project's conversion."""

    workdir: Workdir
    project: int
    key: str
    own_keys: Collection[str]
    """A project that was renamed may show both keys."""
    read_on: datetime
    """Stands where the source tells no time."""
    elsewhere: Collection[str]
    """Cases and cycles of other projects that the target has, by key."""
    options: Options
    folders: Folders
    values: Values
    losses: Losses = field(default_factory=Losses)

    @property
    def texts(self) -> Texts:
        """Reads single values."""
        return Texts(self.losses)

    def id(self, number: int) -> int:
        """Return a public id of the archive."""
        return public_id(self.project, number)

    def number(self, key: Any, kind: Kind) -> int | None:
        """Return the number of a key of this project; None for anything else."""
        parsed = parse_key(str(key or ""), kind)
        return parsed.number if parsed and parsed.project_key in self.own_keys else None

    def own(self, number: int, kind: Kind) -> str:
        """Return a key of the archive."""
        return f"{self.key}-{kind.value}{number}"

    def in_order(self, name: str, kind: Kind) -> Iterator[tuple[int, Row]]:
        """Yield things with their numbers, by number; memory: two numbers of each."""
        places: dict[int, int] = {}
        for row, place in self.workdir.walk(name):
            number = self.number(row.get("key"), kind)
            if number is None:
                self.losses.add(f"no key of the project: left out of {name}", str(row["id"]))
            else:
                places[number] = place.start
        for number in sorted(places):
            yield number, self.workdir.at(name, places[number])

    def details(self, name: str) -> "Details":
        """Return the details of one kind."""
        return Details(self.workdir, name)


class Details:
    """What hangs on things, by the source's id."""

    def __init__(self, workdir: Workdir, name: str) -> None:
        self._workdir = workdir
        self._name = name
        self._places = workdir.places(name)

    def of(self, row: Row) -> Row:
        """Return the details of a thing."""
        start = self._places.get(row["id"])
        return {} if start is None else self._workdir.at(self._name, start)
