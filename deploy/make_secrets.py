"""Writes the secrets of docker-compose.yml, one file each; what exists is kept.

`python deploy/make_secrets.py [FOLDER]` (default: deploy/secrets). Needs the `cryptography`
package; deploy/README.md shows how to run it in a service image instead. To rotate a secret,
delete its file, run this again and follow the README.
"""

import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SERVICES = ("testcases", "executions", "tenancy", "telemetry")
KAFKA_USERS = ("admin", *SERVICES)
MONGO_USERS = ("root", *SERVICES)
SCRAM_ITERATIONS = 8192


def password() -> str:
    """256 bits, safe in a URI and in a JAAS string."""
    return secrets.token_urlsafe(32)


def key_32_bytes() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def mongo_keyfile() -> str:
    """What the members of a replica set share: base64, 6 to 1024 characters."""
    return base64.b64encode(secrets.token_bytes(567)).decode()


def signing_key() -> str:
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def public_key(private_pem: str) -> str:
    key = serialization.load_pem_private_key(private_pem.encode(), password=None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def empty() -> str:
    """Issued by someone else; the operator puts it in."""
    return ""


def scram_credential(user: str, clear: str) -> str:
    """One argument of `kafka-storage format --add-scram`; Kafka never sees the password."""
    salt = secrets.token_bytes(32)
    salted = hashlib.pbkdf2_hmac("sha512", clear.encode(), salt, SCRAM_ITERATIONS)
    fields = {
        "name": user,
        "iterations": SCRAM_ITERATIONS,
        "salt": f'"{base64.b64encode(salt).decode()}"',
        "saltedpassword": f'"{base64.b64encode(salted).decode()}"',
    }
    return f"SCRAM-SHA-512=[{','.join(f'{name}={value}' for name, value in fields.items())}]"


def independent_secrets() -> dict[str, Callable[[], str]]:
    return {
        "kafka-broker-password": password,
        **{f"kafka-{user}-password": password for user in KAFKA_USERS},
        "mongo-keyfile": mongo_keyfile,
        **{f"mongo-{user}-password": password for user in MONGO_USERS},
        **{f"service-key-{service}": signing_key for service in SERVICES},
        "tenancy-master-key": key_32_bytes,
        "tenancy-other-master-key": empty,
        "telemetry-pseudonym-key": key_32_bytes,
        "segment-write-key": empty,
        "amplitude-api-key": empty,
        "bugsnag-api-key": empty,
        "launchdarkly-sdk-key": empty,
        "amplitude-secret-key": empty,
        "segment-api-token": empty,
        "bugsnag-data-token": empty,
        "beamer-api-key": empty,
    }


def write(path: Path, content: str) -> None:
    """The folder is closed to others, the file is not: the container's own user must read it."""
    path.write_text(content)
    path.chmod(0o644)


def make(folder: Path) -> list[str]:
    """Create what is missing in `folder`, renew what follows from it, return the names created."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    created = []
    for name, generate in independent_secrets().items():
        if not (folder / name).exists():
            write(folder / name, generate())
            created.append(name)
    if created or not (folder / "peer-keys").exists():
        derive(folder)
    return created


def derive(folder: Path) -> None:
    """Write the files that are made from other secrets."""
    write_over = {
        "peer-keys": json.dumps(
            {
                service: public_key((folder / f"service-key-{service}").read_text())
                for service in SERVICES
            },
            indent=2,
        ),
        "kafka-scram-credentials": "".join(
            scram_credential(user, (folder / f"kafka-{user}-password").read_text()) + "\n"
            for user in KAFKA_USERS
        ),
    }
    for name, content in write_over.items():
        write(folder / name, content)


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else Path(__file__).parent / "secrets"
    created = make(folder)
    sys.stdout.write(f"{folder}: {len(created)} created, the rest kept\n")


if __name__ == "__main__":
    main(sys.argv[1:])
