"""A Forge call is acted on once, however often and however oddly it comes."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kit.errors import Unavailable
from kit.mongo import Database, ensure_indexes
from services.tenancy.adapters.mongo.indexes import INDEXES
from services.tenancy.adapters.mongo.seen_tokens import MongoSeenTokens
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall
from services.tenancy.usecases.seen_tokens import ActOnce

CALL = ForgeCall(
    installation_id="i",
    cloud_id="c",
    api_base_url="https://api.atlassian.com/ex/jira/c",
    environment_id="e",
    environment_type="PRODUCTION",
    app_id="a",
    account_id=None,
    issued_at=1_800_000_000,
    expires_at=1_800_000_060,
    jti="one",
    digest="d1",
    module=None,
)


class Acts:
    """An action that counts, and fails when told."""

    def __init__(self, tenant: str | None = "t1") -> None:
        self.tenant = tenant
        self.done = 0
        self.fails = False

    async def __call__(self) -> str | None:
        if self.fails:
            raise Unavailable("down")
        self.done += 1
        return self.tenant


@pytest.fixture
async def once(database: Database) -> ActOnce:
    await ensure_indexes(database, INDEXES)
    return ActOnce(MongoSeenTokens(database))


async def test_a_repeat_changes_nothing(once: ActOnce) -> None:
    acts = Acts()
    assert await once.act(CALL, "t1", acts)
    assert not await once.act(CALL, "t1", acts)
    assert acts.done == 1
    # a new token, the same token for another tenant's installation
    assert await once.act(replace(CALL, jti="two"), "t1", acts)
    assert await once.act(CALL, "t2", acts)
    assert acts.done == 3


async def test_the_first_call_of_an_installation_makes_its_tenant(once: ActOnce) -> None:
    acts = Acts("new")
    assert await once.act(CALL, None, acts)
    assert not await once.act(CALL, "new", acts)
    assert acts.done == 1


async def test_what_failed_is_done_when_it_comes_again(once: ActOnce) -> None:
    acts = Acts()
    acts.fails = True
    with pytest.raises(Unavailable):
        await once.act(CALL, "t1", acts)
    acts.fails = False
    assert await once.act(CALL, "t1", acts)
    assert acts.done == 1


async def test_a_call_for_nobody_leaves_nothing(once: ActOnce, database: Database) -> None:
    assert await once.act(CALL, None, Acts(None))
    assert await database["seen_tokens"].count_documents({}) == 0


async def test_tokens_without_an_id_are_told_apart_by_their_text(once: ActOnce) -> None:
    acts, bare = Acts(), replace(CALL, jti=None)
    assert await once.act(bare, "t1", acts)
    assert not await once.act(bare, "t1", acts)
    assert await once.act(replace(bare, digest="d2"), "t1", acts)


@pytest.mark.parametrize(
    ("expires_at", "until"),
    [
        (1_800_000_060, datetime.fromtimestamp(1_800_000_150, UTC)),
        (2**52, datetime.fromtimestamp(253_402_300_000, UTC)),
    ],
)
async def test_it_is_kept_a_minute_longer_than_the_token_would_be_accepted(
    once: ActOnce, database: Database, expires_at: int, until: datetime
) -> None:
    await once.act(replace(CALL, expires_at=expires_at), "t1", Acts())
    row: Any = await database["seen_tokens"].find_one({})
    assert row == {"_id": "t1/one", "tenant": "t1", "until": until}
    indexes = await database["seen_tokens"].index_information()
    assert indexes["until_1"]["expireAfterSeconds"] == 0
