"""Settings of executions."""

from pydantic import Field

from kit.transfer.settings import TransferSettings

MEGABYTE = 1_000_000


class ExecutionsSettings(TransferSettings):
    """The vendor's caps by default; every cap is named in the 413 it causes."""

    http_port: int = Field(8102, ge=1, le=65535, description="public API")
    internal_port: int = Field(8202, ge=1, le=65535, description="internal listener")
    mongodb_database: str = Field("ostro_executions", description="own database")

    upload_max_junit_bytes: int = Field(
        10 * MEGABYTE, gt=0, description="largest file part of a JUnit upload, as sent"
    )
    upload_max_cucumber_bytes: int = Field(
        2 * MEGABYTE, gt=0, description="largest file part of a Cucumber upload, as sent"
    )
    upload_max_custom_bytes: int = Field(
        10 * MEGABYTE, gt=0, description="largest file part of a custom upload, as sent"
    )
    upload_max_unpacked_bytes: int = Field(
        200 * MEGABYTE, gt=0, description="largest total of a zip's unpacked files"
    )
    upload_max_zip_entries: int = Field(1_000, gt=0, description="most files in a zip")
    upload_max_results: int = Field(
        1_000_000, gt=0, description="most results in one upload, however small they are"
    )
    upload_wait_seconds: float = Field(
        20.0, ge=0, description="how long an upload's answer waits until all results are stored"
    )
    upload_parallel: int = Field(
        8,
        gt=0,
        description="uploads of one tenant that a process takes at once, and uploads of all "
        "tenants that it reads and publishes at once; others queue",
    )
    max_unstored_results: int = Field(
        50_000,
        gt=0,
        description="accepted results of one tenant that may wait for storage; beyond it 429",
    )
    max_queue_age_seconds: float = Field(
        86_400.0,
        gt=0,
        description="when an accepted upload has waited so long for storage, uploads get 503",
    )
    search_seconds: float = Field(
        5.0, gt=0, description="how long the database may work on one search; beyond it 422"
    )
