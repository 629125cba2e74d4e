"""Bytes in an S3-compatible store. Imported only where one is configured.

boto3 is synchronous, so its calls run in threads of their own, few of them; of each upload there
is one part in memory. Credentials come by AWS's own chain. An upload that was broken off leaves
parts that no listing of objects shows; ``delete`` finds and ends those, too.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from kit.attachments.store import Damaged, blocks
from kit.errors import Unavailable

log = structlog.get_logger(__name__)
T = TypeVar("T")

PART_BYTES = 5 * 1024 * 1024
"""The least that S3 takes for a part that is not the last: 10,000 of them are 48 GiB."""
_READ_BYTES = 256 * 1024
_THREADS = 8
_DEADLINE_SECONDS = 90.0
_CONNECT_SECONDS = 5
_READ_SECONDS = 25
_ATTEMPTS = 3
_GONE = frozenset({"NoSuchKey", "InvalidRange", "404", "416"})


class S3Bytes:
    """Implements ``ByteStore``. Services that share a bucket have prefixes of their own."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._endpoint = endpoint
        self._made: Any = None
        self._making = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")

    async def put(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Store all pieces: in one request when they are small, else part by part."""
        at = self._at(key)
        upload: dict[str, Any] | None = None
        done: list[Mapping[str, Any]] = []
        async for block in blocks(pieces, PART_BYTES):
            if upload is None and len(block) < PART_BYTES:
                await self._call("put_object", **at, Body=block)
                return
            if upload is None:
                begun = await self._call("create_multipart_upload", **at)
                upload = at | {"UploadId": begun["UploadId"]}
            number = len(done) + 1
            answer = await self._call("upload_part", **upload, PartNumber=number, Body=block)
            done.append({"PartNumber": number, "ETag": answer["ETag"]})
        if upload is not None:
            parts = {"Parts": done}
            await self._call("complete_multipart_upload", **upload, MultipartUpload=parts)

    async def open(self, key: str, start: int, size: int) -> AsyncIterator[bytes]:
        """Yield bytes as they are read; the connection is closed when reading ends early."""
        span = f"bytes={start}-{start + size - 1}"
        body = (await self._call("get_object", **self._at(key), Range=span))["Body"]
        try:
            while size > 0:
                part: bytes = await self._threaded(lambda: body.read(_READ_BYTES))
                if not part:
                    raise Damaged("an object is too short")
                size -= len(part)
                yield part
        finally:
            body.close()

    async def delete(self, key: str) -> None:
        """End what was begun, then remove the object."""
        at = self._at(key)
        for upload in await self._threaded(lambda: self._begun(at["Key"])):
            await self._call("abort_multipart_upload", **at, UploadId=upload)
        await self._call("delete_object", **at)

    async def close(self) -> None:
        """Let calls in progress end; nothing waits for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._made is not None:
            self._made.close()

    def _at(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}/{key}"}

    def _begun(self, key: str) -> list[str]:
        # a prefix finds longer keys, too
        pages = self._client().get_paginator("list_multipart_uploads")
        found = pages.paginate(Bucket=self._bucket, Prefix=key)
        return [u["UploadId"] for page in found for u in page.get("Uploads", ()) if u["Key"] == key]

    def _client(self) -> Any:
        # in a thread: making it reads files and may ask the machine's metadata for credentials
        with self._making:
            if self._made is None:
                self._made = _client(self._endpoint)
            return self._made

    async def _call(self, operation: str, **request: Any) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._threaded(
            lambda: getattr(self._client(), operation)(**request)
        )
        return answer

    async def _threaded(self, call: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                return await loop.run_in_executor(self._threads, call)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in _GONE:
                raise Damaged("an object is missing") from None
            raise _unavailable(code) from None
        except (BotoCoreError, HTTPClientError, OSError) as error:  # TimeoutError is an OSError
            raise _unavailable(type(error).__name__) from None


def _client(endpoint: str | None) -> Any:
    # the default session is shared by threads and not made for it
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=_THREADS,
            # what other makers' stores understand
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _unavailable(reason: str) -> Unavailable:
    # the code only: messages of boto3 name buckets, keys and addresses
    log.warning("the store of attachments does not serve", reason=reason)
    return Unavailable("The store of attachments is not available; try again.")
