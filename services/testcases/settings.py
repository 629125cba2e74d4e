"""Settings of testcases."""

from pydantic import Field

from kit.http.body import DEFAULT_MAX_BYTES
from kit.transfer.settings import TransferSettings


class TestcasesSettings(TransferSettings):
    """What the service needs beside the common settings."""

    __test__ = False  # not a pytest class

    http_port: int = Field(8101, ge=1, le=65535, description="public API")
    internal_port: int = Field(8201, ge=1, le=65535, description="internal listener")
    mongodb_database: str = Field("ostro_testcases", description="own database")
    max_body_bytes: int = Field(
        DEFAULT_MAX_BYTES, ge=1024, description="largest JSON body of a request; beyond it 413"
    )
    search_seconds: float = Field(
        5.0, gt=0, description="how long the database may work on one search; beyond it 422"
    )
