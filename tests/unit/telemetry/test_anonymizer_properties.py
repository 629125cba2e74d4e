"""Properties of the anonymizer over generated events."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.telemetry import (
    AnonymousEvent,
    ClientFamily,
    CountBucket,
    DurationBucket,
    LicenceTier,
    LicenceType,
    UploadFormat,
)
from contracts.usage import ProductEvent, UsageEventName
from services.telemetry.adapters.processors.amplitude import Amplitude, Api
from services.telemetry.adapters.processors.segment import Segment
from services.telemetry.domain.anonymizer import anonymize
from services.telemetry.domain.paths import TEMPLATES
from tests.harness.fakes import ManualClock
from tests.unit.telemetry.events import KEY, OTHER_KEY, anonymous, context, product

FRAGMENT = 8

# what people put where: ids of both shapes, mails, addresses, keys, versions, browsers, free text
TEXT = st.one_of(
    st.text(max_size=60),
    st.text("0123456789abcdef", min_size=24, max_size=24),
    st.uuids().map(lambda u: f"557058:{u}"),
    st.emails(),
    st.ip_addresses().map(str),
    st.from_regex(r"\A[A-Z]{2,10}-[0-9]{1,9}\Z"),
    st.from_regex(r"\A[0-9]{1,9}(\.[0-9]{1,9}){1,4}( users)?\Z"),
    st.from_regex(r"\A(Mozilla/5\.0|curl/8\.1|[A-Za-z]{8,20}/[0-9.]{3,9}) \(.{0,30}\)\Z"),
)
SEGMENT = st.one_of(TEXT, st.sampled_from(sorted({s for t in TEMPLATES for s in t.split("/")})))
PATH = st.one_of(TEXT, st.lists(SEGMENT, max_size=9).map(lambda s: "/" + "/".join(s)))
NAME = st.sampled_from(list(UsageEventName))
NUMBER = st.none() | st.integers(-(2**63), 2**63)

EVENT_FIELDS = st.fixed_dictionaries(
    {
        "name": NAME,
        "account_id": st.none() | TEXT,
        "url_path": st.none() | PATH,
        "user_agent": st.none() | TEXT,
        "app_version": st.none() | TEXT,
        "project": NUMBER,
        "format": st.none() | TEXT,
        "count": NUMBER,
        "duration_ms": NUMBER,
    }
)
FACTS = st.fixed_dictionaries(
    {
        "tenant": TEXT,
        "site_url": st.none() | TEXT,
        "licence_tier": st.none() | TEXT,
        "licence_type": st.none() | TEXT,
        "support_entitlement": st.none() | TEXT,
        "jira_instance": st.none() | TEXT,
        "jira_version": st.none() | TEXT,
    }
)
# texts that our own allow-lists hold; what leaves is theirs, even if somebody sent the same
ENUMS = (
    UsageEventName,
    ClientFamily,
    UploadFormat,
    CountBucket,
    DurationBucket,
    LicenceTier,
    LicenceType,
)
OURS = frozenset(
    {*TEMPLATES, *(s for t in TEMPLATES for s in t.split("/")), "/other"}
    | {member.value for enum in ENUMS for member in enum}
)


def fragments(text: str) -> set[str]:
    """Return all substrings of eight characters, in lower case."""
    text = text.lower()
    return {text[i : i + FRAGMENT] for i in range(len(text) - FRAGMENT + 1)}


OUR_FRAGMENTS = frozenset(f for text in OURS for f in fragments(text))


def outputs(event: AnonymousEvent) -> list[str]:
    """Return every text that leaves, but for the pseudonyms."""
    dumped = event.model_dump(mode="json", exclude={"user", "instance", "event_id", "hour"})
    return [str(value) for value in dumped.values() if value is not None]


@given(EVENT_FIELDS, FACTS, TEXT)
@settings(max_examples=150, deadline=None)
def test_no_fragment_of_any_input_leaves(
    fields: dict[str, Any], facts: dict[str, Any], event_id: str
) -> None:
    result = anonymous(product(event_id=event_id, **fields), context(**facts))
    given_texts = {**fields, **facts, "id": event_id}
    del given_texts["name"]
    taken = {f for value in given_texts.values() for f in fragments(str(value))} - OUR_FRAGMENTS
    for text in outputs(result):
        assert not fragments(text) & taken
    for pseudonym in (result.user, result.instance, result.event_id):
        # hex of a keyed hash: equal to a piece of the input by chance only, 1 in 16**8
        assert pseudonym is None or not fragments(pseudonym) & taken


SOME_TEXT = TEXT.filter(bool)
PERSONAL = st.fixed_dictionaries({"account_id": SOME_TEXT, "project": NUMBER})
OF_A_CUSTOMER = st.fixed_dictionaries(
    {"tenant": TEXT, "site_url": TEXT, "support_entitlement": TEXT, "jira_instance": SOME_TEXT}
)
AT_SEGMENT = Segment("http://127.0.0.1:1", "key", ManualClock())
AT_AMPLITUDE = Amplitude("http://127.0.0.1:1", "key", Api.BATCH, ManualClock())


@given(EVENT_FIELDS, FACTS, st.tuples(PERSONAL, PERSONAL), st.tuples(OF_A_CUSTOMER, OF_A_CUSTOMER))
@settings(max_examples=60, deadline=None)
def test_events_that_differ_in_personal_fields_only_are_equal_apart_from_pseudonyms(
    fields: dict[str, Any],
    facts: dict[str, Any],
    persons: tuple[dict[str, Any], dict[str, Any]],
    customers: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    results = [
        anonymous(
            product(event_id=str(i), **(fields | persons[i])), context(**(facts | customers[i]))
        )
        for i in (0, 1)
    ]
    one, two = (r.model_dump(exclude={"user", "instance", "event_id"}) for r in results)
    assert one == two
    for processor in (AT_SEGMENT, AT_AMPLITUDE):
        bodies = [without_pseudonyms(processor.prepare(r).body, r) for r in results]
        assert bodies[0] == bodies[1]


def without_pseudonyms(body: bytes, event: AnonymousEvent) -> bytes:
    """Return a body with the names of its pseudonyms in their place."""
    for name in ("event_id", "user", "instance"):
        pseudonym = getattr(event, name)
        if pseudonym is not None:
            body = body.replace(pseudonym.encode(), name.encode())
    return body


@given(st.from_regex(r"\A[A-Z]{2,8}-T[0-9]{1,6}\Z"), TEXT, TEXT)
@settings(max_examples=50, deadline=None)
def test_keys_queries_and_fragments_do_not_change_the_path(key: str, query: str, mark: str) -> None:
    one = anonymous(product(url_path=f"/v2/testcases/{key}/links?{query}#{mark}"))
    assert one.path == "/v2/testcases/:key/links"


UNKNOWN = st.dictionaries(TEXT, st.none() | TEXT | st.lists(TEXT, max_size=3), max_size=5)


@given(EVENT_FIELDS, UNKNOWN)
@settings(max_examples=50, deadline=None)
def test_unknown_fields_change_nothing(fields: dict[str, Any], unknown: dict[str, Any]) -> None:
    event = product(**fields)
    wire = event.model_dump(mode="json")
    wire["data"] = unknown | wire["data"]
    read = Event[ProductEvent].model_validate_json(json.dumps(wire | {"note": "x"}))
    assert anonymize(read, context()) == anonymize(event, context())


@given(TEXT.filter(bool))
@settings(max_examples=50, deadline=None)
def test_the_same_user_under_two_keys_is_two_users(account: str) -> None:
    one = anonymous(product(account_id=account), context(KEY))
    two = anonymous(product(account_id=account), context(OTHER_KEY))
    assert one.user != two.user
    assert one.user == anonymous(product(account_id=account, count=3), context(KEY)).user
