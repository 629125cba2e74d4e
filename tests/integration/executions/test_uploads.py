"""Uploads over real HTTP, Kafka and MongoDB."""

import asyncio
import re
from typing import Any

import pytest

from tests.harness.operator import Operator
from tests.harness.polling import eventually
from tests.integration.executions.conftest import Site
from tests.integration.executions.uploading import (
    JUNIT,
    every,
    junit,
    send,
    status_names,
    uploaded,
    zipped,
)


async def test_a_junit_file_becomes_readable_executions(site: Site) -> None:
    cycle = await uploaded(site.http)
    assert re.fullmatch(r"DEMO-R1", cycle["key"])
    assert cycle["url"].endswith(f"/v2/testcycles/{cycle['id']}")
    found = await every(site.http, "/testexecutions", testCycle=cycle["key"])
    names = await status_names(site.http)
    shown = {names[e["testExecutionStatus"]["id"]]: e for e in found}
    assert set(shown) == {"Pass", "Fail", "Blocked"}
    assert shown["Pass"]["executionTime"] == 250
    assert shown["Fail"]["executionTime"] == 1500
    assert "boom" in shown["Fail"]["comment"]
    assert shown["Pass"]["comment"] is None
    assert shown["Pass"]["automated"] is True
    case = await site.http.get(shown["Pass"]["testCase"]["self"].partition("/v2")[2])
    assert case.json()["name"] == "shop.Cart.adds"
    read = await site.http.get(f"/testcycles/{cycle['key']}")
    assert read.json()["name"] == "Automated Build"


async def test_a_status_made_a_moment_ago_counts(site: Site) -> None:
    await uploaded(site.http)
    new = {"projectKey": "DEMO", "name": "Skipped", "type": "TEST_EXECUTION"}
    made = await site.http.post("/statuses", json=new)
    cycle = await uploaded(site.http)
    found = await every(site.http, "/testexecutions", testCycle=cycle["key"])
    assert made.json()["id"] in {e["testExecutionStatus"]["id"] for e in found}


async def test_a_second_upload_matches_the_cases_of_the_first(site: Site) -> None:
    first = await uploaded(site.http)
    cases = await every(site.http, "/testcases", projectKey="DEMO")
    second = await uploaded(site.http, create=False)
    assert second["key"] != first["key"]
    assert await every(site.http, "/testcases", projectKey="DEMO") == cases
    both = [await every(site.http, "/testexecutions", testCycle=c["key"]) for c in (first, second)]
    assert [e["testCase"] for e in both[0]] == [e["testCase"] for e in both[1]]


async def test_nothing_matches_and_nothing_is_left_behind(site: Site) -> None:
    answer = await send(site.http, create=False)
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert "3" in message
    assert "'shop.Cart.adds'" in message
    assert "autoCreateTestCases" in message
    assert await every(site.http, "/testcycles") == []
    assert await every(site.http, "/testcases") == []


async def test_a_key_that_does_not_exist_refuses_the_lot(site: Site) -> None:
    file = '<testsuite><testcase name="DEMO-T77 is there"/><testcase name="b"/></testsuite>'
    answer = await send(site.http, file)
    assert answer.status_code == 400
    assert "DEMO-T77" in answer.json()["message"]
    assert await every(site.http, "/testcycles") == []
    assert await every(site.http, "/testcases") == []


async def test_a_key_of_another_project_names_no_case_of_this_one(
    site: Site, world: Operator
) -> None:
    await world.project(site.tenant, "OTHER")
    for project in ("DEMO", "OTHER"):
        made = await site.http.post("/testcases", json={"projectKey": project, "name": "first"})
        assert made.json()["key"] == f"{project}-T1"
    for fmt, content in (
        (
            "custom",
            '{"version":1,"executions":[{"result":"Passed","testCase":{"key":"OTHER-T1"}}]}',
        ),
        (
            "cucumber",
            '[{"name":"f","elements":[{"name":"s","tags":[{"name":"@TestCaseKey=OTHER-T1"}]}]}]',
        ),
    ):
        answer = await send(site.http, content, fmt=fmt)
        assert answer.status_code == 400, answer.text
        assert "OTHER-T1" in answer.json()["message"]
    assert await every(site.http, "/testexecutions") == []


