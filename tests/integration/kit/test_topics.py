"""Topics are created from the registry, again and again without harm."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from contracts.topics import RESULT, TEST_CASE_STATE, TOPICS
from kit.errors import Unavailable
from kit.kafka.client import Names
from kit.kafka.topics import TopicMismatch, apply, cli, wait_for_topics, wanted_topics
from kit.settings import KafkaSettings
from tests.harness.backends import Backends
from tests.harness.polling import eventually
from tests.harness.topics import remove_topics


@pytest.fixture
async def settings(servers: Backends) -> AsyncIterator[KafkaSettings]:
    prefix = f"t{secrets.token_hex(5)}."
    found = KafkaSettings(kafka_bootstrap=servers.kafka, topic_prefix=prefix)
    yield found
    await remove_topics(found)


async def configs(settings: KafkaSettings, name: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        (answer,) = await admin.describe_configs([resource])
        return {entry[0]: entry[1] for entry in answer.resources[0][4]}
    finally:
        await admin.close()


async def has(settings: KafkaSettings, topic: str, name: str, value: str) -> None:
    """Wait for a setting: a broker hears of a change a moment after its controller."""

    async def current() -> str | None:
        return (await configs(settings, topic)).get(name)

    await eventually(current, lambda found: found == value)


async def test_apply_creates_everything_once(settings: KafkaSettings) -> None:
    created = await apply(settings)
    assert set(created) == {t.name for t in wanted_topics(settings.topic_prefix)}
    assert len(created) == len(TOPICS) + sum(
        s.dead_letters for t in TOPICS for s in t.subscriptions
    )
    assert await apply(settings) == []
    await wait_for_topics(settings, 10)
    names = Names(settings.topic_prefix)
    await has(settings, names.topic(TEST_CASE_STATE), "cleanup.policy", "compact")
    await has(settings, names.topic(RESULT), "cleanup.policy", "delete")
    await has(settings, names.topic(RESULT), "retention.ms", "604800000")


async def test_apply_corrects_settings_but_never_partitions(settings: KafkaSettings) -> None:
    names = Names(settings.topic_prefix)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    try:
        drifted = NewTopic(
            names.topic(RESULT), RESULT.partitions, 1, topic_configs={"retention.ms": "1000"}
        )
        await admin.create_topics([drifted])
        await apply(settings)
        await has(settings, names.topic(RESULT), "retention.ms", "604800000")
        other = KafkaSettings(
            kafka_bootstrap=settings.kafka_bootstrap, topic_prefix=settings.topic_prefix + "x."
        )
        wrong = Names(other.topic_prefix).topic(RESULT)
        await admin.create_topics([NewTopic(wrong, RESULT.partitions + 1, 1)])
    finally:
        await admin.close()
    with pytest.raises(TopicMismatch, match=f"{wrong} has 13 partitions, the registry says 12"):
        await apply(other)
    await remove_topics(other)


async def test_two_that_apply_at_once_agree(settings: KafkaSettings) -> None:
    created = await asyncio.gather(apply(settings), apply(settings))
    assert len(created[0] + created[1]) == len(wanted_topics())
    await wait_for_topics(settings, 10)


async def test_a_service_does_not_start_without_its_topics(settings: KafkaSettings) -> None:
    with pytest.raises(Unavailable, match=r"topics are missing, .* kit\.kafka\.topics apply"):
        await wait_for_topics(settings, 0.2)


async def test_the_command_says_what_it_did(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTRO_KAFKA_BOOTSTRAP", settings.kafka_bootstrap)
    monkeypatch.setenv("OSTRO_TOPIC_PREFIX", settings.topic_prefix)
    for says in (f"{len(wanted_topics())} created, 0 there", "0 created"):
        result = await asyncio.to_thread(CliRunner().invoke, cli, ["apply"])
        assert result.exit_code == 0
        assert says in result.output
