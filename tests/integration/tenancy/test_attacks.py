"""Every deviation of a lifecycle call is refused and changes nothing.

Two makers of attacks: our own, and the pack of the Jira stand-in, which was written apart.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from devstack.jira.attacks import ATTACKS
from devstack.jira.forgery import Forger
from devstack.jira.lifecycle_call import app_of
from tests.integration.tenancy.jira_site import SMALL_KID, JiraSite, b64, hs256, pem, qsh
from tests.integration.tenancy.standin_here import Here, beside
from tests.integration.tenancy.world import World

SIGNED = ("installed", "uninstalled")
SYMMETRIC = ("enabled", "disabled")
Header = Callable[[JiraSite, str], str | None]
Body = Callable[[JiraSite, str], bytes]


@pytest.fixture(scope="module")
async def site(running: World) -> JiraSite:
    """One site for all attacks: none of them changes anything."""
    found, _ = await running.installed()
    return found


async def refused(
    world: World, site: JiraSite, hook: str, authorization: str | None, body: bytes
) -> httpx.Response:
    """Send and compare the whole database before and after."""
    before = await world.stored()
    headers = {} if authorization is None else {"authorization": authorization}
    answer = await world.http.post(f"/connect/{hook}", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert await world.stored() == before
    return answer


def without_signature(site: JiraSite, hook: str, alg: str) -> str:
    token = site.signed(hook, header={"alg": alg}).rpartition(".")[0]
    return f"{token}."


TOKENS: dict[str, Header] = {
    "no header": lambda _s, _h: None,
    "scheme alone": lambda _s, _h: "JWT",
    "not a token": lambda _s, _h: "JWT abc",
    "bearer": lambda s, h: s.authorization(h).replace("JWT", "Bearer", 1),
    "alg none": lambda s, h: without_signature(s, h, "none"),
    "alg None": lambda s, h: without_signature(s, h, "None"),
    "alg empty": lambda s, h: without_signature(s, h, ""),
    "signature cut off": lambda s, h: s.authorization(h).rpartition(".")[0] + ".",
    "oversized": lambda s, h: s.signed(h, filler="x" * 9000),
}
SIGNED_TOKENS: dict[str, Header] = {
    "hs256 with the shared secret": lambda s, h: s.symmetric(h, aud=[s.app_url]),
    "hs256 with the public key": lambda s, h: (
        "JWT "
        + hs256(
            {"typ": "JWT", "alg": "HS256", "kid": "11111111-2222-4333-8444-555555555555"},
            s.claims(h),
            pem(s.keys.good),
        )
    ),
    "alg rs512": lambda s, h: s.signed(h, header={"alg": "RS512"}),
    "alg lower case": lambda s, h: s.signed(h, header={"alg": "rs256"}),
    "crit": lambda s, h: s.signed(h, header={"crit": ["exp2"], "exp2": 1}),
    "crit that PyJWT knows": lambda s, h: s.signed(h, header={"crit": ["b64"], "b64": True}),
    "key in the header": lambda s, h: s.signed(
        h, key="stranger", header={"jwk": {"kty": "RSA"}, "x5u": "https://evil.example"}
    ),
    "stranger's key": lambda s, h: s.signed(h, key="stranger"),
    "kid unknown": lambda s, h: s.signed(h, header={"kid": "99999999-2222-4333-8444-555555555555"}),
    "kid climbs": lambda s, h: s.signed(h, header={"kid": "../keys/x"}),
    "kid dots": lambda s, h: s.signed(h, header={"kid": "a..b"}),
    "kid escaped": lambda s, h: s.signed(h, header={"kid": "..%2fx"}),
    "kid url": lambda s, h: s.signed(h, header={"kid": "https://evil.example/k"}),
    "kid at": lambda s, h: s.signed(h, header={"kid": "@evil.example"}),
    "kid query": lambda s, h: s.signed(h, header={"kid": "x?y"}),
    "kid newline": lambda s, h: s.signed(h, header={"kid": "x\n"}),
    "kid long": lambda s, h: s.signed(h, header={"kid": "a" * 65}),
    "kid empty": lambda s, h: s.signed(h, header={"kid": ""}),
    "kid missing": lambda s, h: s.signed(h, header={"kid": None}),
    "kid number": lambda s, h: s.signed(h, header={"kid": 7}),
    "aud foreign": lambda s, h: s.signed(h, aud=["https://other.example"]),
    "aud prefix": lambda s, h: s.signed(h, aud=[s.app_url + ".evil.example"]),
    "aud shorter": lambda s, h: s.signed(h, aud=[s.app_url[:-1]]),
    "aud contains ours": lambda s, h: s.signed(h, aud=["https://evil.example/" + s.app_url]),
    "aud missing": lambda s, h: s.signed(h, aud=...),
    "aud empty": lambda s, h: s.signed(h, aud=[]),
    "aud null": lambda s, h: s.signed(h, aud=None),
    "iss missing": lambda s, h: s.signed(h, iss=...),
    "iss list": lambda s, h: s.signed(h, iss=[s.client_key]),
    "iss other": lambda s, h: s.signed(h, iss="another-client-key"),
}
BOTH_CLAIMS: dict[str, dict[str, Any]] = {
    "qsh missing": {"qsh": ...},
    "qsh context": {"qsh": "context-qsh"},
    "qsh null": {"qsh": None},
    "qsh list": {"qsh": ["x"]},
    "qsh of another path": {"qsh": qsh("POST", "/connect/other")},
    "qsh of another method": {"qsh": qsh("GET", "/connect/installed")},
    "exp missing": {"exp": ...},
    "exp text": {"exp": "tomorrow"},
    "exp digits": {"exp": "99999999999"},
    "exp true": {"exp": True},
    "exp null": {"exp": None},
    "exp past": {"exp": 1_700_000_000},
    "iat missing": {"iat": ...},
    "iat text": {"iat": "now"},
    "iat future": {"iat": 4_000_000_000, "exp": 4_000_000_180},
    "nbf future": {"nbf": 4_000_000_000},
}
SYMMETRIC_TOKENS: dict[str, Header] = {
    "rs256": lambda s, h: s.signed(h),
    "another secret": lambda s, h: s.symmetric(h, secret="x" * 64),
    "empty secret": lambda s, h: s.symmetric(h, secret=""),
    "hs512 named": lambda s, h: s.symmetric(h, header={"alg": "HS512"}),
    "lower case": lambda s, h: s.symmetric(h, header={"alg": "hs256"}),
    "crit": lambda s, h: s.symmetric(h, header={"crit": ["exp2"], "exp2": 1}),
    "iss missing": lambda s, h: s.symmetric(h, iss=...),
    "iss unknown": lambda s, h: s.symmetric(h, iss="nobody"),
}


def cases(table: dict[str, Any], hooks: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(hook, attack, id=f"{hook}-{name}")
        for name, attack in table.items()
        for hook in hooks
    ]


@pytest.mark.parametrize(
    ("hook", "attack"),
    [
        *cases(TOKENS, SIGNED + SYMMETRIC),
        *cases(SIGNED_TOKENS, SIGNED),
        *cases(SYMMETRIC_TOKENS, SYMMETRIC),
    ],
)
async def test_token(world: World, site: JiraSite, hook: str, attack: Header) -> None:
    await refused(world, site, hook, attack(site, hook), site.body(hook))
    # none of them ever made us ask for anything but a plain key id
    assert all(path.count("/") == 2 and "%" not in path for path in world.servers.asked)


@pytest.mark.parametrize(("hook", "claims"), cases(BOTH_CLAIMS, SIGNED + SYMMETRIC))
async def test_claims(world: World, site: JiraSite, hook: str, claims: dict[str, Any]) -> None:
    made = site.signed if hook in SIGNED else site.symmetric
    answer = await refused(world, site, hook, made(hook, **claims), site.body(hook))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("JWT ")


@pytest.mark.parametrize("hook", SIGNED + SYMMETRIC)
async def test_a_token_of_one_hook_is_no_good_for_another(
    world: World, site: JiraSite, hook: str
) -> None:
    for other in SIGNED + SYMMETRIC:
        if other != hook:
            await refused(world, site, hook, site.authorization(other), site.body(hook))


@pytest.mark.parametrize("hook", SIGNED + SYMMETRIC)
async def test_the_token_counts_in_the_header_only(world: World, site: JiraSite, hook: str) -> None:
    token = site.authorization(hook).removeprefix("JWT ")
    before = await world.stored()
    answers = [
        await world.http.post(f"/connect/{hook}?jwt={token}", content=site.body(hook)),
        await world.http.post(f"/connect/{hook}", content=site.body(hook, jwt=token)),
        await world.http.post(
            f"/connect/{hook}", content=site.body(hook), headers={"cookie": f"jwt={token}"}
        ),
    ]
    assert [a.status_code for a in answers] == [401, 401, 401]
    assert await world.stored() == before


@pytest.mark.parametrize("hook", SIGNED + SYMMETRIC)
async def test_a_sites_token_never_acts_for_another_site(
    world: World, site: JiraSite, hook: str
) -> None:
    victim, _ = await world.installed()
    world.clock.advance(seconds=1)
    body = site.body(hook, clientKey=victim.client_key)
    answer = await refused(world, site, hook, site.authorization(hook), body)
    assert answer.status_code == 403


BODIES: dict[str, Body] = {
    "another app": lambda s, h: s.body(h, key="com.other.app"),
    "another event": lambda s, h: s.body(h, eventType="enabled" if h != "enabled" else "disabled"),
    "not json": lambda _s, _h: b'{"key": ',
    "not an object": lambda _s, _h: b"[]",
    "empty": lambda _s, _h: b"",
    "no clientKey": lambda s, h: s.body(h, clientKey=...),
    "clientKey list": lambda s, h: s.body(h, clientKey=[s.client_key]),
    "clientKey padded": lambda s, h: s.body(h, clientKey=s.client_key + " "),
    "another product": lambda s, h: s.body(h, productType="confluence"),
    "too long": lambda s, h: s.body(h, filler="x" * 70_000),
    "nested": lambda _s, _h: b'{"a":' * 9_000,
}
INSTALL_BODIES: dict[str, Body] = {
    "no secret": lambda s, h: s.body(h, sharedSecret=...),
    "empty secret": lambda s, h: s.body(h, sharedSecret=""),
    **{
        f"baseUrl {url}": lambda s, h, url=url: s.body(h, baseUrl=url)  # type: ignore[misc]  # bound now
        for url in (
            "https://evil.example",
            "https://x.atlassian.net.evil.example",
            "https://x.atlassian.net@evil.example",
            "https://x.atlassian.net:8443",
            "https://169.254.169.254",
            "http://127.0.0.2:80",
            "http://127.0.0.1:1/path",
            "http://user:pw@127.0.0.1:1",
            "http://localhost:1",
            "https://x.atlassian.net/wiki",
            "ftp://x.atlassian.net",
            "http://x.atlassian.net",
            "",
        )
    },
}


@pytest.mark.parametrize(
    ("hook", "attack"), [*cases(BODIES, SIGNED + SYMMETRIC), *cases(INSTALL_BODIES, ("installed",))]
)
async def test_body(world: World, site: JiraSite, hook: str, attack: Body) -> None:
    await refused(world, site, hook, site.authorization(hook), attack(site, hook))


async def test_a_short_rsa_key_is_no_key(world: World) -> None:
    site = world.site()
    before = await world.stored()
    token = site.signed("installed", key="small", header={"kid": SMALL_KID})
    answer = await world.call(site, "installed", token)
    assert answer.status_code in {401, 503}
    assert await world.stored() == before


async def test_the_answer_says_nothing_about_who_is_a_tenant(world: World, site: JiraSite) -> None:
    stranger = world.site()
    known = await world.call(site, "enabled", site.symmetric("enabled", secret="x" * 64))
    unknown = await world.call(stranger, "enabled")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


async def test_a_duplicated_authorization_header_is_not_combined(world: World) -> None:
    site = world.site()
    before = await world.stored()
    answer = await world.http.post(
        "/connect/installed",
        content=site.body("installed"),
        headers=[
            ("authorization", "JWT " + b64(b"x")),
            ("authorization", site.signed("installed")),
        ],
    )
    assert answer.status_code == 401
    assert await world.stored() == before


@pytest.fixture(scope="module")
async def here(running: World) -> AsyncIterator[Here]:
    found = beside(running)
    yield found
    await found.standin.sender.close()


@pytest.mark.parametrize(
    ("name", "hook"), [(a.name, hook) for a in ATTACKS.values() for hook in a.hooks]
)
async def test_pack_of_the_standin(world: World, here: Here, name: str, hook: Any) -> None:
    installed = await here.installed()
    world.clock.advance(seconds=1)
    here.follow()
    before = await world.stored()
    forger = Forger(here.standin.world, here.site, app_of(installed), installed)
    forged = forger.forge(ATTACKS[name].deviation(hook), "attack")
    sent = await here.standin.sender.send(forged)
    assert sent.status is not None
    assert 400 <= sent.status < 500
    assert await world.stored() == before