async def test_keys_and_names_match_cases(site: Site) -> None:
    made = await site.http.post("/testcases", json={"projectKey": "DEMO", "name": "by key"})
    key = made.json()["key"]
    file = (
        f'<testsuite><testcase classname="a" name="test_{key.replace("-", "_")}[one]"/>'
        f'<testcase classname="a" name="test_{key.replace("-", "_")}[two]"><error>x</error>'
        '</testcase><testcase classname="no" name="match"/></testsuite>'
    )
    cycle = await uploaded(site.http, file, create=False)
    found = await every(site.http, "/testexecutions", testCycle=cycle["key"])
    names = await status_names(site.http)
    assert [names[e["testExecutionStatus"]["id"]] for e in found] == ["Fail"]
    assert f"/testcases/{key}/versions/1" in found[0]["testCase"]["self"]


async def test_the_test_cycle_part_is_used(site: Site) -> None:
    folder = await site.http.post(
        "/folders", json={"name": "f", "projectKey": "DEMO", "folderType": "TEST_CYCLE"}
    )
    part = {
        "name": "Nightly",
        "description": "all of it",
        "folderId": folder.json()["id"],
        "jiraProjectVersion": 10001,
        "customFields": {},
    }
    cycle = await uploaded(site.http, cycle=part)
    read = (await site.http.get(f"/testcycles/{cycle['id']}")).json()
    assert (read["name"], read["description"]) == ("Nightly", "all of it")
    assert read["folder"]["id"] == folder.json()["id"]
    assert read["jiraProjectVersion"]["id"] == 10001
    listed = await every(
        site.http, "/testexecutions", projectKey="DEMO", jiraProjectVersionId=10001
    )
    assert len(listed) == 3


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"folderId": 1}, "Folder 1"),
        ({"folderId": "abc"}, "folderId"),
        ({"folderId": 2**63}, "folderId"),
        ({"jiraProjectVersion": 0}, "jiraProjectVersion"),
        ({"jiraProjectVersion": 2**63}, "jiraProjectVersion"),
        ({"customFields": {"Browser": "x"}}, "Browser"),
    ],
)
async def test_a_bad_test_cycle_part_changes_nothing(
    site: Site, part: dict[str, object], named: str
) -> None:
    answer = await send(site.http, cycle=part)
    assert answer.status_code == 400, answer.text
    assert named in answer.json()["message"]
    assert await every(site.http, "/testcycles") == []
    assert await every(site.http, "/testcases") == []


async def test_a_test_cycle_part_that_is_no_json_is_refused_by_line_and_cause(site: Site) -> None:
    files: dict[str, Any] = {
        "file": ("r.xml", JUNIT),
        "testCycle": (None, '{\n"name": }', "application/json"),
    }
    params = {"projectKey": "DEMO"}
    answer = await site.http.post("/automations/executions/junit", params=params, files=files)
    assert answer.status_code == 400
    assert "testCycle" in answer.json()["message"]
    assert "line 2 column" in answer.json()["message"]


async def test_a_folder_of_another_type_is_refused(site: Site) -> None:
    folder = await site.http.post(
        "/folders", json={"name": "f", "projectKey": "DEMO", "folderType": "TEST_CASE"}
    )
    answer = await send(site.http, cycle={"folderId": folder.json()["id"]})
    assert answer.status_code == 400
    assert "TEST_CYCLE" in answer.json()["message"]


async def test_a_zip_with_several_files(site: Site) -> None:
    data = zipped(target__a_xml=JUNIT, target__sub__b_xml=junit(4))
    cycle = await uploaded(site.http, data, name="results.zip")
    assert len(await every(site.http, "/testexecutions", testCycle=cycle["key"])) == 7


async def test_many_chunks_arrive_each_once(site: Site) -> None:
    cycle = await uploaded(site.http, junit(2_345))
    found = await every(site.http, "/testexecutions", testCycle=cycle["key"], maxResults=1000)
    ids = [e["id"] for e in found]
    assert len(set(ids)) == 2_345
    assert ids == sorted(ids)
    assert {e["key"] for e in found} == {f"DEMO-E{n}" for n in range(1, 2_346)}


