"""The tenant behind a shared secret: few queries for many calls, and never an outdated answer."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from kit.errors import Unavailable
from kit.mongo import Database, ensure_indexes
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.client_key_index import client_key_index
from services.tenancy.adapters.mongo.indexes import INDEXES
from services.tenancy.adapters.mongo.installs import MongoInstalls
from services.tenancy.adapters.mongo.lives import MongoLives
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.audit import JIRA
from services.tenancy.domain.deliveries import Delivery
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.lifecycle import parse
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import SiteRules
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.credentials import tenant_secrets
from services.tenancy.usecases.credentials.tenant_secrets import FRESH_SECONDS, TenantSecrets
from services.tenancy.usecases.lifecycle import Lifecycle
from services.tenancy.usecases.ports import By
from tests.harness.fakes import ManualClock, SeededIds
from tests.harness.polling import eventually
from tests.integration.tenancy.jira_site import hs256


class Watched:
    """The real finder; counts queries, and is down when told."""

    def __init__(self, database: Database) -> None:
        self._real = MongoInstalls(database)
        self.queries = 0
        self.down = False

    async def by_client_keys(self, client_key_hashes: Sequence[str]) -> Sequence[Tenant]:
        """Ask the database."""
        self.queries += 1
        if self.down:
            raise Unavailable("The database is not available; try again.")
        return await self._real.by_client_keys(client_key_hashes)


class House:
    """Installs and rotates through the real lifecycle; proves through what is tested."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.installs = Watched(database)
        self._database = database
        self._counter = itertools.count(1)

    async def prepare(self) -> None:
        await ensure_indexes(self._database, INDEXES)
        ids, vault = SeededIds(), EnvelopeVault(KeyRing(LocalKeys(Secret(b"k" * 32))))
        index = await client_key_index(self._database, vault)
        store = MongoLives(self._database, Changes(self._database, self.clock, ids))
        self.store = store
        self._lifecycle = Lifecycle(store, vault, index, SiteRules(), "local", self.clock, ids)
        self.secrets = TenantSecrets(self.installs, vault, index, self.clock)

    async def install(self, client_key: str, secret: str) -> None:
        body: dict[str, Any] = {
            "key": "k",
            "clientKey": client_key,
            "sharedSecret": secret,
            "baseUrl": f"https://{client_key}.atlassian.net",
            "eventType": "installed",
        }
        number = next(self._counter)
        delivery = Delivery(number, str(number), "")
        await self._lifecycle.installed(parse(json.dumps(body).encode()), delivery, By(JIRA))

    async def proves(self, client_key: str, secret: str) -> bool:
        """Whether a token of this issuer and secret counts."""
        token = hs256({"alg": "HS256"}, {"iss": client_key}, secret)
        try:
            proved = await self.secrets.prove(token)
        except BadToken:
            return False
        assert proved.issuer == client_key
        assert proved.tenant.site_url == f"https://{client_key}.atlassian.net"
        return True


@pytest.fixture
async def house(database: Database) -> House:
    found = House(database)
    await found.prepare()
    return found


async def test_many_calls_cost_one_query(house: House) -> None:
    await house.install("one", "secret-1")
    assert all(await asyncio.gather(*(house.proves("one", "secret-1") for _ in range(200))))
    for _ in range(200):
        assert await house.proves("one", "secret-1")
    assert house.installs.queries <= 2


async def test_a_flood_of_unknown_issuers_costs_few_queries(house: House) -> None:
    await house.install("one", "secret-1")
    flood = [house.proves(f"nobody-{n}", "x") for n in range(2000)]
    answers = await asyncio.gather(*flood, house.proves("one", "secret-1"))
    assert answers == [False] * 2000 + [True]
    assert house.installs.queries <= 10


async def test_one_unknown_issuer_or_bad_secret_is_looked_up_20_times_a_second(
    house: House,
) -> None:
    await house.install("one", "secret-1")
    loop = asyncio.get_running_loop()
    started, calls = loop.time(), 0
    while loop.time() - started < 0.5:
        await asyncio.gather(house.proves("nobody", "x"), house.proves("one", "wrong"))
        calls += 2
    # two issuers, and a read each time would be one per call
    assert house.installs.queries <= 2 * (0.5 / 0.05 + 2)
    assert await house.proves("one", "secret-1")


async def test_a_new_secret_counts_at_once_and_the_old_one_for_five_minutes(house: House) -> None:
    await house.install("one", "secret-1")
    for number in range(1, 6):
        assert await house.proves("one", f"secret-{number}")
        await house.install("one", f"secret-{number + 1}")
        # what was read a moment ago does not know it
        assert await house.proves("one", f"secret-{number + 1}")
        assert await house.proves("one", f"secret-{number}")
        if number > 1:
            assert not await house.proves("one", f"secret-{number - 1}")
    house.clock.advance(minutes=5)
    assert not await house.proves("one", "secret-5")
    assert await house.proves("one", "secret-6")


async def test_an_install_counts_at_once_for_an_issuer_that_was_unknown(house: House) -> None:
    assert not await house.proves("one", "secret-1")
    await house.install("one", "secret-1")
    assert await house.proves("one", "secret-1")


async def test_a_secret_that_was_wiped_stops_within_a_second(
    house: House, database: Database
) -> None:
    await house.install("one", "secret-1")
    assert await house.proves("one", "secret-1")
    await database["tenants"].update_many({}, {"$set": {"install.client_key_hash": "gone"}})

    async def gone() -> bool:
        return not await house.proves("one", "secret-1")

    await eventually(gone, seconds=FRESH_SECONDS)


async def test_an_outage_is_no_refusal_and_is_over_when_it_is_over(house: House) -> None:
    await house.install("one", "secret-1")
    house.installs.down = True
    calls = [house.proves("one", "secret-1") for _ in range(20)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    house.installs.down = False
    assert await house.proves("one", "secret-1")
    house.installs.down = True
    # what was read a moment ago still counts, and nothing else is refused
    assert await house.proves("one", "secret-1")
    with pytest.raises(Unavailable):
        await house.proves("one", "wrong")


async def test_a_call_that_goes_away_takes_nobody_with_it(house: House) -> None:
    await house.install("one", "secret-1")
    first = asyncio.create_task(house.proves("one", "secret-1"))
    second = asyncio.create_task(house.proves("one", "secret-1"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_secret_that_cannot_be_opened_is_one_tenants_matter(
    house: House, database: Database
) -> None:
    await house.install("one", "secret-1")
    await house.install("two", "secret-2")
    await database["tenants"].update_one(
        {"site_url": "https://two.atlassian.net"},
        {"$set": {"install.current.sealed.ciphertext": b"changed"}},
    )
    answers = await asyncio.gather(
        house.proves("one", "secret-1"), house.proves("two", "secret-2"), return_exceptions=True
    )
    assert answers[0] is True
    assert isinstance(answers[1], Exception)


async def test_what_is_remembered_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_secrets, "_MAX_UNKNOWN", 50)
    monkeypatch.setattr(tenant_secrets, "_MAX_TENANTS", 2)
    for number in range(5):
        await house.install(f"site-{number}", "secret")
        assert await house.proves(f"site-{number}", "secret")
    await asyncio.gather(*(house.proves(f"nobody-{n}", "x") for n in range(500)))
    assert len(house.secrets._found) <= 2
    assert len(house.secrets._unknown) <= 50
    assert not house.secrets._waiting
    assert await house.proves("site-0", "secret")
