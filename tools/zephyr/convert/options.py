"""Statuses, priorities and environments as rows of the archive, and their names by id."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contracts.ids import public_id
from contracts.testcases import (
    DEFAULT_OPTIONS,
    FIRST_CUSTOM_OPTION_NUMBER,
    MAX_NAME_LENGTH,
    OptionType,
)
from contracts.transfer import OptionRow
from tools.zephyr.convert.losses import Losses
from tools.zephyr.convert.numbers import Numbers, is_ostro, number_in
from tools.zephyr.kinds import STATUS_TYPES
from tools.zephyr.strays import STRAYS
from tools.zephyr.workdir import Row, Workdir, WorkdirError

_DEFAULTS = {(d.type, d.name.casefold()): d.number for d in DEFAULT_OPTIONS}
_TYPE_OF_NUMBER = {d.number: d.type for d in DEFAULT_OPTIONS}


@dataclass
class Options:
    """The options of a project."""

    project: int
    losses: Losses
    rows: list[OptionRow] = field(default_factory=list)
    _names: dict[tuple[OptionType, Any], str] = field(default_factory=dict)
    _taken: dict[OptionType, set[str]] = field(default_factory=dict)
    _indexes: dict[OptionType, set[int]] = field(default_factory=dict)
    _numbers: Numbers = field(
        default_factory=lambda: Numbers(
            FIRST_CUSTOM_OPTION_NUMBER, 1, lambda n: n >= FIRST_CUSTOM_OPTION_NUMBER
        )
    )
    _default_numbers: set[int] = field(default_factory=set)

    def name(self, kind: OptionType, reference: Any) -> str | None:
        """Return the name behind ``{id, self}``; None where it leads nowhere."""
        return self._names.get((kind, reference["id"])) if reference else None

    def default(self, kind: OptionType) -> str | None:
        """Return the name of the default, else of the first option; None where there is none."""
        group = [row for row in self.rows if row.type is kind]
        group.sort(key=lambda row: (not row.default, row.archived, row.index))
        return group[0].name if group else None

    def required(self, kind: OptionType, reference: Any, where: str) -> str:
        """Return a name in any case: the default for what leads nowhere, which is noted."""
        found = self.name(kind, reference)
        if found is None:
            self.losses.add(f"unknown {kind.value} option, the default instead", where)
            found = self.default(kind)
        if found is None:
            raise WorkdirError(f"the source has no {kind.value} options at all")
        return found

    def load(self, workdir: Workdir) -> None:
        """Read all options; the rows are sorted by id then."""
        for kind, row in _listed(workdir):
            if (kind, row["id"]) not in self._names:
                self._add(kind, row)
        self.rows.sort(key=lambda row: row.id)

    def _add(self, kind: OptionType, row: Row) -> None:
        name = self._free_name(kind, str(row["name"]))
        archived = bool(row.get("archived"))
        default = bool(row.get("default")) and not archived
        if default and any(r.default for r in self.rows if r.type is kind):
            default = False
        self._names[kind, row["id"]] = name
        self.rows.append(
            OptionRow(
                id=public_id(self.project, self._number(kind, row["id"], name)),
                type=kind,
                name=name,
                description=row.get("description") or None,
                color=row.get("color") or None,
                index=self._free_index(kind, int(row.get("index") or 0)),
                default=default,
                archived=archived,
            )
        )

    def _number(self, kind: OptionType, ident: int, name: str) -> int:
        """The options that every project starts with have numbers of their own."""
        own = number_in(ident) if is_ostro(ident) else None
        if own is None or _TYPE_OF_NUMBER.get(own) is not kind:
            own = None if own is not None else _DEFAULTS.get((kind, name.casefold()))
        if own is not None and own not in self._default_numbers:
            self._default_numbers.add(own)
            return own
        return self._numbers.take(ident)

    def _free_name(self, kind: OptionType, name: str) -> str:
        """Names are unique in any case; a second one gets a number."""
        taken, wanted, count = self._taken.setdefault(kind, set()), name.strip() or "?", 1
        wanted = found = wanted[:MAX_NAME_LENGTH]
        while found.casefold() in taken:
            count += 1
            found = f"{wanted[: MAX_NAME_LENGTH - 6]} ({count})"
        if found != name:
            self.losses.add(f"name of a {kind.value} option changed", f"{name} is {found}")
        taken.add(found.casefold())
        return found

    def _free_index(self, kind: OptionType, index: int) -> int:
        taken = self._indexes.setdefault(kind, set())
        while index in taken:
            index += 1
        taken.add(index)
        return index


def _listed(workdir: Workdir) -> Iterator[tuple[OptionType, Row]]:
    for status in STATUS_TYPES:
        for row, _ in workdir.walk(f"statuses.{status}"):
            yield OptionType(status), row
    for name, kind in (
        ("priorities", OptionType.PRIORITY),
        ("environments", OptionType.ENVIRONMENT),
    ):
        for row, _ in workdir.walk(name):
            yield kind, row
    for stray, _ in workdir.walk(STRAYS):
        if stray["row"] is not None and stray["type"] in set(OptionType):
            yield OptionType(stray["type"]), stray["row"]
