"""Secrets that come in by any door are found nowhere afterwards.

The doors are the real ones of a real process: its output at DEBUG, its answers, its topics, its
documents, its metrics and its spans are searched for every secret, in every form that text takes.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit.auth.principal import Scope
from kit.mongo import Database
from services.tenancy.main import SERVICE
from services.tenancy.usecases.projects import Wanted
from services.tenancy.usecases.tokens import TokenRequest
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.kms import CREDENTIALS
from tests.harness.namespace import prepared
from tests.harness.own_servers import OwnServer, own_kafka
from tests.harness.polling import eventually
from tests.harness.remains import kafka_bytes, metrics_bytes, mongodb_bytes
from tests.harness.secret_scan import leaks
from tests.integration.tenancy.browser_calls import context_token, iframe_token
from tests.integration.tenancy.canary_scene import CONTROL, ROOT, Scene, canary_scene
from tests.integration.tenancy.jira_site import JiraSite, qsh
from tests.integration.tenancy.world import OPERATOR_BY

pytestmark = pytest.mark.long

TOKENS = "/ostro/v1/tenancy/tokens"
HOOK = "/jira/webhooks"
_SCHEMES = ("Bearer", "JWT", "Basic", "")
_HEADERS = (
    *("proxy-authorization", "cookie", "referer", "origin", "x-api-key", "x-hub-signature"),
    *("x-forge-oauth-system", "x-forge-oauth-user", "x-request-id", "traceparent", "tracestate"),
    *("baggage", "x-b3-traceid", "forwarded", "x-forwarded-for", "if-none-match", "range"),
    "x-atlassian-webhook-identifier",
)


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[OwnServer]:
    folder = tmp_path / "kafka"
    folder.mkdir()
    async with own_kafka(folder) as found:
        yield found


@pytest.fixture
async def installation(
    servers: Backends, kafka: OwnServer, tmp_path: Path
) -> AsyncIterator[Installation]:
    """One whose Kafka may be frozen."""
    mine = Backends("own", kafka.address, servers.mongodb)
    async with prepared(mine, tmp_path) as found:
        yield found


@pytest.fixture
async def scene(
    installation: Installation, kafka: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    async with canary_scene(installation, kafka) as found:
        yield found


async def installs(scene: Scene) -> JiraSite:
    """Installs, rotations, and calls that are refused with secrets in them."""
    site = scene.site()
    assert await scene.hook(site, "installed") == 204
    scene.rotate(site)
    assert await scene.hook(site, "installed") == 204
    assert await scene.hook(site, "enabled") == 204
    refused = scene.plant("refused secret")
    assert await scene.hook(site, "installed", sharedSecret=refused, clientKey="another") == 403
    for wrong in ([refused], {refused: refused}, 7, "", refused * 500):
        assert await scene.hook(site, "installed", sharedSecret=wrong) == 400
    assert await scene.hook(site, "installed", sharedSecret=refused, baseUrl=refused) == 400
    stranger = site.signed("installed", key="stranger")
    assert await scene.hook(site, "installed", stranger, sharedSecret=refused) == 401
    assert await scene.hook(site, "enabled", site.symmetric("enabled", secret=refused)) == 401
    return site


async def forge(scene: Scene) -> None:
    """Forge's calls bring a system token in a header."""
    site = scene.forge_site()
    for event in ("installed", "refresh", "upgraded"):
        header = scene.plant_token("invocation token", site.token())
        headers = {
            "authorization": header,
            "x-forge-oauth-system": scene.plant("system token"),
            "x-forge-oauth-user": scene.plant("user token"),
        }
        answer = await scene.send("POST", f"/forge/{event}", headers=headers)
        assert answer.status_code == 204, answer.text
    headers = {
        "authorization": scene.plant_token("bad invocation token", site.token(aud="other")),
        "x-forge-oauth-system": scene.plant("refused system token"),
    }
    assert (await scene.send("POST", "/forge/installed", headers=headers)).status_code == 401


async def browser(scene: Scene, site: JiraSite) -> None:
    """Pages with ``?jwt=``, and the calls of their scripts."""
    page = "/connect/pages/api-tokens"
    for token in (iframe_token(site), iframe_token(site, qsh="wrong")):
        scene.plant_token("iframe token", token)
        query = {"lic": "active", "xdm_e": "https://x.atlassian.net", "cp": "", "jwt": token}
        answer = await scene.send(
            "GET", page, params=query, headers={"referer": f"https://{token}"}
        )
        assert answer.status_code in {200, 401}
    owner = await scene.core.tenant_store.by_client_key(scene.core.index.hash(site.client_key))
    assert owner is not None
    await scene.core.projects.enable(owner.id, Wanted(key="DEMO"), OPERATOR_BY)
    own = "/ostro/v1/tenancy/me/tokens"
    headers = {"authorization": scene.plant_token("context token", context_token(site))}
    minted = await scene.http.post(own, json={"name": "m", "scopes": ["read"]}, headers=headers)
    assert minted.status_code == 201, minted.text
    scene.plant_token("own token", minted.json()["token"])
    await scene.send("GET", own, headers=headers)
    await scene.send("DELETE", f"{own}/{minted.json()['id']}", headers=headers)


