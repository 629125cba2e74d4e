"""Folders of test cases, plans and cycles."""

from dataclasses import dataclass
from enum import StrEnum

from kit.errors import InvalidInput


class FolderType(StrEnum):
    """What a folder holds."""

    TEST_CASE = "TEST_CASE"
    TEST_PLAN = "TEST_PLAN"
    TEST_CYCLE = "TEST_CYCLE"


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder; ``parent`` None is the root of its project and type."""

    id: int
    project: int
    type: FolderType
    name: str
    index: int
    parent: int | None = None


def unknown_folder(folder: int) -> InvalidInput:
    """Build the error of a folder that a body names in vain, or that the caller cannot see."""
    return InvalidInput(f"The folder with id {folder} does not exist.")


def check_place(folder: Folder, project: int, kind: FolderType) -> None:
    """Raise ``InvalidInput`` unless things of this project and type may go into the folder."""
    if folder.project != project:
        raise InvalidInput(f"The folder with id {folder.id} belongs to another project.")
    if folder.type is not kind:
        raise InvalidInput(f"The folder with id {folder.id} is not of type {kind}.")
