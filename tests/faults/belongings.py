"""One tenant's things of every kind, and what another tenant may try with their ids and keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.integration.executions.uploading import send

MARK = "zq7-secret-mark"
"""Stands in every name and text of the owner."""
VERSION = 31_337
"""Jira's id of a version; the owner's cycle and executions have it."""
ISSUE, ISSUE_KEY = 10_077, "DEMO-77"
"""An issue of the owner's Jira, and of nobody else's."""
OSTRO = "http://ostro.test"
_FILE = (
    f'<testsuite><testcase name="{MARK} one"><failure message="{MARK}">{MARK}</failure></testcase>'
    f'<testcase name="{MARK} two"/></testsuite>'
)


Named = tuple[str, int | str]
"""A kind, and what names a thing of it."""


@dataclass
class Belongings:
    """Ids and keys by what they name: ``cases``, ``cycles``, ``folders``, ..."""

    ids: dict[str, list[int | str]] = field(default_factory=dict)
    inside: dict[Named, set[Named]] = field(default_factory=dict)
    """What is found only under another thing, and under which."""

    def add(self, kind: str, *values: int | str) -> None:
        """Note what names a thing."""
        self.ids.setdefault(kind, []).extend(values)

    @property
    def numbers(self) -> set[int]:
        """Every public id of the owner's things."""
        return {v for values in self.ids.values() for v in values if isinstance(v, int)}


async def make(http: httpx.AsyncClient) -> Belongings:
    """Let a tenant make one of everything."""
    mine = Belongings()
    mine.add("marks", MARK)

    async def create(kind: str, path: str, **fields: Any) -> int:
        answer = await http.post(path, json={"projectKey": "DEMO", "name": f"{MARK} n"} | fields)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        mine.add(kind, made["id"])
        if "key" in made:
            mine.add(f"{kind} by key", made["key"])
        return int(made["id"])

    await _import_nothing(http)
    folder = await create("folders", "/folders", folderType="TEST_CASE")
    cycles = await create("folders", "/folders", folderType="TEST_CYCLE")
    await create("statuses", "/statuses", type="TEST_CASE")
    await create("priorities", "/priorities")
    await create("environments", "/environments")
    await create("cases", "/testcases", folderId=folder, objective=MARK, labels=[MARK])
    part = {"name": f"{MARK} c", "folderId": cycles, "jiraProjectVersion": VERSION}
    answer = await send(http, _FILE, cycle=part)
    assert answer.status_code == 200, answer.text
    cycle = answer.json()["testCycle"]
    mine.add("cycles", cycle["id"])
    mine.add("cycles by key", cycle["key"])
    await _run(http, mine.ids["cases by key"][0], cycle["key"])
    run = {"testCaseKey": mine.ids["cases by key"][0], "testCycleKey": cycle["key"]}
    recorded = await http.post(
        "/testexecutions", json={"projectKey": "DEMO", "statusName": "Pass", "comment": MARK} | run
    )
    assert recorded.status_code == 201, recorded.text
    page = (await http.get("/testexecutions", params={"testCycle": cycle["key"]})).json()
    for execution in page["values"]:
        mine.add("executions", execution["id"])
        mine.add("executions by key", execution["key"])
    for case in (await http.get("/testcases")).json()["values"]:
        mine.add("cases", case["id"])
        mine.add("cases by key", case["key"])
    await _write_text(http, mine)
    await create("plans", "/testplans", objective=MARK, labels=[MARK])
    await _link(http, mine)
    await _attach(http, mine)
    field = await http.post(
        f"{OSTRO}/ostro/v1/testcases/projects/DEMO/custom-fields",
        json={"entity": "test-case", "type": "NUMBER", "name": f"{MARK} f"},
    )
    mine.add("custom fields", field.json()["id"])
    token = await http.post(
        f"{OSTRO}/ostro/v1/tenancy/tokens", json={"name": f"{MARK} t", "scopes": ["read"]}
    )
    mine.add("tokens", token.json()["id"])
    return mine


async def _import_nothing(http: httpx.AsyncClient) -> None:
    """Import the empty project into itself, so that there is an import to look at."""
    for name in ("testcases", "executions"):
        project = f"{OSTRO}/ostro/v1/{name}/projects/DEMO"
        archive = (await http.get(f"{project}/export")).content
        answer = await http.post(f"{project}/import", content=archive)
        assert '"state":"done"' in answer.text, answer.text


