"""The processes of the stack: how each is started, when it is ready, what makes it outdated."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.tenancy import SERVICES
from devstack import keys
from devstack.embedded.caddy import CaddySite, http_answers, start_caddy
from devstack.embedded.kafka import KafkaSite, kafka_answers, server_properties, start_kafka
from devstack.embedded.mongod import MongodSite, mongod_is_writable, start_mongod
from devstack.embedded.ports import LOOPBACK
from devstack.embedded.process import Process, Started, spawn
from devstack.settings import ROOT, StackSettings, loopback

Say = Callable[[str], None]
_READY_SECONDS = 90.0
FORGE_APP_ID = "ari:cloud:ecosystem::app/0b7d1f2c-5a3e-4c68-9d10-7e4f2a6b8c90"
"""Of the local stack alone: whoever plays Forge at the stand-in names it."""


@dataclass(frozen=True)
class Component:
    """One process of the stack."""

    name: str
    at: str
    """Address, for people."""
    ports: tuple[str, ...]
    """Fields of StackSettings with the ports it binds."""
    start: Callable[[Started, Say], Process]
    ready: Callable[[], bool]
    fingerprint: str
    """Differs when a running process would not be what this command would start."""


@dataclass(frozen=True)
class Addresses:
    """Where Kafka and MongoDB are, ours or given ones."""

    kafka: str
    mongodb: str


def addresses(settings: StackSettings) -> Addresses:
    """Return the addresses that services use."""
    return Addresses(
        settings.kafka_bootstrap or _kafka_site(settings).bootstrap,
        settings.mongodb_uri or _mongod_site(settings).uri,
    )


def brokers(settings: StackSettings) -> list[Component]:
    """Return Kafka and mongod, less those that are given."""
    found = []
    if settings.kafka_bootstrap is None:
        found.append(_kafka(settings))
    if settings.mongodb_uri is None:
        found.append(_mongod(settings))
    return found


def stand_ins(settings: StackSettings) -> list[Component]:
    """Return the Jira and processor stand-ins."""
    return [_jira(settings), _processors(settings)]


def services(settings: StackSettings) -> list[Component]:
    """Return the four services, all roles of each in one process."""
    return [_service(settings, name) for name in SERVICES]


def edge(settings: StackSettings) -> Component:
    """Return Caddy in front of the services."""
    upstreams = {name: f"{LOOPBACK}:{settings.public_port(name)}" for name in SERVICES}
    site = CaddySite(settings.folder("caddy"), settings.port_edge, upstreams)
    return Component(
        "caddy",
        site.url,
        ("port_edge",),
        lambda started, _say: start_caddy(site, log=settings.log("caddy"), started=started),
        lambda: http_answers(site.url),
        _digest([site.caddyfile]),
    )


def service_environment(settings: StackSettings, name: str) -> dict[str, str]:
    """Return the settings of one service; other OSTRO_ variables of the caller reach it as well."""
    where, key = addresses(settings), settings.folder("keys")
    own = {
        "OSTRO_KAFKA_BOOTSTRAP": where.kafka,
        "OSTRO_MONGODB_URI": where.mongodb,
        "OSTRO_HTTP_PORT": str(settings.public_port(name)),
        "OSTRO_INTERNAL_PORT": str(settings.internal_port(name)),
        "OSTRO_PUBLIC_URL": settings.edge_url,
        "OSTRO_SERVICE_KEY_FILE": str(key / keys.service_key(name)),
        "OSTRO_PEER_KEYS_FILE": str(key / keys.PEER_KEYS),
        **{
            f"OSTRO_{peer.upper()}_URL": loopback(settings.internal_port(peer)) for peer in SERVICES
        },
    }
    return own | _extra(settings, name)


def admin_environment(settings: StackSettings) -> dict[str, str]:
    """Return what ``python -m services.tenancy admin`` needs to do what the service does."""
    return {
        "OSTRO_MONGODB_URI": addresses(settings).mongodb,
        "OSTRO_PUBLIC_URL": settings.edge_url,
        **_extra(settings, "tenancy"),
    }


def _extra(settings: StackSettings, name: str) -> dict[str, str]:
    key = settings.folder("keys")
    if name == "tenancy":
        return {
            "OSTRO_MASTER_KEY_FILE": str(key / keys.MASTER_KEY),
            "OSTRO_JIRA_KEY_SERVERS": f"{settings.jira_url}/install-keys",
            "OSTRO_JIRA_HOSTS": LOOPBACK,
            "OSTRO_JIRA_ALLOW_HTTP": "true",
            "OSTRO_FORGE_APP_ID": FORGE_APP_ID,
            "OSTRO_FORGE_JWKS_URL": f"{settings.jira_url}/forge/.well-known/jwks.json",
            "OSTRO_FORGE_API_HOSTS": LOOPBACK,
        }
    if name == "telemetry":
        return {
            "OSTRO_PSEUDONYM_KEY_FILE": str(key / keys.PSEUDONYM_KEY),
            "OSTRO_TELEMETRY_SINK_FILE": str(settings.folder("telemetry") / "events.jsonl"),
            "OSTRO_SEGMENT_URL": f"{settings.processors_url}/segment",
            "OSTRO_SEGMENT_WRITE_KEY_FILE": str(key / keys.SEGMENT_WRITE_KEY),
            "OSTRO_AMPLITUDE_URL": f"{settings.processors_url}/amplitude",
            "OSTRO_AMPLITUDE_API_KEY_FILE": str(key / keys.AMPLITUDE_API_KEY),
            "OSTRO_BUGSNAG_API_KEY_FILE": str(key / keys.BUGSNAG_API_KEY),
            "OSTRO_BUGSNAG_NOTIFY_URL": f"{settings.processors_url}/bugsnag/notify",
            "OSTRO_BUGSNAG_SESSIONS_URL": f"{settings.processors_url}/bugsnag/sessions",
            "OSTRO_BUGSNAG_TRACES_URL": f"{settings.processors_url}/bugsnag/v1/traces",
            **_erasure(settings),
            **_flags(settings),
        }
    if name == "executions":
        return {"OSTRO_SPOOL_DIR": str(settings.folder("spool"))}
    return {}


def _erasure(settings: StackSettings) -> dict[str, str]:
    """Return Beamer and the processors' deletion APIs, which are other hosts at the vendors'."""
    key, url = settings.folder("keys"), settings.processors_url
    return {
        "OSTRO_BEAMER_URL": f"{url}/beamer/v0",
        "OSTRO_BEAMER_API_KEY_FILE": str(key / keys.BEAMER_API_KEY),
        "OSTRO_AMPLITUDE_DELETION_URL": f"{url}/amplitude-deletion",
        "OSTRO_AMPLITUDE_SECRET_KEY_FILE": str(key / keys.AMPLITUDE_SECRET_KEY),
        "OSTRO_AMPLITUDE_DELETION_REQUESTER": "privacy@example.com",
        "OSTRO_SEGMENT_API_URL": f"{url}/segment-regulations",
        "OSTRO_SEGMENT_API_TOKEN_FILE": str(key / keys.SEGMENT_API_TOKEN),
        "OSTRO_BUGSNAG_DATA_URL": f"{url}/bugsnag-data",
        "OSTRO_BUGSNAG_DATA_TOKEN_FILE": str(key / keys.BUGSNAG_DATA_TOKEN),
        "OSTRO_BUGSNAG_PROJECT_ID": "ostro",
        "OSTRO_ERASURE_SETTLE_SECONDS": "5",
        "OSTRO_ERASURE_POLL_SECONDS": "10",
    }


def _flags(settings: StackSettings) -> dict[str, str]:
    """Return where flags come from: a file that people edit, or LaunchDarkly's stand-in."""
    if settings.flags == "file":
        return {"OSTRO_FLAGS_FILE": str(settings.flags_file)}
    key = settings.folder("keys") / keys.LAUNCHDARKLY_SDK_KEY
    hosts = ("STREAM", "BASE", "EVENTS")
    return {
        "OSTRO_LAUNCHDARKLY_SDK_KEY_FILE": str(key),
        **{
            f"OSTRO_LAUNCHDARKLY_{host}_URL": f"{settings.processors_url}/launchdarkly"
            for host in hosts
        },
    }


