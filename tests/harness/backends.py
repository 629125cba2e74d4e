"""Real Kafka and MongoDB for a test run: given addresses, containers, or the embedded stack.

OSTRO_TEST_BACKEND=docker|embedded forces one; OSTRO_TEST_KAFKA and OSTRO_TEST_MONGO name servers
that run already. Same tests, same count, whatever they run on.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack.embedded.kafka import embedded_kafka
from devstack.embedded.mongod import embedded_mongod
from devstack.embedded.ports import free_ports

KAFKA_IMAGE = f"apache/kafka:{os.environ.get('KAFKA_TAG', '4.3.1')}"
MONGO_IMAGE = f"mongo:{os.environ.get('MONGO_TAG', '6.0')}"


@dataclass(frozen=True)
class Backends:
    """Addresses of the servers, and what they are."""

    kind: str
    kafka: str
    mongodb: str


@contextlib.contextmanager
def backends() -> Iterator[Backends]:
    """Yield running servers; whatever was started is gone afterwards."""
    kafka, mongodb = os.environ.get("OSTRO_TEST_KAFKA"), os.environ.get("OSTRO_TEST_MONGO")
    if kafka and mongodb:
        yield Backends("given", kafka, mongodb)
    elif _use_docker():
        with _containers() as found:
            yield found
    else:
        with tempfile.TemporaryDirectory(prefix="ostro-test-") as folder:
            base = Path(folder)
            with embedded_kafka(base / "kafka") as k, embedded_mongod(base / "mongo") as m:
                yield Backends("embedded", k, m)


def _use_docker() -> bool:
    forced = os.environ.get("OSTRO_TEST_BACKEND")
    if forced is not None:
        return forced == "docker"
    docker = shutil.which("docker")
    if docker is None:
        return False
    # an engine without the images could not start them where nothing can be pulled
    probe = subprocess.run(
        [docker, "image", "inspect", KAFKA_IMAGE, MONGO_IMAGE],
        capture_output=True,
        timeout=20,
        check=False,
    )
    return probe.returncode == 0


@contextlib.contextmanager
def _containers() -> Iterator[Backends]:
    from testcontainers.core.config import ConnectionMode, testcontainers_config
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    # published ports are on loopback, the only host that tests may reach; inside a container
    # testcontainers would take the bridge's address
    testcontainers_config.tc_host_override = "127.0.0.1"
    testcontainers_config.connection_mode_override = ConnectionMode.docker_host
    (port,) = free_ports(1)
    kafka = (
        DockerContainer(KAFKA_IMAGE)
        .with_bind_ports(9092, port)
        .waiting_for(
            LogMessageWaitStrategy(re.compile("Kafka Server started")).with_startup_timeout(90)
        )
    )
    for name, value in {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,INTERNAL://:9094,CONTROLLER://:9093",
        # the broker reaches itself (transactions do) where its own port is, not the published one
        "KAFKA_ADVERTISED_LISTENERS": (f"PLAINTEXT://127.0.0.1:{port},INTERNAL://localhost:9094"),
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": ",".join(
            f"{name}:PLAINTEXT" for name in ("CONTROLLER", "INTERNAL", "PLAINTEXT")
        ),
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }.items():
        kafka = kafka.with_env(name, value)
    mongo = (
        DockerContainer(MONGO_IMAGE)
        .with_command("--replSet rs0 --bind_ip_all")
        .with_exposed_ports(27017)
        .waiting_for(LogMessageWaitStrategy("Waiting for connections").with_startup_timeout(60))
    )
    with kafka, mongo:
        mongo_port = int(mongo.get_exposed_port(27017))
        _initiate(mongo_port)
        uri = f"mongodb://127.0.0.1:{mongo_port}/?directConnection=true&w=majority"
        yield Backends("docker", f"127.0.0.1:{port}", uri)


def _initiate(port: int) -> None:
    import time

    from pymongo import MongoClient

    with MongoClient[dict[str, object]]("127.0.0.1", port, directConnection=True) as client:
        members = [{"_id": 0, "host": "localhost:27017"}]
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
        while not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(0.05)  # noqa: TID251  no loop runs yet
