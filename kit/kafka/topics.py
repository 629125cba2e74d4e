"""Creates every topic of the registry: ``python -m kit.kafka.topics apply``.

Creating is idempotent. A topic that exists with other partitions is an error (keys would move);
other settings are brought to the registry's values.
"""

import asyncio
import sys
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import typer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from contracts.topics import DLQ_RETENTION, TOPICS, Cleanup, Topic
from kit.errors import Unavailable
from kit.kafka.client import Names, connection
from kit.settings import KafkaSettings, load


@dataclass(frozen=True)
class WantedTopic:
    """One physical topic and its settings."""

    name: str
    partitions: int
    configs: dict[str, str]


class TopicMismatch(Exception):
    """A topic exists with another number of partitions."""


def wanted_topics(
    prefix: str = "", replication: int = 1, only: Collection[Topic] = TOPICS
) -> list[WantedTopic]:
    """Return all physical topics, DLQs included.

    With several replicas an acknowledged record is on all but one of them at least.
    """
    names = Names(prefix)
    safety = {"min.insync.replicas": str(max(1, replication - 1))}
    found: list[WantedTopic] = []
    for topic in only:
        configs = {
            "cleanup.policy": topic.cleanup.value,
            "max.message.bytes": str(topic.max_message_bytes),
            "compression.type": "producer",
            **safety,
        }
        if topic.cleanup is Cleanup.COMPACT:
            configs |= {
                "min.cleanable.dirty.ratio": "0.1",
                "segment.ms": _millis(timedelta(days=1)),
            }
        if topic.retention is not None:
            configs["retention.ms"] = _millis(topic.retention)
        found.append(WantedTopic(names.topic(topic), topic.partitions, configs))
        found += [
            WantedTopic(
                names.dead_letters(topic, subscription),
                1,
                {
                    "cleanup.policy": "delete",
                    "retention.ms": _millis(DLQ_RETENTION),
                    # a letter is its record plus our headers
                    "max.message.bytes": str(topic.max_message_bytes + 64 * 1024),
                    **safety,
                },
            )
            for subscription in topic.subscriptions
            if subscription.dead_letters
        ]
    return found


def _millis(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))


async def apply(settings: KafkaSettings, only: Collection[Topic] = TOPICS) -> list[str]:
    """Create what is missing and correct settings; return the names created.

    ``only`` leaves the rest of the registry alone, DLQs included.
    """
    admin = AIOKafkaAdminClient(**connection(settings), client_id="ostro-topics")
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        wanted = wanted_topics(settings.topic_prefix, settings.topic_replication, only)
        missing = [t for t in wanted if t.name not in existing]
        created: list[str] = []
        if missing:
            response = await admin.create_topics(
                [
                    NewTopic(
                        t.name, t.partitions, settings.topic_replication, topic_configs=t.configs
                    )
                    for t in missing
                ]
            )
            created = _created(response)
        # also those that a broker had not told us of, or that somebody else made meanwhile
        present = [t for t in wanted if t.name not in created]
        await _check_partitions(admin, present)
        if present:
            changes = [
                ConfigResource(ConfigResourceType.TOPIC, t.name, configs=t.configs) for t in present
            ]
            for answer in await admin.alter_configs(changes):
                for code, message, _kind, name in answer.resources:
                    if code:
                        raise KafkaError(f"cannot change {name}: code {code} {message or ''}")
        return created
    finally:
        await admin.close()


def _created(response: object) -> list[str]:
    topic_exists = 36  # made by somebody else at the same time
    found: list[str] = []
    for name, code, *message in getattr(response, "topic_errors", []):
        if code not in {0, topic_exists}:
            raise KafkaError(f"cannot create {name}: code {code} {message[0] if message else ''}")
        if not code:
            found.append(name)
    return found


async def _check_partitions(admin: AIOKafkaAdminClient, present: list[WantedTopic]) -> None:
    wanted = {t.name: t.partitions for t in present}
    deadline = asyncio.get_running_loop().time() + 10
    while wanted:
        for row in await admin.describe_topics(list(wanted)):
            if row["error_code"]:
                continue  # the broker hears of it in a moment
            name, found = row["topic"], len(row["partitions"])
            if found != wanted.pop(name):
                registry = next(t.partitions for t in present if t.name == name)
                raise TopicMismatch(
                    f"{name} has {found} partitions, the registry says {registry}: "
                    "a change of partitions needs a new topic version"
                )
        if wanted and asyncio.get_running_loop().time() > deadline:
            raise KafkaError(f"no broker knows {min(wanted)}")
        await asyncio.sleep(0.1 if wanted else 0)


async def wait_for_topics(settings: KafkaSettings, timeout_seconds: float) -> None:
    """Wait until every topic of the registry exists; raise ``Unavailable`` with what is missing."""
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    wanted = {t.name for t in wanted_topics(settings.topic_prefix)}
    while True:
        try:
            missing = wanted - await _existing(settings)
            problem = f"topics are missing, for example {min(missing)}" if missing else ""
        except (KafkaError, OSError) as error:
            problem = f"Kafka at {settings.kafka_bootstrap} does not answer: {type(error).__name__}"
        if not problem:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable(f"{problem} (python -m kit.kafka.topics apply creates topics)")
        await asyncio.sleep(0.3)


async def _existing(settings: KafkaSettings) -> set[str]:
    admin = AIOKafkaAdminClient(
        **connection(settings), client_id="ostro-topics", request_timeout_ms=5_000
    )
    try:
        await admin.start()
        return set(await admin.list_topics())
    finally:
        await admin.close()


cli = typer.Typer(help="Topics of the registry in contracts/topics.py.", no_args_is_help=True)


@cli.callback()
def _root() -> None:
    """Topics of the registry in contracts/topics.py."""


@cli.command("apply")
def apply_command() -> None:
    """Create missing topics on OSTRO_KAFKA_BOOTSTRAP and bring settings to the registry's."""
    settings = load(KafkaSettings)
    try:
        created = asyncio.run(apply(settings))
    except (KafkaError, OSError, TopicMismatch) as error:
        sys.stderr.write(f"topics: {error or type(error).__name__}\n")
        raise typer.Exit(1) from None
    typer.echo(f"topics: {len(created)} created, {len(wanted_topics()) - len(created)} there")


if __name__ == "__main__":
    cli()
