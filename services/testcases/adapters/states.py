"""The state events of cases, folders, options and custom fields, rendered when they are sent."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.base import Contract
from contracts.customfields import CustomFieldState
from contracts.envelope import Event
from contracts.testcases import FolderState, OptionState, TestCaseState
from contracts.topics import (
    CUSTOM_FIELD_STATE,
    FOLDER_STATE,
    OPTION_STATE,
    TEST_CASE_STATE,
    Topic,
)
from kit.ids import stable_uuid
from kit.kafka.client import Names
from kit.kafka.records import Outgoing, outgoing, tombstone
from kit.outbox.relay import Source
from kit.shelves import home
from services.testcases.adapters.mongo.customfields import CUSTOM_FIELDS, custom_field
from services.testcases.adapters.mongo.folders import FOLDERS
from services.testcases.adapters.mongo.options import OPTIONS
from services.testcases.adapters.mongo.testcases import TEST_CASES

Row = Mapping[str, Any]


def sources(names: Names) -> Sequence[Source]:
    """Return the outboxes of this service."""
    return [
        _source(OPTIONS, OPTION_STATE, _option, names, deletes=True),
        _source(CUSTOM_FIELDS, CUSTOM_FIELD_STATE, _custom_field, names, deletes=True),
        _source(FOLDERS, FOLDER_STATE, _folder, names, deletes=True),
        _source(TEST_CASES, TEST_CASE_STATE, _test_case, names, deletes=True),
    ]


def _source(
    collection: str,
    topic: Topic,
    state_of: Callable[[Row], Contract],
    names: Names,
    *,
    deletes: bool = False,
) -> Source:
    def render(row: Row, entry: Row) -> Sequence[Outgoing]:
        tenant = home(row["tenant"])
        key = f"{tenant}/{row['id']}"
        # what stands on a shelf is gone for others, and may come back with a higher revision
        if row.get("deleted") or tenant != row["tenant"]:
            return [tombstone(names.topic(topic), key, row["rev"])]
        event: Event[Any] = Event(
            # the same revision sent twice is the same event
            id=stable_uuid(topic.name, key, row["rev"]),
            source="ostro/testcases",
            type=topic.type,
            subject=str(row["id"]),
            time=datetime.fromtimestamp(entry["seq"] / 1000, UTC),
            tenantid=tenant,
            sequence=row["rev"],
            traceparent=entry["trace"],
            data=state_of(row),
        )
        return [outgoing(names.topic(topic), key, event)]

    return Source(collection, render, purge_deleted=deletes)


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


def _custom_field(row: Row) -> CustomFieldState:
    return custom_field(dict(row))


def _folder(row: Row) -> FolderState:
    return FolderState(id=row["id"], project=row["project"], parent=row["parent"], type=row["type"])


def _test_case(row: Row) -> TestCaseState:
    return TestCaseState(
        id=row["id"],
        project=row["project"],
        name=row["name"],
        version=row["version"],
        version_id=row["version_id"],
        archived="removed" in row,
    )
