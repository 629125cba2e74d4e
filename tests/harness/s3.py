"""A bucket in a server that speaks S3 (moto), and what is in it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.harness.kms import CREDENTIALS, KmsServer, kms_server

BUCKET = "attachments"


@dataclass(frozen=True)
class S3Bucket:
    """The running server with one bucket."""

    server: KmsServer
    name: str = BUCKET

    @property
    def endpoint(self) -> str:
        """Return its URL."""
        return self.server.endpoint

    @property
    def admin(self) -> Any:
        """Return a client that may do everything."""
        return boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def remains(self) -> list[str]:
        """Return the keys of objects and of uploads that were begun and not ended."""
        admin = self.admin
        objects = admin.list_objects_v2(Bucket=self.name).get("Contents", [])
        uploads = admin.list_multipart_uploads(Bucket=self.name).get("Uploads", [])
        return sorted(found["Key"] for found in [*objects, *uploads])


@contextlib.contextmanager
def s3_bucket(folder: Path) -> Iterator[S3Bucket]:
    """Run the server until the block ends. Services need ``kms.CREDENTIALS`` in the environment."""
    with kms_server(folder) as server:  # moto's server speaks for all of AWS
        bucket = S3Bucket(server)
        bucket.admin.create_bucket(Bucket=bucket.name)
        yield bucket
