"""A model of Jira's side of both lives, and a use case layer on a real MongoDB that is told of it.

Jira's calls are made here as verified payloads; that a token proves them is tested elsewhere.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from contracts.tenancy import TenantStatus
from kit.errors import Unavailable
from kit.mongo import Database
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.client_key_index import HmacIndex
from services.tenancy.adapters.mongo.lives import MongoLives
from services.tenancy.adapters.mongo.seen_tokens import MongoSeenTokens
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.audit import JIRA
from services.tenancy.domain.deliveries import Delivery
from services.tenancy.domain.lifecycle import Hook, parse
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import SiteRules
from services.tenancy.domain.tenants import Install, Tenant
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall
from services.tenancy.usecases.forge import ForgeEvent, ForgeLife
from services.tenancy.usecases.identity import Identity
from services.tenancy.usecases.jira import ConnectSecret, CredentialRefused, JiraSite
from services.tenancy.usecases.lifecycle import Lifecycle
from services.tenancy.usecases.lives import Change
from services.tenancy.usecases.ports import By
from services.tenancy.usecases.seen_tokens import ActOnce
from tests.harness.fakes import START, ManualClock, SeededIds

BY = By(JIRA)
APP_KEY = "io.ostro.test-management"
API = "https://api.atlassian.com/ex/jira/"
_CONNECT = {
    "install",
    "rotate",
    "update",
    "enable",
    "disable",
    "import",
    "uninstall",
    "restore",
    "rename",
}
_EVENTS = {
    "install on forge": ForgeEvent.INSTALLED,
    "upgrade": ForgeEvent.UPGRADED,
    "refresh": ForgeEvent.REFRESH,
    "change installation": ForgeEvent.REFRESH,
    "uninstall from forge": None,
}
_AT = int(START.timestamp())


@dataclass(frozen=True)
class Answers:
    """What the sites would say now."""

    by_url: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)
    """URL to current shared secret and cloud id."""
    by_cloud: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    """Cloud id to URL and the reserved client key."""


class Sites:
    """A fake of Jira: ``SiteIdentity``."""

    def __init__(self) -> None:
        self.answers = Answers()

    async def takes_us(self, site: JiraSite) -> bool:
        credential = site.credential
        assert isinstance(credential, ConnectSecret)
        secret, _ = self.answers.by_url.get(site.base_url, (None, ""))
        if secret is None:
            return False
        if credential.secret != Secret.of_text(secret):
            raise CredentialRefused
        return True

    async def cloud_id(self, site: JiraSite) -> str | None:
        return self.answers.by_url[site.base_url][1]

    async def client_key(self, site: JiraSite) -> str | None:
        return self.answers.by_cloud[site.base_url.removeprefix(API)][1]

    async def address(self, site: JiraSite) -> str | None:
        return self.answers.by_cloud[site.base_url.removeprefix(API)][0]


class Side:
    """Tenancy's use cases on one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock, ids = ManualClock(), SeededIds()
        self.sites = Sites()
        self.vault = EnvelopeVault(KeyRing(LocalKeys(Secret(b"m" * 32))))
        self.index = HmacIndex(Secret(b"i" * 32))
        self.store = MongoLives(database, Changes(database, self.clock, ids))
        rules = SiteRules()
        self.lifecycle = Lifecycle(
            self.store, self.vault, self.index, rules, "local", self.clock, ids
        )
        identity = Identity(self.store, self.sites, self.vault, self.index, rules, self.clock)
        once = ActOnce(MongoSeenTokens(database))
        self.forge = ForgeLife(self.store, identity, once, self.vault, "local", self.clock, ids)

    async def client_key(self, tenant: Tenant) -> str | None:
        """Open what a tenant is called by Connect."""
        if tenant.install is None:
            return None
        place = Install.client_key_place(tenant.id)
        return (await self.vault.open(tenant.install.client_key, place)).reveal().decode()

    async def secret(self, tenant: Tenant) -> str | None:
        """Open the current shared secret."""
        if tenant.install is None:
            return None
        current = tenant.install.current
        return (await self.vault.open(current.sealed, current.place(tenant.id))).reveal().decode()

    async def system_token(self, tenant: Tenant) -> str | None:
        """Open the system token."""
        token = tenant.forge.token if tenant.forge is not None else None
        if token is None:
            return None
        return (await self.vault.open(token.sealed, token.place(tenant.id))).reveal().decode()

    async def read_facts(self) -> None:
        """Learn cloud ids as the polling of facts does: of sites that take the stored secret."""
        for tenant in await self.store.all():
            secret = await self.secret(tenant)
            known, cloud = self.sites.answers.by_url.get(tenant.site_url or "", (None, None))
            active = tenant.status is TenantStatus.ACTIVE
            if active and secret is not None and secret == known and cloud != tenant.cloud_id:
                await self.store.store([Change(replace(tenant, cloud_id=cloud), None)])

    async def forget(self) -> None:
        """Empty the collections for the next example."""
        for name in ("tenants", "site_claims", "audit", "seen_tokens"):
            await self.database[name].delete_many({})


