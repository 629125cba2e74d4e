"""Memberships: 10 minutes from the copy, then tenancy's word, then the last known for 5 more."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends

from contracts.internal import MembershipAnswer
from contracts.permissions import Membership, RoleMembership
from contracts.routes import EXECUTIONS
from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock, to_millis
from kit.directory import memberships
from kit.directory.copy import INDEXES, MEMBERSHIPS, DirectoryCopy
from kit.errors import Unavailable
from kit.http.app import internal_app
from kit.http.client import InternalClient
from kit.http.security import TenantCaller, TenantPeerOf
from kit.mongo import Database, ensure_indexes
from kit.observability.health import Health
from kit.service import _serve
from tests.harness.fakes import ManualClock
from tests.harness.installation import Installation

_Caller = Annotated[TenantCaller, Depends(TenantPeerOf(EXECUTIONS))]

ACCOUNT = "557058:2f8e4b1c"


@dataclass
class Owner:
    """Tenancy, which answers what it is told to."""

    clock: ManualClock
    groups: tuple[str, ...] = ("asked",)
    down: bool = False
    last_known: datetime | None = None
    """What it knew before Jira went down."""
    questions: list[tuple[str, int | None]] = field(default_factory=list)

    def api(self) -> APIRouter:
        routes = APIRouter(prefix="/internal/v1")
        routes.get("/memberships/{account}")(self._membership)
        return routes

    async def _membership(
        self, caller: _Caller, account: str, project: int | None = None
    ) -> MembershipAnswer:
        self.questions.append((account, project))
        await asyncio.sleep(0.01)
        if self.down:
            raise Unavailable("Jira does not answer")
        roles = () if project is None else (RoleMembership(project=project, roles=("10",)),)
        resolved_at = self.last_known or self.clock.now()
        return MembershipAnswer(
            membership=Membership(
                account_id=account,
                active=True,
                groups=self.groups,
                roles=roles,
                resolved_at=resolved_at,
            )
        )


@dataclass
class Copy:
    """A directory copy and the tenancy behind it."""

    owner: Owner
    directory: DirectoryCopy
    database: Database
    clock: ManualClock

    async def published(self, **age: float) -> Membership:
        """Put a membership into the copy that was resolved so long ago."""
        self.clock.advance(**{span: -value for span, value in age.items()})
        state = Membership(
            account_id=ACCOUNT, active=True, groups=("copied",), resolved_at=self.clock.now()
        )
        self.clock.advance(**age)
        row = {"_id": f"t/{ACCOUNT}", "seq": 1, "tenant": "t", **state.model_dump()}
        await self.database[MEMBERSHIPS].replace_one({"_id": row["_id"]}, row, upsert=True)
        return state

    async def groups(self) -> tuple[tuple[str, ...], bool]:
        """Return what counts now, and whether it is trusted."""
        found = await self.directory.membership("t", ACCOUNT)
        return found.membership.groups, found.trusted


@pytest.fixture
async def copy(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Copy]:
    # how long answers and failures are remembered is not what these tests are about
    monkeypatch.setattr(memberships, "_CACHED_SECONDS", 0.0)
    monkeypatch.setattr(memberships, "_FAILED_SECONDS", 0.0)
    await ensure_indexes(database, INDEXES)
    clock = ManualClock(to_millis(datetime.now(UTC)))
    owner = Owner(clock)
    folder, port = installation.folder, installation.internal_ports["tenancy"]
    tokens = {
        name: ServiceTokens.from_files(
            name, folder / f"{name}.pem", folder / "peers.json", SystemClock()
        )
        for name in ("executions", "tenancy")
    }
    async with contextlib.AsyncExitStack() as stack:
        client = InternalClient(f"http://127.0.0.1:{port}", "tenancy", tokens["executions"])
        stack.push_async_callback(client.close)
        app = internal_app("tenancy", [owner.api()], tokens["tenancy"], Health())
        await _serve(stack, app, "127.0.0.1", port)
        yield Copy(owner, DirectoryCopy(database, client, clock), database, clock)


async def test_what_is_published_counts_for_ten_minutes_without_asking(copy: Copy) -> None:
    await copy.published(minutes=10)
    assert await copy.groups() == (("copied",), True)
    assert copy.owner.questions == []
    copy.clock.advance(seconds=1)
    assert await copy.groups() == (("asked",), True)
    assert copy.owner.questions == [(ACCOUNT, None)]


async def test_who_is_not_known_is_asked_about_at_once_and_once(copy: Copy) -> None:
    answers = await asyncio.gather(*(copy.groups() for _ in range(30)))
    assert set(answers) == {(("asked",), True)}
    assert copy.owner.questions == [(ACCOUNT, None)]


async def test_roles_that_were_not_looked_at_are_asked_for(copy: Copy) -> None:
    await copy.published(minutes=1)
    found = await copy.directory.membership("t", ACCOUNT, 7)
    assert [(r.project, r.roles) for r in found.membership.roles] == [(7, ("10",))]
    assert copy.owner.questions == [(ACCOUNT, 7)]


async def test_the_last_known_counts_five_minutes_longer_then_for_reads_alone(copy: Copy) -> None:
    """Whether tenancy is down, or Jira is and tenancy says what it knew."""
    for down in (True, False):
        resolved = await copy.published(minutes=10)
        copy.owner.down, copy.owner.last_known = down, resolved.resolved_at
        copy.owner.groups = ("copied",)
        copy.clock.advance(seconds=1)
        assert await copy.groups() == (("copied",), True)
        copy.clock.advance(minutes=4, seconds=59)
        assert await copy.groups() == (("copied",), True)
        copy.clock.advance(seconds=1)
        assert await copy.groups() == (("copied",), False)
        copy.clock.advance(hours=1)
        assert await copy.groups() == (("copied",), False)
    copy.owner.down, copy.owner.last_known, copy.owner.groups = False, None, ("back",)
    assert await copy.groups() == (("back",), True)


async def test_nothing_known_and_nobody_to_ask_is_unavailable(copy: Copy) -> None:
    copy.owner.down = True
    with pytest.raises(Unavailable) as failure:
        await copy.groups()
    assert failure.value.headers["Retry-After"]


async def test_a_newer_word_of_tenancy_is_not_replaced_by_an_older_copy(copy: Copy) -> None:
    await copy.published(minutes=20)
    assert await copy.groups() == (("asked",), True)
    # the copy lags, and tenancy is gone meanwhile
    copy.owner.down = True
    assert await copy.groups() == (("asked",), True)
    copy.clock.advance(minutes=-1)
    await copy.published(seconds=0)
    assert await copy.groups() == (("asked",), True)
    copy.clock.advance(minutes=2)
    await copy.published(seconds=0)
    assert await copy.groups() == (("copied",), True)


async def test_answers_and_failures_are_remembered(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    copy.owner.down = True
    for _ in range(20):
        with pytest.raises(Unavailable):
            await copy.groups()
    assert len(copy.owner.questions) == 1
    copy.owner.questions.clear()
    found = await copy.published(minutes=5)
    for _ in range(20):
        assert await copy.groups() == (found.groups, True)
    # from memory: a second later at the latest the copy is read again
    await copy.database[MEMBERSHIPS].delete_many({})
    assert await copy.groups() == (found.groups, True)
    assert copy.owner.questions == []
