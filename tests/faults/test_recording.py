"""The consumer of results: what is recorded, dropped, hidden, whatever comes when."""

from contracts.topics import RESULT
from tests.faults.conftest import Site
from tests.faults.handmade import Hand, Upload
from tests.harness.polling import eventually
from tests.harness.watch import Watch

GROUP = "executions.results"


async def letters(watch: Watch) -> int:
    """Count the dead letters of the group."""
    return len(await watch.records(watch.names.dead_letters(RESULT, RESULT.subscriptions[0])))


async def test_a_chunk_with_a_ledger_row_is_skipped_unread(
    hand: Hand, site: Site, watch: Watch
) -> None:
    upload = hand.upload(site.tenant, site.project)
    await upload.open(results=3)
    await upload.chunk(0, rows=3)
    await watch.caught_up(GROUP, RESULT)
    assert (await upload.stored(), await upload.ledger()) == (3, 1)
    # what is deleted later must not come back with a late copy of the chunk
    of_it = {"tenant": site.tenant, "upload": upload.id}
    await hand.database["test_executions"].delete_one(of_it)
    before = await letters(watch)
    await upload.chunk(0, rows=3)
    await upload.raw(0, b"{ nobody could read this")
    await watch.caught_up(GROUP, RESULT)
    assert (await upload.stored(), await upload.ledger()) == (2, 1)
    assert await letters(watch) == before


async def test_nothing_waits_for_a_chunk_that_became_a_dead_letter(
    hand: Hand, site: Site, watch: Watch
) -> None:
    upload = hand.upload(site.tenant, site.project)
    await upload.open(results=4)
    await upload.chunk(0, rows=2)
    await upload.raw(1, b"{ nobody can read this")
    await upload.seal(chunks=2)
    await upload.accept()
    await watch.caught_up(GROUP, RESULT)
    # for ever "waiting", it would use up the tenant's quota and after a day refuse all uploads
    rows = hand.database["uploads"]
    await eventually(lambda: rows.count_documents({"_id": upload.id, "stored": {"$exists": False}}))
    assert (await upload.stored(), await upload.ledger()) == (2, 1)
    assert await progress(site, upload) == ("incomplete", 2)
    # what is replayed is stored all the same
    await upload.chunk(1, rows=2, first=2)
    await watch.caught_up(GROUP, RESULT)
    assert (await upload.stored(), await upload.ledger()) == (4, 2)
    assert await progress(site, upload) == ("stored", 4)


async def test_an_upload_is_storing_while_anything_is_still_to_come(
    hand: Hand, site: Site, watch: Watch
) -> None:
    upload = hand.upload(site.tenant, site.project)
    await upload.open(results=6)
    await upload.raw(1, b"{ nobody can read this")
    await upload.seal(chunks=3)
    await upload.accept()
    await watch.caught_up(GROUP, RESULT)
    assert await progress(site, upload) == ("storing", 0)
    await upload.chunk(2, rows=2, first=4)
    await watch.caught_up(GROUP, RESULT)
    assert await progress(site, upload) == ("storing", 2)
    await upload.chunk(0, rows=2)
    await watch.caught_up(GROUP, RESULT)
    assert await progress(site, upload) == ("incomplete", 4)


async def progress(site: Site, upload: Upload) -> tuple[str, int]:
    """Return what the upload's status says."""
    url = f"http://ostro.test/ostro/v1/executions/uploads/{upload.id}"
    answer = await site.http.get(url)
    assert answer.status_code == 200, answer.text
    return answer.json()["state"], answer.json()["stored"]


async def test_an_upload_is_accepted_once_however_often_it_is_asked_for(
    hand: Hand, site: Site
) -> None:
    upload = hand.upload(site.tenant, site.project)
    await upload.open(results=2)
    await upload.seal(chunks=1)
    rows = hand.database["uploads"]
    for _ in range(3):
        await upload.accept()
    # its events are told once (some may be on their way already)
    row = await rows.find_one({"_id": upload.id})
    assert row is not None
    assert (row["state"], len(row.get("outbox", ())) <= 2) == ("accepted", True)
    given_up = hand.upload(site.tenant, site.project)
    await given_up.open(results=2)
    await given_up.seal(chunks=1)
    await given_up.abort()
    assert not await hand.rows.accept(site.tenant, given_up.id, given_up.request)