async def test_parallel_uploads_of_new_names_make_each_case_once(site: Site) -> None:
    cycles = await asyncio.gather(*(uploaded(site.http, junit(300)) for _ in range(4)))
    cases = await every(site.http, "/testcases", projectKey="DEMO")
    assert len(cases) == 300
    assert len({c["key"] for c in cycles}) == 4
    for cycle in cycles:
        assert len(await every(site.http, "/testexecutions", testCycle=cycle["key"])) == 300


@pytest.mark.parametrize(
    ("content", "fmt", "named"),
    [
        ("<testsuite><testcase", "junit", "line 1"),
        ("<testsuite>\n<testcase name='a'></wrong></testsuite>", "junit", "line 2"),
        ("<html/>", "junit", "html"),
        ("[{", "cucumber", "line 1"),
        ("{}", "custom", "executions"),
        ('{"version":2,"executions":[]}', "custom", "version"),
        ('{"version":1,"executions":[{"source":"s"}]}', "custom", "0"),
        ("<testsuite/>", "junit", "no results"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><testsuite>&a;</testsuite>', "junit", "line 1"),
        ("<a>" * 10_000, "junit", "line 1"),
    ],
)
async def test_malformed_files_are_refused_by_line_and_cause(
    site: Site, content: str, fmt: str, named: str
) -> None:
    answer = await send(site.http, content, fmt=fmt)
    assert answer.status_code == 400, answer.text
    assert named in answer.json()["message"]
    assert await every(site.http, "/testcycles") == []


async def test_unknown_project_is_404_and_another_tenants_looks_the_same(
    site: Site, other_site: Site
) -> None:
    answer = await send(site.http, project="NOPE")
    assert answer.status_code == 404
    cycle = await uploaded(other_site.http)
    for path in (f"/testcycles/{cycle['id']}", f"/testcycles/{cycle['key']}"):
        assert (await site.http.get(path)).status_code == 404
    listed = await site.http.get("/testexecutions", params={"testCycle": cycle["key"]})
    assert listed.json()["values"] == []
    assert await every(site.http, "/testexecutions") == []


async def test_no_token_is_401(site: Site) -> None:
    site.http.headers.pop("authorization")
    answer = await send(site.http)
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}


async def test_over_the_cap_is_413_naming_the_cap(site: Site) -> None:
    answer = await send(site.http, b" " * 2_000_001, fmt="cucumber")
    assert answer.status_code == 413
    assert "2000000" in answer.json()["message"].replace(",", "").replace(" ", "")
    assert "OSTRO_UPLOAD_MAX_CUCUMBER_BYTES" in answer.json()["message"]


async def test_an_archived_status_is_handed_out_no_more(site: Site) -> None:
    await uploaded(site.http)
    given_up = {}
    for kind, name in (("TEST_CYCLE", "Not Executed"), ("TEST_EXECUTION", "Pass")):
        found = await every(site.http, "/statuses", projectKey="DEMO", statusType=kind)
        status = next(s for s in found if s["name"] == name)
        body = status | {"archived": True, "default": False}
        assert (await site.http.put(f"/statuses/{status['id']}", json=body)).status_code == 200
        given_up[kind] = status["id"]
    statuses = await every(site.http, "/statuses", projectKey="DEMO")
    names = {s["id"]: s["name"] for s in statuses}

    async def handed_out() -> tuple[str, set[int]]:
        cycle = await uploaded(site.http)
        runs = await every(site.http, "/testexecutions", testCycle=cycle["key"])
        shown = (await site.http.get(f"/testcycles/{cycle['key']}")).json()["status"]["id"]
        return names[shown], {e["testExecutionStatus"]["id"] for e in runs}

    cycle_status, _ = await eventually(handed_out, lambda f: f[0] != "Not Executed")
    assert cycle_status == "In Progress"
    # the two are told one by one
    _, run_statuses = await eventually(handed_out, lambda f: given_up["TEST_EXECUTION"] not in f[1])
    assert {names[s] for s in run_statuses} == {"Fail", "Blocked"}
