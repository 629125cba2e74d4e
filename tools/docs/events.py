"""``docs/events.md``: every topic of the registry, what it carries and who touches it."""

from contracts.envelope import Event
from contracts.topics import DLQ_RETENTION, TOPICS, Topic
from tools.docs.fields import Field, enums_of, fields_of
from tools.docs.markdown import code, codes, one_line, page, table

_INTRO = """\
Source: `contracts/topics.py` and the models that it names. Topics are created by
`python -m kit.kafka.topics apply`, ACLs by `python -m kit.kafka.acls apply`. A name on the broker
begins with `OSTRO_TOPIC_PREFIX`, which is empty by default. Every record is a JSON `Event` around
the payload; the machine-readable form of this page is [asyncapi.json](asyncapi.json).

Compacted topics carry the latest state of an aggregate (a record without a value says that it is
gone). A group without a DLQ drops a record that it cannot read, and counts it."""


def render() -> str:
    """Return the page."""
    return page(
        "Topics",
        _INTRO,
        topics_table(),
        "## Envelope\n\n" + fields_table([f for f in fields_of(Event) if f.path != "data"]),
        "## Dead letters\n\n" + _dead_letters(),
        *(_topic(topic) for topic in TOPICS),
    )


def topics_table() -> str:
    """Return the table of all topics."""
    head = ("topic", "carries", "key", "partitions", "kept", "written by", "read by groups")
    return table(
        head,
        (
            (
                f"[{t.name}](events.md#{t.name.replace('.', '')})",
                code(t.payload.__name__),
                t.key,
                t.partitions,
                kept(t),
                ", ".join(t.producers),
                readers(t),
            )
            for t in TOPICS
        ),
    )


def readers(topic: Topic) -> str:
    """Return the groups, and the services that read it whole."""
    found = [code(s.group) for s in topic.subscriptions]
    found += [f"each process of {service}" for service in topic.readers]
    return ", ".join(found) or "none"


def kept(topic: Topic) -> str:
    """Return how long records stay."""
    if topic.retention is None:
        return "latest of each key"
    hours = topic.retention.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours > 48 else f"{hours:.0f} hours"


def fields_table(fields: list[Field]) -> str:
    """Return the fields with their data classes."""
    return table(
        ("field", "type", "data class", "meaning"),
        ((code(f.path), f.type, f.data_class or "**missing**", f.meaning) for f in fields),
    )


def _dead_letters() -> str:
    rows = [
        (code(t.dead_letter_name(s)), code(s.group))
        for t in TOPICS
        for s in t.subscriptions
        if s.dead_letters
    ]
    return (
        f"One partition each, kept {DLQ_RETENTION.days} days, of the same privacy class as the "
        "source. `python -m kit.dlq` lists, shows, replays and drops them.\n\n"
        + table(("topic", "group"), rows)
    )


def _topic(topic: Topic) -> str:
    facts = [
        ("owner", topic.owner),
        ("written by", ", ".join(topic.producers)),
        ("key", topic.key),
        ("partitions", topic.partitions),
        ("cleanup", f"{topic.cleanup} ({kept(topic)})"),
        ("largest record", f"{topic.max_message_bytes // 1024} KiB"),
        (
            "read by",
            ", ".join(
                [
                    *(
                        f"`{s.group}`" + ("" if s.dead_letters else " (no DLQ)")
                        for s in topic.subscriptions
                    ),
                    *(f"each process of {service}" for service in topic.readers),
                ]
            )
            or "nobody yet",
        ),
    ]
    parts = [
        f"## {topic.name}",
        one_line(topic.payload.__doc__),
        table(("", ""), facts),
        fields_table(list(fields_of(topic.payload))),
    ]
    enums = enums_of(topic.payload)
    if enums:
        lines = (f"- `{name}`: {codes(values)}" for name, values in enums.items())
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
