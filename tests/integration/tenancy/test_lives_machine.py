"""Random lives of an app on two sites: whatever comes late, twice or in no order, ends the same."""

import asyncio
import contextlib
import itertools
import random
import secrets
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from contracts.tenancy import TenantStatus
from kit.mongo import connect, ensure_indexes
from services.tenancy.adapters.mongo.indexes import INDEXES
from services.tenancy.domain.tenants import InstallSecret
from services.tenancy.usecases.forge import ForgeEvent
from services.tenancy.usecases.ports import SealBroken
from tests.harness.backends import Backends
from tests.integration.tenancy.lives_model import Call, Jira, Side, Site, delivered, picture

pytestmark = pytest.mark.long

T = TypeVar("T")
LATE = st.booleans()
_PICK = st.integers(0, 1_000)
_LATE_SHARE = 0.4


class Bench:
    """A loop and two databases, for every example: one side hears everything in its order."""

    def __init__(self, mongodb: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = contextlib.AsyncExitStack()
        self.side = self.run(self._opened(mongodb))
        self.reference = self.run(self._opened(mongodb))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self.run(self._stack.aclose())
        self._loop.close()

    async def _opened(self, mongodb: str) -> Side:
        database = await self._stack.enter_async_context(
            connect(mongodb, f"t{secrets.token_hex(6)}")
        )
        self._stack.push_async_callback(database.client.drop_database, database.name)
        await ensure_indexes(database, INDEXES)
        return Side(database)


class Lives(RuleBasedStateMachine):
    """What administrators do at two sites. Of a new alias the first call comes at once."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.jira = Jira()
        self.made: list[Call] = []
        self.waiting: list[Call] = []
        self.newest: dict[str, Call] = {}
        """Client key to the newest ``installed`` that was delivered."""
        for side in (self.bench.side, self.bench.reference):
            self.bench.run(side.forget())

    @rule(pick=_PICK, late=LATE)
    def somebody_acts(self, pick: int, late: bool) -> None:
        acts = [(site, act) for site in self.jira.sites.values() for act in site.possible]
        site, act = acts[pick % len(acts)]
        known = bool(site.keys)
        if act == "install on forge" and not site.forge_before:
            self._deliver_all(site)
            late = False
        for call in self.jira.act(site, act):
            # of a client key that nobody knows yet the first call comes at once
            first = act == "import" or (act == "install" and not known)
            self._told(call, late=late and not first)
        if act == "rename" and not site.connect and site.forge is not None:
            # only Forge's next call tells the new address, so nothing may overtake it
            call = self.jira.forge_call(site, ForgeEvent.REFRESH, site.forge)
            self._told(call, late=False)

    @rule(pick=_PICK)
    def deliver_one_late(self, pick: int) -> None:
        if self.waiting:
            self._deliver(self.waiting.pop(pick % len(self.waiting)))

    @rule(pick=_PICK)
    def deliver_one_again(self, pick: int) -> None:
        done = [call for call in self.made if call not in self.waiting]
        if done:
            self._deliver(done[pick % len(done)])

    @rule(seed=st.integers(0, 2**32), steps=st.integers(1, 12))
    def a_busy_time(self, seed: int, steps: int) -> None:
        """Many steps at once, evenly drawn: hypothesis alone repeats the small ones."""
        chance = random.Random(seed)
        for _ in range(steps):
            pick = chance.randrange(1_000)
            match chance.randrange(4):
                case 0:
                    self.deliver_one_late(pick)
                case 1:
                    self.deliver_one_again(pick)
                case _:
                    self.somebody_acts(pick, chance.random() < _LATE_SHARE)

    def _told(self, call: Call, *, late: bool) -> None:
        self.made.append(call)
        if late:
            self.waiting.append(call)
        else:
            self._deliver(call)

    def _deliver(self, call: Call) -> bool:
        side = self.bench.side
        side.sites.answers = self.jira.answers()
        if not self.bench.run(delivered(call, side)):
            self.waiting.append(call)
            return False
        known = self.newest.get(call.client_key or "")
        if call.secret is not None and (known is None or known.iat < call.iat):
            self.newest[call.client_key or ""] = call
        return True

    def _deliver_all(self, site: Site | None = None) -> None:
        """Deliver what waits, again and again while something is taken."""
        while True:
            batch = [c for c in self.waiting if site is None or c.site == site.name]
            self.waiting = [c for c in self.waiting if c not in batch]
            if sum(self._deliver(call) for call in batch) == 0:
                return

    # ---- what always holds

    @invariant()
    def the_stored_secret_is_that_of_the_newest_install(self) -> None:
        connected, _ = self.bench.run(picture(self.bench.side))
        stored = {key: found.secret for key, found in connected.items()}
        assert stored == {key: call.secret for key, call in self.newest.items()}

    @invariant()
    def an_alias_has_one_tenant_and_a_site_one_client_key(self) -> None:
        tenants = self.bench.run(self.bench.side.store.all())
        keys = Counter(t.install.client_key_hash for t in tenants if t.install)
        installations = Counter(t.forge.installation_id for t in tenants if t.forge)
        sites = Counter(t.site_url for t in tenants if t.install and not t.orphaned_at)
        assert all(count == 1 for count in (keys | installations | sites).values())
        for tenant in tenants:
            if tenant.orphaned_at is not None:
                assert tenant.status is TenantStatus.UNINSTALLED

    @invariant()
    def no_tenant_can_read_what_is_sealed_for_another(self) -> None:
        side = self.bench.side
        tenants = [t for t in self.bench.run(side.store.all()) if t.install is not None]
        for one, two in itertools.pairwise(tenants):
            assert one.install is not None
            current = one.install.current
            place = InstallSecret.place_of(two.id, current.version)
            with pytest.raises(SealBroken):
                self.bench.run(side.vault.open(current.sealed, place))

    def teardown(self) -> None:
        """Everything arrives in the end, and Forge calls each hour: both sides agree."""
        self._deliver_all()
        assert self.waiting == []
        self.jira.pass_time(3600)
        for site in self.jira.sites.values():
            if site.forge is not None:
                call = self.jira.forge_call(site, ForgeEvent.REFRESH, site.forge)
                self._told(call, late=False)
        assert self.waiting == []
        self._told_in_order()
        here, there = (
            self.bench.run(picture(side)) for side in (self.bench.side, self.bench.reference)
        )
        assert here[0] == there[0]
        living = {site.forge for site in self.jira.sites.values()}
        found, wanted = (
            {i: f for i, f in forge.items() if i in living} for forge in (here[1], there[1])
        )
        assert found == wanted

    def _told_in_order(self) -> None:
        again = []
        for call in self.made:
            self.bench.reference.sites.answers = call.answers
            if not self.bench.run(delivered(call, self.bench.reference)):
                again.append(call)
        self.bench.reference.sites.answers = self.jira.answers()
        for call in again:
            assert self.bench.run(delivered(call, self.bench.reference))


@pytest.fixture(scope="module")
def bench(servers: Backends) -> Iterator[Bench]:
    found = Bench(servers.mongodb)
    yield found
    found.close()


CHECKS = settings(
    phases=[Phase.generate],  # shrinking a history of a hundred calls takes minutes
    deadline=None,
    suppress_health_check=list(HealthCheck),
    stateful_step_count=6,
    database=None,
)


def test_whatever_the_order_the_end_is_the_same(bench: Bench) -> None:
    Lives.bench = bench
    run_state_machine_as_test(Lives, settings=settings(CHECKS, max_examples=40, derandomize=True))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_the_order_at_length(bench: Bench) -> None:
    Lives.bench = bench
    run_state_machine_as_test(
        Lives, settings=settings(CHECKS, max_examples=300, stateful_step_count=12)
    )
