"""The golden examples are what producers send and what the committed schemas allow."""

import json

import jsonschema
import pytest
from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.topics import TOPICS, Cleanup, Topic
from kit.kafka.records import decode, encode
from kit.mongo import Database
from kit.projection import Projection
from tests.contracts.examples import FOLDER, Example, all_examples, examples_of
from tools.schemas import committed

EXAMPLES = list(all_examples())


def adapter(topic: Topic) -> TypeAdapter[Event[object]]:
    return TypeAdapter(Event[topic.payload])  # type: ignore[name-defined]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_every_type_has_an_example_and_state_topics_show_more_than_one(topic: Topic) -> None:
    found = examples_of(topic)
    assert any(example.value is not None for example in found)
    if topic.cleanup is Cleanup.COMPACT:
        assert len(found) > 1


def test_there_is_no_example_of_an_unknown_type() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {topic.type for topic in TOPICS}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_is_read_and_written_unchanged(example: Example) -> None:
    if example.value is None:
        assert example.topic.cleanup is Cleanup.COMPACT
        return
    event = decode(example.record(), adapter(example.topic))
    assert isinstance(event, Event)
    # nothing is lost and nothing is added: it is exactly what a producer sends
    assert json.loads(encode(event)) == example.value


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_is_valid_by_the_committed_schema(example: Example) -> None:
    if example.value is not None:
        schema = committed(example.topic)
        assert schema is not None
        jsonschema.validate(example.value, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_names_its_type_its_source_and_its_key(example: Example) -> None:
    if example.value is None:
        assert example.headers["ce_sequence"].isdigit()
        return
    value = example.value
    assert value["type"] == example.topic.type
    assert value["source"].removeprefix("ostro/") in example.topic.producers
    if example.topic.cleanup is Cleanup.COMPACT:
        tenant, subject = value["tenantid"], value["subject"]
        assert example.key in {subject, f"{tenant}/{subject}"}
        assert value["sequence"] > 0


@pytest.mark.parametrize(
    "topic", [t for t in TOPICS if t.cleanup is Cleanup.COMPACT], ids=lambda t: t.name
)
async def test_a_projection_takes_every_example_of_a_state_topic(
    database: Database, topic: Topic
) -> None:
    examples = examples_of(topic)
    records = [example.record(n) for n, example in enumerate(examples)]
    assert await Projection(database, {topic: "rows"}).apply(records) == []
    for example in examples:
        row = await database["rows"].find_one({"_id": example.key})
        assert row is not None
        if example.value is None:
            assert row.keys() == {"_id", "seq", "gone_at"}
        else:
            assert row["seq"] == example.value["sequence"]
            assert row["tenant"] == example.value["tenantid"]
