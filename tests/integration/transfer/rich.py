"""A project that has one of everything."""

from typing import Any

from tests.integration.executions.linking import Linked

OWN = "http://ostro.test/ostro/v1"
BYTES = bytes(range(256)) * 2_000
OWNER = "5b10ac8d82e05b22cc7d4ef5"
_FIELDS = [
    ("Line", "SINGLE_LINE_TEXT", "x"),
    ("Lines", "MULTI_LINE_TEXT", "a\nb"),
    ("Count", "NUMBER", 7),
    ("Ratio", "DECIMAL", 0.25),
    ("Sure", "CHECKBOX", True),
    ("Pick", "SINGLE_CHOICE_SELECT_LIST", "two"),
    ("Picks", "MULTI_CHOICE_SELECT_LIST", ["one", "two"]),
    ("Day", "DATE", "2026-02-03"),
    ("Who", "USER_LIST", OWNER),
]
VALUES = {name: value for name, _, value in _FIELDS}
FEW = {name: value for name, _, value in _FIELDS[4:6]}


async def make(linked: Linked) -> None:
    """Fill the project DEMO."""
    for entity in ("test-case", "test-step", "test-plan", "test-cycle", "test-execution"):
        # every type once is enough, and two of each entity
        for name, kind, _ in _FIELDS if entity == "test-case" else _FIELDS[4:6]:
            choices = [{"name": n} for n in ("one", "two")] if "SELECT" in kind else []
            await linked.define(entity, kind, name, **({"options": choices} if choices else {}))
    await _options(linked)
    folders = {k: await linked.folder(k) for k in ("TEST_CASE", "TEST_PLAN", "TEST_CYCLE")}
    await _ok(
        linked,
        "/folders",
        projectKey="DEMO",
        folderType="TEST_CASE",
        name="deeper",
        parentId=folders["TEST_CASE"],
    )
    await _cases(linked, folders)
    await _runs(linked, folders)
    await _put_aside(linked)


async def _options(linked: Linked) -> None:
    for path, body in (
        ("statuses", {"type": "TEST_EXECUTION", "name": "Skipped", "color": "#123456"}),
        ("priorities", {"name": "Urgent", "description": "now"}),
        ("environments", {"name": "Chrome"}),
        ("environments", {"name": "Old"}),
    ):
        made = await _ok(linked, f"/{path}", projectKey="DEMO", **body)
        if body["name"] != "Old":
            continue
        shown = (await linked.http.get(f"/environments/{made['id']}")).json()
        answer = await linked.http.put(
            f"/environments/{made['id']}", json=shown | {"name": "Older", "index": 5}
        )
        assert answer.status_code == 200, answer.text
    # a default option is renamed, another one archived
    statuses = (await linked.http.get("/statuses", params={"projectKey": "DEMO"})).json()["values"]
    for name, change in (("Deprecated", {"archived": True}), ("Approved", {"name": "Ready"})):
        found = next(s for s in statuses if s["name"] == name)
        answer = await linked.http.put(f"/statuses/{found['id']}", json=found | change)
        assert answer.status_code == 200, answer.text


async def _cases(linked: Linked, folders: dict[str, int]) -> None:
    await _ok(
        linked,
        "/testcases",
        projectKey="DEMO",
        name="Steps",
        objective="<b>why</b>",
        precondition="before",
        estimatedTime=5_000,
        priorityName="Urgent",
        statusName="Ready",
        folderId=folders["TEST_CASE"],
        ownerId=OWNER,
        labels=["a", "b"],
        componentId=10_100,
        customFields=VALUES,
    )
    for name in ("Plain", "Bdd", "Called", "Bare"):
        await _ok(linked, "/testcases", projectKey="DEMO", name=name)
    items = [
        {"inline": {"description": "d", "testData": "t", "expectedResult": "e"}},
        {"inline": {"description": "f", "customFields": FEW}},
        {
            "testCase": {
                "testCaseKey": "DEMO-T4",
                "parameters": [{"name": "p", "type": "DEFAULT_VALUE", "value": "v"}],
            }
        },
    ]
    await _ok(linked, "/testcases/DEMO-T1/teststeps", mode="OVERWRITE", items=items)
    await _ok(linked, "/testcases/DEMO-T2/testscript", type="plain", text="<p>do</p>")
    bdd = "Given a\nWhen b\nThen c"
    await _ok(linked, "/testcases/DEMO-T3/testscript", type="bdd", text=bdd)
    await _ok(linked, "/testcases/DEMO-T1/links/issues", issueId=10001)
    for more in ({}, {"description": "page"}):
        url = f"https://example.org/{len(more)}"
        await _ok(linked, "/testcases/DEMO-T1/links/weblinks", url=url, **more)
    await attach(linked, "/testcases/DEMO-T1", "case.bin", BYTES)
    steps = (await linked.http.get("/testcases/DEMO-T1/teststeps")).json()["values"]
    await attach(linked, f"/testcases/DEMO-T1/teststeps/{steps[1]['id']}", "step.txt", b"step")


