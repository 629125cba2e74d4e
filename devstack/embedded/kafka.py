"""Apache Kafka, one KRaft node on loopback."""

import asyncio
import base64
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from devstack.embedded.errors import StackError
from devstack.embedded.guard import guarded_folder
from devstack.embedded.jars import kafka_jars
from devstack.embedded.java import Java, find_java
from devstack.embedded.ports import LOOPBACK, accepts, free_ports
from devstack.embedded.process import Process, Started, ignore, spawn

READY_SECONDS = 90.0
_FORMAT_SECONDS = 60
# the serial collector and the first compiler: on two cores the broker starts in little more than
# half the time and leaves the cores to the services
_JVM = ("-Xms96m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGER = "-Dorg.slf4j.simpleLogger"
_JVM_LOGGING = (
    f"{_LOGGER}.defaultLogLevel=warn",
    f"{_LOGGER}.log.kafka.server=info",
    f"{_LOGGER}.showDateTime=true",
    f"{_LOGGER}.dateTimeFormat=HH:mm:ss.SSS",
)
_MEANT_FOR_OTHER_PROGRAMS = {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"}


@dataclass(frozen=True)
class KafkaSite:
    """Where one broker lives. Both ports may differ from those of its last start."""

    folder: Path
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def properties(self) -> Path:
        return self.folder / "server.properties"


def server_properties(site: KafkaSite) -> str:
    """Render the broker's settings: one replica of everything, no topic by accident.

    After kill -9 the node waits for its own former session to end, so that is kept short.
    """
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{LOOPBACK}:{site.controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{site.bootstrap},CONTROLLER://{LOOPBACK}:{site.controller_port}
advertised.listeners=PLAINTEXT://{site.bootstrap}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={site.data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""


def start_kafka(
    site: KafkaSite,
    *,
    log: Path | None = None,
    started: Started = ignore,
    say: Callable[[str], None] = lambda _: None,
) -> Process:
    """Start the broker and return once an admin client lists its topics."""
    java = find_java()
    classpath = f"{kafka_jars(java, started=started, say=say)}/*"
    site.folder.mkdir(parents=True, exist_ok=True)
    site.properties.write_text(server_properties(site))
    if not (site.data / "meta.properties").exists():
        _format(site, java, classpath)
    main = ["-cp", classpath, "kafka.Kafka", str(site.properties)]
    process = spawn(
        "kafka",
        [java.executable, *_JVM, *_JVM_LOGGING, *main],
        log=log or site.folder / "kafka.log",
        env=_java_environment(),
    )
    started(process)
    process.await_ready(lambda: kafka_answers(site.bootstrap), timeout=READY_SECONDS)
    return process


def kafka_answers(bootstrap: str) -> bool:
    """Say whether an admin client gets the list of topics; usable inside a running loop."""
    if not accepts(bootstrap):
        return False
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(asyncio.run(_lists_topics(bootstrap))))
    thread.start()
    thread.join()
    return answers == [True]


@contextmanager
def embedded_kafka(folder: Path) -> Iterator[str]:
    """Run a broker on free ports for the length of the block; gives its bootstrap address.

    The folder must be new or empty. Neither it nor the JVM stays behind, also when this process
    is killed.
    """
    with guarded_folder(folder) as guard:
        site = KafkaSite(folder.resolve(), *free_ports(2))
        start_kafka(site, started=guard.watch)
        yield site.bootstrap


def _format(site: KafkaSite, java: Java, classpath: str) -> None:
    shutil.rmtree(site.data, ignore_errors=True)  # of a format that was killed half-way
    # 16 bytes; the leading zero keeps a dash from the front, which the tool takes for an option
    cluster = base64.urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")
    tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(site.properties)]
    done = subprocess.run(
        [str(java.executable), *_JVM, _JVM_LOGGING[0], "-cp", classpath, *tool],
        capture_output=True,
        text=True,
        check=False,
        timeout=_FORMAT_SECONDS,
        env=_java_environment(),
    )
    if done.returncode:
        shutil.rmtree(site.data, ignore_errors=True)
        raise StackError(f"Kafka could not format its storage:\n{done.stdout}{done.stderr}")


def _java_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in _MEANT_FOR_OTHER_PROGRAMS}


async def _lists_topics(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaError, OSError):
        return False
    finally:
        with suppress(KafkaError, OSError):
            await admin.close()
    return True
