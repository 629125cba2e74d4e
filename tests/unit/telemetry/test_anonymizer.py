"""The anonymizer on examples: the seed's table, default deny, pseudonyms."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.catalogue import CATALOGUE
from contracts.telemetry import (
    AnonymousEvent,
    ClientFamily,
    CountBucket,
    DurationBucket,
    LicenceTier,
    LicenceType,
    UploadFormat,
)
from contracts.usage import UsageEventName
from services.telemetry.domain.anonymizer import Dropped, DropReason, anonymize, screen
from services.telemetry.domain.pseudonyms import NEWEST, OLDEST, epoch_of
from tests.unit.telemetry.events import (
    ACCOUNT,
    INSTANCE,
    KEY,
    NOW,
    OTHER_KEY,
    SEN,
    anonymous,
    context,
    product,
)

SEED: tuple[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]], ...] = (
    ("URL path", {"url_path": "/jira/browse/ABC-123"}, {}, {"path": "/jira/browse/:issueKey"}),
    ("License tier", {}, {"licence_tier": "2000 users"}, {"licence_tier": LicenceTier.TO_10000}),
    ("License type", {}, {"licence_type": "COMMERCIAL"}, {"licence_type": LicenceType.COMMERCIAL}),
    ("App version", {"app_version": "7.1.1"}, {}, {"app_version": "7.1"}),
    ("Jira version", {}, {"jira_version": "8.14.0"}, {"jira_version": "8.14"}),
    ("User agent", {"user_agent": "Mozilla/5.0"}, {}, {"client": ClientFamily.OTHER}),
    ("Results", {"count": 17}, {}, {"size": CountBucket.TO_100}),
    ("Duration", {"duration_ms": 1500}, {}, {"duration": DurationBucket.TO_10_S}),
    ("Format", {"format": "junit"}, {}, {"format": UploadFormat.JUNIT}),
)


@pytest.mark.parametrize(("fields", "facts", "expected"), [row[1:] for row in SEED])
def test_each_row_of_the_seed_has_its_rule(
    fields: dict[str, Any], facts: dict[str, Any], expected: dict[str, Any]
) -> None:
    result = anonymous(product(**fields), context(**facts))
    assert {name: getattr(result, name) for name in expected} == expected


def hmac_by_hand(key: bytes, message: bytes) -> str:
    """RFC 2104, written out: an independent second opinion."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + message).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).hexdigest()


def test_pseudonyms_equal_an_independently_coded_hmac() -> None:
    result = anonymous(product(event_id="event-7"))
    assert result.user == hmac_by_hand(KEY, b"user\x1f" + ACCOUNT.encode())[:24]
    assert result.instance == hmac_by_hand(KEY, b"instance\x1f" + INSTANCE.encode())[:24]
    assert result.event_id == hmac_by_hand(KEY, b"event\x1fevent-7")[:32]


def test_the_same_text_is_three_pseudonyms_in_three_domains() -> None:
    result = anonymous(
        product(event_id=ACCOUNT, account_id=ACCOUNT), context(jira_instance=ACCOUNT)
    )
    assert len({result.user, result.instance, result.event_id[:24]}) == 3


def test_another_key_makes_other_pseudonyms() -> None:
    one, two = anonymous(product()), anonymous(product(), context(OTHER_KEY))
    assert one.user != two.user
    assert one.instance != two.instance
    assert one.event_id != two.event_id


def test_the_epoch_is_the_month_of_the_event_in_utc() -> None:
    late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    assert epoch_of(late) == "2026-10"
    assert epoch_of(late.astimezone(timezone(timedelta(hours=5)))) == "2026-10"
    assert epoch_of(late + timedelta(hours=1)) == "2026-11"


def test_the_time_is_truncated_to_the_hour_in_utc() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert anonymous(product(time=east)).hour == datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_what_names_a_customer_or_a_person_is_gone() -> None:
    text = anonymous(
        product(project=4711, url_path="/v2/testcases/ACME-T1?jql=bob#x")
    ).model_dump_json()
    for secret in (ACCOUNT, INSTANCE, SEN, "acme", "ACME", "tenant-1", "4711", "bob", "b7ad6b71"):
        assert secret not in text


def test_an_unknown_event_is_dropped() -> None:
    event = product(name="Viewed run for Bob")
    assert screen(event, NOW) == Dropped(DropReason.UNKNOWN_EVENT)
    assert anonymize(event, context()) == Dropped(DropReason.UNKNOWN_EVENT)


def test_an_implausible_time_is_dropped_before_it_makes_a_key() -> None:
    edges = [NOW - OLDEST, NOW + NEWEST]
    assert [screen(product(time=t), NOW) for t in edges] == [None, None]
    beyond = [NOW - OLDEST - timedelta(seconds=1), NOW + NEWEST + timedelta(seconds=1)]
    beyond.append(NOW.replace(tzinfo=None))
    assert {screen(product(time=t), NOW) for t in beyond} == {Dropped(DropReason.IMPLAUSIBLE_TIME)}


def test_an_error_inside_drops_the_event() -> None:
    broken = product().model_copy(update={"id": 7})
    assert anonymize(broken, context()) == Dropped(DropReason.ERROR)


def test_a_field_that_the_event_may_not_carry_stays() -> None:
    fields: dict[str, Any] = {"format": "junit", "count": 1, "duration_ms": 1}
    fields["url_path"] = "/v2/projects"
    result = anonymous(product(name=UsageEventName.ENABLED_PROJECT, **fields))
    assert (result.format, result.size, result.duration) == (None, None, None)
    assert result.path == "/v2/projects"
    assert anonymous(product(name=UsageEventName.INSTALLED_APP, **fields)).path is None


@pytest.mark.parametrize("name", UsageEventName)
def test_every_event_of_the_catalogue_carries_nothing_but_what_is_allowed(
    name: UsageEventName,
) -> None:
    everything: dict[str, Any] = {
        "url_path": "/v2/projects",
        "user_agent": "curl/8",
        "app_version": "1.2.3",
        "project": 3,
        "format": "custom",
        "count": 1,
        "duration_ms": 1,
    }
    found = anonymous(product(name=name, **everything)).model_dump(exclude_none=True)
    assert found.keys() == {"event_id", "name", "hour"} | CATALOGUE[name].fields


def test_unknown_facts_stay_unknown() -> None:
    names = ("licence_tier", "licence_type", "jira_instance", "jira_version")
    facts: dict[str, Any] = dict.fromkeys(names)
    result = anonymous(product(account_id=None), context(**facts))
    assert result.model_dump(exclude_none=True).keys() == {"event_id", "name", "hour"}


@pytest.mark.parametrize(
    "changed",
    [
        {"note": "free text"},
        {"user": "bob@example.com"},
        {"path": "/v2/testcases/ABC 123"},
        {"client": "Mozilla/5.0"},
        {"app_version": "7.1.1"},
        {"hour": NOW},
        {"name": "Viewed run for Bob"},
        {"event_id": "event-1"},
    ],
)
def test_the_type_itself_refuses_what_no_rule_could_make(changed: dict[str, Any]) -> None:
    good = anonymous(product()).model_dump()
    with pytest.raises(ValidationError):
        AnonymousEvent(**{**good, **changed})
