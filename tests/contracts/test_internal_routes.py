"""Every internal route names the services that may ask it: one that forgot is found here."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from fastapi import FastAPI

from contracts.routes import EXECUTIONS, TELEMETRY, TENANCY, TESTCASES
from kit.auth.service_tokens import InternalCaller, ServiceTokens
from kit.clock import SystemClock
from kit.errors import Forbidden, Unauthenticated
from kit.http.security import PeerOf, TenantPeerOf
from tools.docs.internal import Operation, peers
from tools.docs.openapi import all_parts

SERVICES = frozenset({TESTCASES, EXECUTIONS, TENANCY, TELEMETRY})


@dataclass(frozen=True)
class Listener:
    """The internal listener of a service, and how others of the installation sign for it."""

    service: str
    app: FastAPI
    routes: Mapping[Operation, list[PeerOf]]
    signers: Mapping[str, ServiceTokens]

    async def status(self, operation: Operation, token: str | None) -> int:
        method, path = operation
        url = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            content = b"{}" if method == "POST" else b""
            return (await http.request(method, url, headers=headers, content=content)).status_code


@pytest.fixture(scope="module")
async def listeners() -> AsyncIterator[Mapping[str, Listener]]:
    keys = {name: Ed25519PrivateKey.generate() for name in (*SERVICES, "stranger")}
    private = {
        name: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        for name, key in keys.items()
    }
    known = {
        name: keys[name]
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
        for name in SERVICES
    }
    clock = SystemClock()
    signers = {name: ServiceTokens(name, pem, known, clock) for name, pem in private.items()}
    async with all_parts() as parts:
        found = {}
        for name, part in parts.items():
            part.internal.state.service_tokens = signers[name]
            found[name] = Listener(name, part.internal, peers(part.internal), signers)
        yield found


async def test_each_names_its_callers(listeners: Mapping[str, Listener]) -> None:
    assert sum(len(listener.routes) for listener in listeners.values()) > 14
    for service, listener in listeners.items():
        for operation, found in listener.routes.items():
            assert len(found) == 1, (service, operation)
            callers = found[0].services
            assert callers, (service, operation)
            assert callers <= SERVICES - {service}, (service, operation)


async def test_nobody_else_gets_an_answer(listeners: Mapping[str, Listener]) -> None:
    for service, listener in listeners.items():
        for operation, (peer,) in listener.routes.items():
            for caller in SERVICES - peer.services:
                token = listener.signers[caller].sign(service, "t", None)
                assert await listener.status(operation, token) == 403, (operation, caller)
            allowed = listener.signers[min(peer.services)]
            bad = [
                None,
                "no-token",
                listener.signers["stranger"].sign(service, "t", None),
                allowed.sign("another", "t", None),
            ]
            if isinstance(peer, TenantPeerOf):
                bad.append(allowed.sign(service, None, None))
            for number, one in enumerate(bad):
                assert await listener.status(operation, one) == 401, (operation, number)


async def test_telemetry_reads_the_directory_and_whose_a_browser_is(
    listeners: Mapping[str, Listener],
) -> None:
    open_to_it = {
        path
        for listener in listeners.values()
        for (_, path), found in listener.routes.items()
        for peer in found
        if TELEMETRY in peer.services
    }
    assert open_to_it == {
        "/internal/v1/tenant",
        "/internal/v1/projects/{id_or_key}",
        "/internal/v1/signing-keys",
        "/internal/v1/browser-call",
    }


async def test_who_is_named_is_let_in() -> None:
    caller = InternalCaller(TESTCASES, "t", None)
    assert await PeerOf(TESTCASES)(caller) == caller
    assert (await TenantPeerOf(EXECUTIONS, TESTCASES)(caller)).tenant == "t"
    nobodys = InternalCaller(TESTCASES, None, None)
    assert await PeerOf(TESTCASES)(nobodys) == nobodys
    with pytest.raises(Unauthenticated):
        await TenantPeerOf(TESTCASES)(nobodys)
    for peer in (PeerOf(EXECUTIONS), TenantPeerOf(EXECUTIONS), PeerOf()):
        with pytest.raises(Forbidden):
            await peer(caller)
