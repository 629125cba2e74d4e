"""Attachments of test cycles, plans and executions over HTTP: stored, listed, read, refused."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock
from urllib.parse import quote

import httpx
import jsonschema
import pytest

from contracts.ids import project_of
from contracts.permissions import Entity, Right
from tests.harness.attachments import ATTACHMENTS
from tests.harness.grants import to_user
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import House, Linked, fault, house_of_links

pytestmark = pytest.mark.long

MOST = 3_000_000
CONTENT = bytes(range(256)) * 8_000


@pytest.fixture(scope="module")
async def house(installation: Installation) -> AsyncIterator[House]:
    with mock.patch.dict(os.environ, {"OSTRO_ATTACHMENT_MAX_BYTES": str(MOST)}):
        async with house_of_links(installation) as found:
            yield found


@pytest.fixture
async def linked(house: House) -> Linked:
    return await house.linked()


@pytest.fixture(params=["cycle", "plan", "execution"])
async def place(request: pytest.FixtureRequest, linked: Linked) -> str:
    """The path of something with no attachments."""
    return (await places(linked))[request.param]


async def places(linked: Linked) -> dict[str, str]:
    key, (run, _) = await linked.upload()
    plan = await linked.make("testplans")
    return {
        "cycle": f"/testcycles/{key}/attachments",
        "plan": f"/testplans/{plan['key']}/attachments",
        "execution": f"/testexecutions/{run}/attachments",
    }


async def attached(http: httpx.AsyncClient, place: str, name: str, **sent: Any) -> int:
    answer = await http.put(f"{place}/{quote(name, safe='')}", **sent)
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == name
    return int(answer.json()["id"])


async def listed(http: httpx.AsyncClient, place: str) -> list[dict[str, Any]]:
    answer = await http.get(place)
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), ATTACHMENTS)
    found: list[dict[str, Any]] = answer.json()["attachments"]
    return found


async def test_what_is_attached_can_be_read_back(linked: Linked, place: str) -> None:
    http = linked.http
    assert fault(await http.get(place)) == (404, "There are no attachments.")
    first = await attached(
        http, place, "trace 1.zip", content=CONTENT, headers={"content-type": "application/zip"}
    )
    assert project_of(first) == linked.project.id
    posted = await http.post(f"{place}/second.txt", content=b"second")
    assert posted.status_code == 200
    second = posted.json()["id"]
    assert await listed(http, place) == [
        {"id": first, "name": "trace 1.zip"},
        {"id": second, "name": "second.txt"},
    ]
    answer = await http.get(f"{place}/{first}")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    wanted = {
        "content-type": "application/zip",
        "content-length": str(len(CONTENT)),
        "content-disposition": 'attachment; filename="trace 1.zip"; '
        "filename*=UTF-8''trace%201.zip",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private, no-cache",
        "accept-ranges": "bytes",
        "etag": f'"{hashlib.sha256(CONTENT).hexdigest()}"',
    }
    assert {name: answer.headers[name] for name in wanted} == wanted
    assert len(answer.headers.get_list("x-content-type-options")) == 1
    assert (await http.get(f"{place}/{second}")).content == b"second"
    row = await linked.house.database["attachments"].find_one({"id": first})
    assert row is not None
    assert row["sha256"] == hashlib.sha256(CONTENT).hexdigest()


async def test_by_id_and_by_key_is_the_same_place(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    cycle = (await linked.http.get(f"/testcycles/{key}")).json()["id"]
    run_key = (await linked.http.get(f"/testexecutions/{run}")).json()["key"]
    ident = 0
    for by_id, by_key in (
        (f"/testcycles/{cycle}", f"/testcycles/{key}"),
        (f"/testexecutions/{run}", f"/testexecutions/{run_key}"),
    ):
        ident = await attached(linked.http, f"{by_id}/attachments", "a", content=b"1")
        assert (await listed(linked.http, f"{by_key}/attachments"))[0]["id"] == ident
        assert (await linked.http.get(f"{by_key}/attachments/{ident}")).content == b"1"
    # what is attached to one shows at no other
    assert (await linked.http.get(f"/testcycles/{key}/attachments/{ident + 1}")).status_code == 404
    other = (await places(linked))["cycle"]
    assert (await linked.http.get(f"{other}/{ident}")).status_code == 404


async def test_names_come_back_as_they_were_sent(linked: Linked) -> None:
    place = (await places(linked))["execution"]
    names = [
        "a b",
        "ä☃𝄞",
        "%41",
        "a%2Fb",
        "?q#f",
        "$where",
        "x" * 255,
        "1",
        ".x",
        'q"; x',
        "e\n",
        "e\nf",
    ]
    for name in names:
        ident = await attached(linked.http, place, name, content=b"x")
        said = (await linked.http.get(f"{place}/{ident}")).headers["content-disposition"]
        assert said.endswith(f"filename*=UTF-8''{quote(name, safe='')}")
    assert [row["name"] for row in await listed(linked.http, place)] == names


async def test_two_of_one_name_at_once_are_two(linked: Linked, place: str) -> None:
    made = await asyncio.gather(
        *(attached(linked.http, place, "log", content=bytes([n]) * 300_000) for n in range(4))
    )
    assert [row["name"] for row in await listed(linked.http, place)] == ["log"] * 4
    for n, ident in enumerate(made):
        assert (await linked.http.get(f"{place}/{ident}")).content == bytes([n]) * 300_000


@pytest.mark.parametrize(
    "name",
    [
        *("a%2Fb", "%2Fa", "a%2F", "a%5Cb", "%2E%2E", "a..b", "%2E%2E%2Fx", "a%00b", "%FF", "%C3"),
        "y" * 256,
    ],
)
async def test_names_that_no_file_may_have_are_refused(
    linked: Linked, place: str, name: str
) -> None:
    base = str(linked.http.base_url).rstrip("/")
    url = httpx.URL(f"{base}{place}/x")
    path = url.raw_path.removesuffix(b"x") + name.encode()
    answer = await linked.http.put(url.copy_with(raw_path=path), content=b"x")
    status, message = fault(answer)
    assert (status, message.startswith("fileName")) == (400, True)
    assert (await linked.http.get(place)).status_code == 404


async def test_a_part_of_it_is_sent_when_a_part_is_wanted(linked: Linked) -> None:
    place = (await places(linked))["execution"]
    ident = await attached(linked.http, place, "f", content=CONTENT)
    url, size = f"{place}/{ident}", len(CONTENT)
    etag = (await linked.http.get(url)).headers["etag"]
    for wanted, first, last in (
        ("bytes=0-0", 0, 0),
        ("bytes=300000-700000", 300_000, 700_000),
        (f"bytes=5-{size * 2}", 5, size - 1),
        ("bytes=-7", size - 7, size - 1),
        ("bytes=2047999-", size - 1, size - 1),
    ):
        answer = await linked.http.get(url, headers={"range": wanted, "if-range": etag})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert answer.content == CONTENT[first : last + 1]
    for ignored in ("bytes=9-3", "bytes=0-1,5-6", "items=0-1", "bytes=-", "bytes=a-b"):
        answer = await linked.http.get(url, headers={"range": ignored})
        assert (answer.status_code, len(answer.content)) == (200, size)
    changed = await linked.http.get(url, headers={"range": "bytes=0-1", "if-range": '"other"'})
    assert changed.status_code == 200
    for outside in (f"bytes={size}-", "bytes=-0"):
        answer = await linked.http.get(url, headers={"range": outside})
        assert fault(answer)[0] == 416
        assert answer.headers["content-range"] == f"bytes */{size}"
    same = await linked.http.get(url, headers={"if-none-match": f'"x", W/{etag}'})
    assert (same.status_code, same.content) == (304, b"")


async def test_what_could_act_in_a_browser_is_sent_as_bytes(linked: Linked) -> None:
    place = (await places(linked))["cycle"]
    for kind in ("text/html", "image/svg+xml", "application/javascript", "nonsense"):
        ident = await attached(
            linked.http, place, "x", content=b"<script>", headers={"content-type": kind}
        )
        answer = await linked.http.get(f"{place}/{ident}")
        assert answer.headers["content-type"] == "application/octet-stream"


async def test_what_is_empty_or_too_large_is_refused_and_leaves_nothing(linked: Linked) -> None:
    found = await places(linked)

    async def without_length() -> AsyncIterator[bytes]:
        for _ in range(MOST // 100_000 + 1):
            yield bytes(100_000)

    for kind, too_large in (("cycle", 413), ("plan", 400), ("execution", 400)):
        place = found[kind]
        assert fault(await linked.http.put(f"{place}/f", content=b""))[0] == 400
        for content in (bytes(MOST + 1), without_length()):
            status, message = fault(await linked.http.put(f"{place}/f", content=content))
            assert (status, str(MOST) in message) == (too_large, True)
        assert (await linked.http.get(place)).status_code == 404
        await attached(linked.http, place, "just fits", content=bytes(MOST))
        assert len(await listed(linked.http, place)) == 1
    query = {"tenant": linked.tenant, "state": "uploading"}
    assert await linked.house.database["attachments"].count_documents(query) == 0
    keys = {"$regex": f"^{linked.tenant}/"}
    files = await linked.house.database["attachments.chunks"].distinct(
        "files_id", {"files_id": keys}
    )
    assert len(files) == 3


async def test_a_client_that_goes_away_leaves_nothing(linked: Linked, place: str) -> None:
    port = linked.house.installation.http_ports["executions"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = linked.http.headers["authorization"]
    head = f"PUT /v2{place}/f HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
    writer.write(f"{head}Content-Length: 2000000\r\n\r\n".encode() + bytes(1_500_000))
    await writer.drain()
    rows, chunks = (linked.house.database[f"attachments{c}"] for c in ("", ".chunks"))
    mine = {"tenant": linked.tenant}
    row = await eventually(lambda: rows.find_one(mine))
    assert row is not None
    key = {"files_id": row["_id"]}
    await eventually(lambda: chunks.count_documents(key))
    writer.close()
    gone = {**mine, "state": "removing"}
    await eventually(lambda: rows.count_documents(gone))
    await eventually(lambda: chunks.count_documents(key), lambda n: n == 0)
    assert await reader.read() == b""
    assert (await linked.http.get(place)).status_code == 404


async def test_unknown_and_wrong_paths(linked: Linked) -> None:
    found = await places(linked)
    for place in found.values():
        await attached(linked.http, place, "f", content=b"f")
        for ident in ("x", "0", "-1", str(1 << 63), "1.5"):
            assert fault(await linked.http.get(f"{place}/{ident}"))[0] == 400
        assert fault(await linked.http.get(f"{place}/{linked.project.id << 33 | 999}"))[0] == 404
        assert fault(await linked.http.get(f"{place}/1"))[0] == 404
    for name in ("testcycles/DEMO-R99", "testcycles/77", "testexecutions/DEMO-E99"):
        for answer in (
            await linked.http.get(f"/{name}/attachments"),
            await linked.http.get(f"/{name}/attachments/1"),
            await linked.http.put(f"/{name}/attachments/f", content=b"f"),
        ):
            assert fault(answer)[0] == 404
    for name in ("testcycles/nope", "testexecutions/nope"):
        assert fault(await linked.http.get(f"/{name}/attachments"))[0] == 400


async def test_what_is_hidden_has_no_attachments(linked: Linked) -> None:
    upload = await linked.by_hand()
    context = upload.context
    for path in (f"/testcycles/{context.cycle}", f"/testexecutions/{context.first_id}"):
        for answer in (
            await linked.http.get(f"{path}/attachments"),
            await linked.http.put(f"{path}/attachments/f", content=b"f"),
        ):
            assert fault(answer)[0] == 404


async def test_another_tenants_are_as_unknown_as_can_be(house: House) -> None:
    mine = await house.linked()
    twin = await house.linked(project=mine.project.id)
    _, unknown = mine.project.id << 33 | 9, (mine.project.id << 33) + 8_000_000
    for kind, place in (await places(mine)).items():
        ident = await attached(mine.http, place, "f", content=b"mine")
        head, _, _ = place.rpartition("/attachments")
        like = f"/{head.split('/')[1]}/{unknown}/attachments"
        for method, theirs, nobodys in (
            ("GET", place, like),
            ("GET", f"{place}/{ident}", f"{like}/{ident}"),
            ("PUT", f"{place}/f", f"{like}/f"),
        ):
            answers = [
                await twin.http.request(method, p, content=b"x" if method == "PUT" else None)
                for p in (theirs, nobodys)
            ]
            said = [
                (a.status_code, a.text.replace(head.split("/")[2], "*").replace(str(unknown), "*"))
                for a in answers
            ]
            assert said[0] == said[1], (kind, method)
            assert said[0][0] == 404
        assert [row["id"] for row in await listed(mine.http, place)] == [ident]


async def test_reading_needs_to_view_and_attaching_a_right_of_its_own(house: House) -> None:
    linked = await house.linked()
    found = await places(linked)
    made = {kind: await attached(linked.http, p, "f", content=b"f") for kind, p in found.items()}
    rights = {"cycle": (Entity.TEST_CYCLE, Right.EDIT)}
    rights["plan"] = (Entity.TEST_PLAN, Right.EDIT)
    rights["execution"] = (Entity.TEST_EXECUTION, Right.EXECUTE)
    views = [to_user(ACCOUNT, entity, Right.VIEW) for entity, _ in rights.values()]
    await house.world.membership(linked.tenant)
    await house.world.permissions(linked.tenant, linked.project, *views)

    async def status(kind: str) -> int:
        return (await linked.http.put(f"{found[kind]}/f", content=b"f")).status_code

    for kind, place in found.items():
        await eventually(lambda k=kind: status(k), lambda s: s == 403)  # type: ignore[misc]
        assert (await linked.http.get(f"{place}/{made[kind]}")).content == b"f"
    both = [to_user(ACCOUNT, e, right) for e, right in rights.values()]
    await house.world.permissions(linked.tenant, linked.project, *both)
    for kind, place in found.items():
        await eventually(lambda p=place: linked.http.get(p), lambda a: a.status_code == 403)  # type: ignore[misc]
        assert await status(kind) == 200
