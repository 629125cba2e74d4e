"""AWS KMS as the key provider: the wrapping key never leaves it.

boto3 is synchronous, so calls run in threads of their own, few of them, and every call has a
deadline that covers the wait for a thread. Imported only where KMS is configured.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from kit.errors import Unavailable
from services.tenancy.domain.secret import Place, Secret
from services.tenancy.metrics import KEY_SERVICE_CALLS
from services.tenancy.usecases.ports import SealBroken

log = structlog.get_logger(__name__)
T = TypeVar("T")

PREFIX = "kms:"
_THREADS = 8
_DEADLINE_SECONDS = 8.0
_CONNECT_SECONDS = 1
_READ_SECONDS = 2
_ATTEMPTS = 3
_BROKEN = frozenset({"InvalidCiphertextException", "IncorrectKeyException", "ValidationException"})
"""What Decrypt answers about the ciphertext; all else is about KMS or about our rights there."""


class KmsClient(Protocol):
    """The part of boto3's client that is used."""

    def encrypt(self, **request: Any) -> Mapping[str, Any]:
        """Take ``KeyId``, ``Plaintext``, ``EncryptionContext``; return ``CiphertextBlob``."""
        ...

    def decrypt(self, **request: Any) -> Mapping[str, Any]:
        """Take ``KeyId``, ``CiphertextBlob``, ``EncryptionContext``; return ``Plaintext``."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


def kms_client(arn: str, endpoint: str | None = None) -> KmsClient:
    """Return a client for the region of the key; credentials come by AWS's own chain."""
    # the default session is shared by threads and not made for it
    client: KmsClient = boto3.session.Session().client(
        "kms",
        region_name=arn.split(":")[3],
        endpoint_url=endpoint,
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=_THREADS,
        ),
    )
    return client


class KmsKeys:
    """Wraps data keys with one KMS key. Its own new versions (AWS rotates them) keep the ARN."""

    def __init__(
        self, arn: str, endpoint: str | None = None, deadline_seconds: float = _DEADLINE_SECONDS
    ) -> None:
        self._arn = arn
        self._endpoint = endpoint
        self._deadline = deadline_seconds
        self._made: KmsClient | None = None
        self._making = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="kms")

    @property
    def key_id(self) -> str:
        """Return ``kms:<key ARN>``."""
        return PREFIX + self._arn

    async def wrap(self, data_key: Secret, place: Place) -> tuple[str, bytes]:
        """Encrypt the data key; raise ``Unavailable``."""
        try:
            answer = await self._call(
                lambda: self._client().encrypt(
                    KeyId=self._arn, Plaintext=data_key.reveal(), EncryptionContext=context(place)
                )
            )
        except _Refused as error:
            raise _unavailable(str(error)) from None
        return self.key_id, bytes(answer["CiphertextBlob"])

    async def unwrap(self, key_id: str, wrapped: bytes, place: Place) -> Secret:
        """Decrypt the data key, with this key and no other; raise ``Unavailable``."""
        if key_id != self.key_id:
            raise SealBroken("sealed with another KMS key")
        try:
            answer = await self._call(
                lambda: self._client().decrypt(
                    KeyId=self._arn, CiphertextBlob=wrapped, EncryptionContext=context(place)
                )
            )
        except _Refused:
            raise SealBroken("the data key was changed or belongs elsewhere") from None
        return Secret(bytes(answer["Plaintext"]))

    async def close(self) -> None:
        """Let calls in progress end; nothing waits for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._made is not None:
            self._made.close()

    def _client(self) -> KmsClient:
        # in a thread: making it reads files and may ask the machine's metadata for credentials
        with self._making:
            if self._made is None:
                self._made = kms_client(self._arn, self._endpoint)
            return self._made

    async def _call(self, call: Callable[[], T]) -> T:
        outcome = "unavailable"
        try:
            answer = await self._asked(call)
            outcome = "ok"
        except _Refused:
            outcome = "refused"
            raise
        finally:
            KEY_SERVICE_CALLS.labels(outcome).inc()
        return answer

    async def _asked(self, call: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._deadline):
                return await loop.run_in_executor(self._threads, call)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in _BROKEN:
                raise _Refused(code) from None
            raise _unavailable(code) from None
        except ParamValidationError:
            raise _Refused(
                "not sent"
            ) from None  # an empty or oversized ciphertext is not even sent
        except (BotoCoreError, TimeoutError) as error:
            raise _unavailable(type(error).__name__) from None


class _Refused(Exception):
    """KMS is fine and what it was given is not."""


def _unavailable(reason: str) -> Unavailable:
    # the code only: messages of boto3 name accounts, roles and addresses
    log.warning("KMS does not serve", reason=reason)
    return Unavailable("The key service is not available; try again.")


def context(place: Place) -> dict[str, str]:
    """Return the encryption context. KMS authenticates it and shows it in CloudTrail: ids only."""
    return {
        "tenant": place.tenant,
        "field": place.field,
        "record": place.record,
        "version": str(place.version),
    }
