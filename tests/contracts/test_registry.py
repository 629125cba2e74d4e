"""Rules of the contracts: data classes, topics, groups, routes, ids, the envelope."""

import csv
import inspect
import re
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from contracts import (
    customfields,
    diagnostics,
    executions,
    flags,
    internal,
    jira,
    permissions,
    routes,
    telemetry,
    tenancy,
    testcases,
    usage,
)
from contracts.classes import DataClass, field_classes
from contracts.envelope import Event
from contracts.ids import (
    MAX_ID,
    MAX_PROJECT_ID,
    NUMBER_MASK,
    EntityKey,
    Kind,
    LinkId,
    ProjectId,
    number_of,
    parse_key,
    project_of,
    project_range,
    public_id,
)
from contracts.routes import owner_of
from contracts.tenancy import SERVICES
from contracts.testcases import DEFAULT_OPTIONS, FIRST_CUSTOM_OPTION_NUMBER, OptionType
from contracts.topics import (
    DIAGNOSTIC,
    DLQ_RETENTION,
    TOKEN_USE,
    TOPICS,
    Cleanup,
    Topic,
    groups_of,
    topics_of,
)

# --- data classes -----------------------------------------------------------------------------


def models_of(module: ModuleType) -> list[type]:
    return [
        found
        for _, found in inspect.getmembers(module, inspect.isclass)
        if found.__module__ == module.__name__
        and (issubclass(found, BaseModel) or hasattr(found, "__required_keys__"))
    ]


MODELS = [
    m
    for module in (
        customfields,
        diagnostics,
        executions,
        flags,
        internal,
        jira,
        permissions,
        telemetry,
        tenancy,
        testcases,
        usage,
    )
    for m in models_of(module)
]


def test_every_payload_is_among_the_models() -> None:
    assert {topic.payload for topic in TOPICS} <= set(MODELS)
    assert executions.ResultRow in MODELS


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_field_has_a_data_class_and_none_is_secret(model: type) -> None:
    classes = dict(field_classes(model))
    assert classes
    assert [name for name, found in classes.items() if found is None] == []
    assert DataClass.SECRET not in classes.values()


def test_every_attribute_of_the_envelope_has_a_data_class() -> None:
    classes = dict(field_classes(Event))
    del classes["data"]  # the payload's own fields have theirs
    assert set(classes.values()) == {DataClass.OPERATIONAL}


def test_a_field_without_a_class_would_be_found() -> None:
    class Inner(BaseModel):
        bare: int

    class Outer(BaseModel):
        inner: list[Inner]

    assert list(field_classes(Outer)) == [("inner.bare", None)]


# --- the envelope -----------------------------------------------------------------------------


def test_the_envelope_follows_cloudevents() -> None:
    attributes = set(Event.model_fields)
    assert {"specversion", "id", "source", "type"} <= attributes  # required by CloudEvents 1.0
    assert {"subject", "time", "data"} <= attributes  # its optional ones, by its names
    extensions = attributes - {"specversion", "id", "source", "type", "subject", "time", "data"}
    assert extensions == {"tenantid", "sequence", "traceparent"}
    # lower-case letters and digits, at most 20 of them
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in attributes)


# --- topics -----------------------------------------------------------------------------------

OWNERS = {*SERVICES, "usage"}