async def _run(http: httpx.AsyncClient, case: int | str, cycle: str) -> None:
    """Give a case a step, and record a run of it."""
    texts = dict.fromkeys(("description", "testData", "expectedResult", "reflectRef"), MARK)
    body: dict[str, Any] = {"mode": "OVERWRITE", "items": [{"inline": texts}]}
    answer = await http.post(f"/testcases/{case}/teststeps", json=body)
    assert answer.status_code == 201, answer.text
    body = {"projectKey": "DEMO", "testCaseKey": case, "testCycleKey": cycle, "comment": MARK}
    body |= {"statusName": "Pass"}
    body["testScriptResults"] = [{"statusName": "Fail", "actualResult": MARK}]
    answer = await http.post("/testexecutions", json=body)
    assert answer.status_code == 201, answer.text


async def _write_text(http: httpx.AsyncClient, mine: Belongings) -> None:
    """Make a case whose script is a text: it has no steps to be read."""
    made = await http.post("/testcases", json={"projectKey": "DEMO", "name": f"{MARK} text"})
    key = made.json()["key"]
    body = {"type": "bdd", "text": f"Given {MARK}"}
    answer = await http.post(f"/testcases/{key}/testscript", json=body)
    assert answer.status_code == 201, answer.text
    mine.add("text cases by key", key)


async def _link(http: httpx.AsyncClient, mine: Belongings) -> None:
    """Link one of each to the issue, all but the execution to a page, the plan to the cycle."""
    things = {
        kind: f"/{path}/{mine.ids[f'{kind} by key'][0]}/links"
        for kind, path in (
            ("cases", "testcases"),
            ("cycles", "testcycles"),
            ("plans", "testplans"),
            ("executions", "testexecutions"),
        )
    }
    for kind, path in things.items():
        made = [await http.post(f"{path}/issues", json={"issueId": ISSUE})]
        if kind != "executions":
            page = {"url": f"https://example.org/{MARK}", "description": MARK}
            made.append(await http.post(f"{path}/weblinks", json=page))
        assert {answer.status_code for answer in made} == {201}, [answer.text for answer in made]
        if kind == "plans":
            cycle = {"testCycleIdOrKey": mine.ids["cycles by key"][0]}
            made.append(await http.post(f"{path}/testcycles", json=cycle))
            assert made[-1].status_code == 201, made[-1].text
        if kind != "executions":
            # one route removes links of cycles, plans and executions, each by its own right
            locations = (a.headers.get("location") or a.json()["self"] for a in made)
            mine.add("links", *(int(url.rpartition("/")[2]) for url in locations))
    mine.add("issues by key", ISSUE_KEY)


async def _attach(http: httpx.AsyncClient, mine: Belongings) -> None:
    """Attach a file to every case, step, cycle, plan and execution."""
    for kind, path in (
        ("cases", "testcases"),
        ("cycles", "testcycles"),
        ("plans", "testplans"),
        ("executions", "testexecutions"),
    ):
        for ident, key in zip(mine.ids[kind], mine.ids[f"{kind} by key"], strict=True):
            parents: set[Named] = {(kind, ident), (f"{kind} by key", key)}
            await _attached(http, mine, f"/{path}/{key}", f"attachments of {kind}", parents)
            if kind not in _STEPS:
                continue
            steps = _STEPS[kind]
            for step in await _steps(http, f"/{path}/{key}/teststeps"):
                mine.add(steps, step)
                mine.inside[steps, step] = parents
                path_of_step = f"/{path}/{key}/teststeps/{step}"
                await _attached(
                    http, mine, path_of_step, f"attachments of {steps}", {(steps, step)}
                )


async def _attached(
    http: httpx.AsyncClient, mine: Belongings, path: str, kind: str, parents: set[Named]
) -> None:
    answer = await http.put(f"{path}/attachments/{MARK}", content=MARK.encode())
    assert answer.status_code == 200, answer.text
    ident = answer.json()["id"]
    mine.add(kind, ident)
    mine.inside[kind, ident] = parents


_STEPS = {"cases": "steps", "executions": "execution steps"}
"""What has steps, and what they are called here."""