@dataclass(frozen=True)
class Call:
    """One call of Jira or Forge; ``run`` may be done again. ``answers`` are those of its time."""

    iat: int
    site: str
    name: str
    run: Callable[[Side], Awaitable[None]]
    answers: Answers
    client_key: str | None = None
    secret: str | None = None


async def delivered(call: Call, side: Side) -> bool:
    """Deliver; return False when the caller has to try again."""
    try:
        await call.run(side)
    except Unavailable:
        return False
    await side.read_facts()
    return True


@dataclass
class Site:
    """One Jira site."""

    name: str
    url: str
    cloud: str
    keys: list[str] = field(default_factory=list)
    """Client keys; the last one is current, earlier ones were imported over."""
    secret: str | None = None
    connect: bool = False
    forge: str | None = None
    """Installation id while installed."""
    forge_before: bool = False
    bridged: bool = False
    """Connect payloads name the Forge installation."""

    @property
    def possible(self) -> list[str]:
        """What could be done here now; what matters most stands more than once."""
        acts = ["rename"]
        if self.connect:
            acts += ["rotate", "rotate", "update", "enable", "disable", "import", "uninstall"]
        else:
            acts += ["install", "install"]
        if self.connect and len(self.keys) > 1:
            acts += ["restore", "restore"]
        if self.forge is None:
            acts += ["install on forge", "install on forge"]
        else:
            acts += ["refresh", "refresh", "upgrade", "change installation"]
        if self.forge is not None and not (self.connect and self.bridged):
            acts.append("uninstall from forge")
        return acts


