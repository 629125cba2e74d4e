"""What both parts of a project check in the same way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.ids import Kind, number_of, parse_key, project_of
from contracts.transfer import AttachmentRow, LinkRow, Manifest, OwnerKind
from kit.attachments.names import checked_name
from kit.errors import InvalidInput
from kit.http.urls import executed_scheme
from kit.transfer.numbers import Numbers
from kit.transfer.reading import ArchiveReader

_MAX_LINKS = 1_000
_MAX_URL, _MAX_DESCRIPTION = 2_048, 1_000
_OWNERS = {
    OwnerKind.TEST_CASE: Kind.TEST_CASE,
    OwnerKind.TEST_PLAN: Kind.TEST_PLAN,
    OwnerKind.TEST_CYCLE: Kind.TEST_CYCLE,
    OwnerKind.TEST_EXECUTION: Kind.TEST_EXECUTION,
}


def check_project(manifest: Manifest, ident: int, where: str) -> None:
    """Raise ``InvalidInput`` for an id that is not of the archive's project."""
    if project_of(ident) != manifest.project.id or not number_of(ident):
        raise InvalidInput(f"{where}: id {ident} is not one of project {manifest.project.id}.")


@dataclass
class Links:
    """Links of an archive; ``modulus`` and the remainders say whose a link's number is."""

    manifest: Manifest
    modulus: int
    numbers: Numbers = field(default_factory=Numbers)

    def check(self, links: tuple[LinkRow, ...], remainder: int, where: str) -> None:
        """Raise ``InvalidInput`` for what no link may be."""
        if len(links) > _MAX_LINKS:
            raise InvalidInput(f"{where}: it has more than {_MAX_LINKS} links.")
        for link in links:
            number = number_of(link.id)
            check_project(self.manifest, link.id, where)
            if number % self.modulus != remainder or number < remainder + self.modulus % 2:
                raise InvalidInput(f"{where}: link {link.id} has a number of another kind.")
            self.numbers.add(number)
            if link.url is None:
                continue
            if len(link.url) > _MAX_URL or len(link.description or "") > _MAX_DESCRIPTION:
                raise InvalidInput(f"{where}: a URL or its description is too long.")
            if (scheme := executed_scheme(link.url)) is not None:
                raise InvalidInput(f"{where}: a URL must not have the scheme {scheme}.")


@dataclass
class Files:
    """Attachments of an archive: rows and bytes."""

    archive: ArchiveReader
    owners: Mapping[OwnerKind, Numbers]
    """Numbers of what there is."""
    steps: Numbers
    last: int = 0
    """The highest number."""
    _count: int = 0

    def check_all(self, rows: Sequence[AttachmentRow]) -> None:
        """Read files; raise as ``check``."""
        for row in rows:
            self.check(row)

    def check(self, row: AttachmentRow) -> None:
        """Read a file; raise ``InvalidInput`` for what is wrong with it or its row. Blocking."""
        where = f"attachment {row.id}"
        checked_name(row.name)
        numbers = self.owners.get(row.owner)
        key = parse_key(row.owner_key, _OWNERS[row.owner])
        mine = key is not None and key.project_key == self.archive.manifest.project.key
        if numbers is None or key is None or not mine or key.number not in numbers:
            raise InvalidInput(f"{where}: the archive does not hold its owner {row.owner_key}.")
        if row.step_id is not None and number_of(row.step_id) not in self.steps:
            raise InvalidInput(f"{where}: the archive does not hold step {row.step_id}.")
        for _ in self.archive.file(row):
            pass
        self.last = max(self.last, number_of(row.id))
        self._count += 1

    def finish(self) -> None:
        """Raise ``InvalidInput`` where a file has no row."""
        if self._count != self.archive.files:
            raise InvalidInput("The archive holds a file that no row names.")


def owner_number(row: AttachmentRow) -> int:
    """Return the number of what a checked row's file is attached to."""
    key = parse_key(row.owner_key, _OWNERS[row.owner])
    assert key is not None
    return key.number