async def _steps(http: httpx.AsyncClient, path: str) -> list[int]:
    """Return the first step of a case or an execution; an uploaded one has none."""
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    return [step["id"] for step in answer.json()["values"][:1]]


PATH_PARAMETERS: Mapping[str, Sequence[str]] = {
    "testCaseKey": ["cases by key"],
    # a case has one kind of script
    "/v2/testcases/{testCaseKey}/testscript": ["text cases by key"],
    "testCaseIdOrKey": ["cases", "cases by key"],
    "testcases/{testStepId}": ["steps"],
    "testexecutions/{testStepId}": ["execution steps"],
    "testCaseStepId": ["steps"],
    "testExecutionStepId": ["execution steps"],
    "testcases/{attachmentId}": ["attachments of cases"],
    "teststeps/{attachmentId}": ["attachments of steps", "attachments of execution steps"],
    "testcycles/{attachmentId}": ["attachments of cycles"],
    "testexecutions/{attachmentId}": ["attachments of executions"],
    "testplans/{attachmentId}": ["attachments of plans"],
    "testPlanIdOrKey": ["plans", "plans by key"],
    "testCycleIdOrKey": ["cycles", "cycles by key"],
    "testExecutionIdOrKey": ["executions", "executions by key"],
    "issueKey": ["issues by key"],
    "folderId": ["folders"],
    "statuses/{id}": ["statuses"],
    "priorities/{id}": ["priorities"],
    "environments/{id}": ["environments"],
    "projectKey": ["projects by key"],
    "customFieldId": ["custom fields"],
    "optionId": ["statuses"],
    "upload": ["uploads"],
    "tokenId": ["tokens"],
    "erasureId": ["erasures"],
    "linkId": ["links"],
    "projectIdOrKey": ["projects", "projects by key"],
}
"""What stands for each parameter of a path."""
FIXED: Mapping[str, str | int] = {"version": 1, "fileName": 1, "optionType": "TEST_CASE"}
"""Parameters of a path that name nothing of anybody; a file is a new one."""
FILTERS: Mapping[str, Sequence[str]] = {
    "projectKey": ["projects by key"],
    "folderId": ["folders"],
    "testCycle": ["cycles", "cycles by key"],
    "testCase": ["cases", "cases by key"],
    "jiraProjectVersionId": ["versions"],
    "key": ["cases by key"],
    "text": ["marks"],
    "name": ["marks"],
    "label": ["marks"],
}
"""Query parameters that name something."""
NARROWING = frozenset(
    (
        *("objective", "precondition", "script", "status", "priority", "owner", "componentId"),
        *("comment", "environment", "executedById", "assignedToId", "automated"),
        *("customField", "without", "fields", "cursor"),
    )
)
"""Query parameters that name nothing, and leave things out whatever they say."""
NEUTRAL: Mapping[str, str | int] = {
    "startAt": 0,
    "maxResults": 1_000,
    "startAtId": 0,
    "limit": 1_000,
    "since": "2020-01-01T00:00:00Z",
    "updatedAfter": "2020-01-01T00:00:00Z",
    "updatedBefore": "2090-01-01T00:00:00Z",
    "createdAfter": "2020-01-01T00:00:00Z",
    "createdBefore": "2090-01-01T00:00:00Z",
    "includeSubfolders": "true",
    "sort": "-updatedOn",
    "actualEndDateAfter": "2020-01-01T00:00:00Z",
    "actualEndDateBefore": "2090-01-01T00:00:00Z",
    "testDataRowNumber": 0,
    "includeStepLinks": "true",
    "onlyLastExecutions": "true",
    "statusType": "TEST_CASE",
    "folderType": "TEST_CASE",
    "entity": "test-case",
}
"""Query parameters that name nothing, each with a value that leaves the owner's things in."""


def unknown_like(value: int | str) -> str:
    """Return what nothing is named by, in the form of the value."""
    if isinstance(value, int):
        # in the same project, so that only the thing is unknown; of the same kind, which the
        # last bits of a link's id say
        return str((value >> 33 << 33) + 8_000_000 + value % 8 if value >> 33 else value + 1)
    head, dash, tail = value.rpartition("-")
    if dash and tail[1:].isdigit():
        return f"{head}-{tail[0]}8000000"
    return "NOPE" if value.isupper() else "0" * len(value)
