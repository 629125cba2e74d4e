"""A directory that says what it is told: the port that services read tenants through."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from contracts.tenancy import ProjectState, SigningKeyState, TenantState, TenantStatus
from kit.directory.view import TenantView
from tests.harness.fakes import START

_KEY = ec.generate_private_key(ec.SECP256R1())
PRIVATE_PEM = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC_PEM = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class FixedDirectory:
    """One active tenant, one signing key; tests change them."""

    def __init__(self) -> None:
        self.revoked: frozenset[str] = frozenset()
        self.keys = {
            "k1": SigningKeyState(kid="k1", public_pem=PUBLIC_PEM.decode(), not_before=START)
        }
        self.tenants = {"t1": TenantState(tenant="t1", status=TenantStatus.ACTIVE, cell="local")}

    async def tenant(self, tenant: str) -> TenantView | None:
        state = self.tenants.get(tenant)
        return None if state is None else TenantView(state, {}, self.revoked)

    async def project_by_key(self, tenant: str, key: str) -> ProjectState | None:
        return None

    async def project(self, tenant: str, project: int) -> ProjectState | None:
        return None

    async def signing_key(self, kid: str) -> SigningKeyState | None:
        return self.keys.get(kid)
