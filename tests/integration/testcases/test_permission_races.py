"""A permission changes while people write.

What is promised: a change is *visible* in a process once a request of it was refused by it. No
write that begins after that is let through, until a later change allows it again; and every write
that begins more than a second after Kafka has the change is refused. A write that began before may
still succeed: it was decided when its token was verified. (A write begins when it is sent.)
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from contracts.permissions import Entity, Right
from tests.harness.grants import to_group, to_user
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.testcases.site import Library, Site
from tests.integration.testcases.test_permissions import GROUP, state

pytestmark = pytest.mark.long

_ROUNDS = 6
_WRITERS = 6
_VISIBLE_SECONDS = 1.5
"""A second, and the way through Kafka on a busy machine."""
_CREATE = Entity.TEST_CASE, Right.CREATE

Change = Callable[[Site, bool], Awaitable[None]]


async def by_user(site: Site, allowed: bool) -> None:
    """Give the user the right itself, or nothing to anybody."""
    grants = [to_user(ACCOUNT, *_CREATE)] if allowed else []
    await site.library.world.permissions(site.tenant, state(site), *grants)


async def by_enforcement(site: Site, allowed: bool) -> None:
    """Turn the scheme off and on."""
    await site.library.world.permissions(site.tenant, state(site), enforced=not allowed)


async def by_group(site: Site, allowed: bool) -> None:
    """Put the user into the group, or take it out."""
    groups = [GROUP] if allowed else []
    await site.library.world.membership(site.tenant, groups=groups)


@dataclass
class Log:
    """Every write: when it began and ended, and whether it was let through."""

    site: Site
    writes: list[tuple[float, float, bool]] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, number: int) -> None:
        """Write on and on."""
        loop = asyncio.get_running_loop()
        for turn in itertools.count():
            if self.stop.is_set():
                return
            began = loop.time()
            body = {"projectKey": self.site.key, "name": f"{number}/{turn}"}
            status = (await self.site.post("/testcases", body)).status_code
            assert status in {201, 403}, status
            self.writes.append((began, loop.time(), status == 201))

    def check(self, told: float, until: float) -> int:
        """Check the time from a refusal's publication on; return how many were refused."""
        since = [w for w in self.writes if told <= w[0] < until]
        refused = [w for w in since if not w[2]]
        assert refused, "nothing was ever refused"
        visible = min(ended for _, ended, _ in refused)
        late = [w for w in since if w[2] and (w[0] > visible or w[0] > told + _VISIBLE_SECONDS)]
        assert late == []
        return len(refused)


@pytest.mark.parametrize("change", [by_user, by_enforcement, by_group])
async def test_no_write_succeeds_that_began_after_its_refusal_was_visible(
    library: Library, change: Change
) -> None:
    site = await library.site()
    await library.world.membership(site.tenant, groups=[GROUP])
    if change is by_group:
        await library.world.permissions(site.tenant, state(site), to_group(GROUP, *_CREATE))
    await change(site, True)
    loop, log = asyncio.get_running_loop(), Log(site)
    writers = [asyncio.create_task(log.write(n)) for n in range(_WRITERS)]
    try:
        for round_ in range(_ROUNDS):
            await _until(log, loop.time(), allowed=True)
            # every round at another moment of the second in which the view is fresh
            await asyncio.sleep(round_ / _ROUNDS)
            await change(site, False)
            told = loop.time()
            await _until(log, told, allowed=False)
            await asyncio.sleep(0.3)
            until = loop.time()
            await change(site, True)
            assert log.check(told, until) > _WRITERS
    finally:
        log.stop.set()
        await asyncio.gather(*writers)
    assert sum(ok for _, _, ok in log.writes) > _ROUNDS


async def _until(log: Log, since: float, *, allowed: bool) -> None:
    async def seen() -> bool:
        return any(began >= since and ok is allowed for began, _, ok in log.writes[-100:])

    await eventually(seen, seconds=10, every=0.01)
