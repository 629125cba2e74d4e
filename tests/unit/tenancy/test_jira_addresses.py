"""Where connections to sites may go: by the address, whatever the name says."""

import asyncio
from collections.abc import Sequence

import httpcore
import httpx
import pytest

from devstack.standin.serving import bind, port_of
from services.tenancy.adapters.jira.addresses import (
    AddressRefused,
    PublicOnly,
    SiteTransport,
    is_public,
)

SITE = "acme.atlassian.net"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "64:ff9b::a83f:8110",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "localhost",
        "",
    ],
)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "104.192.142.25", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


class Names:
    """A resolver that answers differently each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answer = self._answers.pop(0)
        if not answer:
            raise OSError("no such name")
        return answer


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["104.192.142.25", "169.254.169.254"], ["::ffff:10.0.0.1"]]
)
async def test_a_name_with_one_private_address_is_refused(addresses: list[str]) -> None:
    backend = PublicOnly(lambda _: False, Names(addresses))
    with pytest.raises(AddressRefused):
        await backend.connect_tcp(SITE, 443, timeout=1)


async def test_a_name_that_does_not_resolve_is_a_failed_connection() -> None:
    backend = PublicOnly(lambda _: False, Names([]))
    with pytest.raises(httpcore.ConnectError):
        await backend.connect_tcp(SITE, 443, timeout=1)


async def test_slow_name_servers_take_no_longer_than_connecting_may() -> None:
    async def never(_: str, __: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    backend = PublicOnly(lambda _: False, never)
    with pytest.raises(httpcore.ConnectTimeout):
        await backend.connect_tcp(SITE, 443, timeout=0.05)


async def _hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi")
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_the_address_that_was_checked_is_the_one_that_is_connected() -> None:
    # a second look-up would lead elsewhere; the name stays the Host of the request
    sock = bind("127.0.0.1", 0)
    port = port_of(sock)
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with await asyncio.start_server(_hello, sock=sock):
        transport = SiteTransport(lambda host: host == "site.test", httpx.Limits(), names)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as http:
            answer = await http.get(f"http://site.test:{port}/")
            assert (answer.text, answer.request.headers["host"]) == ("hi", f"site.test:{port}")
    assert names.asked == [("site.test", port)]


async def test_an_address_that_turned_private_is_refused_at_the_next_connection() -> None:
    sock = bind("127.0.0.1", 0)
    port = port_of(sock)
    exempt = {"site.test"}
    names = Names(["127.0.0.1"], ["127.0.0.1"])
    async with await asyncio.start_server(_hello, sock=sock):
        transport = SiteTransport(lambda host: host in exempt, httpx.Limits(), names)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as http:
            assert (await http.get(f"http://site.test:{port}/")).text == "hi"
            exempt.clear()
            with pytest.raises(AddressRefused):
                await http.get(f"http://site.test:{port}/")


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    sock = bind("127.0.0.1", 0)
    port = port_of(sock)
    # nothing listens on the first; both are checked before either is tried
    names = Names(["::1", "127.0.0.1"])
    async with await asyncio.start_server(_hello, sock=sock):
        transport = SiteTransport(lambda _: True, httpx.Limits(), names)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as http:
            assert (await http.get(f"http://site.test:{port}/")).text == "hi"
