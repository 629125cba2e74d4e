"""Attachments of test cases and of their steps over HTTP, and what lies in the database."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest

from contracts.ids import project_of, public_id
from contracts.permissions import Entity, Right
from contracts.tenancy import ProjectState
from kit.mongo import Database
from tests.harness.attachments import ATTACHMENTS
from tests.harness.grants import to_user
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.testcases.site import Library, Site, fault


class Attaching:
    """A case with one step, by the paths of its attachments."""

    def __init__(self, site: Site, case: dict[str, Any], step: int) -> None:
        self.site = site
        self.key, self.id, self.step = case["key"], case["id"], step
        self.case = f"/testcases/{self.key}/attachments"
        self.steps = f"/testcases/{self.key}/teststeps/{step}/attachments"

    async def put(self, path: str, name: str, content: bytes = b"f", **h: str) -> httpx.Response:
        """Attach a file."""
        url = f"/v2{path}/{quote(name, safe='')}"
        headers = self.site.headers | h
        return await self.site.library.http.put(url, content=content, headers=headers)

    async def attached(self, path: str, name: str, content: bytes = b"f") -> int:
        """Attach what must be accepted."""
        answer = await self.put(path, name, content)
        assert answer.status_code == 200, answer.text
        assert answer.json()["name"] == name
        return int(answer.json()["id"])

    async def listed(self, path: str) -> list[tuple[int, str]]:
        """List what must be there."""
        found = await self.site.read(path)
        jsonschema.validate(found, ATTACHMENTS)
        return [(row["id"], row["name"]) for row in found["attachments"]]


async def attaching(site: Site, database: Database) -> Attaching:
    """Make a case and look its step up: no operation shows one yet."""
    case = await site.create("/testcases", name="a case")
    row = await database["testcases"].find_one({"tenant": site.tenant, "id": case["id"]})
    assert row is not None
    return Attaching(site, case, row["script"]["steps"][0]["id"])


@pytest.fixture
async def here(site: Site, stored: Database) -> Attaching:
    return await attaching(site, stored)


async def test_a_case_and_its_step_have_attachments_of_their_own(here: Attaching) -> None:
    site = here.site
    for path in (here.case, here.steps):
        assert fault(await site.get(path)) == (404, "There are no attachments.")
    of_case = [await here.attached(here.case, "same.log", bytes([n]) * 700_000) for n in (1, 2)]
    of_step = await here.attached(here.steps, "same.log", b"step")
    assert project_of(of_step) == site.project
    assert await here.listed(here.case) == [(i, "same.log") for i in of_case]
    assert await here.listed(here.steps) == [(of_step, "same.log")]
    for n, ident in enumerate(of_case, 1):
        answer = await site.get(f"{here.case}/{ident}")
        assert (answer.status_code, answer.content) == (200, bytes([n]) * 700_000)
        assert fault(await site.get(f"{here.steps}/{ident}"))[0] == 404
    assert (await site.get(f"{here.steps}/{of_step}")).content == b"step"
    assert fault(await site.get(f"{here.case}/{of_step}"))[0] == 404
    assert (await site.read(f"/testcases/{here.key}"))["key"] == here.key


async def test_where_an_id_is_good_and_where_a_key_alone(here: Attaching) -> None:
    site, by_id = here.site, f"/testcases/{here.id}"
    made = await here.attached(here.case, "f")
    assert await here.listed(f"{by_id}/attachments") == [(made, "f")]
    on_step = f"{by_id}/teststeps/{here.step}/attachments"
    of_step = await here.attached(on_step, "g")
    assert await here.listed(on_step) == await here.listed(here.steps) == [(of_step, "g")]
    assert (await site.get(f"{on_step}/{of_step}")).content == b"f"
    for answer in (
        await site.get(f"{by_id}/attachments/{made}"),
        await here.put(f"{by_id}/attachments", "f"),
    ):
        assert fault(answer)[0] == 400


async def test_two_at_once_and_posts_are_taken(here: Attaching) -> None:
    made = await asyncio.gather(*(here.attached(here.steps, "log", b"1" * n) for n in (1, 9)))
    url = f"/v2{here.steps}/log"
    posted = await here.site.library.http.post(url, content=b"2", headers=here.site.headers)
    assert posted.status_code == 200
    assert await here.listed(here.steps) == [
        (ident, "log") for ident in sorted([*made, posted.json()["id"]])
    ]


async def declared(here: Attaching, path: str, length: int) -> int:
    """Return the status of an upload whose length is known to be wrong before its first byte."""
    url = here.site.library.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    token = here.site.headers["authorization"]
    head = f"PUT /v2{path}/f HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
    writer.write(f"{head}Content-Length: {length}\r\n\r\n".encode())
    status = (await reader.readline()).split()[1]
    writer.close()
    return int(status)


async def test_what_cannot_be_attached_is_refused(here: Attaching, stored: Database) -> None:
    for path in (here.case, here.steps):
        assert fault(await here.put(path, "f", b""))[0] == 400
        assert fault(await here.put(path, "a/b"))[0] == 400
        assert fault(await here.put(path, "x" * 256))[0] == 400
        assert await declared(here, path, (1 << 30) + 1) == 400
        assert (await here.site.get(path)).status_code == 404
    shown = {"tenant": here.site.tenant, "state": {"$ne": "removing"}}
    assert await stored["attachments"].count_documents(shown) == 0


async def test_unknown_and_wrong_paths(here: Attaching) -> None:
    site = here.site
    made = await here.attached(here.steps, "f")
    nobody = here.site.id(4_000)
    for path in (
        "/testcases/DEMO-T99/attachments",
        f"/testcases/{nobody}/attachments",
        f"/testcases/{here.key}/teststeps/{nobody}/attachments",
        f"/testcases/{here.key}/teststeps/{9**30}/attachments",
        f"/testcases/DEMO-T99/teststeps/{here.step}/attachments",
    ):
        assert fault(await site.get(path))[0] == 404, path
    for path in (
        "/testcases/DEMO-T99/attachments",
        f"/testcases/{here.key}/teststeps/{nobody}/attachments",
        f"/testcases/{nobody}/teststeps/{here.step}/attachments",
    ):
        assert fault(await here.put(path, "f"))[0] == 404, path
        assert fault(await site.get(f"{path}/{made}"))[0] == 404, path
    for path in (
        "/testcases/nope/attachments",
        f"/testcases/{here.key}/teststeps/nope/attachments",
        f"{here.case}/nope",
        f"{here.case}/0",
        f"/testcases/nope/attachments/{made}",
        f"/testcases/{here.key}/teststeps/0/attachments/{made}",
    ):
        assert fault(await site.get(path))[0] == 400, path


async def test_a_case_that_does_not_show_has_none(site: Site, stored: Database) -> None:
    case = (await site.ensure("upload1", ["hidden"]))["hidden"]
    hidden = Attaching(site, {"key": f"DEMO-T{case.id & 0xFFFF}", "id": case.id}, public_id(1, 1))
    row = await stored["testcases"].find_one({"tenant": site.tenant, "id": case.id})
    assert row is not None
    step = row["script"]["steps"][0]["id"]
    for path in (
        hidden.case,
        f"/testcases/{case.id}/attachments",
        f"/testcases/{hidden.key}/teststeps/{step}/attachments",
        f"/testcases/{case.id}/teststeps/{step}/attachments",
    ):
        assert fault(await site.get(path))[0] == 404
    assert fault(await hidden.put(hidden.case, "f"))[0] == 404


async def test_another_tenants_case_and_attachment_are_unknown(
    twins: tuple[Site, Site], stored: Database
) -> None:
    mine = await attaching(twins[0], stored)
    made = await mine.attached(mine.case, "f", b"mine")
    other = Attaching(twins[1], {"key": mine.key, "id": mine.id}, mine.step)
    unknown = Attaching(twins[1], {"key": "DEMO-T4000", "id": twins[1].id(4_000)}, mine.step)
    for path in ("{}", "{}/" + str(made)):
        theirs, nobodys = [
            fault(await other.site.get(path.format(a.case))) for a in (other, unknown)
        ]
        assert theirs[0] == nobodys[0] == 404
        assert theirs[1].replace(mine.key, "*") == nobodys[1].replace("DEMO-T4000", "*")
    # with a case of the same id, the attachment is unknown still
    twin = await attaching(twins[1], stored)
    assert (twin.id, twin.key) == (mine.id, mine.key)
    assert fault(await twin.site.get(f"{twin.case}/{made}"))[0] == 404
    theirs_now = await twin.attached(twin.case, "f", b"theirs")
    assert theirs_now == made, "each tenant counts by itself"
    assert (await twin.site.get(f"{twin.case}/{made}")).content == b"theirs"
    assert (await mine.site.get(f"{mine.case}/{made}")).content == b"mine"


async def test_reading_needs_to_view_and_attaching_to_edit(
    library: Library, stored: Database
) -> None:
    here = await attaching(await library.site(), stored)
    site = here.site
    made = await here.attached(here.case, "f")
    state = ProjectState(
        id=site.project, jira_project_id=10_000 + site.project, key=site.key, enabled=True
    )
    await library.world.membership(site.tenant)
    view = to_user(ACCOUNT, Entity.TEST_CASE, Right.VIEW)
    await library.world.permissions(site.tenant, state, view)
    for path in (here.case, here.steps):
        await eventually(lambda p=path: here.put(p, "f"), lambda a: a.status_code == 403)  # type: ignore[misc]
        # whether it is there or not
        assert fault(await here.put(path.replace("T1", "T9"), "f"))[0] == 403
    assert (await site.get(f"{here.case}/{made}")).content == b"f"
    edit = to_user(ACCOUNT, Entity.TEST_CASE, Right.EDIT)
    await library.world.permissions(site.tenant, state, edit)
    await site.until(here.case, 403)
    assert fault(await site.get(f"{here.case}/{made}"))[0] == 403
    await here.attached(here.steps, "f")
    assert (await here.put(here.case, "f", authorization="Bearer x")).status_code == 401
