"""PUT of test cases: full replacement, in the shape that GET answers."""

import asyncio
from typing import Any

import pytest

from contracts.permissions import Entity, Right
from contracts.topics import TEST_CASE_STATE
from tests.harness.grants import to_user
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.testcases.scripting import inline, put_steps, steps
from tests.integration.testcases.site import Library, Site, fault
from tests.integration.testcases.test_cases import option_ids
from tests.integration.testcases.test_custom_fields import SAMPLES, UNSET, Fields
from tests.integration.testcases.test_events import events_of
from tests.integration.testcases.test_permissions import state

REQUIRED = ("id", "key", "name", "project", "priority", "status")
CLEARED: dict[str, Any] = {
    "objective": None,
    "precondition": None,
    "estimatedTime": None,
    "component": None,
    "folder": None,
    "owner": None,
    "labels": [],
}


async def made(site: Site, **more: Any) -> dict[str, Any]:
    """Make a case that has everything; return it as GET does."""
    folder = await site.create("/folders", name="f", folderType="TEST_CASE")
    case = await site.create(
        "/testcases",
        name="Full",
        objective="o",
        precondition="p",
        estimatedTime=7,
        labels=["a"],
        componentId=10,
        folderId=folder["id"],
        ownerId="abc:1",
        **more,
    )
    found: dict[str, Any] = await site.read(f"/testcases/{case['key']}")
    return found


async def put(site: Site, case: dict[str, Any], **changes: Any) -> tuple[int, str]:
    """PUT a case; return status and message of the answer."""
    answer = await site.put(f"/testcases/{case['key']}", case | changes)
    if answer.status_code == 200:
        assert answer.content == b""
        return 200, ""
    return fault(answer)


async def test_what_was_read_may_be_put_back_edited(site: Site) -> None:
    before = await made(site)
    await put_steps(site, before["key"], inline("stays"))
    link = await site.post(f"/testcases/{before['key']}/links/weblinks", {"url": "u"})
    assert link.status_code == 201
    before = await site.read(f"/testcases/{before['key']}")
    assert await put(site, before) == (200, "")
    assert await site.read(f"/testcases/{before['key']}") == before
    folder = await site.create("/folders", name="g", folderType="TEST_CASE")
    priorities = await option_ids(site, "/priorities")
    statuses = await option_ids(site, "/statuses", statusType="TEST_CASE")
    jira = f"https://{site.tenant}.atlassian.net/rest/api/2"
    changes = {
        "name": "$set.name",
        "objective": "<b>other</b>",
        "precondition": "",
        "estimatedTime": 0,
        "labels": ["b", "c.$d"],
        "component": {"id": 11, "self": f"{jira}/component/11"},
        "priority": {"id": priorities["Low"], "self": site.url(f"/priorities/{priorities['Low']}")},
        "status": {
            "id": statuses["Approved"],
            "self": site.url(f"/statuses/{statuses['Approved']}"),
        },
        "folder": folder,
        "owner": {"accountId": "x", "self": f"{jira}/user?accountId=x"},
    }
    assert await put(site, before, **changes) == (200, "")
    assert await site.read(f"/testcases/{before['key']}") == before | changes
    assert [s["inline"]["description"] for s in await steps(site, before["key"])] == ["stays"]
    listed = (await site.read("/testcases", folderId=folder["id"]))["values"]
    assert [c["key"] for c in listed] == [before["key"]]


async def test_what_is_left_out_or_null_is_cleared(site: Site) -> None:
    for nothing in ({}, dict.fromkeys(CLEARED)):
        before = await made(site)
        body = {k: v for k, v in before.items() if k not in CLEARED} | nothing
        assert await put(site, body) == (200, "")
        assert await site.read(f"/testcases/{before['key']}") == before | CLEARED


async def test_the_id_finds_the_case_and_key_and_project_must_be_its_own(site: Site) -> None:
    one, two = await made(site), await made(site)
    other = await site.library.add_project(site.tenant, "OTHER")
    hidden = (await site.ensure("upload1", ["hidden"]))["hidden"]
    for ident in (1, site.id(99), hidden.id, other.id(1), 2**63 - 1):
        assert (await put(site, one, id=ident))[0] == 404
    for changes in (
        {"id": two["id"]},
        {"key": two["key"]},
        {"id": two["id"], "key": two["key"]},
        {"key": "DEMO-T99"},
        {"project": {"id": other.project}},
        {"project": {"id": 1}},
    ):
        assert (await put(site, one, **changes))[0] == 400, changes
    for path in (two["key"], "DEMO-T99", "OTHER-T1", "nope"):
        assert fault(await site.put(f"/testcases/{path}", one))[0] == 400
    assert await site.read(f"/testcases/{one['key']}") == one
    assert await site.read(f"/testcases/{two['key']}") == two