def signed_webhook(scene: Scene, site: JiraSite, **more: str) -> dict[str, str]:
    header = site.symmetric("webhook", qsh=qsh("POST", HOOK))
    return {"authorization": scene.plant_token("webhook token", header), **more}


async def webhooks(scene: Scene, site: JiraSite) -> None:
    """Deliveries with a token each; bodies are no place for secrets, but who knows."""
    secret = scene.plant("in a webhook")
    body = {
        "timestamp": 1,
        "webhookEvent": "jira:issue_deleted",
        "issue": {"id": "10001", "key": "DEMO-1", "fields": {"project": {"id": "10000"}}},
        "secret": secret,
    }
    for content in (json.dumps(body), json.dumps({**body, "issue": secret}), f'{{"x": "{secret}'):
        headers = signed_webhook(scene, site)
        headers["x-atlassian-webhook-identifier"] = scene.plant("webhook identifier")
        await scene.send("POST", HOOK, content=content, headers=headers)


async def tokens(scene: Scene) -> str:
    """Minted, listed, used, spoilt and revoked; return a good one."""
    tenant = (await scene.core.tenants.all())[0].id
    request = TokenRequest("boss", tuple(Scope), timedelta(days=1), None, None)
    boss = (await scene.core.tokens.mint(tenant, request, OPERATOR_BY)).text
    scene.plant_token("admin token", boss)
    headers = {"authorization": f"Bearer {boss}"}
    minted = await scene.http.post(TOKENS, json={"name": "ci", "scopes": ["read"]}, headers=headers)
    token = minted.json()["token"]
    scene.plant_token("minted token", token)
    await scene.send("GET", TOKENS, headers=headers)
    await scene.send("POST", TOKENS, json={"name": token}, headers=headers)
    await scene.send("POST", TOKENS, content=f'{{"name": "{token}', headers=headers)
    await scene.send("GET", "/v2/projects", headers={"authorization": f"Bearer {token}x"})
    await scene.send("GET", f"/v2/projects/{token}", headers=headers)
    await scene.send("POST", "/ostro/v1/tenancy/projects", json={"key": "DEMO"}, headers=headers)
    await scene.send("DELETE", f"{TOKENS}/{minted.json()['id']}", headers=headers)
    return str(boss)


