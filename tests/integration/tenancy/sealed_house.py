"""A database full of sealed secrets of every kind, and whether all of them still open."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from contracts.tenancy import TenantStatus
from kit.mongo import Database, ensure_indexes
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.client_key_index import client_key_index
from services.tenancy.adapters.mongo.indexes import INDEXES
from services.tenancy.adapters.mongo.sealed_secrets import MongoSealedSecrets
from services.tenancy.adapters.mongo.signing_keys import MongoSigningKeys
from services.tenancy.adapters.mongo.tenants import MongoTenants
from services.tenancy.adapters.sealing.key_pairs import P256KeyPairs
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.audit import OPERATOR, Action
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.tenants import (
    ForgeInstall,
    Install,
    InstallSecret,
    SystemToken,
    Tenant,
)
from services.tenancy.usecases.ports import By, KeyProvider, Note
from services.tenancy.usecases.rewrap import Rewrap
from services.tenancy.usecases.signing_keys import SigningKeys
from tests.harness.fakes import ManualClock, SeededIds

BY = By(OPERATOR)
PER_TENANT = 4
"""Client key, current and previous secret, Forge's system token."""


def local(letter: str) -> LocalKeys:
    """A master key that is one letter."""
    return LocalKeys(Secret(letter.encode() * 32))


def nothing(_: str, __: int) -> None:
    """Progress that nobody looks at."""


@dataclass
class House:
    """Stores on one database. ``seeded``: a sample of hashes that must stay what they are."""

    database: Database
    clock: ManualClock = field(default_factory=ManualClock)
    ids: SeededIds = field(default_factory=SeededIds)
    tenants_made: list[str] = field(default_factory=list)
    index_sample: str = ""

    @property
    def changes(self) -> Changes:
        return Changes(self.database, self.clock, self.ids)

    @property
    def tenants(self) -> MongoTenants:
        return MongoTenants(self.database, self.changes)

    @property
    def keys(self) -> MongoSigningKeys:
        return MongoSigningKeys(self.database, self.changes)

    @property
    def store(self) -> MongoSealedSecrets:
        return MongoSealedSecrets(self.database, self.changes)

    def job(self, ring: KeyRing) -> Rewrap:
        """The job under a ring of keys."""
        return Rewrap(self.store, EnvelopeVault(ring), ring)

    async def fill(self, keys: KeyProvider, tenants: int) -> None:
        """Make tenants with every secret there is, two signing keys and the index key."""
        await ensure_indexes(self.database, INDEXES)
        vault = EnvelopeVault(keys)
        for _ in range(tenants):
            await self.add_tenant(vault)
        # a tenant without Jira has nothing sealed
        await self.tenants.add(
            Tenant("plain", TenantStatus.ACTIVE, "local", self.clock.now()),
            Note(Action.TENANT_CREATED, BY),
        )
        signing = SigningKeys(self.keys, vault, P256KeyPairs(), self.clock, self.ids)
        await signing.ensure_first()
        await signing.rotate(BY)
        self.index_sample = (await client_key_index(self.database, vault)).hash("sample")

    async def add_tenant(self, vault: EnvelopeVault) -> str:
        """Make one tenant; each secret is its own name."""
        tenant = self.ids.token()

        async def secret(version: int) -> InstallSecret:
            place = InstallSecret.place_of(tenant, version)
            text = Secret.of_text(f"{tenant} secret {version}")
            return InstallSecret(version, await vault.seal(text, place))

        token = Secret.of_text(f"{tenant} token")
        key = Secret.of_text(f"{tenant} client key")
        life = self.clock.now() + timedelta(minutes=55)
        install = Install(
            client_key_hash=f"hash of {tenant}",
            client_key=await vault.seal(key, Install.client_key_place(tenant)),
            current=await secret(1),
        ).rotated(await secret(2), self.clock.now())
        forge = ForgeInstall(
            installation_id=f"installation of {tenant}",
            environment_id="e",
            api_base_url="https://api.example/",
            token=SystemToken(3, await vault.seal(token, SystemToken.place_of(tenant, 3)), life),
        )
        made = Tenant(
            tenant,
            TenantStatus.ACTIVE,
            "local",
            self.clock.now(),
            install=install,
            forge=forge,
        )
        await self.tenants.add(made, Note(Action.INSTALLED, BY))
        self.tenants_made.append(tenant)
        return tenant

    async def opens(self, keys: KeyProvider) -> bool:
        """Whether every secret opens with these keys alone, and is what it was."""
        vault = EnvelopeVault(keys)
        for tenant in self.tenants_made:
            found = await self.tenants.get(tenant)
            assert found is not None
            assert found.install is not None
            assert found.forge is not None
            assert found.forge.token is not None
            install, token = found.install, found.forge.token
            opened = [
                await vault.open(install.client_key, Install.client_key_place(tenant)),
                await vault.open(install.current.sealed, install.current.place(tenant)),
                await vault.open(token.sealed, token.place(tenant)),
            ]
            texts = [s.reveal().decode() for s in opened]
            version = install.current.version
            expected = [f"{tenant} client key", f"{tenant} secret {version}", f"{tenant} token"]
            assert texts == expected
            if (previous := install.previous) is not None:
                text = (await vault.open(previous.sealed, previous.place(tenant))).reveal()
                assert text.decode() == f"{tenant} secret {previous.version}"
        for key in await self.keys.all():
            if key.private is not None:
                pem = (await vault.open(key.private, key.place)).reveal()
                assert pem.startswith(b"-----BEGIN")
        return (await client_key_index(self.database, vault)).hash("sample") == self.index_sample

    async def under(self) -> Mapping[str, int]:
        """Count all secrets by the key that wrapped them."""
        found: dict[str, int] = {}
        for count in await self.store.counts():
            found[count.key_id] = found.get(count.key_id, 0) + count.secrets
        return found

    async def install_again(self, tenant: str, vault: EnvelopeVault) -> None:
        """Do what a rotation by Jira does: read, seal, store at the revision that was read."""
        found = await self.tenants.get(tenant)
        assert found is not None
        assert found.install is not None
        version = found.install.current.version + 1
        text = Secret.of_text(f"{tenant} secret {version}")
        sealed = await vault.seal(text, InstallSecret.place_of(tenant, version))
        fresh = InstallSecret(version, sealed)
        install = found.install.rotated(fresh, self.clock.now())
        await self.tenants.replace(replace(found, install=install), Note(Action.INSTALLED, BY))
