"""Random lives of an app on two sites: whatever comes late, twice or in no order, ends the same."""

import asyncio
import contextlib
import itertools
import secrets
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from contracts.tenancy import TenantStatus
from kit.mongo import connect, ensure_indexes
from services.tenancy.adapters.mongo.indexes import INDEXES
from services.tenancy.domain.lifecycle import Hook
from services.tenancy.domain.tenants import InstallSecret
from services.tenancy.usecases.forge import ForgeEvent
from services.tenancy.usecases.ports import SealBroken
from tests.harness.backends import Backends
from tests.integration.tenancy.lives_model import Call, Jira, Side, Site, delivered, picture

T = TypeVar("T")
SITES = st.sampled_from("ab")
LATE = st.booleans()
_PICK = st.integers(0, 1_000)


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

    # ---- Connect

    @rule(name=SITES, late=LATE)
    def install(self, name: str, late: bool) -> None:
        site = self.jira.sites[name]
        if site.connect:
            return
        known = bool(site.keys)
        if not known:
            site.keys.append(self.jira.fresh("key"))
        site.connect, site.secret = True, self.jira.fresh("secret")
        self._told(self.jira.connect_call(site, Hook.INSTALLED), late=late and known)
        self._told(self.jira.connect_call(site, Hook.ENABLED), late=late and known)

    @rule(name=SITES, late=LATE, new_secret=st.booleans())
    def update(self, name: str, late: bool, new_secret: bool) -> None:
        site = self.jira.sites[name]
        if site.connect:
            if new_secret:
                site.secret = self.jira.fresh("secret")
            self._told(self.jira.connect_call(site, Hook.INSTALLED), late=late)

    @rule(name=SITES, late=LATE)
    def rename(self, name: str, late: bool) -> None:
        site = self.jira.sites[name]
        site.url = f"https://{self.jira.fresh('renamed')}.atlassian.net"
        if site.connect:
            self._told(self.jira.connect_call(site, Hook.INSTALLED, named=False), late=late)

    @rule(late=LATE)
    def swap_addresses(self, late: bool) -> None:
        one, two = self.jira.sites.values()
        one.url, two.url = two.url, one.url
        for site in (one, two):
            if site.connect:
                self._told(self.jira.connect_call(site, Hook.INSTALLED, named=False), late=late)

    @rule(name=SITES, late=LATE, disabled=st.booleans())
    def switch(self, name: str, late: bool, disabled: bool) -> None:
        site = self.jira.sites[name]
        if site.connect:
            hook = Hook.DISABLED if disabled else Hook.ENABLED
            self._told(self.jira.connect_call(site, hook), late=late)

    @rule(name=SITES, late=LATE)
    def uninstall(self, name: str, late: bool) -> None:
        site = self.jira.sites[name]
        if not site.connect:
            return
        site.connect = False
        self._told(self.jira.connect_call(site, Hook.DISABLED), late=late)
        self._told(self.jira.connect_call(site, Hook.UNINSTALLED), late=late)
        if site.bridged and site.forge is not None:
            self._told(self.jira.forge_call(site, None, site.forge), late=late)
            site.forge = None

    @rule(name=SITES)
    def import_backup(self, name: str) -> None:
        site = self.jira.sites[name]
        if site.connect:
            site.keys.append(self.jira.fresh("key"))
            site.secret = self.jira.fresh("secret")
            self._told(self.jira.connect_call(site, Hook.INSTALLED), late=False)

    @rule(name=SITES, late=LATE)
    def restore_backup(self, name: str, late: bool) -> None:
        site = self.jira.sites[name]
        if site.connect and len(site.keys) > 1:
            site.keys.insert(0, site.keys.pop())
            site.secret = self.jira.fresh("secret")
            self._told(self.jira.connect_call(site, Hook.INSTALLED), late=late)

    # ---- Forge

    @rule(name=SITES, late=LATE, bridged=st.booleans())
    def install_on_forge(self, name: str, late: bool, bridged: bool) -> None:
        site = self.jira.sites[name]
        if site.forge is not None:
            return
        first, site.forge = not site.forge_before, self.jira.fresh("installation")
        site.forge_before, site.bridged = True, bridged
        if first:
            self._deliver_all(site)
        call = self.jira.forge_call(site, ForgeEvent.INSTALLED, site.forge)
        self._told(call, late=late and not first)

    @rule(name=SITES, late=LATE, event=st.sampled_from([ForgeEvent.UPGRADED, ForgeEvent.REFRESH]))
    def call_from_forge(self, name: str, late: bool, event: ForgeEvent) -> None:
        site = self.jira.sites[name]
        if site.forge is not None:
            self._told(self.jira.forge_call(site, event, site.forge), late=late)

    @rule(name=SITES, late=LATE)
    def change_the_installation_silently(self, name: str, late: bool) -> None:
        site = self.jira.sites[name]
        if site.forge is not None:
            site.forge = self.jira.fresh("installation")
            self._told(self.jira.forge_call(site, ForgeEvent.REFRESH, site.forge), late=late)

    @rule(name=SITES, late=LATE)
    def uninstall_from_forge(self, name: str, late: bool) -> None:
        site = self.jira.sites[name]
        if site.forge is not None and not (site.bridged and site.connect):
            self._told(self.jira.forge_call(site, None, site.forge), late=late)
            site.forge = None

    # ---- the network

    @rule(pick=_PICK)
    def deliver_one_late(self, pick: int) -> None:
        if self.waiting:
            self._deliver(self.waiting.pop(pick % len(self.waiting)))

    @rule(pick=_PICK)
    def deliver_one_again(self, pick: int) -> None:
        done = [call for call in self.made if call not in self.waiting]
        if done:
            self._deliver(done[pick % len(done)])

    @rule(hours=st.integers(1, 3))
    def time_passes(self, hours: int) -> None:
        self.jira.pass_time(hours * 3600)

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
    deadline=None, suppress_health_check=list(HealthCheck), stateful_step_count=25, database=None
)


def test_whatever_the_order_the_end_is_the_same(bench: Bench) -> None:
    Lives.bench = bench
    run_state_machine_as_test(Lives, settings=settings(CHECKS, max_examples=25))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_the_order_at_length(bench: Bench) -> None:
    Lives.bench = bench
    run_state_machine_as_test(
        Lives, settings=settings(CHECKS, max_examples=200, stateful_step_count=40)
    )
