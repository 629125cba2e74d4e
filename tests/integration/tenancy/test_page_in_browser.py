"""The page of API tokens in a real browser, with a stub of Atlassian's script and without it."""

import asyncio
import datetime as dt
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.harness.browser import BROWSER, opened
from tests.integration.tenancy.browser_calls import MIA, PAGE, QUERY, context_token, iframe_token
from tests.integration.tenancy.jira_site import JiraSite
from tests.integration.tenancy.world import World

HOST = "connect-cdn.atl-paas.net"
STUB = """
window.AP = { context: { getToken: (done) => done(TOKEN) } };
const when = (found, act) => {
  const timer = setInterval(() => { if (found()) { clearInterval(timer); act(); } }, 20);
};
addEventListener("load", () => {
  const form = document.getElementById("new");
  when(() => !form.hidden, () => {
    form.elements.name.value = "<b>from the page</b>";
    form.querySelector("[value=results]").checked = true;
    form.requestSubmit();
    const shown = document.getElementById("token");
    when(() => shown.value !== "", () => { document.title = shown.value; });
  });
});
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here"),
]


def certificate(folder: Path) -> Path:
    """Write a key and a certificate of its own for the host of the script."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "host.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return path


@asynccontextmanager
async def atlassians_script(site: JiraSite, folder: Path) -> AsyncIterator[str]:
    """Serve the stub over TLS; yield its address."""

    async def script(_: Request) -> Response:
        token = context_token(site).removeprefix("JWT ")
        return Response(STUB.replace("TOKEN", json.dumps(token)), media_type="text/javascript")

    app = Starlette(routes=[Route("/all.js", script)])
    listener = socket.create_server(("127.0.0.1", 0))
    pem = certificate(folder)
    config = uvicorn.Config(
        app, log_config=None, lifespan="off", ssl_certfile=str(pem), ssl_keyfile=str(pem)
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


def url_of(world: World, site: JiraSite) -> str:
    return f"{world.base}{PAGE}?" + urlencode({**QUERY, "jwt": iframe_token(site)})


async def test_without_atlassians_script_it_says_so(world: World, tmp_path: Path) -> None:
    site, _ = await world.installed()
    dom, _ = await opened(url_of(world, site), tmp_path)
    assert "This page works inside Jira only" in dom


async def test_a_person_mints_a_token_on_the_page(world: World, tmp_path: Path) -> None:
    site, tenant = await world.installed()
    await world.in_use(tenant)
    async with atlassians_script(site, tmp_path) as address:
        dom, log = await opened(url_of(world, site), tmp_path / "profile", {f"{HOST}:443": address})
    row = await world.database["tokens"].find_one({"tenant": tenant})
    assert row is not None
    assert (row["account_id"], row["scopes"]) == (MIA, ["results"])
    # what people write is text
    assert "&lt;b&gt;from the page&lt;/b&gt;" in dom
    assert "<td>valid</td>" in dom
    assert "Content Security Policy" not in log
    title = dom.partition("<title>")[2].partition("</title>")[0]
    used = {"authorization": f"Bearer {title}"}
    assert title.count(".") == 2
    assert (await world.http.get("/v2/healthcheck", headers=used)).status_code == 200
