"""Notices of Beamer's stand-in, and what it learns of people: pseudonyms and buckets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from contracts.telemetry import ProcessorName
from contracts.tenancy import TenantState, TenantStatus
from kit.directory.view import TenantView
from kit.mongo import Database
from services.telemetry.adapters.mongo.beamer import MongoBeamerQuota, MongoBeamerUsers
from services.telemetry.adapters.mongo.consent import MongoConsents
from services.telemetry.adapters.mongo.pseudonym_keys import MongoPseudonymKeys
from services.telemetry.adapters.mongo.suppressions import MongoSuppressions
from services.telemetry.adapters.processors.beamer import Beamer
from services.telemetry.adapters.sealing import Sealer
from services.telemetry.domain.erasure import State, digest_of
from services.telemetry.usecases.browser_events import BrowserCaller
from services.telemetry.usecases.consent import Choices
from services.telemetry.usecases.notices import FRESH_SECONDS, NoAnswer, Notices
from tests.harness.fakes import ManualClock
from tests.integration.telemetry.standins import Standins

SUPPRESSION_KEY = b"s" * 32
MIA = BrowserCaller("one", "account-of-mia")
YES = Choices(frozenset({ProcessorName.BEAMER}))


class Directory:
    """Every tenant is active and of one size."""

    def __init__(self) -> None:
        self.tier = "50"

    async def tenant(self, tenant: str) -> TenantView | None:
        """Return it."""
        state = TenantState(
            tenant=tenant,
            status=TenantStatus.ACTIVE,
            cell="local",
            site_url="https://mia-and-sons.atlassian.net",
            licence_tier=self.tier,
        )
        return TenantView(state, {}, frozenset())


@dataclass
class Part:
    """Notices on a real database, before the stand-in."""

    notices: Notices
    beamer: Beamer
    consents: MongoConsents
    suppressions: MongoSuppressions
    directory: Directory
    clock: ManualClock
    standins: Standins
    alarms: list[str | None]
    time: list[float] = field(default_factory=lambda: [1_000.0])

    def later(self, seconds: float) -> None:
        """Let time go by."""
        self.time[0] += seconds
        self.clock.advance(seconds=seconds)

    async def asked(self) -> list[str]:
        """Return methods and paths of what was asked since the reset."""
        found = await self.standins.requests("beamer")
        return [f"{request['method']} {request['path']}" for request in found]


@asynccontextmanager
async def part(database: Database, standins: Standins, monthly: int = 1_000) -> AsyncIterator[Part]:
    """Wire it as telemetry does."""
    clock, consents, time = ManualClock(), MongoConsents(database), [1_000.0]
    alarms: list[str | None] = []
    quota = MongoBeamerQuota(database, monthly, clock)
    beamer = Beamer(f"{standins.url}/beamer/v0", "beamer-key", quota, alarms.append)
    directory, erased = Directory(), MongoSuppressions(database, clock)
    notices = Notices(
        beamer=beamer,
        known=MongoBeamerUsers(database, clock),
        tenants=directory,
        consents=consents,
        keys=MongoPseudonymKeys(database, Sealer(b"w" * 32, bytes_of), bytes_of, clock),
        suppressions=erased,
        suppression_key=SUPPRESSION_KEY,
        clock=clock,
        now=lambda: time[0],
    )
    await consents.replace("one", YES, "test", clock)
    try:
        yield Part(notices, beamer, consents, erased, directory, clock, standins, alarms, time)
    finally:
        await beamer.close()
        await standins.reset()


def bytes_of(number: int) -> bytes:
    """Return bytes that are no secret."""
    return b"b" * number


async def test_a_person_is_a_pseudonym_with_buckets_and_asked_for_once(
    database: Database, processors: Standins
) -> None:
    async with part(database, processors) as found:
        shown = [await found.notices.of(MIA) for _ in range(5)][-1]
        assert [post.title for post in shown.posts] == ["Test player on small screens"]
        assert shown.unread == 1
        assert await found.asked() == ["GET /v0/posts", "PUT /v0/users", "GET /v0/unread/count"]
        (user,) = await processors.visible("beamer")
        # no address of ours: every read said that its details are to be ignored
        assert user.keys() == {"firstSeen", "lastSeen", "userId", "licenceTier"}
        assert user["licenceTier"] == "11-100"
        recorded = str(await processors.requests("beamer"))
        for personal in ("account-of-mia", "mia-and-sons", "tenant", "@"):
            assert personal not in recorded
        for request in await processors.requests("beamer"):
            assert request["method"] == "PUT" or "ignoreRequestDetails=true" in request["query"]
        found.later(FRESH_SECONDS + 1)
        found.directory.tier = "500"
        await found.notices.of(MIA)
        assert (await processors.visible("beamer"))[0]["licenceTier"] == "101-1000"
        assert (await found.asked()).count("PUT /v0/users") == 2


async def test_without_consent_or_after_erasure_beamer_hears_nothing(
    database: Database, processors: Standins
) -> None:
    async with part(database, processors) as found:
        assert (await found.notices.of(BrowserCaller("two", "tom"))).posts == ()
        digest = digest_of(SUPPRESSION_KEY, "one", "gone")
        await found.suppressions.add_account("one", digest)
        assert (await found.notices.of(BrowserCaller("one", "gone"))).posts == ()
        assert await found.asked() == []
        assert (await found.notices.of(BrowserCaller("one", None))).unread is None
        assert await found.asked() == ["GET /v0/posts"]


@pytest.mark.parametrize(("status", "alarm"), [(401, "beamer: answers 401"), (500, None)])
async def test_a_page_gets_what_is_known_when_beamer_refuses(
    database: Database, processors: Standins, status: int, alarm: str | None
) -> None:
    async with part(database, processors) as found:
        await found.notices.of(MIA)
        found.later(FRESH_SECONDS + 1)
        await processors.fail("beamer", "status", status=status, times=None)
        before = len(await found.asked())
        shown = [await found.notices.of(MIA) for _ in range(3)][-1]
        assert len(shown.posts) == 1
        assert shown.unread is None
        assert len(await found.asked()) == before + 1
        assert found.alarms[-1] == alarm


async def test_a_429_keeps_all_processes_away_and_the_month_is_counted_together(
    database: Database, processors: Standins
) -> None:
    async with part(database, processors, monthly=20) as found:
        other = MongoBeamerQuota(database, 20, found.clock)
        await processors.fail("beamer", "status", status=429)
        with pytest.raises(NoAnswer, match="429"):
            await found.beamer.posts()
        with pytest.raises(NoAnswer, match="circuit open"):
            await other.take()
        found.later(1_801)
        for _ in range(17):
            await other.take()
        with pytest.raises(NoAnswer, match="monthly quota"):
            await found.beamer.posts()
        # a tenth is left for erasure
        await other.take(last=True)
        found.later(1)
        await other.take(last=True)
        with pytest.raises(NoAnswer, match="monthly quota"):
            await other.take(last=True)


async def test_one_user_is_deleted_and_never_all(database: Database, processors: Standins) -> None:
    async with part(database, processors) as found:
        one, two = "a" * 24, "b" * 24
        await found.beamer.upsert(one, {})
        await found.beamer.upsert(two, {})
        for wrong in ("", "*", "a" * 23, one + two, "A" * 24):
            with pytest.raises(ValueError, match="not a pseudonym"):
                await found.beamer.request([wrong])
        assert len(await processors.visible("beamer")) == 2
        for _ in range(2):
            assert (await found.beamer.request([one])).state is State.DONE
        assert [user["userId"] for user in await processors.visible("beamer")] == [two]
