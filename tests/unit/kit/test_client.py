"""Asking an owner that cannot answer now: what of its answer goes on to the caller."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devstack.standin.serving import Listeners, bind, port_of
from kit.auth.service_tokens import ServiceTokens
from kit.errors import TooManyRequests, Unavailable
from kit.http.client import InternalClient
from kit.http.errors import ostro_response
from tests.harness.fakes import ManualClock

DOWN = "The tenancy service is not available; try again."
SUSPENDED = "The Jira site is not available; try again."


class Nothing(BaseModel):
    """An answer that nobody gets here."""


class Owner:
    """Answers whatever it is told to."""

    def __init__(self) -> None:
        self.answer = Response()

    async def asked(self, _request: Request) -> Response:
        return self.answer


def tokens() -> ServiceTokens:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return ServiceTokens("testcases", private, {"testcases": public.decode()}, ManualClock())


@pytest.fixture
async def owner() -> AsyncIterator[tuple[Owner, InternalClient]]:
    made, listeners, sock = Owner(), Listeners(), bind("127.0.0.1", 0)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(listeners.stop)
        await listeners.serve(Starlette(routes=[Route("/{any:path}", made.asked)]), sock)
        client = InternalClient(f"http://127.0.0.1:{port_of(sock)}", "tenancy", tokens())
        stack.push_async_callback(client.close)
        yield made, client


async def told(owner: tuple[Owner, InternalClient], answer: Response) -> tuple[str, str]:
    """Message and Retry-After of the ``Unavailable`` that the owner's answer becomes."""
    made, client = owner
    made.answer = answer
    with pytest.raises(Unavailable) as caught:
        await client.get("/internal/v1/issues", Nothing)
    return caught.value.message, caught.value.headers["Retry-After"]


async def test_the_owners_own_message_and_patience_go_on(
    owner: tuple[Owner, InternalClient],
) -> None:
    refusals = [
        (Unavailable(SUSPENDED, retry_after=30), "30"),
        (TooManyRequests("Jira asks to be called less often.", retry_after=7), "7"),
        (Unavailable(SUSPENDED, retry_after=10**8), "3600"),
        (Unavailable(SUSPENDED, retry_after=0), "1"),
        (Unavailable(SUSPENDED, retry_after=None), "5"),
        (Unavailable(SUSPENDED, headers={"Retry-After": "soon"}, retry_after=None), "5"),
    ]
    for refusal, patience in refusals:
        assert await told(owner, ostro_response(refusal)) == (refusal.message, patience)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, b"<h1>upstream 10.0.0.7:8203 failed</h1>"),
        (503, b""),
        (503, b"\xff"),
        (503, b"[]"),
        (503, b'{"message": "no code"}'),
        (503, b'{"errorCode": "503", "message": "text as code"}'),
        (503, b'{"errorCode": 500, "message": "another code"}'),
        (503, b'{"errorCode": 503, "message": ""}'),
        (503, b'{"errorCode": 503, "message": "two\\nlines"}'),
        (503, b'{"errorCode": 503, "message": ["list"]}'),
        (503, b'{"errorCode": 503, "message": "x", "trace": "more"}'),
        (503, b'{"errorCode": 503, "message": "' + b"x" * 301 + b'"}'),
        (503, b'{"errorCode": 503, "message": "x"' + b" " * 4096 + b"}"),
        (500, b'{"errorCode": 500, "message": "Internal error."}'),
        (501, b'{"errorCode": 501, "message": "Not Found"}'),
        (502, b'{"errorCode": 502, "message": "somebody else"}'),
    ],
)
async def test_what_is_not_the_owners_word_is_not_shown(
    owner: tuple[Owner, InternalClient], status: int, body: bytes
) -> None:
    answer = Response(body, status, {"Retry-After": "900"}, media_type="application/json")
    assert await told(owner, answer) == (DOWN, "5")
