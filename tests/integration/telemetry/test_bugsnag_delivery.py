"""Diagnostics from their topic to BugSnag: whose they are, consent, poison, nothing twice."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.diagnostics import OPERATOR, Diagnostic, ErrorReport, Frame
from contracts.envelope import Event
from contracts.telemetry import TENANT_HANDLE_HEADER
from contracts.topics import ANONYMOUS_DIAGNOSTIC, DIAGNOSTIC
from kit.ids import SystemIds
from kit.kafka.records import Outgoing, outgoing
from kit.observability.metrics import REGISTRY
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.watch import watching
from tests.integration.telemetry.house import House, records

BUGSNAG = "telemetry.bugsnag"
FIRST = "telemetry.diagnostics"


@pytest.fixture
async def telemetry(running: House) -> AsyncIterator[House]:
    """The same with a stand-in that has forgotten everything."""
    await drained(running)
    await running.standins.reset()
    yield running
    await running.standins.reset()
    await drained(running)


def happened(tenant: str, error_class: str = "KeyError", ident: str | None = None) -> Event[Any]:
    """Build an error as a service would."""
    frame = Frame(module="services.executions.usecases.uploads", function="take", line=17)
    error = ErrorReport(error_class=error_class, frames=[frame], handled=False, place="http")
    return Event[Diagnostic](
        id=ident or SystemIds().uuid7(),
        source="ostro/executions",
        type=DIAGNOSTIC.type,
        subject="executions",
        time=datetime.now(UTC),
        tenantid=tenant,
        data=Diagnostic(service="executions", release="0.1.0", error=error),
    )


async def publish(telemetry: House, *events: Event[Any]) -> None:
    topic = telemetry.names.topic(DIAGNOSTIC)
    await telemetry.publisher.send([outgoing(topic, e.subject, e) for e in events])


async def drained(telemetry: House) -> None:
    await telemetry.drained(FIRST, DIAGNOSTIC)
    await telemetry.drained(BUGSNAG, ANONYMOUS_DIAGNOSTIC)


async def classes(telemetry: House) -> list[str]:
    """Return the types of the errors that BugSnag has."""
    kept = await telemetry.standins.visible("bugsnag")
    return sorted(e["exceptions"][0]["errorClass"] for e in kept if e["kind"] == "error")


def skipped(reason: str) -> float:
    labels = {"processor": "bugsnag", "reason": reason}
    return REGISTRY.get_sample_value("ostro_telemetry_skipped_events_total", labels) or 0.0


async def test_consent_decides_and_the_operators_own_is_counted(telemetry: House) -> None:
    yes, no = await telemetry.tenant(bugsnag=True), await telemetry.tenant(segment=True)
    before = skipped("no consent"), skipped("operator's own")
    await publish(
        telemetry, happened(yes), happened(no, "ValueError"), happened(OPERATOR, "TypeError")
    )
    await eventually(lambda: classes(telemetry), lambda found: found == ["KeyError"])
    await drained(telemetry)
    assert await classes(telemetry) == ["KeyError"]
    # telemetry's own start waits among the operator's
    assert skipped("no consent") == before[0] + 1
    assert skipped("operator's own") >= before[1] + 1
    assert await telemetry.standins.dropped("bugsnag") == []
    (seen,) = await telemetry.standins.visible("bugsnag")
    assert yes not in str(seen)
    assert len(seen["user"]["id"]) == 24


async def test_what_cannot_be_anonymised_is_gone_and_stops_nothing(telemetry: House) -> None:
    tenant = await telemetry.tenant(bugsnag=True)
    await telemetry.publish_raw(DIAGNOSTIC, b"jane@example.com")
    unknown = happened(tenant).model_copy(update={"type": "ostro.telemetry.something.v9"})
    await telemetry.publish_raw(DIAGNOSTIC, unknown.model_dump_json().encode())
    await publish(telemetry, happened(tenant, "ValueError"))
    await eventually(lambda: classes(telemetry), lambda found: found == ["ValueError"])
    await telemetry.drained(FIRST, DIAGNOSTIC)
    labels = {"group": FIRST, "topic": DIAGNOSTIC.name}
    assert (REGISTRY.get_sample_value("ostro_dropped_records_total", labels) or 0) >= 2


async def test_poison_is_found_by_halves_and_parked_alone(telemetry: House) -> None:
    tenant = await telemetry.tenant(bugsnag=True)
    good = happened(tenant, "ValueError")
    await telemetry.standins.fail("bugsnag", "status", status=400, times=2, path="/notify")
    # both in one batch, or the first alone: either way BugSnag refuses twice
    await publish(telemetry, happened(tenant, "KeyError"), good)
    await drained(telemetry)
    (subscription,) = ANONYMOUS_DIAGNOSTIC.subscriptions
    letters = await records(
        telemetry.installation.kafka,
        telemetry.names.dead_letters(ANONYMOUS_DIAGNOSTIC, subscription),
    )
    kept = await classes(telemetry)
    assert len(letters) + len(kept) == 2
    assert letters
    assert all(tenant.encode() not in letter.value for letter in letters)


async def test_what_bugsnag_has_is_not_sent_again_after_a_restart(
    telemetry: House, installation: Installation
) -> None:
    tenant = await telemetry.tenant(bugsnag=True)
    await publish(telemetry, happened(tenant, "ValueError"))
    await eventually(lambda: classes(telemetry), bool)
    await drained(telemetry)
    again = await last_anonymous(installation, telemetry)
    # as after a crash between acceptance and commit: the record comes again
    await telemetry.publisher.send([again])
    await publish(telemetry, happened(tenant, "TypeError"))
    await eventually(lambda: classes(telemetry), lambda found: "TypeError" in found)
    await drained(telemetry)
    assert await classes(telemetry) == ["TypeError", "ValueError"]


async def last_anonymous(installation: Installation, telemetry: House) -> Outgoing:
    """Return the newest anonymous error, to be published again."""
    topic = telemetry.names.topic(ANONYMOUS_DIAGNOSTIC)
    async with watching(installation.kafka) as watch:
        found = await watch.records(topic, ANONYMOUS_DIAGNOSTIC.partitions)
    newest = max((r for r in found if b"ValueError" in r.value), key=lambda r: r.timestamp)
    assert dict(newest.headers)[TENANT_HANDLE_HEADER]
    return Outgoing(topic, newest.key, newest.value, tuple(newest.headers))
