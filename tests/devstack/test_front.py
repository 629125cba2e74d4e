"""Clients with a hard-coded address come to Ostro through the front; nothing else does."""

import asyncio
import os
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import certifi
import httpx
import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from devstack.embedded.guard import guarded_folder
from devstack.embedded.java import find_java
from devstack.front.certificates import Certificates
from devstack.front.hosts import HOSTS
from devstack.front.serving import Front

NOW = datetime.now(UTC)
US = "api.zephyrscale.smartbear.com"


class _Told(BaseHTTPRequestHandler):
    """Answers with method, path and number of bytes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._tell(len(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_GET(self) -> None:
        self._tell(0)

    def _tell(self, taken: int) -> None:
        body = f"{self.command} {self.path} {taken}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def ostro() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Told)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def front(ostro: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    up, over = asyncio.Event(), asyncio.Event()

    async def until(_: str) -> None:
        up.set()
        await over.wait()

    folder = tmp_path_factory.mktemp("front")
    with guarded_folder(folder):
        made = Front(folder, ostro, "127.0.0.1", 0, 0)
        task = asyncio.create_task(made.run(NOW, until))
        task.add_done_callback(lambda _: up.set())
        await up.wait()
        if task.done():
            task.result()
        yield made
        over.set()
        await task


def settings(front: Front) -> dict[str, str]:
    lines = front.environment.read_text().splitlines()
    pairs = (line.removeprefix("export ").partition("=") for line in lines)
    return {name: value.strip("'") for name, _, value in pairs}


async def run(front: Front, *command: str) -> tuple[int | None, str]:
    known = {**os.environ, **settings(front)}
    process = await asyncio.create_subprocess_exec(
        *command, env=known, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, out.decode()


async def test_clients_reach_ostro_by_settings_alone(front: Front) -> None:
    script = (
        "import requests\n"
        "for host in ('eu.api.zephyrscale.smartbear.com/v2', 'api.adaptavist.io/tm4j/v2'):\n"
        "    print(requests.post(f'https://{host}/testcases?a=%2F', data=b'x' * 200_000).text)\n"
    )
    code, out = await run(front, sys.executable, "-c", script)
    assert (code, out) == (0, "POST /v2/testcases?a=%2F 200000\n" * 2)


async def test_a_request_with_its_whole_url_needs_no_tunnel(front: Front) -> None:
    proxy = httpx.URL(settings(front)["HTTPS_PROXY"])
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    writer.write(f"GET https://{US}/v2/projects HTTP/1.1\r\nHost: {US}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert (await reader.read(99)).endswith(b"GET /v2/projects 0")
    writer.close()


async def test_the_front_leads_nowhere_else(front: Front, ostro: str) -> None:
    trusted = ssl.create_default_context(cafile=settings(front)["NODE_EXTRA_CA_CERTS"])
    for url in (ostro, "https://example.com/v2", f"https://x.{US}", f"http://[::1]/{US}"):
        proxy = httpx.Proxy(settings(front)["HTTPS_PROXY"])
        async with httpx.AsyncClient(proxy=proxy, verify=trusted, trust_env=False) as client:
            try:
                status = (await client.get(url)).status_code
            except httpx.ProxyError as refused:
                status = int(str(refused)[:3])
        assert status == 502, url


def verified(files: Certificates, host: str) -> None:
    leaf, authority = x509.load_pem_x509_certificates(files.chain.read_bytes())
    verifier = PolicyBuilder().store(Store([authority])).time(NOW)
    verifier.build_server_verifier(x509.DNSName(host)).verify(leaf, [])


def test_the_authority_is_good_for_the_vendors_names_alone(tmp_path: Path) -> None:
    files = Certificates(tmp_path)
    assert files.make(HOSTS, NOW)
    for host in HOSTS:
        verified(files, host)
    with pytest.raises(VerificationError):
        verified(files, "example.com")
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert {name.value for name in limits.value.permitted_subtrees or ()} == set(HOSTS)
    # nothing that could sign another certificate is left
    keys = [f.name for f in tmp_path.iterdir() if b"PRIVATE KEY" in f.read_bytes()]
    assert keys == ["front.key"]
    assert files.key.stat().st_mode & 0o077 == 0


def test_certificates_are_kept_until_they_are_nearly_over(tmp_path: Path) -> None:
    files = Certificates(tmp_path)
    assert files.make(HOSTS, NOW)
    before = files.chain.read_bytes()
    assert not files.make(HOSTS, NOW + timedelta(days=300))
    assert files.chain.read_bytes() == before
    assert files.make(HOSTS, NOW + timedelta(days=340))
    assert files.make(HOSTS[:2], NOW + timedelta(days=340))


async def test_java_trusts_the_authority(front: Front) -> None:
    keytool = str(find_java().executable.parent / "keytool")
    store = (settings(front)["OSTRO_FRONT_JAVA"].partition("trustStore=")[2]).split()[0]
    code, out = await run(front, keytool, "-list", "-keystore", store, "-storepass", "changeit")
    assert code == 0, out
    assert "ostro-front, " in out
    public = Path(certifi.where()).read_text().count("BEGIN CERTIFICATE")
    assert out.count("trustedCertEntry") > public * 0.9