def test_names_are_unique_and_physical_names_fit_kafka() -> None:
    names = [t.name for t in TOPICS]
    names += [t.dead_letter_name(s) for t in TOPICS for s in t.subscriptions]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9.-]{1,200}", name) for name in names)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_a_topic_is_named_by_owner_thing_and_version(topic: Topic) -> None:
    match = re.fullmatch(r"ostro\.([a-z]+)\.([a-z-]+)(\.state)?\.v([1-9][0-9]*)", topic.name)
    assert match is not None
    assert match[1] in OWNERS
    assert topic.owner in SERVICES
    if match[1] != "usage":  # many produce it, telemetry answers for it
        assert topic.owner == match[1]
        # every service tells tenancy which tokens were used, and telemetry of its errors
        told_by_all = topic in {TOKEN_USE, DIAGNOSTIC}
        assert topic.producers == (SERVICES if told_by_all else (topic.owner,))
    assert set(topic.producers) <= set(SERVICES)
    assert topic.type == topic.name
    assert topic.key


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_state_is_compacted_and_facts_expire(topic: Topic) -> None:
    state = ".state." in topic.name
    assert (topic.cleanup is Cleanup.COMPACT) is state
    assert (topic.retention is None) is state
    if topic.retention is not None:
        assert timedelta(hours=24) <= topic.retention < DLQ_RETENTION


def test_what_is_not_anonymous_yet_is_kept_short_and_never_dead_lettered() -> None:
    for topic in TOPICS:
        if topic.payload in {usage.ProductEvent, diagnostics.Diagnostic}:
            assert topic.retention == timedelta(hours=24)
            assert not any(s.dead_letters for s in topic.subscriptions)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_groups_are_named_by_service_and_purpose(topic: Topic) -> None:
    for subscription in topic.subscriptions:
        assert re.fullmatch(r"[a-z]+\.[a-z-]+", subscription.group)
        assert subscription.service in SERVICES
        assert topic in topics_of(subscription.group)
        assert subscription.group in groups_of(subscription.service)
        name = topic.dead_letter_name(subscription)
        assert name == f"{topic.name}.{subscription.group}.dlq"
    counts = Counter(s.group for s in topic.subscriptions)
    assert set(counts.values()) <= {1}


def test_nobody_reads_its_own_state() -> None:
    for topic in TOPICS:
        if topic.cleanup is Cleanup.COMPACT:
            assert topic.owner not in {s.service for s in topic.subscriptions}


# --- routes -----------------------------------------------------------------------------------

_DATA = Path(__file__).resolve().parents[1] / "data" / "operations.csv"
with _DATA.open(encoding="utf-8", newline="") as file:
    OPERATIONS = list(csv.DictReader(file))
SAMPLES = {
    "{testCaseKey}": "DEMO-T1",
    "{testCaseIdOrKey}": "DEMO-T1",
    "{testCycleIdOrKey}": "12",
    "{testPlanIdOrKey}": "DEMO-P1",
    "{testExecutionIdOrKey}": "DEMO-E1",
    "{projectIdOrKey}": "DEMO",
    "{issueKey}": "DEMO-1",
    "{fileName}": "links%20testcycles.txt",
}


def test_all_operations_of_the_public_api_are_listed() -> None:
    assert len(OPERATIONS) == 84
    assert len({row["operation"] for row in OPERATIONS}) == 84


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row["operation"])
@pytest.mark.parametrize("end", ["", "/"])
def test_every_operation_has_the_owner_of_the_architecture(row: dict[str, str], end: str) -> None:
    if row["owner"] == "by parity":
        assert owner_of(f"/v2/links/7{end}") == "testcases"
        assert owner_of(f"/v2/links/80{end}") == "executions"
        assert owner_of(f"/v2/links/8a{end}") == "testcases"
        return
    path = re.sub(r"\{[^}]+\}", lambda m: SAMPLES.get(m[0], "7"), row["path"])
    assert owner_of(path + end) == row["owner"]


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/ostro/v1/testcases/x", "testcases"),
        ("/ostro/v1/executions", "executions"),
        ("/ostro/v1/tenancy/tokens", "tenancy"),
        ("/ostro/v1/telemetry/flags", "telemetry"),
        ("/connect/installed", "tenancy"),
        ("/forge/x", "tenancy"),
        ("/jira/webhooks", "tenancy"),
        ("/.well-known/jwks.json", "tenancy"),
        ("/v2", "tenancy"),
        ("/v2/nothing", "tenancy"),
        ("/v2/testcasesX", "tenancy"),
        ("/internal/v1/tenant", None),
        ("/metrics", None),
        ("/health/live", None),
        ("/", None),
    ],
)
def test_what_stands_beside_the_public_api(path: str, owner: str | None) -> None:
    assert owner_of(path) == owner