def _service(settings: StackSettings, name: str) -> Component:
    internal = loopback(settings.internal_port(name))
    return _python(
        settings,
        name,
        ["-m", f"services.{name}", "--role", "all"],
        at=loopback(settings.public_port(name)),
        ports=(f"port_{name}", f"port_{name}_internal"),
        ready_url=f"{internal}/health/ready",
        env=service_environment(settings, name),
        sources=("contracts", "kit", f"services/{name}"),
    )


def _jira(settings: StackSettings) -> Component:
    state = settings.folder("jira") / "state.json"
    return _python(
        settings,
        "jira",
        [
            *("-m", "devstack.jira", "--port", str(settings.port_jira)),
            *("--app-url", settings.edge_url, "--state-file", str(state)),
        ],
        at=settings.jira_url,
        ports=("port_jira",),
        ready_url=f"{settings.jira_url}/control/sites",
        env={},
        sources=("devstack/jira", "devstack/standin"),
    )


def _processors(settings: StackSettings) -> Component:
    key = settings.folder("keys")
    return _python(
        settings,
        "processors",
        [
            *("-m", "devstack.processors", "--port", str(settings.port_processors)),
            *("--segment-write-key-file", str(key / keys.SEGMENT_WRITE_KEY)),
            *("--amplitude-api-key-file", str(key / keys.AMPLITUDE_API_KEY)),
            *("--bugsnag-api-key-file", str(key / keys.BUGSNAG_API_KEY)),
            *("--launchdarkly-sdk-key-file", str(key / keys.LAUNCHDARKLY_SDK_KEY)),
            *("--beamer-api-key-file", str(key / keys.BEAMER_API_KEY)),
            *("--amplitude-secret-key-file", str(key / keys.AMPLITUDE_SECRET_KEY)),
            *("--segment-api-token-file", str(key / keys.SEGMENT_API_TOKEN)),
            *("--bugsnag-data-token-file", str(key / keys.BUGSNAG_DATA_TOKEN)),
        ],
        at=settings.processors_url,
        ports=("port_processors",),
        ready_url=f"{settings.processors_url}/control/health",
        env={},
        sources=("devstack/processors", "devstack/standin"),
    )


