"""SCRAM users: ``python -m kit.kafka.users apply`` takes over the credentials of a file.

The file (OSTRO_KAFKA_CREDENTIALS_FILE) holds one credential per line, in the notation of
``kafka-storage format --add-scram``: salted and hashed, so that neither the administrator nor
Kafka learns a password. It creates users that came later and changes passwords; whoever is
connected stays connected.
"""

import asyncio
import base64
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)
from pydantic import Field

from kit.kafka.client import connection
from kit.settings import KafkaSettings, load, read_secret

SCRAM_SHA_512 = 2
_CREDENTIAL = re.compile(
    r'SCRAM-SHA-512=\[name=([^,]+),iterations=(\d+),salt="([^"]+)",saltedpassword="([^"]+)"\]'
)


class UserSettings(KafkaSettings):
    """Settings of this command."""

    kafka_credentials_file: Path = Field(description="one salted credential per line")


class Credential(NamedTuple):
    """What Kafka needs to check a password without knowing it."""

    user: str
    iterations: int
    salt: bytes
    salted_password: bytes


def parse(text: str) -> list[Credential]:
    """Read credentials; raises ValueError with the line number, never with the line."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        matched = _CREDENTIAL.fullmatch(line)
        if matched is None:
            raise ValueError(f"line {number} is no SCRAM-SHA-512 credential")
        user, iterations, salt, salted = matched.groups()
        found.append(
            Credential(user, int(iterations), base64.b64decode(salt), base64.b64decode(salted))
        )
    return found


# AlterUserScramCredentials, which aiokafka does not have (KIP-554; key 51, version 0)
class _AlterResponse(Response):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterStruct(RequestStruct):  # type: ignore[misc]  # aiokafka is untyped
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _AlterResponse
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(
                ("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)
            ),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Alter(Request[_AlterStruct]):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 51

    def __init__(self, credentials: list[Credential]) -> None:
        self._credentials = credentials

    def build(self, request_struct_class: type[_AlterStruct]) -> _AlterStruct:
        rows: list[tuple[Any, ...]] = [
            (c.user, SCRAM_SHA_512, c.iterations, c.salt, c.salted_password, {})
            for c in self._credentials
        ]
        return request_struct_class([], rows, {})


async def apply(settings: KafkaSettings, credentials: list[Credential]) -> None:
    """Create or change the users; raises RuntimeError with what Kafka refused."""
    client = AIOKafkaClient(**connection(settings))
    try:
        await client.bootstrap()
        # any broker forwards it to the controller
        response: Any = await client.send(client.get_random_node(), _Alter(credentials))
        refused = [f"{user} (error {code})" for user, code, _text, _ in response.results if code]
        if refused:
            raise RuntimeError("Kafka refused users: " + ", ".join(refused))
    finally:
        await client.close()


def main(arguments: list[str]) -> None:
    """Run the command of this module."""
    if arguments != ["apply"]:
        raise SystemExit("usage: python -m kit.kafka.users apply")
    settings = load(UserSettings)
    try:
        credentials = parse(read_secret(settings.kafka_credentials_file))
    except ValueError as error:
        raise SystemExit(f"OSTRO_KAFKA_CREDENTIALS_FILE: {error}") from None
    asyncio.run(apply(settings, credentials))
    sys.stdout.write(f"users: {', '.join(c.user for c in credentials)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
