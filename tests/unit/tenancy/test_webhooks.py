"""Bodies become ids: each event, whatever is odd in it, and nothing that a person wrote."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.jira import JiraAction, JiraChange, JiraEntity
from contracts.topics import JIRA_CHANGE
from kit.kafka.records import outgoing
from kit.observability.tracing import server_span, traceparent
from services.tenancy.adapters.kafka.jira_changes import record
from services.tenancy.domain.webhooks import APP_EVENTS, EVENTS, ISSUE_EVENTS, Dropped, minimise
from tests.unit.tenancy import webhook_bodies as bodies

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AT = datetime(2025, 11, 24, 16, 0, 0, 123_000, tzinfo=UTC)
EXPECTED: dict[JiraEntity, dict[str, Any]] = {
    JiraEntity.ISSUE: {"id": "10042", "project": 10000},
    JiraEntity.ISSUE_LINK: {"id": "10700", "source": 10042, "destination": 10043},
    JiraEntity.PROJECT: {"id": "10000", "project": 10000, "project_key": "DEMO"},
    JiraEntity.VERSION: {"id": "10200", "project": 10000},
    JiraEntity.COMPONENT: {"id": "10500", "project": 10000},
    JiraEntity.USER: {"id": "557058:5b10ac8d"},
}


@pytest.mark.parametrize("event", EVENTS)
def test_each_event(event: str) -> None:
    entity, action = EVENTS[event]
    expected = JiraChange(entity=entity, action=action, at=AT, **EXPECTED[entity])
    assert minimise(bodies.of(event), NOW) == expected


def test_the_actions_of_projects() -> None:
    named = {e.removeprefix("project_"): a for e, (_, a) in APP_EVENTS.items() if "project_" in e}
    assert named == {
        "created": JiraAction.CREATED,
        "updated": JiraAction.UPDATED,
        "deleted": JiraAction.DELETED,
        "soft_deleted": JiraAction.DELETED,
        "restored_deleted": JiraAction.RESTORED,
        "archived": JiraAction.ARCHIVED,
        "restored_archived": JiraAction.RESTORED,
    }


def test_no_event_is_registered_in_both_ways() -> None:
    assert not set(ISSUE_EVENTS) & set(APP_EVENTS)


def test_a_merged_version() -> None:
    body = bodies.version("jira:version_deleted", mergedTo={"id": "10201", "name": "Autumn"})
    change = minimise(body, NOW)
    assert isinstance(change, JiraChange)
    assert (change.action, change.merged_into) == (JiraAction.DELETED, 10201)


@pytest.mark.parametrize("into", [None, "10201", {"id": "10200"}, {"id": "x"}, [], {"id": True}])
def test_a_version_merged_into_nothing_usable(into: Any) -> None:
    change = minimise(bodies.version("jira:version_deleted", mergedTo=into), NOW)
    assert isinstance(change, JiraChange)
    assert change.merged_into is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, Dropped.NO_EVENT),
        ([], Dropped.NO_EVENT),
        ("jira:issue_created", Dropped.NO_EVENT),
        ({}, Dropped.NO_EVENT),
        ({"webhookEvent": 7}, Dropped.NO_EVENT),
        ({"webhookEvent": "sprint_started"}, Dropped.UNKNOWN_EVENT),
        ({"webhookEvent": "jira:issue_created"}, Dropped.NO_ID),
        ({"webhookEvent": "jira:issue_created", "issue": []}, Dropped.NO_ID),
        ({"webhookEvent": "jira:issue_created", "issue": {"id": "DEMO-1"}}, Dropped.NO_ID),
        ({"webhookEvent": "jira:issue_created", "issue": {"id": 1.5}}, Dropped.NO_ID),
        ({"webhookEvent": "jira:issue_created", "issue": {"id": True}}, Dropped.NO_ID),
        ({"webhookEvent": "jira:issue_created", "issue": {"id": 0}}, Dropped.NO_ID),
        ({"webhookEvent": "jira:issue_created", "issue": {"id": 10**18}}, Dropped.NO_ID),
        ({"webhookEvent": "jira:issue_created", "issue": {"id": "١٢"}}, Dropped.NO_ID),
        ({"webhookEvent": "issuelink_created", "issueLink": {}}, Dropped.NO_ID),
        ({"webhookEvent": "project_updated", "project": {"key": "DEMO"}}, Dropped.NO_ID),
        ({"webhookEvent": "jira:version_deleted", "version": None}, Dropped.NO_ID),
        ({"webhookEvent": "component_deleted"}, Dropped.NO_ID),
        ({"webhookEvent": "user_updated", "user": {"accountId": "unknown"}}, Dropped.NO_ID),
        ({"webhookEvent": "user_updated", "user": {"accountId": "a" * 129}}, Dropped.NO_ID),
        ({"webhookEvent": "user_updated", "user": {"accountId": "Mia E"}}, Dropped.NO_ID),
        ({"webhookEvent": "user_updated", "user": {"accountId": 5}}, Dropped.NO_ID),
    ],
)
def test_what_is_of_no_use(body: Any, reason: Dropped) -> None:
    assert minimise(body, NOW) is reason


@pytest.mark.parametrize("fields", [None, {}, {"project": None}, {"project": {"id": "DEMO"}}])
def test_a_thin_issue(fields: Any) -> None:
    body = {"webhookEvent": "jira:issue_deleted", "issue": {"id": "7", "fields": fields}}
    change = minimise(body, NOW)
    assert isinstance(change, JiraChange)
    assert (change.id, change.project) == ("7", None)


@pytest.mark.parametrize("key", ["Mia's shop", "demo", "D" * 65, 7, None, "DEMO\n"])
def test_an_odd_project_key_is_left_out(key: Any) -> None:
    body = {"webhookEvent": "project_updated", "project": {"id": 1, "key": key}}
    change = minimise(body, NOW)
    assert isinstance(change, JiraChange)
    assert change.project_key is None


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        (bodies.AT, AT),
        (str(bodies.AT), AT),
        (None, NOW),
        ("yesterday", NOW),
        (-5, NOW),
        (int((NOW + timedelta(seconds=59)).timestamp() * 1000), NOW + timedelta(seconds=59)),
        # far ahead: everything that follows would look old
        (int((NOW + timedelta(days=1)).timestamp() * 1000), NOW),
        (10**17, NOW),
    ],
)
def test_the_time(timestamp: Any, at: datetime) -> None:
    change = minimise({**bodies.user("user_updated"), "timestamp": timestamp}, NOW)
    assert isinstance(change, JiraChange)
    assert change.at == at


numbers = st.none() | st.integers(1, 10**18 - 1)


@given(
    st.builds(
        JiraChange,
        at=st.integers(0, 10**13).map(lambda ms: EPOCH + timedelta(milliseconds=ms)),
        id=st.from_regex(r"\A[A-Za-z0-9:_-]{1,128}\Z"),
        project=numbers,
        project_key=st.none() | st.from_regex(r"\A[A-Z][A-Z0-9_]{1,63}\Z"),
        merged_into=numbers,
        source=numbers,
        destination=numbers,
    ),
    st.booleans(),
)
def test_the_record_is_what_the_model_renders(change: JiraChange, traced: bool) -> None:
    with server_span("POST", {}) if traced else nullcontext():
        parent = traceparent()
        sent = record("topic", "tenant", "an-id", change)
    subject = f"{change.entity}/{change.id}"
    event = Event[JiraChange](
        id="an-id",
        source="ostro/tenancy",
        type=JIRA_CHANGE.type,
        subject=subject,
        time=change.at,
        tenantid="tenant",
        traceparent=parent,
        data=change,
    )
    assert sent == outgoing("topic", f"tenant/{subject}", event)


CANARY = "Qx7"
texts = st.text("ab \n\"'<é", max_size=8).map(lambda t: f"{CANARY}{t}")
NAMES = st.sampled_from(
    ["id", "key", "name", "accountId", "displayName", "fields", "project", "projectId"]
)
values = st.recursive(
    st.one_of(texts, st.integers(-5, 10**20), st.booleans(), st.none(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(texts, NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def planted(draw: st.DrawFn) -> dict[str, Any]:
    """A usual body in which every text is a canary, some parts are replaced, some are added."""
    event = draw(st.sampled_from(sorted(EVENTS)))
    body: dict[str, Any] = draw(st.just(bodies.of(event)).map(_with_canaries))
    body |= draw(st.dictionaries(st.one_of(texts, NAMES), values, max_size=3))
    holder = draw(st.sampled_from(["issue", "issueLink", "project", "version", "component"]))
    if draw(st.booleans()):
        held = body.get(holder)
        more = draw(st.dictionaries(NAMES, values, max_size=4))
        body[holder] = {**held, **more} if isinstance(held, dict) else more
    if draw(st.booleans()):
        body["mergedTo"] = draw(values)
    return {**body, "webhookEvent": event}


def _with_canaries(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _with_canaries(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_canaries(v) for v in value]
    # ids and keys are what may stay; an account's id is whatever Jira says it is
    is_text = isinstance(value, str) and name not in {"id", "accountId", "webhookEvent"}
    return f"{CANARY} {value}" if is_text else value


@given(planted())
def test_nothing_that_a_person_wrote_gets_through(body: dict[str, Any]) -> None:
    change = minimise(body, NOW)
    if isinstance(change, Dropped):
        return
    if change.entity is JiraEntity.USER:
        assert change.id == bodies.PERSON["accountId"]
    sent = record("topic", "tenant", "an-id", change)
    assert sent.value is not None
    parts = [sent.value, sent.key or b"", *(value for _, value in sent.headers)]
    assert not [part for part in parts if CANARY.encode() in part]
