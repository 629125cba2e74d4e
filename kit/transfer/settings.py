"""Settings of a service that takes archives."""

from pathlib import Path

from pydantic import Field

from kit.attachments.settings import GIGABYTE, AttachmentSettings


class TransferSettings(AttachmentSettings):
    """Where archives wait, and how large they may be."""

    spool_dir: Path | None = Field(
        None, description="folder for uploads in progress; the system's temporary one by default"
    )
    import_max_bytes: int = Field(
        20 * GIGABYTE, gt=0, description="largest archive of a project to import; beyond it 413"
    )
    import_max_unpacked_bytes: int = Field(
        50 * GIGABYTE, gt=0, description="largest total of what such an archive unpacks to"
    )
    import_max_members: int = Field(
        100_000, gt=0, description="most members of such an archive: nearly all are attached files"
    )