async def test_an_alias_of_the_project_key_is_the_same_key(library: Library) -> None:
    site = await library.site()
    one = await made(site)
    await library.world.publish_project(
        site.tenant, state(site).model_copy(update={"aliases": ("NEW",)})
    )
    await site.until("/testcases/NEW-T1", 200)
    answer = await site.put("/testcases/NEW-T1", one | {"name": "by the new key"})
    assert answer.status_code == 200
    answer = await site.put("/testcases/DEMO-T1", one | {"key": "NEW-T1", "name": "so too"})
    assert answer.status_code == 200
    assert (await site.read("/testcases/DEMO-T1"))["name"] == "so too"


async def test_what_a_put_must_say_and_must_not(site: Site) -> None:
    one = await made(site)
    plans = await site.create("/folders", name="p", folderType="TEST_PLAN")
    other = await site.library.add_project(site.tenant, "OTHER")
    foreign = await other.create("/folders", name="f", folderType="TEST_CASE")
    statuses = await option_ids(site, "/statuses", statusType="TEST_PLAN")
    theirs = await option_ids(other, "/priorities")
    priorities = await option_ids(site, "/priorities")
    wrong: list[dict[str, Any]] = [{name: None} for name in REQUIRED]
    wrong += [
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 256},
        {"name": 7},
        {"id": "x"},
        {"key": "nope"},
        {"project": site.project},
        {"project": {}},
        {"priority": {"id": 0}},
        {"priority": {"id": site.id(4_000)}},
        {"priority": {"id": theirs["Low"]}},
        {"priority": {"id": statuses["Draft"]}},
        {"status": {"id": site.id(4_000)}},
        {"status": {"id": statuses["Draft"]}},
        {"status": {"id": priorities["Low"]}},
        {"status": "Draft"},
        {"estimatedTime": -1},
        {"estimatedTime": 2**63},
        {"estimatedTime": "x"},
        {"labels": ["a b"]},
        {"labels": [" "]},
        {"labels": [""]},
        {"labels": [f"l{n}" for n in range(51)]},
        {"labels": "a"},
        {"component": {"id": 0}},
        {"component": 7},
        {"folder": {"id": site.id(4_000)}},
        {"folder": plans},
        {"folder": foreign},
        {"owner": {"accountId": "a b"}},
        {"owner": {}},
        {"owner": "abc"},
        {"customFields": {"nope": 1}},
        {"customFields": []},
        {"objective": 7},
    ]
    for changes in wrong:
        assert (await put(site, one, **changes))[0] == 400, changes
    for name in REQUIRED:
        body = {k: v for k, v in one.items() if k != name}
        status, message = fault(await site.put(f"/testcases/{one['key']}", body))
        assert (status, name in message) == (400, True)
    deep = b'{"customFields":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001
    for content in (b"", b"{", b"[]", deep, b'{"name":"\\ud800"}', b'{"name":"\xff"}'):
        url = f"/v2/testcases/{one['key']}"
        answer = await site.library.http.put(url, content=content, headers=site.headers)
        assert fault(answer)[0] == 400, content[:50]
    assert (await put(site, one, objective="x" * 70_000))[0] == 413
    assert await site.read(f"/testcases/{one['key']}") == one


async def test_an_archived_status_stays_where_it_is_and_is_taken_by_no_other(site: Site) -> None:
    made_status = await site.create("/statuses", name="Old", type="TEST_CASE")
    one, two = await made(site, statusName="Old"), await made(site)
    status = await site.read(f"/statuses/{made_status['id']}")
    answer = await site.put(f"/statuses/{status['id']}", status | {"archived": True})
    assert answer.status_code == 200
    assert await put(site, one, name="still") == (200, "")
    assert (await put(site, two, status=one["status"]))[0] == 400