def operations() -> Sequence[tuple[str, str]]:
    """Return method and path of everything that the service has."""
    described: dict[str, Any] = json.loads((ROOT / "docs/openapi/tenancy.json").read_text())
    found = [
        (method.upper(), path)
        for path, methods in described["paths"].items()
        for method in methods
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    return [*found, ("POST", HOOK), ("GET", "/connect/pages/api-tokens"), ("GET", "/nowhere")]


async def bad_credentials(scene: Scene) -> None:
    """Secrets in every header, in the query and in broken bodies of every operation."""
    in_query = {n: scene.plant(f"query {n}") for n in ("jwt", "access_token", "token", "secret")}
    headers = {name: scene.plant(f"header {name}") for name in _HEADERS}
    authorizations = [f"{s} {scene.plant(f'authorization {s}')}".strip() for s in _SCHEMES]
    fake = ".".join(
        base64.urlsafe_b64encode(scene.plant(f"part {n} of a token").encode()).decode()
        for n in range(3)
    )
    authorizations += [f"{scheme} {fake}" for scheme in ("Bearer", "JWT")]
    secret = scene.plant("body")
    bodies = [
        json.dumps({"name": [secret], "sharedSecret": secret, secret: 1}),
        f'{{"a": "{secret}',
    ]
    for method, path in operations():
        url = path.replace("{", "").replace("}", "")
        for number, authorization in enumerate(authorizations):
            await scene.send(
                method,
                url,
                params=in_query,
                headers={**headers, "authorization": authorization},
                content=None if method == "GET" else bodies[number % 2],
            )


async def bad_bodies(scene: Scene, boss: str) -> None:
    """What is authenticated and fails validation."""
    secret = scene.plant("invalid body")
    headers = {"authorization": f"Bearer {boss}", "content-type": "application/json"}
    values: list[Any] = [secret, [secret], {secret: secret}, {"name": {"x": secret}}]
    values += [{"name": "n", "scopes": [secret]}, {"name": "n", "scopes": secret}]
    values += [{"key": secret.lower(), "jiraProjectId": secret}, {"name": secret * 100}]
    for method, path in operations():
        if method == "GET":
            continue
        for content in (*map(json.dumps, values), f"{{{secret}", f'["{secret}'):
            url = path.replace("{", "").replace("}", "")
            await scene.send(method, url, content=content, headers=headers)


async def many(scene: Scene, site: JiraSite, boss: str) -> list[httpx.Response]:
    """A burst of everything at once."""
    calls = []
    for _ in range(10):
        scene.rotate(site)
        header = scene.plant_token("lifecycle token", site.authorization("installed"))
        body, headers = site.body("installed"), {"authorization": header}
        calls += [
            scene.send("POST", "/connect/installed", content=body, headers=headers),
            scene.send("GET", "/v2/projects", headers={"authorization": f"Bearer {boss}"}),
            scene.send(
                "POST",
                HOOK,
                json={"webhookEvent": "jira:issue_deleted", "issue": {"id": "1"}},
                headers=signed_webhook(scene, site),
            ),
            scene.send(
                "POST",
                TOKENS,
                json={"name": "x", "scopes": [scene.plant("scope")]},
                headers={"authorization": f"Bearer {boss}"},
            ),
        ]
    return list(await asyncio.gather(*calls))


async def outages(scene: Scene, site: JiraSite, boss: str) -> None:
    """Bursts while MongoDB, the key service or Kafka is away."""
    scene.mongodb.cut()
    assert {a.status_code for a in await many(scene, site, boss)} & {500, 503}
    scene.mongodb.mend()
    await eventually(lambda: scene.hook(site, "installed"), lambda s: s == 204, seconds=30)
    scene.kms.freeze()
    try:
        assert 503 in {a.status_code for a in await many(scene, site, boss)}
    finally:
        scene.kms.thaw()
    await eventually(lambda: scene.hook(site, "installed"), lambda s: s == 204, seconds=30)
    scene.kafka.freeze()
    try:
        await many(scene, site, boss)
    finally:
        scene.kafka.thaw()
    await eventually(lambda: scene.hook(site, "installed"), lambda s: s == 204, seconds=30)


async def own_keys(scene: Scene) -> None:
    """Plant what the service has made for itself: signing keys and data keys."""
    signing = [key for key in await scene.core.keys.all() if key.private is not None]
    assert signing
    for key in signing:
        assert key.private is not None
        pem = (await scene.core.vault.open(key.private, key.place)).reveal()
        scene.plant("signing key", base64.b64decode(b"".join(pem.splitlines()[1:-1])))
    assert await scene.plant_data_keys() >= 5


async def outbox_is_empty(database: Database) -> bool:
    names = ("tenants", "projects", "tokens", "signing_keys")
    pending = [await database[n].count_documents({"outbox.seq": {"$gt": 0}}) for n in names]
    return not any(pending)


@pytest.mark.timeout(300)
async def test_no_secret_is_found_anywhere(scene: Scene, installation: Installation) -> None:
    site = await installs(scene)
    boss = await tokens(scene)
    await forge(scene)
    await browser(scene, site)
    await webhooks(scene, site)
    await bad_credentials(scene)
    await bad_bodies(scene, boss)
    await outages(scene, site, boss)
    assert await scene.hook(site, "uninstalled") == 204
    await scene.send("GET", "/v2/projects", headers={"authorization": f"Bearer {boss}"})
    await own_keys(scene)
    await eventually(lambda: outbox_is_empty(scene.database), seconds=60)
    metrics = await metrics_bytes(f"http://127.0.0.1:{installation.internal_ports[SERVICE]}")
    scene.process.terminate()
    output, _ = await scene.process.communicate()
    places = {
        "logs": [output],
        "answers": scene.answers,
        "metrics": [metrics],
        "traces": scene.traces.received,
        "kafka": await kafka_bytes(scene.settings),
        "mongodb": await mongodb_bytes(installation),
    }
    # the search is worth something only where it finds what is there
    present = {
        "logs": b"lifecycle call refused",
        "answers": b"is missing or not valid",
        "metrics": b"/connect/installed",
        "traces": b"/connect/installed",
        "kafka": CONTROL.encode(),
        "mongodb": CONTROL.encode(),
    }
    for place, text in present.items():
        assert leaks({"control": text}, {place: places[place]}) == [f"control in {place}"]
    assert len(scene.canaries) > 100
    assert leaks(scene.canaries, places) == []