class Jira:
    """Every site; each action returns the calls that it makes, with rising ``iat``."""

    def __init__(self) -> None:
        self.sites = {
            name: Site(name, f"https://{name}.atlassian.net", f"cloud-{name}") for name in "ab"
        }
        self._time = _AT
        self._number = 0

    def fresh(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}"

    def answers(self) -> Answers:
        sites = self.sites.values()
        return Answers(
            {s.url: (s.secret if s.connect else None, s.cloud) for s in sites},
            {s.cloud: (s.url, s.keys[-1] if s.connect and s.bridged else None) for s in sites},
        )

    def act(self, site: Site, act: str) -> list[Call]:
        """Do one of what is possible; return the calls that follow from it."""
        self.pass_time(self._number % 3 * 400)
        if act in {"rotate", "install", "import", "restore"}:
            site.secret = self.fresh("secret")
        if act == "import" or (act == "install" and not site.keys):
            site.keys.append(self.fresh("key"))
        if act == "restore":
            site.keys.insert(0, site.keys.pop())
        if act == "rename":
            site.url = f"https://{self.fresh('renamed')}.atlassian.net"
        if act == "install on forge":
            site.bridged = self._number % 2 == 0
            site.forge_before = True
        if act in {"install on forge", "change installation"}:
            site.forge = self.fresh("installation")
        return self._connect_calls(site, act) if act in _CONNECT else self._forge_calls(site, act)

    def _connect_calls(self, site: Site, act: str) -> list[Call]:
        if act == "install":
            site.connect = True
            return [self.connect_call(site, hook) for hook in (Hook.INSTALLED, Hook.ENABLED)]
        if act == "rename":
            return [self.connect_call(site, Hook.INSTALLED, named=False)] if site.connect else []
        if act in {"enable", "disable"}:
            return [self.connect_call(site, Hook.ENABLED if act == "enable" else Hook.DISABLED)]
        if act != "uninstall":
            return [self.connect_call(site, Hook.INSTALLED)]
        site.connect = False
        calls = [self.connect_call(site, hook) for hook in (Hook.DISABLED, Hook.UNINSTALLED)]
        if site.bridged and site.forge is not None:
            calls += self._forge_calls(site, "uninstall from forge")
        return calls

    def _forge_calls(self, site: Site, act: str) -> list[Call]:
        assert site.forge is not None
        event = _EVENTS[act]
        calls = [self.forge_call(site, event, site.forge)]
        if event is None:
            site.forge = None
        return calls

    def connect_call(self, site: Site, hook: Hook, *, named: bool = True) -> Call:
        self._time += 1
        iat, key, secret = self._time, site.keys[-1], site.secret
        content = {
            "key": APP_KEY,
            "clientKey": key,
            "baseUrl": site.url,
            "eventType": hook.value,
            "productType": "jira",
        }
        if hook is Hook.INSTALLED:
            content["sharedSecret"] = secret or ""
            if named and site.bridged and site.forge is not None:
                content["installationId"] = f"ari:cloud:ecosystem::installation/{site.forge}"
            if named:
                content["entitlementNumber"] = f"E-{iat}"
        payload = parse(json.dumps(content).encode())
        delivery = Delivery(iat, f"token-{iat}", "body")

        async def run(side: Side) -> None:
            if hook is Hook.INSTALLED:
                await side.lifecycle.installed(payload, delivery, BY)
            else:
                await side.lifecycle.changed(hook, key, delivery, BY)

        sent = secret if hook is Hook.INSTALLED else None
        return Call(iat, site.name, hook.value, run, self.answers(), key, sent)

    def forge_call(self, site: Site, event: ForgeEvent | None, installation: str) -> Call:
        self._time += 1
        iat = self._time
        call = ForgeCall(
            installation_id=installation,
            cloud_id=site.cloud,
            api_base_url=API + site.cloud,
            environment_id="production",
            environment_type="PRODUCTION",
            app_id="ari:cloud:ecosystem::app/1",
            account_id=None,
            issued_at=iat,
            expires_at=iat + 60,
            jti=f"jti-{iat}",
            digest=f"digest-{iat}",
            module=None,
        )
        token = Secret.of_text(f"system-{iat}")

        async def run(side: Side) -> None:
            if event is None:
                await side.forge.uninstalled(call, BY)
            else:
                await side.forge.called(event, call, token, BY)

        name = "forge uninstalled" if event is None else f"forge {event.name}"
        return Call(iat, site.name, name, run, self.answers())

    def pass_time(self, seconds: int) -> None:
        self._time += seconds


@dataclass(frozen=True)
class Connected:
    """A Connect tenant as it should be the same whatever the order of calls."""

    site_url: str | None
    secret: str | None
    status: str
    orphaned: bool
    extras: tuple[str | None, str | None]


@dataclass(frozen=True)
class OnForge:
    """A Forge installation as it should be the same."""

    client_key: str | None
    status: str
    token: str | None
    removed: bool


async def picture(side: Side) -> tuple[dict[str, Connected], dict[str, OnForge]]:
    """Everything by alias; tenant ids and versions of secrets may differ."""
    connected, on_forge = {}, {}
    for tenant in await side.store.all():
        key = await side.client_key(tenant)
        if key is not None and tenant.install is not None:
            extras = tenant.install.entitlement, tenant.install.installation_id
            connected[key] = Connected(
                tenant.site_url,
                await side.secret(tenant),
                tenant.status.value,
                tenant.orphaned_at is not None,
                extras,
            )
        if tenant.forge is not None:
            on_forge[tenant.forge.installation_id] = OnForge(
                key, tenant.status.value, await side.system_token(tenant), tenant.forge.removed
            )
    return connected, on_forge