async def test_custom_fields_are_all_sent_or_none(site: Site) -> None:
    fields = Fields(site)
    for kind in SAMPLES:
        await fields.define(kind, kind)
    one = await made(site, customFields=SAMPLES)
    assert one["customFields"] == SAMPLES
    assert await put(site, one) == (200, "")
    assert await put(site, one, customFields=UNSET) == (200, "")
    assert (await site.read(f"/testcases/{one['key']}"))["customFields"] == UNSET
    assert await put(site, one) == (200, "")
    some = dict(SAMPLES)
    some.pop("NUMBER")
    assert "NUMBER" in (await put(site, one, customFields=some))[1]
    for changes in ({"NUMBER": "1"}, {"DATE": "tomorrow"}, {"nope": 1}, {"CHECKBOX": 1}):
        assert (await put(site, one, customFields=SAMPLES | changes))[0] == 400
    assert (await site.read(f"/testcases/{one['key']}"))["customFields"] == SAMPLES
    assert await put(site, one, customFields=None) == (200, "")
    assert (await site.read(f"/testcases/{one['key']}"))["customFields"] == UNSET
    must = await fields.define("MULTI_CHOICE_SELECT_LIST", "Must", required=True)
    for sent in (None, UNSET, UNSET | {"Must": None}, UNSET | {"Must": []}):
        status, message = await put(site, one, customFields=sent)
        assert (status, "Must" in message) == (400, True)
    good = SAMPLES | {"Must": ["Red"]}
    assert await put(site, one, customFields=good) == (200, "")
    must["options"][0]["archived"] = True
    assert (await fields.call("PUT", f"/{must['id']}", json=must)).status_code == 200
    assert await put(site, one, customFields=good) == (200, "")


async def test_another_tenants_case_is_unknown(twins: tuple[Site, Site]) -> None:
    mine, other = twins
    one = await made(mine)
    assert (await put(other, one))[0] == 404
    twin = await made(other)
    assert (twin["id"], twin["key"]) == (one["id"], one["key"])
    assert await put(other, twin, name="theirs") == (200, "")
    assert (await mine.read(f"/testcases/{one['key']}")) == one


async def test_it_needs_the_right_to_edit(library: Library) -> None:
    site = await library.site()
    one = await made(site)
    assert fault(await site.as_(scopes=["read"]).put(f"/testcases/{one['key']}", one))[0] == 403
    await library.world.membership(site.tenant)
    view = to_user(ACCOUNT, Entity.TEST_CASE, Right.VIEW)
    await library.world.permissions(site.tenant, state(site), view)
    await eventually(lambda: put(site, one, name="n"), lambda answer: answer[0] == 403)
    # whether it is there or not
    assert (await put(site, one, id=site.id(4_000)))[0] == 403
    assert (await site.read(f"/testcases/{one['key']}"))["name"] in {"Full", "n"}
    narrow = site.as_(projects=[site.project % 1000 + 1])
    assert (await put(narrow, one))[0] == 404


async def test_a_new_name_is_published_and_found(site: Site, installation: Installation) -> None:
    one = await made(site)
    assert await put(site, one, name="renamed") == (200, "")

    async def names() -> list[str]:
        events = await events_of(installation, TEST_CASE_STATE, site.tenant)
        return [e.data.name for e in sorted(events, key=lambda e: e.sequence)]

    # the state before may have been overtaken before it was sent
    assert (await eventually(names, lambda found: len(found) == 2))[-1] == "renamed"
    assert [c.id for c in await site.resolve(names=["renamed", "Full"])] == [one["id"]]


@pytest.mark.parametrize("kind", ["teststeps", "testscript"])
async def test_a_put_and_a_script_at_once_both_stand(site: Site, kind: str) -> None:
    one = await made(site)
    path = f"/testcases/{one['key']}"
    for n in range(5):
        body = {"mode": "OVERWRITE", "items": [inline(f"s{n}")], "type": "plain", "text": f"s{n}"}
        script = site.post(f"{path}/{kind}", body)
        answers = await asyncio.gather(script, site.put(path, one | {"name": f"n{n}"}))
        assert [a.status_code for a in answers] == [201, 200]
        assert (await site.read(path))["name"] == f"n{n}"
        found = await site.read(f"{path}/{kind}")
        assert f"s{n}" in str(found)


async def test_two_who_replace_a_case_at_once(site: Site) -> None:
    """One of them comes last with all it said; links made meanwhile stay."""
    one = await made(site)
    path = f"/testcases/{one['key']}"
    changes = [{"name": f"n{i}", "objective": f"o{i}", "labels": [f"l{i}"]} for i in range(8)]
    answers = await asyncio.gather(
        *(site.put(path, one | change) for change in changes),
        *(site.post(f"{path}/links/weblinks", {"url": f"https://a.test/{i}"}) for i in range(4)),
    )
    assert [a.status_code for a in answers] == [200] * 8 + [201] * 4
    found = await site.read(path)
    assert {name: found[name] for name in ("name", "objective", "labels")} in changes
    assert len(found["links"]["webLinks"]) == len(one["links"]["webLinks"]) + 4
