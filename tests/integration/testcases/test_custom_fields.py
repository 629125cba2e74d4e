"""Custom fields: definitions over HTTP, their state topic, and values of test cases."""

import asyncio
from typing import Any

import httpx
import pytest

from contracts.customfields import CustomFieldEntity, CustomFieldType
from contracts.internal import CustomFieldsAnswer, RunsAnswer, RunsRequest
from contracts.permissions import Entity, Right
from contracts.topics import CUSTOM_FIELD_STATE
from kit.auth.principal import Principal, Scope
from kit.kafka.client import Names
from kit.mongo import Database
from tests.harness.grants import to_user
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.testcases.site import Library, Site, fault
from tests.integration.testcases.test_events import events_of
from tests.integration.testcases.test_permissions import state

SELECT = "SINGLE_CHOICE_SELECT_LIST"
SAMPLES: dict[str, Any] = {
    "SINGLE_LINE_TEXT": "l",
    "MULTI_LINE_TEXT": "a<br>b",
    "NUMBER": 7,
    "DECIMAL": 2.5,
    "CHECKBOX": True,
    SELECT: "Red",
    "MULTI_CHOICE_SELECT_LIST": ["Green", "Red"],
    "DATE": "2026-11-24",
    "USER_LIST": ACCOUNT,
}
UNSET: dict[str, Any] = dict.fromkeys(SAMPLES) | {
    "SINGLE_LINE_TEXT": "",
    "MULTI_LINE_TEXT": "",
    "CHECKBOX": False,
}


