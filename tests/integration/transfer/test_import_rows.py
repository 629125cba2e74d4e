"""Rows of imports: of two that begin at once the later one takes nothing from the other."""

from kit.mongo import Database
from kit.transfer.rows import LEASE, Claim, ImportRows
from tests.harness.fakes import START, ManualClock


async def test_who_begins_on_what_is_no_longer_so_is_refused(database: Database) -> None:
    clock = ManualClock(START)
    rows = ImportRows(database, clock)
    first, second = (Claim("ten1", 7, ident, f"by {ident}") for ident in ("a", "b"))
    assert await rows.begin(first, "archive", {}, None)
    # it breaks off while another one, which saw an empty project, is still being checked
    await rows.let_go(first)
    assert not await rows.begin(second, "archive", {}, None)
    assert await rows.take_up(Claim("ten1", 7, "a", "who goes on"))
    # a former one that was never written is replaced by whoever knew of it, once nobody holds it
    assert not await rows.begin(second, "other", {}, "a")
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert await rows.begin(second, "other", {}, "a")
    found = await rows.get("ten1", 7)
    assert found is not None
    assert (found.id, found.archive) == ("b", "other")
