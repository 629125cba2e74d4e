"""Every deviation of an iframe, context or Forge token is refused and changes nothing."""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest

from tests.harness.fakes import ManualClock
from tests.integration.tenancy.attack_tables import (
    CLAIMS,
    FORGE_HEADERS,
    HEADERS,
    QSH,
    SPELLINGS,
    forge_claims,
)
from tests.integration.tenancy.browser_calls import (
    FORGE_OWN,
    MIA,
    OWN,
    PAGE,
    QUERY,
    claims,
    context_token,
    iframe_token,
    load,
    page_qsh,
)
from tests.integration.tenancy.forge_site import APP_ID, ForgeSite
from tests.integration.tenancy.jira_site import (
    FORGE_KID,
    JiraSite,
    Keys,
    b64,
    hs256,
    pem,
    qsh,
)
from tests.integration.tenancy.test_own_tokens import forge_installed
from tests.integration.tenancy.world import World

BODY = {"name": "stolen", "scopes": ["write"]}


@dataclass(frozen=True)
class Places:
    """A site in each life of the app; none of the attacks changes anything."""

    connect: JiraSite
    forge: ForgeSite


@pytest.fixture(scope="module")
async def places(running: World) -> Places:
    connect, _ = await running.installed()
    forge, _ = await forge_installed(running)
    return Places(connect, forge)


class Kind:
    """How a token of one kind is made and sent; ``make`` takes changes of header and claims."""

    def __init__(
        self,
        make: Callable[..., str],
        send: Callable[[World, str], Any],
    ) -> None:
        self.make = make
        self.send = send


async def _mint(world: World, path: str, authorization: str) -> httpx.Response:
    return await world.http.post(path, json=BODY, headers={"authorization": authorization})


KINDS: dict[str, Kind] = {
    "iframe": Kind(
        lambda places, header, **claims: iframe_token(places.connect, header, **claims), load
    ),
    "context": Kind(
        lambda places, header, **claims: context_token(places.connect, header, **claims),
        lambda world, token: _mint(world, OWN, token),
    ),
    "forge": Kind(
        lambda places, header, **claims: places.forge.of_person(MIA, header=header, **claims),
        lambda world, token: _mint(world, FORGE_OWN, token),
    ),
}


def table(kinds: tuple[str, ...], *tables: Mapping[str, Any]) -> list[Any]:
    return [
        pytest.param(kind, changes, id=f"{kind}-{name}")
        for attacks in tables
        for name, changes in attacks.items()
        for kind in kinds
    ]