class Fields:
    """Calls the administration of one site's project."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.path = f"/ostro/v1/testcases/projects/{site.key}/custom-fields"

    async def call(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        return await self.site.library.http.request(
            method, self.path + path, headers=self.site.headers, **more
        )

    async def define(self, kind: str, name: str, **more: Any) -> dict[str, Any]:
        answer = await self.call("POST", json=body(kind, name, **more))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def all(self, **params: Any) -> list[dict[str, Any]]:
        answer = await self.call("GET", params=params)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["values"]
        return found


def body(kind: str, name: str, **more: Any) -> dict[str, Any]:
    options = {"options": [{"name": "Red"}, {"name": "Green"}]} if "SELECT" in kind else {}
    return {"entity": "test-case", "type": kind, "name": name} | options | more


@pytest.fixture
def fields(site: Site) -> Fields:
    return Fields(site)


async def test_every_type_and_entity_can_be_defined_and_reads_back(fields: Fields) -> None:
    for kind in CustomFieldType:
        for entity in CustomFieldEntity:
            made = await fields.define(kind, f"{kind} of", entity=entity, required=True)
            one = await fields.call("GET", f"/{made['id']}")
            assert one.json() == made
            options = made.pop("options")
            assert [o["name"] for o in options] == (["Red", "Green"] if "SELECT" in kind else [])
            assert made["required"] is True
    for entity in CustomFieldEntity:
        found = await fields.all(entity=entity)
        assert [f["type"] for f in found] == list(CustomFieldType)
        assert [f["index"] for f in found] == list(range(len(CustomFieldType)))
    assert len(await fields.all()) == len(CustomFieldType) * len(CustomFieldEntity)


async def test_what_is_sent_is_stored_and_what_is_shown_may_be_sent(fields: Fields) -> None:
    made = await fields.define(SELECT, "Team")
    other = await fields.define("NUMBER", "Build")
    made["options"] = [
        {"name": "Blue", "default": True},
        made["options"][1] | {"archived": True},
        made["options"][0] | {"name": "Rot"},
    ]
    made |= {"name": "Squad", "required": True, "index": 1}
    answer = await fields.call("PUT", f"/{made['id']}", json=made)
    assert answer.status_code == 200, answer.text
    made["options"][0] |= {"id": 3, "archived": False}
    assert answer.json() == made
    assert [f["name"] for f in await fields.all()] == ["Build", "Squad"]
    assert (await fields.call("PUT", f"/{made['id']}", json=made)).json() == made
    assert (await fields.call("GET", f"/{other['id']}")).json()["index"] == 0


async def test_definitions_that_are_refused(fields: Fields) -> None:
    made = await fields.define(SELECT, "Team")
    wrong: list[dict[str, Any]] = [
        {"name": ""},
        {"name": " "},
        {"name": "x" * 256},
        {"name": " TEAM "},
        {"name": None},
        {"type": "TEXT"},
        {"entity": "project"},
        {"index": -1},
        {"index": 2**31},
        {"required": "maybe"},
        {"options": []},
        {"options": [{"name": "a"}, {"name": "A"}]},
        {"options": [{"name": ""}]},
        {"options": [{"name": "a", "id": 0}]},
    ]
    for change in wrong:
        answer = await fields.call("POST", json=body(SELECT, "Other") | change)
        assert fault(answer)[0] == 400, change
    for change in (
        *wrong[:2],
        {"type": "NUMBER"},
        {"entity": "folder"},
        {"options": [{"name": "a"}]},
    ):
        answer = await fields.call("PUT", f"/{made['id']}", json=made | change)
        assert fault(answer)[0] == 400, change
    assert await fields.all() == [made]
    # another entity has names of its own
    await fields.define(SELECT, "Team", entity="test-plan")


EVERY_METHOD = (("GET", None), ("PUT", body("NUMBER", "n")), ("DELETE", None))


async def test_fields_that_are_not_there(fields: Fields, site: Site) -> None:
    made = await fields.define("NUMBER", "Build")
    other = Fields(await site.library.add_project(site.tenant, "OTHER"))
    unknown = Fields(Site(site.library, site.tenant, site.project, "nope", site.headers))
    for ident in (site.id(999), 1, 2**63 - 1):
        for method, sent in EVERY_METHOD:
            answer = await fields.call(method, f"/{ident}", json=sent)
            assert fault(answer)[0] == 404, (method, ident)
    for place in (other, unknown):
        for method, sent in EVERY_METHOD:
            answer = await place.call(method, f"/{made['id']}", json=sent)
            assert fault(answer)[0] == 404
    assert fault(await unknown.call("GET"))[0] == 404
    assert fault(await unknown.call("POST", json=body("NUMBER", "n")))[0] == 404
    assert fault(await fields.call("GET", "/0"))[0] == 400


async def test_another_tenants_fields_are_unknown(twins: tuple[Site, Site]) -> None:
    mine, other = (Fields(site) for site in twins)
    made = await mine.define("NUMBER", "Build")
    assert await other.all() == []
    for method, sent in EVERY_METHOD:
        answer = await other.call(method, f"/{made['id']}", json=sent)
        assert fault(answer)[0] == 404
    status, _ = await other.site.refused("/testcases", name="n", customFields={"Build": 1})
    assert status == 400
    assert await mine.all() == [made]
    case = await other.site.create("/testcases", name="n")
    assert (await other.site.read(f"/testcases/{case['key']}"))["customFields"] == {}


async def test_rights_are_those_of_the_configuration(library: Library) -> None:
    site = await library.site()
    fields = Fields(site)
    made = await fields.define("NUMBER", "Build")
    await library.world.membership(site.tenant)
    await library.world.permissions(
        site.tenant, state(site), to_user(ACCOUNT, Entity.CONFIGURATION, Right.VIEW)
    )
    await site.until("/testcases", 403, projectKey=site.key)
    assert await fields.all() == [made]
    assert fault(await fields.call("POST", json=body("NUMBER", "n")))[0] == 403
    assert fault(await fields.call("PUT", f"/{made['id']}", json=made))[0] == 403
    assert fault(await fields.call("DELETE", f"/{made['id']}"))[0] == 403
    for scopes in (["results"], []):
        answer = await Fields(site.as_(scopes=scopes)).call("GET")
        assert answer.status_code == 403
    assert (await Fields(site.as_(scopes=["read"])).call("DELETE", "/1")).status_code == 403


async def test_values_of_every_type_read_back(fields: Fields, site: Site) -> None:
    for kind in CustomFieldType:
        await fields.define(kind, f"$f.{kind}")
    sent = {f"$f.{kind}": value for kind, value in SAMPLES.items()}
    full = await site.create("/testcases", name="n", customFields=sent)
    empty = await site.create("/testcases", name="n")
    unset = {f"$f.{kind}": value for kind, value in UNSET.items()}
    nulls = await site.create("/testcases", name="n", customFields=dict.fromkeys(sent))
    for case, wanted in ((full, sent), (empty, unset), (nulls, unset)):
        for path in (f"/testcases/{case['key']}", f"/testcases/{case['key']}/versions/1"):
            assert (await site.read(path))["customFields"] == wanted
    for path in ("/testcases", "/testcases/nextgen"):
        page = await site.read(path, projectKey=site.key)
        assert [c["customFields"] for c in page["values"]] == [sent, unset, unset]


async def test_a_field_and_its_options_may_be_renamed_without_losing_values(
    fields: Fields, site: Site
) -> None:
    made = await fields.define(SELECT, "Team")
    case = await site.create("/testcases", name="n", customFields={"Team": "Red"})
    made["options"][0] |= {"name": "Rot", "archived": True}
    await fields.call("PUT", f"/{made['id']}", json=made | {"name": "Squad"})
    assert (await site.read(f"/testcases/{case['key']}"))["customFields"] == {"Squad": "Rot"}
    # an archived option can be taken by nothing new
    status, message = await site.refused("/testcases", name="n", customFields={"Squad": "Rot"})
    assert (status, "Squad" in message) == (400, True)


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("SINGLE_LINE_TEXT", 1, "string"),
        ("MULTI_LINE_TEXT", ["a"], "string"),
        ("NUMBER", "1", "number"),
        ("DECIMAL", True, "number"),
        ("CHECKBOX", "true", "boolean"),
        (SELECT, 1, "string"),
        ("MULTI_CHOICE_SELECT_LIST", "Red", "list"),
        ("DATE", "24.11.2026", "date string"),
        ("USER_LIST", 5, "string"),
    ],
)
async def test_a_wrong_type_is_named(
    fields: Fields, site: Site, kind: str, value: Any, wanted: str
) -> None:
    await fields.define(kind, "Field")
    status, message = await site.refused("/testcases", name="n", customFields={"Field": value})
    assert status == 400
    assert "Field" in message
    assert wanted in message


async def test_every_documented_fault_of_values_on_create(fields: Fields, site: Site) -> None:
    await fields.define("MULTI_CHOICE_SELECT_LIST", "Must", required=True)
    await fields.define(SELECT, "May")
    ok = {"Must": ["Red"]}
    faults: dict[str, Any] = {
        "cf-required-absent": None,
        "cf-required-missing": {"May": "Red"},
        "cf-required-empty": {"Must": None},
        "cf-required-multi-empty": {"Must": []},
        "cf-unknown-name": ok | {"must": ["Red"]},
        "cf-unknown-option": ok | {"May": "Blue"},
        "cf-wrong-type": ok | {"May": ["Red"]},
    }
    for cause, sent in faults.items():
        status, _ = await site.refused("/testcases", name="n", customFields=sent)
        assert status == 400, cause
    assert await site.case_names() == []
    await site.create("/testcases", name="n", customFields=ok)
    # a case that an upload makes has no way to fill them in
    await site.ensure("up", ["made"])
    await site.end("up", "accepted")
    page = await site.read("/testcases", projectKey=site.key)
    assert page["values"][1]["customFields"] == {"Must": None, "May": None}


async def test_a_default_option_is_taken_where_nothing_is_said(fields: Fields, site: Site) -> None:
    options = [{"name": "Red"}, {"name": "Green", "default": True}]
    await fields.define(SELECT, "Team", options=options)
    case = await site.create("/testcases", name="n")
    assert (await site.read(f"/testcases/{case['key']}"))["customFields"] == {"Team": "Green"}
    case = await site.create("/testcases", name="n", customFields={"Team": None})
    assert (await site.read(f"/testcases/{case['key']}"))["customFields"] == {"Team": None}


async def test_accounts_are_stored_apart_from_what_people_wrote(
    fields: Fields, site: Site, stored: Database
) -> None:
    made = await fields.define("USER_LIST", "Who")
    case = await site.create("/testcases", name="n", customFields={"Who": ACCOUNT})
    row = await stored["testcases"].find_one({"tenant": site.tenant, "id": case["id"]})
    assert row is not None
    assert row["custom_fields"] == [{"field": made["id"], "user": ACCOUNT}]


async def test_deleting_says_first_what_hangs_on_it_and_takes_it_along(
    fields: Fields, site: Site, stored: Database, installation: Installation
) -> None:
    made = await fields.define("NUMBER", "Build")
    kept = await fields.define("NUMBER", "Kept")
    for value in (1, 2):
        await site.create("/testcases", name="n", customFields={"Build": value, "Kept": value})
    await site.create("/testcases", name="n")
    dry = await fields.call("DELETE", f"/{made['id']}", params={"dryRun": "true"})
    assert dry.json() == {"id": made["id"], "deleted": False, "values": 2}
    assert await fields.all() == [made, kept]
    done = await fields.call("DELETE", f"/{made['id']}")
    assert done.json() == {"id": made["id"], "deleted": True, "values": 2}
    assert await fields.all() == [kept]
    assert fault(await fields.call("DELETE", f"/{made['id']}"))[0] == 404
    page = await site.read("/testcases", projectKey=site.key)
    assert [c["customFields"] for c in page["values"]] == [{"Kept": 1}, {"Kept": 2}, {"Kept": None}]
    query = {"tenant": site.tenant, "custom_fields.field": made["id"]}
    assert await stored["testcases"].count_documents(query) == 0
    # the name is free again, the id is not used twice
    again = await fields.define("CHECKBOX", "Build")
    assert again["id"] > kept["id"] > made["id"]

    async def gone() -> int:
        return await stored["custom_fields"].count_documents(
            {"tenant": site.tenant, "id": made["id"]}
        )

    await eventually(gone, lambda rows: rows == 0)


async def test_other_services_hear_of_definitions_and_may_ask(
    fields: Fields, site: Site, installation: Installation
) -> None:
    made = await fields.define(SELECT, "Team", entity="test-cycle")
    late = await fields.define("DATE", "When")
    await fields.call("PUT", f"/{made['id']}", json=made | {"name": "Squad"})

    async def told() -> dict[int, str]:
        events = await events_of(installation, CUSTOM_FIELD_STATE, site.tenant)
        return {e.data.id: e.data.name for e in events}

    wanted = {made["id"]: "Squad", late["id"]: "When"}
    assert await eventually(told, lambda found: found == wanted) == wanted
    assert Names(installation.prefix).topic(CUSTOM_FIELD_STATE).endswith("custom-field.state.v1")
    answer = await site.library.internal.get(
        "/internal/v1/custom-fields",
        CustomFieldsAnswer,
        tenant=site.tenant,
        params={"project": site.project},
    )
    assert [(f.id, f.name, f.project) for f in answer.fields] == [
        (late["id"], "When", site.project),
        (made["id"], "Squad", site.project),
    ]
    # along with cases the same ones come, or none to whom the project is closed
    closed = Principal(site.tenant, None, "t", frozenset({Scope.READ}), frozenset({77}))
    for principal, expected in ((None, tuple(answer.fields)), (closed, None)):
        along = await site.library.internal.post(
            "/internal/v1/testcases/runs",
            RunsRequest(cases=(), fields=(site.project,)),
            RunsAnswer,
            tenant=site.tenant,
            principal=principal,
        )
        assert along.fields == expected


async def test_of_many_who_want_one_name_one_gets_it_and_nobody_shares_a_place(
    fields: Fields,
) -> None:
    same = [fields.call("POST", json=body("NUMBER", "One")) for _ in range(6)]
    others = [fields.call("POST", json=body("NUMBER", f"n{i}", index=0)) for i in range(6)]
    answers = await asyncio.gather(*same, *others)
    assert sorted(a.status_code for a in answers) == [201] * 7 + [400] * 5
    found = await fields.all()
    assert sorted(f["index"] for f in found) == list(range(len(found)))
    assert len(found) == 7


async def test_two_who_change_one_field_both_count(fields: Fields) -> None:
    made = await fields.define(SELECT, "Team")
    adding = [
        fields.call(
            "PUT", f"/{made['id']}", json=made | {"options": [*made["options"], {"name": f"o{i}"}]}
        )
        for i in range(4)
    ]
    answers = await asyncio.gather(*adding)
    # who did not know of another's option is told so, and takes nothing away
    assert sorted(a.status_code for a in answers) == [200, 400, 400, 400]
    assert len((await fields.all())[0]["options"]) == 3
