"""A directory that says what it is told: the port that services read tenants through."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from contracts.permissions import Membership
from contracts.tenancy import ProjectState, SigningKeyState, TenantState, TenantStatus
from kit.directory.memberships import Standing
from kit.directory.permissions import Scheme
from kit.directory.view import TenantView
from kit.errors import Unavailable
from tests.harness.fakes import START

_KEY = ec.generate_private_key(ec.SECP256R1())
PRIVATE_PEM = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC_PEM = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class FixedDirectory:
    """One active tenant, one signing key; tests change them."""

    def __init__(self) -> None:
        self.revoked: frozenset[str] = frozenset()
        self.projects: dict[int, ProjectState] = {}
        self.permissions: dict[int, Scheme] = {}
        self.members: dict[str, Membership] = {}
        self.trusted = True
        self.looked_up: list[tuple[str, int | None]] = []
        self.keys = {
            "k1": SigningKeyState(kid="k1", public_pem=PUBLIC_PEM.decode(), not_before=START)
        }
        self.tenants = {"t1": TenantState(tenant="t1", status=TenantStatus.ACTIVE, cell="local")}

    async def tenant(self, tenant: str) -> TenantView | None:
        state = self.tenants.get(tenant)
        return None if state is None else self.view(state)

    async def project_by_key(self, tenant: str, key: str) -> ProjectState | None:
        return next((p for p in self.projects.values() if p.key == key), None)

    async def project(self, tenant: str, project: int) -> ProjectState | None:
        return self.projects.get(project)

    async def scheme(self, tenant: str, project: int) -> Scheme | None:
        return self.permissions.get(project)

    async def membership(self, tenant: str, account: str, roles_in: int | None = None) -> Standing:
        self.looked_up.append((account, roles_in))
        if account not in self.members:
            raise Unavailable("nothing is known")
        return Standing(self.members[account], self.trusted)

    def view(self, state: TenantState) -> TenantView:
        return TenantView(state, dict(self.projects), self.revoked, dict(self.permissions))

    async def signing_key(self, kid: str) -> SigningKeyState | None:
        return self.keys.get(kid)