def _python(
    settings: StackSettings,
    name: str,
    arguments: list[str],
    *,
    at: str,
    ports: tuple[str, ...],
    ready_url: str,
    env: Mapping[str, str],
    sources: Iterable[str],
) -> Component:
    def start(started: Started, _say: Say) -> Process:
        process = spawn(
            name,
            [sys.executable, *arguments],
            log=settings.log(name),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
            cwd=ROOT,
        )
        started(process)
        process.await_ready(lambda: http_answers(ready_url, status=200), timeout=_READY_SECONDS)
        return process

    return Component(
        name,
        at,
        ports,
        start,
        lambda: http_answers(ready_url, status=200),
        _digest([sys.executable, *arguments, *map("=".join, sorted(env.items()))], sources),
    )


def _kafka_site(settings: StackSettings) -> KafkaSite:
    return KafkaSite(settings.folder("kafka"), settings.port_kafka, settings.port_kafka_controller)


def _kafka(settings: StackSettings) -> Component:
    site = _kafka_site(settings)
    return Component(
        "kafka",
        site.bootstrap,
        ("port_kafka", "port_kafka_controller"),
        lambda started, say: start_kafka(site, log=settings.log("kafka"), started=started, say=say),
        lambda: kafka_answers(site.bootstrap),
        _digest([server_properties(site)]),
    )


def _mongod_site(settings: StackSettings) -> MongodSite:
    return MongodSite(settings.folder("mongod"), settings.port_mongodb)


def _mongod(settings: StackSettings) -> Component:
    site = _mongod_site(settings)
    return Component(
        "mongod",
        site.address,
        ("port_mongodb",),
        lambda started, _say: start_mongod(site, log=settings.log("mongod"), started=started),
        lambda: mongod_is_writable(site.uri),
        _digest([site.uri, str(site.folder)]),
    )


def _digest(texts: Iterable[str], sources: Iterable[str] = ()) -> str:
    """Digest what a process is made from; edited source files make it another one."""
    digest = hashlib.sha256("\0".join(texts).encode())
    for folder in sources:
        for file in sorted((ROOT / folder).rglob("*.py")):
            digest.update(_stamp(file))
    return digest.hexdigest()[:32]


def _stamp(file: Path) -> bytes:
    found = file.stat()
    return f"{file}\0{found.st_mtime_ns}\0{found.st_size}\0".encode()