async def test_a_half_written_chunk_is_completed(hand: Hand, site: Site, watch: Watch) -> None:
    upload = hand.upload(site.tenant, site.project)
    await upload.open(results=3)
    await upload.chunk(0, rows=2)
    await watch.caught_up(GROUP, RESULT)
    # as if the process had died after some of the documents and before the ledger row
    await hand.database["ledger"].delete_many({"tenant": site.tenant, "upload": upload.id})
    await upload.chunk(0, rows=3)
    await watch.caught_up(GROUP, RESULT)
    assert (await upload.stored(), await upload.ledger()) == (3, 1)


async def test_late_chunks_of_an_aborted_upload_are_dropped(
    hand: Hand, site: Site, watch: Watch
) -> None:
    upload = hand.upload(site.tenant, site.project)
    await upload.open(results=4)
    await upload.chunk(0, rows=2)
    await watch.caught_up(GROUP, RESULT)
    await upload.abort()
    await upload.chunk(1, rows=2, first=2)
    # nobody has heard of this one, or it was forgotten
    unknown = hand.upload(site.tenant, site.project)
    await unknown.chunk(0, rows=2)
    await watch.caught_up(GROUP, RESULT)
    assert (await upload.stored(), await upload.ledger()) == (2, 1)
    assert (await unknown.stored(), await unknown.ledger()) == (0, 0)
    assert await shown(site, upload) == []


async def test_an_undecided_upload_shows_in_no_read(hand: Hand, site: Site, watch: Watch) -> None:
    upload = hand.upload(site.tenant, site.project)
    await upload.open(results=3)
    assert await shown(site, upload) == []
    await upload.chunk(0, rows=3)
    await watch.caught_up(GROUP, RESULT)
    assert await upload.stored() == 3
    assert await shown(site, upload) == []
    await upload.seal(chunks=1)
    assert await shown(site, upload) == []
    await upload.accept()
    assert len(await shown(site, upload)) == len(reads(upload))


def reads(upload: Upload) -> list[tuple[str, dict[str, str]]]:
    """Every way to read its cycle and executions."""
    context = upload.context
    cycle_key, execution_key = (f"DEMO-{kind}{upload.number}" for kind in "RE")
    lists = [
        (f"/{what}{tail}", filters)
        for what in ("testcycles", "testexecutions")
        for tail in ("", "/nextgen")
        for filters in ({}, {"projectKey": "DEMO"}, {"updatedAfter": "2020-01-01T00:00:00Z"})
        if tail or "updatedAfter" not in filters
    ]
    lists += [
        (f"/testexecutions{tail}", filters)
        for tail in ("", "/nextgen")
        for filters in (
            {"testCycle": cycle_key},
            {"testCycle": str(context.cycle)},
            {"testCase": "DEMO-T1"},
            {"onlyLastExecutions": "true"},
            {"onlyLastExecutions": "true", "testCycle": cycle_key},
        )
    ]
    things = [
        f"/testcycles/{cycle_key}",
        f"/testcycles/{context.cycle}",
        f"/testexecutions/{execution_key}",
        f"/testexecutions/{context.first_id}",
    ]
    return lists + [(path, {}) for path in things]


async def shown(site: Site, upload: Upload) -> list[str]:
    """Return the reads that show anything of the upload."""
    found = []
    for path, params in reads(upload):
        answer = await site.http.get(path, params=params)
        body = answer.json()
        if answer.status_code == 200 and (body.get("values") or "id" in body):
            found.append(str(answer.url))
        assert answer.status_code in {200, 404}, answer.text
        if "total" in body:
            assert body["total"] == len(body["values"])
    return found