def test_every_rule_of_the_table_is_anchored_and_in_re2() -> None:
    for route in routes.ROUTES:
        assert route.pattern.startswith("^/")
        assert not re.search(r"\(\?[=!<]|\\[1-9]", route.pattern)  # no look-around, no references
        assert route.owner in SERVICES


# --- ids --------------------------------------------------------------------------------------

projects = st.integers(1, MAX_PROJECT_ID)
numbers = st.integers(1, NUMBER_MASK)


@given(projects, numbers)
def test_a_public_id_gives_back_its_parts_and_fits_a_double(project: int, number: int) -> None:
    entity = public_id(project, number)
    assert (project_of(entity), number_of(entity)) == (project, number)
    assert 0 < entity <= MAX_ID < 2**53
    assert int(float(entity)) == entity
    first, end = project_range(project)
    assert first < entity < end


@given(st.lists(projects, min_size=2, unique=True))
def test_ranges_of_projects_are_disjoint(found: list[int]) -> None:
    ranges = sorted(project_range(project) for project in found)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))


@pytest.mark.parametrize("project", [0, -1, MAX_PROJECT_ID + 1])
def test_a_project_id_out_of_range_is_refused(project: int) -> None:
    with pytest.raises(ValueError, match="project id"):
        ProjectId(project)
    with pytest.raises(ValueError, match="project id"):
        public_id(project, 1)


@pytest.mark.parametrize("number", [0, -1, NUMBER_MASK + 1])
def test_a_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="number"):
        public_id(1, number)


@given(st.from_regex(r"\A[A-Z][A-Z_0-9]{1,9}\Z"), st.sampled_from(Kind), numbers)
def test_a_key_is_read_as_it_is_written(project: str, kind: Kind, number: int) -> None:
    key = EntityKey(project, kind, number)
    assert parse_key(str(key), kind) == key
    assert all(parse_key(str(key), other) is None for other in Kind if other is not kind)


@pytest.mark.parametrize(
    "text",
    ["", "DEMO", "DEMO-T", "DEMO-T0", "DEMO-T01", "demo-T1", "DEMO-T1 ", "DEMO-T1\n", "D-T1",
     "DEMO-T8589934592", "DEMO-T99999999999", "DEMO-T\u0661", "DEMO-X1"],
)  # fmt: skip
def test_what_is_no_key_is_none(text: str) -> None:
    assert parse_key(text, Kind.TEST_CASE) is None


@given(st.integers(1, MAX_ID))
def test_a_link_id_belongs_to_one_service_by_parity(value: int) -> None:
    owner = owner_of(f"/v2/links/{value}")
    assert owner is not None
    assert LinkId(value, owner) == value
    other = "executions" if owner == "testcases" else "testcases"
    with pytest.raises(ValueError, match="does not belong"):
        LinkId(value, other)


def test_default_options_keep_their_numbers() -> None:
    assert [o.number for o in DEFAULT_OPTIONS] == list(range(1, len(DEFAULT_OPTIONS) + 1))
    assert len(DEFAULT_OPTIONS) < FIRST_CUSTOM_OPTION_NUMBER
    kinds = {o.type for o in DEFAULT_OPTIONS}
    assert kinds == set(OptionType) - {OptionType.ENVIRONMENT}
    for kind in kinds:
        assert sum(o.default for o in DEFAULT_OPTIONS if o.type is kind) == 1
    # append only: these are parts of stored ids
    assert [(o.number, o.name) for o in DEFAULT_OPTIONS if o.type is OptionType.TEST_EXECUTION] == [
        (10, "Not Executed"),
        (11, "In Progress"),
        (12, "Pass"),
        (13, "Fail"),
        (14, "Blocked"),
    ]
