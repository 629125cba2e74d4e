"""Folders as rows of the archive, and their new ids by the source's."""

from contracts.ids import public_id
from contracts.transfer import FolderRow, FolderType
from tools.zephyr.convert.losses import Losses
from tools.zephyr.convert.numbers import Numbers
from tools.zephyr.convert.texts import Texts, reference
from tools.zephyr.strays import STRAYS
from tools.zephyr.workdir import Row, Workdir


class Folders:
    """The folders of a project."""

    def __init__(self, project: int, losses: Losses) -> None:
        self._losses = losses
        self._texts = Texts(losses)
        self._project = project
        self._ids: dict[int, int] = {}
        self._types: dict[int, FolderType] = {}
        self.rows: list[FolderRow] = []

    def id(self, folder: object, kind: FolderType, where: str) -> int | None:
        """Return the new id behind ``{id, self}``; None at the root, or for what leads nowhere."""
        source = reference(folder)
        if source is None:
            return None
        if self._types.get(source) is not kind:
            self._losses.add("folder not found in the source, the root instead", where)
            return None
        return self._ids[source]

    def load(self, workdir: Workdir) -> None:
        """Read all folders."""
        listed = {row["id"]: row for row, _ in workdir.walk("folders")}
        for stray, _ in workdir.walk(STRAYS):
            if stray["path"] == "folders" and stray["row"] is not None:
                listed.setdefault(stray["id"], stray["row"])
        numbers = Numbers()
        for ident, row in sorted(listed.items()):
            if row.get("folderType") in set(FolderType):
                self._ids[ident] = public_id(self._project, numbers.take(ident))
                self._types[ident] = FolderType(row["folderType"])
        self.rows = sorted(
            (self._row(listed[ident]) for ident in self._ids), key=lambda row: row.id
        )

    def _row(self, row: Row) -> FolderRow:
        where, kind = f"folder {row['id']}", self._types[row["id"]]
        return FolderRow(
            id=self._ids[row["id"]],
            folder_type=kind,
            name=self._texts.name(row.get("name"), where),
            index=max(0, int(row.get("index") or 0)),
            parent_id=self.id(row.get("parentId"), kind, where),
        )