async def refused(world: World, kind: str, token: str) -> None:
    before = await world.stored()
    answer = await KINDS[kind].send(world, token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"]
    assert await world.stored() == before


def without_spaces(token: str) -> str:
    """The token without its scheme."""
    return token.rpartition(" ")[2]


def with_scheme(token: str, changed: str) -> str:
    scheme, space, _ = token.rpartition(" ")
    return f"{scheme}{space}{changed}".strip()


@pytest.mark.parametrize(
    ("kind", "changes"),
    [*table(("iframe", "context", "forge"), CLAIMS), *table(("iframe", "context"), QSH)],
)
async def test_claims(world: World, places: Places, kind: str, changes: dict[str, Any]) -> None:
    await refused(world, kind, KINDS[kind].make(places, None, **changes))


@pytest.mark.parametrize(
    ("kind", "header"),
    [*table(("iframe", "context", "forge"), HEADERS), *table(("forge",), FORGE_HEADERS)],
)
async def test_header(world: World, places: Places, kind: str, header: dict[str, Any]) -> None:
    asked = world.servers.jwks_asked
    await refused(world, kind, KINDS[kind].make(places, header))
    # invented kids cost one look at the set a minute; no other URL is ever asked
    assert world.servers.jwks_asked - asked <= 1
    assert not world.servers.asked


@pytest.mark.parametrize(
    "name", list(forge_claims(ForgeSite(cast("Keys", None), ManualClock(), "http://127.0.0.1:1")))
)
async def test_forge_claims(world: World, places: Places, name: str) -> None:
    changes = forge_claims(places.forge)[name]
    await refused(world, "forge", KINDS["forge"].make(places, None, **changes))


@pytest.mark.parametrize(("kind", "spell"), table(("iframe", "context", "forge"), SPELLINGS))
async def test_spelling(
    world: World, places: Places, kind: str, spell: Callable[[str], str]
) -> None:
    token = KINDS[kind].make(places, None)
    changed = with_scheme(token, spell(without_spaces(token)))
    if not changed.isascii() and kind != "iframe":
        changed = changed.encode().decode("latin-1")
        before = await world.stored()
        path = OWN if kind == "context" else FORGE_OWN
        answer = await world.http.post(
            path, json=BODY, headers=[(b"authorization", changed.encode("latin-1"))]
        )
        assert answer.status_code == 401
        assert await world.stored() == before
        return
    await refused(world, kind, changed)


@pytest.mark.parametrize("kind", ["iframe", "context"])
async def test_another_secret_or_the_text_of_a_public_key(
    world: World, places: Places, kind: str
) -> None:
    stranger = world.site()
    stranger.client_key = places.connect.client_key
    other = Places(stranger, places.forge)
    for secret in ("", "x" * 64, pem(world.keys.good), pem(world.keys.forge)):
        stranger.secret = secret
        await refused(world, kind, KINDS[kind].make(other, None))


def signed_text(site: JiraSite, header: str, claims: str) -> str:
    signing = f"{b64(header.encode())}.{b64(claims.encode())}"
    return f"{signing}.{b64(hmac.digest(site.secret.encode(), signing.encode(), 'sha256'))}"


@pytest.mark.parametrize(
    ("header", "extra"),
    [
        ('{"alg": "none", "alg": "HS256"}', ""),
        ('{"alg": "HS256", "alg": "HS256"}', ""),
        ('{"alg": "HS256"}', ', "iss": "somebody else"'),
        ('{"alg": "HS256"}', ', "qsh": "context-qsh"'),
        ('{"alg": "HS256"}', ', "context": {"user": 1, "user": 2}'),
        ('{"alg": "HS256"}', ', "filler": ' + "[" * 2500 + "]" * 2500),
        ('{"alg": "HS256"}', ', "filler": NaN'),
        ('{"alg": "HS256"}', ', "filler": -Infinity'),
        ('\ufeff{"alg": "HS256"}', ""),
    ],
)
async def test_json_that_two_readers_would_read_differently(
    world: World, places: Places, header: str, extra: str
) -> None:
    """The signature is the site's own: only the text is odd."""
    site = places.connect
    good = json.dumps(claims(site))
    assert (await load(world, signed_text(site, '{"alg": "HS256"}', good))).status_code == 200
    await refused(world, "iframe", signed_text(site, header, good[:-1] + extra + "}"))
    good = json.dumps(claims(site, qsh="context-qsh"))
    await refused(world, "context", f"JWT {signed_text(site, header, good[:-1] + extra + '}')}")


async def test_a_forge_token_by_another_key(world: World, places: Places) -> None:
    for key in ("good", "stranger"):
        await refused(world, "forge", places.forge.token(key=key))
    # keys that the token itself brings
    for offered in ({"jwk": {"kty": "RSA"}}, {"jku": "https://evil.example"}, {"x5u": "x"}):
        await refused(world, "forge", places.forge.token(key="stranger", header=offered))
    public = pem(world.keys.forge)
    confused = hs256({"alg": "HS256", "kid": FORGE_KID}, places.forge.claims(), public)
    await refused(world, "forge", f"Bearer {confused}")


async def test_a_secret_that_was_replaced_long_ago(world: World) -> None:
    site, _ = await world.installed()
    old = site.secret
    world.clock.advance(seconds=1)
    site.new_secret()
    assert (await world.call(site, "installed")).status_code == 204
    world.clock.advance(minutes=5, seconds=1)
    current, site.secret = site.secret, old
    for token, kind in ((iframe_token(site), "iframe"), (context_token(site), "context")):
        await refused(world, kind, token)
    site.secret = current
    assert (await load(world, iframe_token(site))).status_code == 200


async def test_each_credential_counts_in_its_own_place_only(world: World, places: Places) -> None:
    before = await world.stored()
    page = iframe_token(places.connect)
    context = context_token(places.connect).removeprefix("JWT ")
    fit = places.forge.of_person(MIA).removeprefix("Bearer ")
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", PAGE, {"params": QUERY, "headers": {"authorization": f"JWT {page}"}}),
        ("GET", PAGE, {"params": QUERY, "headers": {"cookie": f"jwt={page}"}}),
        ("GET", PAGE, {"params": {**QUERY, "JWT": page}}),
        ("GET", f"{PAGE}?jwt={page}&jwt={page}", {}),
        ("HEAD", PAGE, {"params": {**QUERY, "jwt": page}}),
        ("POST", OWN, {"json": BODY, "params": {"jwt": context}}),
        ("POST", OWN, {"json": {**BODY, "jwt": context}}),
        ("POST", OWN, {"json": BODY, "headers": {"authorization": f"Bearer {context}"}}),
        ("POST", OWN, {"json": BODY, "headers": {"authorization": context}}),
        ("POST", OWN, {"json": BODY, "headers": {"cookie": f"authorization=JWT {context}"}}),
        ("POST", FORGE_OWN, {"json": BODY, "params": {"jwt": fit}}),
        ("POST", FORGE_OWN, {"json": BODY, "headers": {"authorization": f"JWT {fit}"}}),
    ]
    for method, path, content in requests:
        answer = await world.http.request(method, path, **content)
        assert answer.status_code in {401, 405}, (method, path)
    assert await world.stored() == before


