"""New versions of test cases: what a case was is kept, and editing goes on in the next one."""

import asyncio
import re
from typing import Any

import httpx

from contracts.topics import TEST_CASE_STATE
from kit.auth.principal import Scope
from kit.mongo import Database
from services.testcases.usecases.caseversions import MAX_VERSIONS
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.testcases.scripting import inline, put_steps, steps
from tests.integration.testcases.site import Site, fault
from tests.integration.testcases.test_custom_fields import SAMPLES, Fields
from tests.integration.testcases.test_events import events_of
from tests.integration.testcases.test_internal_cases import run_of
from tests.integration.testcases.test_search import found
from tests.integration.testcases.test_updates import made, put

OWN = "/ostro/v1/testcases"


async def ask(
    site: Site, key: str, more: str = "/versions", method: str = "POST", content: bytes = b""
) -> httpx.Response:
    """Ask for a new version, or what else Ostro adds."""
    path = f"{OWN}/testcases/{key}{more}"
    return await site.library.http.request(method, path, headers=site.headers, content=content)


async def begun(site: Site, key: str) -> dict[str, Any]:
    """Begin a new version."""
    answer = await ask(site, key)
    assert answer.status_code == 201, answer.text
    version: dict[str, Any] = answer.json()
    assert set(version) == {"id", "self", "version"}
    assert version["self"] == site.url(f"/testcases/{key}/versions/{version['version']}")
    return version


async def listed(site: Site, key: str, **params: Any) -> list[int]:
    """Return the numbers of one page of versions."""
    page = await site.read(f"/testcases/{key}/versions", **params)
    return [int(v["self"].rpartition("/")[2]) for v in page["values"]]


async def test_a_version_stays_as_it_was(site: Site, installation: Installation) -> None:
    fields = Fields(site)
    for kind in SAMPLES:
        await fields.define(kind, kind)
    before = await made(site, customFields=SAMPLES)
    key = before["key"]
    await put_steps(site, key, inline("kept"))
    (first,) = (await site.read(f"/testcases/{key}/versions"))["values"]
    second = await begun(site, key)
    assert second["version"] == 2
    # nothing but the version is new
    assert await site.read(f"/testcases/{key}") == before
    (kept,) = await steps(site, key)
    assert kept["inline"]["description"] == "kept"
    edited = {"name": "Edited", "labels": ["z"], "objective": "new", "estimatedTime": 9}
    assert await put(site, before, **edited, folder=None, customFields=None) == (200, "")
    await put_steps(site, key, inline("other"))
    newest = await site.read(f"/testcases/{key}")
    assert (newest["name"], newest["customFields"] != before["customFields"]) == ("Edited", True)

    shown = await site.read(f"/testcases/{key}/versions")
    assert (shown["total"], shown["isLast"]) == (2, True)
    assert shown["values"] == [{"id": second["id"], "self": second["self"]}, first]
    assert await site.read(f"/testcases/{key}/versions/1") == before
    assert await site.read(f"/testcases/{key}/versions/2") == newest
    for number in (0, 3):
        assert fault(await site.get(f"/testcases/{key}/versions/{number}"))[0] == 404

    # so is the way to the script: /v2 reads the newest one
    bdd = await site.post(f"/testcases/{key}/testscript", {"type": "bdd", "text": "Given x"})
    assert bdd.status_code == 201
    for path in ("", "/versions/1"):
        script = (await site.read(f"/testcases/{key}{path}"))["testScript"]["self"]
        assert script == site.url(f"/testcases/{key}/testscript")
    await put_steps(site, key, inline("other"))

    # links are the case's, whatever its version
    link = await site.post(f"/testcases/{key}/links/weblinks", {"url": "u"})
    assert link.status_code == 201
    links = (await site.read(f"/testcases/{key}/links"))["webLinks"]
    for number in (1, 2):
        page = await site.read(f"/testcases/{key}/versions/{number}")
        assert page["links"]["webLinks"] == links
    # searches and runs know the newest alone
    assert (await found(site, name="Full"), await found(site, name="Edited")) == ([], ["Edited"])
    run = await run_of(site, 1)
    assert (run.case.version, run.case.version_id) == (2, second["id"])
    assert [step.description for step in run.steps] == ["other"]

    async def told() -> set[tuple[str, int, int]]:
        events = await events_of(installation, TEST_CASE_STATE, site.tenant)
        return {(e.data.name, e.data.version, e.data.version_id) for e in events}

    wanted = ("Edited", 2, second["id"])
    assert await eventually(told, lambda heard: wanted in heard, every=0.2)


