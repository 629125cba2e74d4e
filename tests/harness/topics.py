"""Topics of a test: gone afterwards, because thousands of them make a broker slow for everybody."""

from aiokafka.admin import AIOKafkaAdminClient

from kit.kafka.client import connection
from kit.kafka.topics import wanted_topics
from kit.settings import KafkaSettings


async def remove_topics(settings: KafkaSettings) -> None:
    """Delete every topic of the registry under the settings' prefix; missing ones do no harm."""
    admin = AIOKafkaAdminClient(**connection(settings), request_timeout_ms=30_000)
    await admin.start()
    try:
        await admin.delete_topics([t.name for t in wanted_topics(settings.topic_prefix)])
    finally:
        await admin.close()
