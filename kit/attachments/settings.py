"""Settings of a service that has attachments."""

from enum import StrEnum
from typing import Self

from pydantic import Field, HttpUrl, model_validator

from kit.settings import ServiceSettings

GIGABYTE = 1 << 30


class StoreKind(StrEnum):
    """Where bytes of attachments are kept."""

    GRIDFS = "gridfs"
    S3 = "s3"


class AttachmentSettings(ServiceSettings):
    """Where attachments are kept and how large they may be."""

    attachment_store: StoreKind = Field(
        StoreKind.GRIDFS,
        description="where bytes of attachments are kept: gridfs (the service's own database) or "
        "s3; what is stored does not move when this changes",
    )
    attachment_max_bytes: int = Field(
        GIGABYTE, ge=1, description="largest attachment; beyond it 413 on test cycles, else 400"
    )
    s3_bucket: str | None = Field(
        None, description="bucket of attachments, for s3; services may share one"
    )
    s3_endpoint: HttpUrl | None = Field(
        None, description="URL of an S3-compatible store; AWS's own when unset"
    )

    @model_validator(mode="after")
    def _bucket_named(self) -> Self:
        if self.attachment_store is StoreKind.S3 and not self.s3_bucket:
            raise ValueError("OSTRO_S3_BUCKET must be set where OSTRO_ATTACHMENT_STORE is s3")
        return self
