"""Search over test cases: words in many scripts, filters, orders, pages, and who sees what."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.permissions import Entity, Grant, Holder, Right
from kit.clock import SystemClock, vendor_time
from kit.errors import Unprocessable
from kit.http.search import Order, SearchPage
from kit.mongo import Database
from services.testcases.adapters.mongo.missingwords import MissingWords
from services.testcases.adapters.mongo.search import SearchRepository
from services.testcases.adapters.mongo.testcases import TEST_CASES
from services.testcases.usecases.search import CaseSearch
from tests.integration.testcases.site import Library, Site, fault

PATH = "/ostro/v1/testcases/search"


async def asked(site: Site, **params: Any) -> httpx.Response:
    """Search."""
    return await site.library.http.get(PATH, params=params, headers=site.headers)


async def found(site: Site, **params: Any) -> list[str]:
    """Return the names of what one page shows."""
    answer = await asked(site, **params)
    assert answer.status_code == 200, answer.text
    return [case["name"] for case in answer.json()["values"]]


async def case(site: Site, name: str, **fields: Any) -> str:
    """Make a case; return its key."""
    return str((await site.create("/testcases", name=name, **fields))["key"])


@pytest.mark.parametrize(
    ("name", "hits", "misses"),
    [
        ("Zahlungsabwicklung prüfen", ["zahlungsabwicklung", "ZAHLUNG*", "prufen"], ["abwicklung"]),
        ("Straße überqueren", ["strasse", "UBERQUEREN", "straße"], ["stra", "queren"]),
        ("用户登录测试", ["登录", "登录测试", "试", "用户登录测试"], ["录登", "户测"]),
        ("ログイン画面", ["ログイン", "画面", "グイ", "面"], ["ロイン"]),
        ("사용자 로그인", ["사용자", "로그인", "로그"], ["로인"]),
        ("naïve café — 2nd “quoted”", ["naive", "CAFÉ", "cafe quoted", '"quoted"'], ["nai"]),
        ("snake_case_name dash-ed", ["snake case", "case_name", "dash-ed", "ed dash"], ["snak"]),
        ("API: GET /v2/users?id=$ne", ["get /v2/users", "$ne", "id=$ne"], ["ser"]),
        ("хранилище Данных", ["ДАННЫХ", "храни*"], ["нных"]),
    ],
)
async def test_words_are_found_as_people_write_them(
    library: Library, name: str, hits: list[str], misses: list[str]
) -> None:
    site = await library.site()
    await case(site, name)
    await case(site, "something else")
    for text in hits:
        assert await found(site, text=text) == [name], text
        assert await found(site, name=text) == [name], text
    for text in [*misses, f"{hits[0]} missing"]:
        assert await found(site, text=text) == [], text
        assert await found(site, name=text) == [], text


async def test_words_are_found_wherever_they_stand_and_move_with_changes(site: Site) -> None:
    key = await case(
        site,
        "alpha",
        objective="<p>bravo &amp; <b>beta</b></p>",
        precondition="charlie",
        labels=["delta-one", "Smoke"],
    )
    for word in ("alpha", "bravo", "beta", "charlie", "delta", "alpha charlie smoke"):
        assert await found(site, text=word) == ["alpha"], word
    # markup is no text
    assert await found(site, text="amp") == []
    for part, word in (("objective", "bravo"), ("precondition", "charl*"), ("name", "alp*")):
        assert await found(site, **{part: word}) == ["alpha"], part
    for part, word in (("objective", "alpha"), ("name", "bravo"), ("name", "brav*")):
        assert await found(site, **{part: word}) == [], part
    steps = {"mode": "OVERWRITE", "items": [{"inline": {"description": "echo <i>foxtrot</i>"}}]}
    assert (await site.post(f"/testcases/{key}/teststeps", steps)).status_code == 201
    assert await found(site, text="foxtrot alpha") == ["alpha"]
    shown = await site.read(f"/testcases/{key}")
    assert (await site.put(f"/testcases/{key}", shown | {"name": "golf"})).status_code == 200
    assert await found(site, text="alpha") == []
    # the script is what it was
    assert await found(site, text="golf", script="foxtrot") == ["golf"]
    script = {"type": "plain", "text": "hotel"}
    assert (await site.post(f"/testcases/{key}/testscript", script)).status_code == 201
    assert await found(site, script="foxtrot") == []
    assert await found(site, script="hotel", name="golf") == ["golf"]


async def test_keys(site: Site) -> None:
    first = await case(site, "one")
    second = await case(site, "two", objective=f"see {first}, please")
    assert await found(site, text=first) == ["one", "two"]
    assert await found(site, text=f'"{first.lower()}" one') == ["one"]
    assert await found(site, text="DEMO-T99") == []
    assert await found(site, key=first) == ["one"]
    assert await found(site, key=[first, second, "DEMO-T99", "x"]) == ["one", "two"]
    assert await found(site, key="nonsense") == []


@pytest.fixture
async def shelf(site: Site) -> Site:
    """Four cases that differ in everything."""
    top = await site.create("/folders", name="top", folderType="TEST_CASE")
    inner = await site.create("/folders", name="in", folderType="TEST_CASE", parentId=top["id"])
    await site.create("/statuses", name="Ready", type="TEST_CASE")
    for field in (
        {"type": "SINGLE_LINE_TEXT", "name": "Team = x"},
        {"type": "CHECKBOX", "name": "Checked"},
        {"type": "NUMBER", "name": "Size"},
        {"type": "MULTI_CHOICE_SELECT_LIST", "name": "Browser", "options": [{"name": "Fox"}]},
        {"type": "USER_LIST", "name": "Who"},
    ):
        answer = await site.library.http.post(
            "/ostro/v1/testcases/projects/DEMO/custom-fields",
            json={"entity": "test-case", **field},
            headers=site.headers,
        )
        assert answer.status_code == 201, answer.text
    values = {"Team = x": "red", "Checked": True, "Size": 2, "Browser": ["Fox"], "Who": "acc-1"}
    await case(site, "b", labels=["smoke"], folderId=top["id"], priorityName="High")
    await case(site, "d", labels=["Smoke", "slow"], ownerId="acc-1", statusName="Ready")
    await case(site, "a", folderId=inner["id"], ownerId="acc-2", objective="o", precondition="p")
    await case(site, "c", componentId=77, estimatedTime=5, customFields=values)
    return site


async def test_every_filter(shelf: Site) -> None:
    folders = {f["name"]: f["id"] for f in (await shelf.read("/folders"))["values"]}
    ready = (await shelf.read("/statuses", statusType="TEST_CASE"))["values"][-1]["id"]
    now = SystemClock().now()
    before, after = vendor_time(now - timedelta(hours=1)), vendor_time(now + timedelta(hours=1))
    expected: list[tuple[dict[str, Any], str]] = [
        ({}, "bdac"),
        ({"label": "SMOKE"}, "bd"),
        ({"label": ["smoke", "slow"]}, "d"),
        ({"label": "smok"}, ""),
        ({"label": "smoke", "without": "owner"}, "b"),
        ({"without": ["folder", "labels"]}, "c"),
        ({"without": "component"}, "bda"),
        ({"without": ["objective", "precondition", "estimatedTime"]}, "bd"),
        ({"status": "ready"}, "d"),
        ({"status": ["ready", "Draft"]}, "bdac"),
        ({"status": ready}, "d"),
        ({"status": 5}, ""),
        ({"priority": "high"}, "b"),
        ({"owner": "acc-1"}, "d"),
        ({"owner": ["acc-1", "acc-2"]}, "da"),
        ({"componentId": 77}, "c"),
        ({"folderId": folders["top"]}, "b"),
        ({"folderId": folders["top"], "includeSubfolders": True}, "ba"),
        ({"folderId": folders["in"], "includeSubfolders": True}, "a"),
        ({"folderId": folders["in"] + 1}, ""),
        ({"folderId": 5}, ""),
        ({"createdAfter": before, "createdBefore": after}, "bdac"),
        ({"createdAfter": after}, ""),
        ({"updatedBefore": before}, ""),
        ({"updatedAfter": before, "updatedBefore": after}, "bdac"),
        ({"customField": "Team = x=red"}, "c"),
        ({"customField": "Team = x=blue"}, ""),
        ({"customField": "Checked=true"}, "c"),
        ({"customField": "Checked=False"}, "bda"),
        ({"customField": ["Size=2.0", "Browser=fox", "Who=acc-1"]}, "c"),
        ({"customField": "Size=3"}, ""),
    ]
    for params, names in expected:
        for project in ({}, {"projectKey": "DEMO"}):
            assert "".join(await found(shelf, **params, **project)) == names, params


async def test_orders_and_fields(shelf: Site) -> None:
    names = {"key": "bdac", "name": "abcd", "updatedOn": "bdac"}
    everywhere: dict[str, Any] = {}
    for sort, expected in names.items():
        for more in (everywhere, {"projectKey": "DEMO"}, {"createdAfter": "2020-01-01T00:00:00Z"}):
            assert "".join(await found(shelf, sort=sort, **more)) == expected
            assert "".join(await found(shelf, sort=f"-{sort}", **more)) == expected[::-1]
    answer = await asked(shelf, sort="name", fields="key,name", limit=1)
    assert answer.json()["values"] == [{"key": "DEMO-T3", "name": "a"}]
    chosen = await asked(shelf, name="a", fields=["id", "links,key"])
    assert set(chosen.json()["values"][0]) == {"id", "links", "key"}
    # whole items are those of /v2
    whole = (await asked(shelf)).json()["values"]
    assert whole == (await shelf.read("/testcases"))["values"]


@pytest.mark.parametrize("sort", ["key", "-key", "name", "-name", "updatedOn", "-updatedOn"])
async def test_pages_meet_each_once_while_others_write(site: Site, sort: str) -> None:
    for number in range(9):
        await case(site, f"n{number // 3} word")
    seen: list[str] = []
    params: dict[str, Any] = {"text": "word", "sort": sort, "limit": 2, "projectKey": "DEMO"}
    answer = await asked(site, **params)
    while True:
        page = answer.json()
        assert set(page) == {"next", "nextCursor", "limit", "values"}
        seen += [c["key"] for c in page["values"]]
        if page["nextCursor"] is None:
            assert page["next"] is None
            break
        await case(site, "n1 word")
        if len(seen) > 40:
            break
        parts = httpx.URL(page["next"])
        assert page["next"].startswith(site.library.api_base.removesuffix("/v2") + PATH)
        assert parts.params["cursor"] == page["nextCursor"]
        answer = await site.library.http.get(parts.path, params=parts.params, headers=site.headers)
        if sort in {"key", "updatedOn"} and len(seen) >= 10:
            break  # new ones go on coming behind
    assert len(seen) == len(set(seen))
    assert {f"DEMO-T{n}" for n in range(1, 10)} <= set(seen)


async def test_what_may_not_be_seen_is_not_found(library: Library) -> None:
    site = await library.site()
    other = await library.add_project(site.tenant, "OTHER")
    await case(site, "mine word")
    hidden = await case(other, "other word")
    await site.ensure("an-upload", ["provisional word"])
    # by project and number: which project comes first is chance
    assert sorted(await found(site, text="word")) == ["mine word", "other word"]
    assert await found(site, text="word", projectKey="OTHER") == ["other word"]
    limited = site.as_(projects=[site.project])
    assert await found(limited, text="word") == ["mine word"]
    assert await found(limited, text=hidden) == []
    assert await found(limited, key=hidden) == []
    assert fault(await asked(limited, projectKey="OTHER"))[0] == 404
    foreign = await library.site(project=site.project)
    assert await found(foreign, text="word") == []
    answer = await library.http.get(PATH)
    assert answer.status_code == 401
    assert (await asked(site.as_(scopes=["results"]))).status_code == 403


async def test_a_scheme_decides_as_in_lists(library: Library) -> None:
    site = await library.site()
    key = await case(site, "word")
    state = await library.world.project(site.tenant, "SHUT")
    shut = Site(library, site.tenant, state.id, "SHUT", site.headers)
    await shut.until("/testcases", 200, projectKey="SHUT")
    inside = await case(shut, "shut word")
    await library.world.membership(site.tenant)
    edit = Grant(entity=Entity.TEST_CASE, rights=(Right.EDIT,), holder=Holder.USER, id="nobody")
    await library.world.permissions(site.tenant, state, edit)
    await shut.until("/testcases", 403, projectKey="SHUT")
    assert await found(site, text="word") == ["word"]
    # naming what is in there is no way in
    assert await found(site, text=f"{inside}") == []
    for params in ({"projectKey": "SHUT"}, {"key": [key, inside]}, {"folderId": shut.id(1)}):
        assert fault(await asked(site, **params))[0] == 403, params


BAD: list[dict[str, Any]] = [
    {"surplus": "x"},
    {"project_key": "DEMO"},
    {"text": "x" * 501},
    {"text": "!?"},
    {"text": "a*"},
    {"text": " ".join(f"w{n}" for n in range(31))},
    {"name": "-"},
    {"sort": "objective"},
    {"sort": "--name"},
    {"sort": "name,key"},
    {"fields": "key,secret"},
    {"limit": 0},
    {"limit": 1001},
    {"limit": "many"},
    {"cursor": "x"},
    {"cursor": "W10"},
    {"cursor": "WyJrZXkiLG51bGwsMS41XQ"},
    {"cursor": "WyJuYW1lIix7IiRuZSI6MX0sMV0", "sort": "name"},
    {"cursor": "WyJrZXkiLG51bGwsMV0", "sort": "name"},
    {"cursor": "WyJ1cGRhdGVkT24iLCJ4IiwxXQ", "sort": "updatedOn"},
    {"status": "no such"},
    {"priority": "no such"},
    {"customField": "no such=1"},
    {"customField": "x"},
    {"without": "key"},
    {"folderId": "x"},
    {"folderId": 2**63},
    {"componentId": "x"},
    {"createdAfter": "yesterday"},
    {"projectKey": "demo"},
    {"label": ["x"] * 101},
]


async def test_bad_values_are_400(untouched: Site) -> None:
    for params in BAD:
        status, message = fault(await asked(untouched, **params))
        assert status == 400, params
        assert message
    _, message = fault(await asked(untouched, surplus="x"))
    assert message == "surplus is no parameter here"


async def test_what_looks_like_an_operator_is_text(site: Site) -> None:
    await case(site, "plain", labels=["$ne"], ownerId="acc-1")
    for params in (
        {"text": '{"$ne": null}'},
        {"owner": '{"$ne": null}'},
        {"label": '{"$gt": ""}'},
        {"label": ".*"},
        {"text": "pla.*n"},
        {"text": "$where"},
        {"owner": "$owner"},
        {"name": "(pla|x)in"},
    ):
        assert await found(site, **params) == [], params
    for params in ({"owner[$ne]": "x"}, {"text[$regex]": ".*"}):
        assert fault(await asked(site, **params))[0] == 400, params
    assert await found(site, label="$ne") == ["plain"]


async def test_a_search_that_takes_too_long_is_ended(site: Site, stored: Database) -> None:
    row = {"tenant": site.tenant, "project": site.project, "visible": True, "name": "n"}
    rows = [row | {"_id": f"{site.tenant}/slow/{n}", "id": site.id(n + 1)} for n in range(20_000)]
    await stored[TEST_CASES].insert_many(rows)
    page = SearchPage(Order("key"), None, 50, ())
    wanted = CaseSearch([site.project], owners=["nobody"])
    with pytest.raises(Unprocessable, match="narrow"):
        await SearchRepository(stored, 0.001).search(site.tenant, wanted, page)
    await stored[TEST_CASES].delete_many({"tenant": site.tenant})


async def test_words_of_cases_that_have_none_yet_are_added(site: Site, stored: Database) -> None:
    key = await case(site, "older word")
    await stored[TEST_CASES].update_one({"tenant": site.tenant}, {"$unset": {"search": ""}})
    assert await found(site, text="older") == []
    shown = await site.read(f"/testcases/{key}")
    await site.put(f"/testcases/{key}", shown | {"name": "newer word"})
    await asyncio.wait_for(MissingWords(stored).add(), 20)
    assert await found(site, text="newer") == ["newer word"]