async def _runs(linked: Linked, folders: dict[str, int]) -> None:
    await _ok(
        linked,
        "/testcycles",
        projectKey="DEMO",
        name="Cycle",
        description="what",
        folderId=folders["TEST_CYCLE"],
        statusName="In Progress",
        plannedStartDate="2026-01-02T03:04:05Z",
        plannedEndDate="2026-01-03T03:04:05Z",
        jiraProjectVersion=10_200,
        ownerId=OWNER,
        customFields=FEW,
    )
    await linked.upload(3)
    await _ok(
        linked,
        "/testplans",
        projectKey="DEMO",
        name="Plan",
        objective="o",
        folderId=folders["TEST_PLAN"],
        labels=["x", "x"],
        ownerId=OWNER,
        customFields=FEW,
    )
    run: Any = None
    for case, status in (("DEMO-T1", "Pass"), ("DEMO-T1", "Fail"), ("DEMO-T2", "Skipped")):
        run = await _ok(
            linked,
            "/testexecutions",
            projectKey="DEMO",
            testCaseKey=case,
            testCycleKey="DEMO-R1",
            statusName=status,
            environmentName="Chrome",
            actualEndDate="2026-01-02T03:04:05Z",
            executionTime=12,
            executedById=OWNER,
            assignedToId=OWNER,
            comment="c",
            customFields=FEW,
            testScriptResults=[{"statusName": "Blocked", "actualResult": "no"}],
        )
    await linked.execution_issue(run["id"], 10002)
    await linked.cycle_issue("DEMO-R1")
    await linked.cycle_page("DEMO-R1", description="d")
    await linked.plan_link("DEMO-P1", "testcycles", testCycleIdOrKey="DEMO-R1")
    await linked.plan_link("DEMO-P1", "issues", issueId=10001)
    for path in ("/testcycles/DEMO-R1", "/testplans/DEMO-P1", f"/testexecutions/{run['id']}"):
        await attach(linked, path, "run.log", b"log of " + path.encode())


async def _put_aside(linked: Linked) -> None:
    """Archive a case with a run, a plan, a run, a cycle with runs and a folder."""
    await linked.make("testplans", name="Aside")
    cycle, runs = await linked.upload(4)
    folder = await linked.folder("TEST_CASE")
    for service, path in (
        ("testcases", "testcases/DEMO-T5"),
        ("testcases", "testcases/DEMO-T2"),
        ("testcases", f"folders/{folder}"),
        ("executions", "testplans/DEMO-P2"),
        ("executions", f"testexecutions/{runs[0]}"),
        ("executions", f"testcycles/{cycle}"),
    ):
        answer = await linked.http.post(f"{OWN}/{service}/{path}/archive")
        assert answer.status_code == 200, (path, answer.text)


async def attach(linked: Linked, path: str, name: str, content: bytes) -> None:
    """Attach a file."""
    answer = await linked.http.put(
        f"{path}/attachments/{name}", content=content, headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 200, answer.text


async def _ok(linked: Linked, path: str, **body: Any) -> Any:
    answer = await linked.http.post(path, json=body)
    assert answer.status_code in {200, 201}, (path, answer.text)
    return answer.json()
