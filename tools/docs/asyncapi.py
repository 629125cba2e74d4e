"""``docs/asyncapi.json``: AsyncAPI 3.0 from the topic registry.

FastStream could render one itself, but our consumers decode raw bytes, which hides payloads from
it. One document describes all services; each operation bears its service as a tag.
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import models_json_schema

from contracts.envelope import Event
from contracts.tenancy import SERVICES
from contracts.topics import DLQ_RETENTION, TOPICS, Subscription, Topic
from kit.kafka import dead_letters
from kit.version import VERSION
from tools.docs.markdown import one_line

Json = dict[str, Any]

_KAFKA = "0.5.0"
_TEXT = {"type": "string"}
_HEADERS = ("ce_id", "ce_type", "ce_tenantid", "traceparent")
_DEAD_LETTER_HEADERS = {
    dead_letters.REASON: "why, without values of the record",
    dead_letters.ORIGIN: "topic/partition/offset that it stood at",
    dead_letters.GROUP: "the group that gave it up",
    dead_letters.SERVICE_VERSION: "version of the service",
    dead_letters.AT: "when",
}


def render() -> str:
    """Return the document as JSON."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> Json:
    """Return the document."""
    schemas, payloads = _schemas()
    letters = [(t, s) for t in TOPICS for s in t.subscriptions if s.dead_letters]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ostro",
            "version": VERSION,
            "description": "Every topic of Ostro: who writes it, which groups read it.",
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": service} for service in SERVICES],
        },
        "defaultContentType": "application/json",
        "channels": {
            **{t.name: _channel(t) for t in TOPICS},
            **{t.dead_letter_name(s): _letters_channel(t, s) for t, s in letters},
        },
        "operations": dict(_operations()),
        "components": {
            "messages": {
                **{t.name: _message(t, payloads[t.name]) for t in TOPICS},
                "dead-letter": _dead_letter(),
            },
            "schemas": schemas,
        },
    }


def _schemas() -> tuple[Json, dict[str, Json]]:
    """Return the component schemas, and by topic the reference to its payload's."""
    models = {t.name: Event[t.payload] for t in TOPICS}  # type: ignore[name-defined]
    references, definitions = models_json_schema(
        [(model, "serialization") for model in models.values()],
        ref_template="#/components/schemas/{model}",
    )
    payloads = {name: dict(references[(m, "serialization")]) for name, m in models.items()}
    return definitions["$defs"], payloads


def _channel(topic: Topic) -> Json:
    settings: Json = {
        "cleanup.policy": [topic.cleanup.value],
        "max.message.bytes": topic.max_message_bytes,
    }
    if topic.retention is not None:
        settings["retention.ms"] = int(topic.retention.total_seconds() * 1000)
    return {
        "address": topic.name,
        "description": one_line(topic.payload.__doc__),
        "messages": {"event": {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": _channel_binding(topic.name, topic.partitions, settings),
    }


def _letters_channel(topic: Topic, subscription: Subscription) -> Json:
    name = topic.dead_letter_name(subscription)
    settings: Json = {
        "cleanup.policy": ["delete"],
        "retention.ms": int(DLQ_RETENTION.total_seconds() * 1000),
    }
    return {
        "address": name,
        "description": f"Records of {topic.name} that {subscription.group} can never process.",
        "messages": {"letter": {"$ref": "#/components/messages/dead-letter"}},
        "bindings": _channel_binding(name, 1, settings),
    }


def _channel_binding(name: str, partitions: int, settings: Json) -> Json:
    return {
        "kafka": {
            "topic": name,
            "partitions": partitions,
            "topicConfiguration": settings,
            "bindingVersion": _KAFKA,
        }
    }


def _message(topic: Topic, payload: Json) -> Json:
    return {
        "name": topic.type,
        "title": topic.payload.__name__,
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": dict.fromkeys(_HEADERS, _TEXT),
        },
        "payload": payload,
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key},
                "bindingVersion": _KAFKA,
            }
        },
    }


def _dead_letter() -> Json:
    return {
        "name": "dead-letter",
        "title": "Dead letter",
        "summary": "The record as it came, key, value and headers, with headers that say why.",
        "headers": {
            "type": "object",
            "properties": {
                name: {"type": "string", "description": text}
                for name, text in _DEAD_LETTER_HEADERS.items()
            },
        },
    }


def _operations() -> Iterator[tuple[str, Json]]:
    for topic in TOPICS:
        for service in topic.producers:
            yield (
                f"{service}.sends.{topic.name}",
                _operation("send", service, topic.name, topic.name, "event"),
            )
        for service in topic.readers:
            yield (
                f"{service}.keeps.{topic.name}",
                _operation("receive", service, topic.name, topic.name, "event"),
            )
        for subscription in topic.subscriptions:
            service, group = subscription.service, subscription.group
            operation = _operation("receive", service, topic.name, topic.name, "event")
            operation["bindings"] = {
                "kafka": {
                    "groupId": {"type": "string", "enum": [group]},
                    "bindingVersion": _KAFKA,
                }
            }
            yield f"{group}.receives.{topic.name}", operation
            if subscription.dead_letters:
                channel = topic.dead_letter_name(subscription)
                yield (
                    f"{group}.parks.{topic.name}",
                    _operation("send", service, channel, channel, "letter"),
                )


def _operation(action: str, service: str, channel: str, title: str, message: str) -> Json:
    reference = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": reference},
        "title": title,
        "tags": [{"name": service}],
        "messages": [{"$ref": f"{reference}/messages/{message}"}],
    }
