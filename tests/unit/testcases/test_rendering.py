"""References in answers, state events, and what the stored documents say of their fields."""

from typing import Any

import pytest

from contracts.classes import DataClass, field_classes
from contracts.ids import public_id
from kit.attachments.gridfs import CHUNKS, FILES
from kit.http.references import References
from kit.kafka.client import Names
from services.testcases.adapters.mongo.documents import DOCUMENTS
from services.testcases.adapters.states import sources

BASE = "https://ostro.example/v2"
SITE = "https://acme.atlassian.net"


def test_references_are_absolute() -> None:
    refs = References(BASE, SITE)
    assert refs.resource("projects", 7) == {"id": 7, "self": f"{BASE}/projects/7"}
    assert refs.optional("folders", None) is None
    assert refs.jira("component", 3) == {"id": 3, "self": f"{SITE}/rest/api/2/component/3"}
    assert refs.jira("version", None) is None
    assert refs.user("a:b/c") == {
        "accountId": "a:b/c",
        "self": f"{SITE}/rest/api/2/user?accountId=a%3Ab%2Fc",
    }
    assert refs.user(None) is None


def test_without_a_jira_site_there_is_nothing_to_point_at() -> None:
    refs = References(BASE, None)
    assert refs.jira("component", 3) == {"id": 3}
    assert refs.user("abc") == {"accountId": "abc"}


@pytest.mark.parametrize("collection", sorted(DOCUMENTS))
def test_every_stored_field_says_what_data_it_holds(collection: str) -> None:
    classes = dict(field_classes(DOCUMENTS[collection]))
    assert classes
    assert None not in classes.values()
    assert DataClass.SECRET not in classes.values()
    # GridFS fixes the fields of its own: the tenant is first in their ids
    if collection not in {FILES, CHUNKS}:
        assert classes["tenant"] is DataClass.OPERATIONAL


def row(**fields: Any) -> dict[str, Any]:
    return {"tenant": "ten", "id": public_id(9, 4), "project": 9, "rev": 3} | fields


def test_a_state_event_is_the_same_event_whenever_its_revision_is_sent() -> None:
    source = next(s for s in sources(Names("p.")) if s.collection == "testcases")
    case = row(name="n", version=1, version_id=5)
    first = {"id": "a", "seq": 1_700_000_000_123, "kind": "state", "trace": None}
    again = first | {"id": "b", "seq": 1_700_000_000_999}
    (one,), (two,) = source.render(case, first), source.render(case, again)
    assert one.topic == "p.ostro.testcases.testcase.state.v1"
    assert one.key == f"ten/{case['id']}".encode()
    assert dict(one.headers)["ce_id"] == dict(two.headers)["ce_id"]
    (next_,) = source.render(case | {"rev": 4}, again)
    assert dict(next_.headers)["ce_id"] != dict(one.headers)["ce_id"]


def test_a_trace_goes_along() -> None:
    source = next(s for s in sources(Names()) if s.collection == "folders")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    entry = {"id": "a", "seq": 1, "kind": "state", "trace": trace}
    (sent,) = source.render(row(parent=None, type="TEST_CASE", name="private"), entry)
    assert dict(sent.headers)["traceparent"] == trace.encode()
    assert sent.value is not None
    assert b"private" not in sent.value