async def test_versions_at_once_in_pages_and_at_most_so_many(site: Site, stored: Database) -> None:
    key = (await site.create("/testcases", name="n"))["key"]
    answers = await asyncio.gather(*(ask(site, key) for _ in range(5)))
    assert sorted(a.json()["version"] for a in answers) == [2, 3, 4, 5, 6]
    assert len({a.json()["id"] for a in answers}) == 5
    assert await listed(site, key) == [6, 5, 4, 3, 2, 1]
    pages = [await listed(site, key, startAt=n, maxResults=2) for n in (0, 1, 4, 6)]
    assert pages == [[6, 5], [5, 4], [2, 1], []]
    assert await listed(site, key, maxResults=1) == [6]

    mine = {"tenant": site.tenant, "id": site.id(1)}
    row = await stored["testcase_versions"].find_one(mine | {"version": 5})
    assert row is not None
    more = [row | {"_id": f"{row['_id']}/{n}", "version": -n} for n in range(MAX_VERSIONS - 6)]
    await stored["testcase_versions"].insert_many(more)
    status, message = fault(await ask(site, key))
    assert (status, re.findall(r"\d+", message)) == (400, [str(MAX_VERSIONS)])
    assert (await site.read(f"/testcases/{key}/versions"))["total"] == MAX_VERSIONS
    assert await listed(site, key, maxResults=1) == [6]


async def test_who_gets_no_new_version(twins: tuple[Site, Site]) -> None:
    mine, other = twins
    key = (await mine.create("/testcases", name="n"))["key"]
    await begun(mine, key)
    for site, unknown in ((other, key), (mine, "DEMO-T99")):
        assert fault(await ask(site, unknown))[0] == 404
    assert fault(await ask(mine.as_(scopes=[Scope.READ]), key))[0] == 403
    assert fault(await ask(mine, "DEMO-R1"))[0] == 400
    # what would be passed over is refused, also where it would have meant not to delete
    for method, more, content in (
        ("POST", "/versions", b'{"name": "Other"}'),
        ("POST", "/versions", b"[]"),
        ("POST", "/archive", b'{"dryRun": true}'),
        ("DELETE", "", b'{"dryRun": true}'),
    ):
        status, message = fault(await ask(mine, key, more, method, content))
        assert (status, message) == (400, "This request takes no body; nothing was changed.")
    assert fault(await ask(mine, key, "/versions?name=x"))[0] == 400
    assert (await ask(mine, key, content=b" { } ")).json()["version"] == 3
    assert await listed(mine, key) == [3, 2, 1]


async def test_what_a_version_names_may_go(site: Site, stored: Database) -> None:
    case = await made(site)
    folder = case["folder"]["id"]
    fields = Fields(site)
    ident = (await fields.define("CHECKBOX", "Sure"))["id"]
    case = await site.read(f"/testcases/{case['key']}")
    assert await put(site, case, customFields={"Sure": True}) == (200, "")
    await begun(site, case["key"])
    case = await site.read(f"/testcases/{case['key']}")
    assert await put(site, case, folder=None, customFields={"Sure": False}) == (200, "")
    old = await site.read(f"/testcases/{case['key']}/versions/1")
    assert (old["folder"]["id"], old["customFields"]) == (folder, {"Sure": True})

    rows = stored["testcase_versions"]
    mine = {"tenant": site.tenant, "custom_fields.field": ident}
    assert await rows.count_documents(mine) == 1
    gone = await fields.call("DELETE", f"/{ident}")
    assert gone.status_code == 200, gone.text
    assert await rows.count_documents(mine) == 0
    assert (await site.read(f"/testcases/{case['key']}/versions/1"))["customFields"] == {}
    await stored["folders"].delete_one({"tenant": site.tenant, "id": folder})
    assert (await site.read(f"/testcases/{case['key']}/versions/1"))["folder"] is None
