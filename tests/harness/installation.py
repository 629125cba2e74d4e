"""One installation of Ostro for tests: a namespace on the shared servers, keys, settings."""

import base64
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from contracts.tenancy import SERVICES
from devstack.embedded.ports import free_ports
from kit.settings import KafkaSettings, ServiceSettings
from tests.harness.backends import Backends

S = TypeVar("S", bound=ServiceSettings)


def free_port() -> int:
    """Return a port that was free a moment ago, from where no outgoing connection takes it."""
    return free_ports(1)[0]


@dataclass
class Installation:
    """Settings of four services that belong together; topics carry ``prefix``."""

    backends: Backends
    folder: Path
    prefix: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}.")
    http_ports: dict[str, int] = field(default_factory=dict)
    internal_ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ports = iter(free_ports(2 * len(SERVICES)))
        for service in SERVICES:
            self.http_ports[service] = next(ports)
            self.internal_ports[service] = next(ports)
        self._write_keys()

    @property
    def kafka(self) -> KafkaSettings:
        """Kafka settings of this namespace."""
        return KafkaSettings(kafka_bootstrap=self.backends.kafka, topic_prefix=self.prefix)

    def database(self, service: str) -> str:
        """Name of a service's database here."""
        return f"{self.prefix.rstrip('.')}_{service}"

    def values(self, service: str) -> dict[str, Any]:
        """Field values of a service's settings class."""
        return {
            "kafka_bootstrap": self.backends.kafka,
            "topic_prefix": self.prefix,
            "mongodb_uri": self.backends.mongodb,
            "mongodb_database": self.database(service),
            "http_port": self.http_ports[service],
            "internal_port": self.internal_ports[service],
            "service_key_file": self.folder / f"{service}.pem",
            "peer_keys_file": self.folder / "peers.json",
            **{f"{s}_url": f"http://127.0.0.1:{self.internal_ports[s]}" for s in SERVICES},
        }

    def environment(self, service: str, **extra: str) -> dict[str, str]:
        """The same as environment variables, for a service run as its own process."""
        values = {f"OSTRO_{k.upper()}": str(v) for k, v in self.values(service).items()}
        return values | {f"OSTRO_{k.upper()}": v for k, v in extra.items()}

    def settings(self, settings_class: type[S], service: str, **extra: Any) -> S:
        """Build a service's settings."""
        return settings_class(**(self.values(service) | extra))

    def secret(self, name: str, text: str | None = None) -> Path:
        """Write a secret file; 32 random bytes in base64 unless a text is given."""
        path = self.folder / name
        if not path.exists():
            path.write_text(text or base64.b64encode(secrets.token_bytes(32)).decode())
        return path

    def _write_keys(self) -> None:
        peers = {}
        for service in SERVICES:
            key = Ed25519PrivateKey.generate()
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            (self.folder / f"{service}.pem").write_bytes(pem)
            public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            peers[service] = public.decode()
        (self.folder / "peers.json").write_text(json.dumps(peers))
