"""Makes the key pairs that sign API tokens."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from services.tenancy.domain.secret import Secret
from services.tenancy.usecases.signing_keys import KeyPair


class P256KeyPairs:
    """ECDSA over P-256, for ES256."""

    def make(self) -> KeyPair:
        """Return a new pair; the private half is sealed before it is stored."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return KeyPair(Secret(private), public.decode())
