"""Folders: list, get, create, and whether something may go into one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.ids import project_of, public_id
from kit.directory.access import Access
from kit.errors import NotFound
from kit.http.pages import OffsetPage
from services.testcases.domain.folders import Folder, FolderType, check_place, unknown_folder
from services.testcases.usecases.numbering import Numbered, Numbers


class FolderStore(Protocol):
    """Where folders are kept."""

    async def page(
        self, tenant: str, projects: Collection[int], kind: FolderType | None, page: OffsetPage
    ) -> tuple[int, Sequence[Folder]]:
        """Return the total and one page, by id."""
        ...

    async def get(self, tenant: str, folder: int) -> Folder | None:
        """Return one folder."""
        ...

    async def children(
        self, tenant: str, project: int, parents: Collection[int]
    ) -> Collection[int]:
        """Return the ids of the folders of test cases right below these."""
        ...

    async def next_index(
        self, tenant: str, project: int, kind: FolderType, parent: int | None
    ) -> int:
        """Return the position behind the folders of one parent."""
        ...

    async def insert(self, tenant: str, folder: Folder) -> None:
        """Store a new folder."""
        ...


@dataclass(frozen=True)
class NewFolder:
    """What a client sends."""

    project_key: str
    type: FolderType
    name: str
    parent: int | None = None


class Folders:
    """The folders of projects."""

    def __init__(self, store: FolderStore, numbers: Numbers) -> None:
        self._store = store
        self._numbers = numbers

    async def page(
        self, access: Access, project_key: str | None, kind: FolderType | None, page: OffsetPage
    ) -> tuple[int, Sequence[Folder]]:
        """Return the total and one page of the visible folders."""
        projects = await access.chosen(project_key)
        return await self._store.page(access.tenant, list(projects), kind, page)

    async def get(self, access: Access, folder: int) -> Folder:
        """Return one folder; ``NotFound`` when unknown or invisible."""
        found = await self.visible(access, folder)
        if found is None:
            raise NotFound(f"The folder with id {folder} does not exist.")
        return found

    async def create(self, access: Access, new: NewFolder) -> Folder:
        """Store a new folder behind its siblings. Names may repeat under one parent."""
        project = await access.project(new.project_key)
        await self.check(access, new.parent, project.id, new.type)
        number = await self._numbers.reserve(access.tenant, project.id, Numbered.FOLDER)
        folder = Folder(
            id=public_id(project.id, number),
            project=project.id,
            type=new.type,
            name=new.name,
            index=await self._store.next_index(access.tenant, project.id, new.type, new.parent),
            parent=new.parent,
        )
        await self._store.insert(access.tenant, folder)
        return folder

    async def check(
        self, access: Access, folder: int | None, project: int, kind: FolderType
    ) -> None:
        """Raise ``InvalidInput`` unless things of this kind may go there; None is the root."""
        if folder is None:
            return
        found = await self.visible(access, folder)
        if found is None:
            raise unknown_folder(folder)
        check_place(found, project, kind)

    async def visible(self, access: Access, folder: int) -> Folder | None:
        """Return a folder of a project that the caller sees."""
        if await access.sees(project_of(folder)) is None:
            return None
        return await self._store.get(access.tenant, folder)

    async def below(self, tenant: str, folder: int) -> Collection[int]:
        """Return a folder of test cases and all that lie in it, at any depth."""
        found, level = {folder}, {folder}
        while level:
            inside = await self._store.children(tenant, project_of(folder), level)
            level = set(inside) - found
            found |= level
        return found

    async def find(self, tenant: str, folder: int) -> Folder | None:
        """Return a folder for another service, which looks at the project itself."""
        return await self._store.get(tenant, folder)