HOOKS = ("installed", "uninstalled", "enabled", "disabled")


async def test_no_kind_opens_the_door_of_another(world: World, places: Places) -> None:
    """The class of CVE-2021-26073, -26074 and -26077, and its relatives."""
    connect, forge = places.connect, places.forge
    tokens = {
        "iframe": iframe_token(connect),
        "context": context_token(connect).removeprefix("JWT "),
        "forge": forge.of_person(MIA).removeprefix("Bearer "),
        **{hook: connect.authorization(hook).removeprefix("JWT ") for hook in HOOKS},
        # a page load whose URL is our API, and the other way round
        "request-qsh": iframe_token(connect, qsh=page_qsh("POST", OWN, {})),
        "webhook": iframe_token(connect, qsh=qsh("POST", "/jira/webhooks")),
    }
    doors: dict[str, tuple[str, str]] = {
        "iframe": ("GET", PAGE),
        "context": ("POST", OWN),
        "forge": ("POST", FORGE_OWN),
        "webhook": ("POST", "/jira/webhooks"),
        **{hook: ("POST", f"/connect/{hook}") for hook in HOOKS},
    }
    before = await world.stored()
    for kind, token in tokens.items():
        for door, (method, path) in doors.items():
            if door == kind:
                continue
            for sent in (
                {"headers": {"authorization": f"JWT {token}"}},
                {"headers": {"authorization": f"Bearer {token}"}},
                {"params": {**QUERY, "jwt": token}},
            ):
                content = {} if method == "GET" else {"content": connect.body("installed")}
                answer = await world.http.request(method, path, **content, **sent)  # type: ignore[arg-type]  # two dicts
                assert answer.status_code == 401, (kind, door, sent)
    assert await world.stored() == before


async def test_the_answer_says_nothing_about_who_is_a_tenant(world: World, places: Places) -> None:
    liar, stranger = world.site(), world.site()
    liar.client_key = places.connect.client_key
    for kind in ("iframe", "context"):
        known, unknown = [
            await KINDS[kind].send(world, KINDS[kind].make(Places(site, places.forge), None))
            for site in (liar, stranger)
        ]
        assert known.status_code == unknown.status_code == 401
        assert known.content == unknown.content
        assert known.headers["www-authenticate"] == unknown.headers["www-authenticate"]


async def test_oddities_that_are_no_attack(world: World, places: Places) -> None:
    now = int(world.clock.now().timestamp())
    for header in ({"typ": "jwt"}, {"typ": None}, {"kid": "x"}, {"jku": "https://evil.example"}):
        assert (await load(world, iframe_token(places.connect, header))).status_code == 200
    accepted: list[dict[str, Any]] = [
        {"exp": now + 180.5},
        {"iat": now + 29},
        {"exp": now - 29},
        {"exp": now + 86_400},
        {"aud": ["x"]},
        {"aud": []},
        {"context": {"license": {"active": True}}},
    ]
    for changes in accepted:
        assert (await load(world, iframe_token(places.connect, **changes))).status_code == 200
        assert (
            await world.http.get(
                OWN, headers={"authorization": context_token(places.connect, **changes)}
            )
        ).status_code == 200
    forge: list[dict[str, Any]] = [
        {"aud": [APP_ID]},
        {"aud": ["x", APP_ID]},
        {"nbf": now + 29},
        {"nbf": ...},
        {"jti": ...},
        {"context": ...},
        {"icLabel": "fedramp-1_a"},
        {"app": places.forge.app(module=..., license={"isActive": True})},
        {"app": places.forge.app(installationId=...)},
        {"app": places.forge.app(installation=...)},
    ]
    for changes in forge:
        token = places.forge.of_person(MIA, **changes)
        answer = await world.http.get(FORGE_OWN, headers={"authorization": token})
        assert answer.status_code == 200, changes
