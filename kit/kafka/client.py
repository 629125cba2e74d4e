"""How we reach Kafka, and what our names are called there."""

import ssl
from typing import Any

from faststream.security import BaseSecurity, SASLScram512

from contracts.topics import TOPICS, Subscription, Topic
from kit.settings import KafkaSecurity, KafkaSettings, read_secret


def _ssl(settings: KafkaSettings) -> ssl.SSLContext | None:
    if settings.kafka_security is not KafkaSecurity.SASL_SSL:
        return None
    return ssl.create_default_context(cafile=settings.kafka_ca_file)


def connection(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments of every aiokafka client."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "security_protocol": settings.kafka_security.value,
    }
    if settings.kafka_security is not KafkaSecurity.PLAINTEXT:
        username, password = _credentials(settings)
        options |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": username,
            "sasl_plain_password": password,
            "ssl_context": _ssl(settings),
        }
    return options


def security(settings: KafkaSettings) -> BaseSecurity | None:
    """Build the same for FastStream's broker."""
    if settings.kafka_security is KafkaSecurity.PLAINTEXT:
        return None
    username, password = _credentials(settings)
    context = _ssl(settings)
    return SASLScram512(
        username=username, password=password, ssl_context=context, use_ssl=context is not None
    )


def _credentials(settings: KafkaSettings) -> tuple[str, str]:
    if not settings.kafka_username or settings.kafka_password_file is None:
        raise SystemExit(
            "OSTRO_KAFKA_USERNAME and OSTRO_KAFKA_PASSWORD_FILE are needed "
            f"with OSTRO_KAFKA_SECURITY={settings.kafka_security.value}"
        )
    password = read_secret(settings.kafka_password_file, "OSTRO_KAFKA_PASSWORD_FILE")
    return settings.kafka_username, password


class Names:
    """Physical names: the registry's names with this installation's prefix."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._logical = {self.topic(t): t for t in TOPICS}

    def topic(self, topic: Topic) -> str:
        """Return the physical name of a topic."""
        return self._prefix + topic.name

    def group(self, group: str) -> str:
        """Return the physical name of a consumer group."""
        return self._prefix + group

    def dead_letters(self, topic: Topic, subscription: Subscription) -> str:
        """Return the physical name of a DLQ."""
        return self._prefix + topic.dead_letter_name(subscription)

    def logical(self, physical: str) -> Topic:
        """Return the topic behind a physical name; KeyError when it is none of ours."""
        return self._logical[physical]
