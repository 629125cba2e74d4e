"""Connections to sites: only to public addresses, and to the very address that was checked.

An install names its host, and its owner answers for the name: a name on the allow-list may still
resolve to this network, or to another address at the second look-up. The check therefore stands
where the connection is made. TLS verifies the name as ever.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) to addresses; raises ``OSError``."""
Exempt = Callable[[str], bool]
"""Whether a host may be on a private address: a stand-in's."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PLATFORM = {ipaddress.ip_address("168.63.129.16")}
"""Azure's services for its own machines: a public address that leads to the host."""
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """The host is on an address that sites may not be on."""


def is_public(address: str) -> bool:
    """Whether an address belongs to the internet: not to this machine, network or cloud."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return all(map(_is_public, _meant(parsed)))


def _meant(address: _Address) -> Iterable[_Address]:
    """The address and the IPv4 addresses that it leads to."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo or ()
        nat64 = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None
        yield from filter(None, (address.ipv4_mapped, address.sixtofour, nat64, *teredo))


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None or address in _NAT64:
            return True  # judged by the address inside
        if address.is_site_local:
            return False
    inside = address.is_multicast or address.is_reserved or address.is_link_local
    return address.is_global and not inside and address not in _PLATFORM


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Resolves a host once, refuses it when one address is not public, connects to what it saw."""

    def __init__(self, exempt: Exempt, resolve: Resolve = resolve) -> None:
        self._exempt = exempt
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the backend's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers; raise ``AddressRefused``."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name was not resolved in time") from None
        except OSError:
            raise httpcore.ConnectError("the name does not resolve") from None
        if not self._exempt(host) and not all(map(is_public, addresses)):
            raise AddressRefused
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in dict.fromkeys(addresses):
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Pause, as the pool asks."""
        await asyncio.sleep(seconds)


class _Pinned(httpx.AsyncHTTPTransport):
    def __init__(self, backend: PublicOnly, limits: httpx.Limits) -> None:
        super().__init__(limits=limits)
        # httpx offers no way to give its pool a network
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=backend,
        )


class SiteTransport(httpx.AsyncBaseTransport):
    """Directly to public addresses, or by the machine's proxy where it has one.

    A proxy resolves names by itself: it has to refuse private addresses then.
    """

    def __init__(self, exempt: Exempt, limits: httpx.Limits, resolve: Resolve = resolve) -> None:
        self._exempt = exempt
        self._direct = _Pinned(PublicOnly(exempt, resolve), limits)
        proxies = getproxies()
        proxy = proxies.get("https") or proxies.get("all")
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
        self._proxied = httpx.AsyncHTTPTransport(proxy=proxy, limits=limits) if proxy else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send by the way that the host has."""
        host = request.url.host
        if self._proxied is None or self._exempt(host) or proxy_bypass(host):
            return await self._direct.handle_async_request(request)
        return await self._proxied.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._direct.aclose()
        if self._proxied is not None:
            await self._proxied.aclose()
