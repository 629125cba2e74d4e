"""Keys of the local stack: made once, readable by their owner only, kept between runs."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

MASTER_KEY = "tenancy-master-key"
PSEUDONYM_KEY = "telemetry-pseudonym-key"
SEGMENT_WRITE_KEY = "segment-write-key"
AMPLITUDE_API_KEY = "amplitude-api-key"
BUGSNAG_API_KEY = "bugsnag-api-key"
LAUNCHDARKLY_SDK_KEY = "launchdarkly-sdk-key"
BEAMER_API_KEY = "beamer-api-key"
AMPLITUDE_SECRET_KEY = "amplitude-secret-key"  # noqa: S105  a file's name
SEGMENT_API_TOKEN = "segment-api-token"  # noqa: S105  as above
BUGSNAG_DATA_TOKEN = "bugsnag-data-token"  # noqa: S105  as above
PEER_KEYS = "peer-keys.json"


def service_key(service: str) -> str:
    """Return the name of the file with a service's private key."""
    return f"service-key-{service}.pem"


def make_keys(folder: Path, services: Sequence[str]) -> list[str]:
    """Create what is missing, return the names created. Peer keys follow from the private ones."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    makers: dict[str, Callable[[], str]] = {
        **{service_key(service): _signing_key for service in services},
        MASTER_KEY: _thirty_two_bytes,
        PSEUDONYM_KEY: _thirty_two_bytes,
        # the processors' real keys look like this
        SEGMENT_WRITE_KEY: lambda: secrets.token_urlsafe(24),
        AMPLITUDE_API_KEY: lambda: secrets.token_hex(16),
        BUGSNAG_API_KEY: lambda: secrets.token_hex(16),
        BEAMER_API_KEY: lambda: f"b_{secrets.token_hex(16)}",
        AMPLITUDE_SECRET_KEY: lambda: secrets.token_hex(16),
        SEGMENT_API_TOKEN: lambda: secrets.token_urlsafe(32),
        BUGSNAG_DATA_TOKEN: lambda: secrets.token_hex(16),
        LAUNCHDARKLY_SDK_KEY: lambda: f"sdk-{uuid4()}",
    }
    created = [name for name in makers if not (folder / name).exists()]
    for name in created:
        _write(folder / name, makers[name]())
    peers = {service: _public_key(folder / service_key(service)) for service in services}
    _write(folder / PEER_KEYS, json.dumps(peers, indent=2))
    return created


def _signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _thirty_two_bytes() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _public_key(private: Path) -> str:
    key = load_pem_private_key(private.read_bytes(), password=None)
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _write(path: Path, content: str) -> None:
    """Replace the file in one step, so that a start that is killed leaves no half key."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    part.replace(path)
