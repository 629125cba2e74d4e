"""Folders that something is put into. The library owns them."""

from typing import Protocol

from kit.errors import InvalidInput


class Folders(Protocol):
    """Folders of a project."""

    async def folder_type(self, tenant: str, project: int, folder: int) -> str | None:
        """Return the type of a folder of this project, None when there is none."""
        ...


async def check_folder(
    folders: Folders, tenant: str, project: int, folder: int | None, kind: str
) -> None:
    """Raise ``InvalidInput`` unless there is no folder, or it is of the kind and the project."""
    if folder is None:
        return
    found = await folders.folder_type(tenant, project, folder)
    if found is None:
        raise InvalidInput(f"Folder {folder} does not exist in the project.")
    if found != kind:
        raise InvalidInput(f"Folder {folder} should be of type {kind}.")
