"""The state events of test cases, folders and options, rendered when they are sent."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.base import Contract
from contracts.envelope import Event
from contracts.testcases import FolderState, OptionState, TestCaseState
from contracts.topics import FOLDER_STATE, OPTION_STATE, TEST_CASE_STATE, Topic
from kit.ids import stable_uuid
from kit.kafka.client import Names
from kit.kafka.records import Outgoing, outgoing
from kit.outbox.relay import Source
from services.testcases.adapters.mongo.folders import FOLDERS
from services.testcases.adapters.mongo.options import OPTIONS
from services.testcases.adapters.mongo.testcases import TEST_CASES

Row = Mapping[str, Any]


def sources(names: Names) -> Sequence[Source]:
    """Return the outboxes of this service."""
    return [
        _source(OPTIONS, OPTION_STATE, _option, names),
        _source(FOLDERS, FOLDER_STATE, _folder, names),
        _source(TEST_CASES, TEST_CASE_STATE, _test_case, names),
    ]


def _source(
    collection: str, topic: Topic, state_of: Callable[[Row], Contract], names: Names
) -> Source:
    def render(row: Row, entry: Row) -> Sequence[Outgoing]:
        key = f"{row['tenant']}/{row['id']}"
        event: Event[Any] = Event(
            # the same revision sent twice is the same event
            id=stable_uuid(topic.name, key, row["rev"]),
            source="ostro/testcases",
            type=topic.type,
            subject=str(row["id"]),
            time=datetime.fromtimestamp(entry["seq"] / 1000, UTC),
            tenantid=row["tenant"],
            sequence=row["rev"],
            traceparent=entry["trace"],
            data=state_of(row),
        )
        return [outgoing(names.topic(topic), key, event)]

    return Source(collection, render)


def _option(row: Row) -> OptionState:
    return OptionState(
        id=row["id"],
        project=row["project"],
        type=row["type"],
        name=row["name"],
        index=row["index"],
        default=row["default"],
        archived=row["archived"],
    )


def _folder(row: Row) -> FolderState:
    return FolderState(id=row["id"], project=row["project"], parent=row["parent"], type=row["type"])


def _test_case(row: Row) -> TestCaseState:
    return TestCaseState(
        id=row["id"],
        project=row["project"],
        name=row["name"],
        version=row["version"],
        version_id=row["version_id"],
    )
