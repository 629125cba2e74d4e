"""Rows as the vendor's API shows them: small ids, nulls, and references that lead nowhere."""

import hashlib
from pathlib import Path
from typing import Any

from tools.zephyr.workdir import Row, Workdir

HOST = "https://api.example/v2"
ACCOUNT = "5b10ac8d82e05b22cc7d4ef5"


def ref(path: str, ident: int) -> Row:
    return {"id": ident, "self": f"{HOST}/{path}/{ident}"}


def case(number: int, **more: Any) -> Row:
    return {
        "id": 70_000 + number,
        "key": f"OLD-T{number}",
        "name": f"Case {number}",
        "project": ref("projects", 138_300),
        "createdOn": "2018-05-15T13:15:13Z",
        "objective": "why<br>",
        "precondition": None,
        "estimatedTime": 3_000,
        "labels": ["ok"],
        "component": ref("components", 10_010),
        "priority": ref("priorities", 21),
        "status": ref("statuses", 11),
        "folder": ref("folders", 33),
        "owner": {"accountId": ACCOUNT, "self": "https://jira.example/u"},
        "testScript": {"self": f"{HOST}/testcases/OLD-T{number}/teststeps"},
        "customFields": {"Team": "Red"},
        "links": {
            "self": "x",
            "issues": [{"issueId": 1, "id": 8, "type": "BLOCKS"}],
            "webLinks": [
                {"url": "https://example.org", "description": "d", "id": 9, "type": "COVERAGE"},
                {"url": "javascript:alert(1)", "id": 10},
            ],
        },
    } | more


def execution(number: int, tested: int, version: int, **more: Any) -> Row:
    return {
        "id": 90_000 + number,
        "key": f"OLD-E{number}",
        "project": ref("projects", 138_300),
        "testCase": {
            "id": 555 + version,
            "self": f"{HOST}/testcases/OLD-T{tested}/versions/{version}",
        },
        "environment": ref("environments", 25),
        "jiraProjectVersion": None,
        "testExecutionStatus": ref("statuses", 14),
        "actualEndDate": "2026-01-02T03:04:05Z",
        "estimatedTime": None,
        "executionTime": 5,
        "executedById": ACCOUNT,
        "assignedToId": None,
        "comment": "c",
        "automated": True,
        "testCycle": ref("testcycles", 60_001),
        "customFields": {},
        "links": {"self": "x", "issues": []},
    } | more


def option(ident: int, name: str, index: int, **more: Any) -> Row:
    return {"id": ident, "name": name, "index": index, "default": index == 0, "archived": False,
            "description": None, "color": "#fff000"} | more  # fmt: skip


def cycle(ident: int, key: str) -> Row:
    return {"id": ident, "key": key, "name": "C", "status": ref("statuses", 13), "folder": None,
            "jiraProjectVersion": None, "description": None, "plannedStartDate": None,
            "plannedEndDate": "2026-01-02T03:04:05Z", "owner": None, "customFields": {},
            "links": {"issues": [], "webLinks": [], "testPlans": []}}  # fmt: skip


def details(row: Row, **more: Any) -> Row:
    return {"id": row["id"], "key": row["key"], "problems": []} | more


def version(number: int, ident: int, content: Row | None) -> Row:
    return {"number": number, "id": ident, "content": content}


def workdir(folder: Path, lists: dict[str, list[Row]]) -> Workdir:
    """Write rows as a reading that has ended does."""
    found = Workdir(folder)
    project = {"id": 138_300, "jiraProjectId": 1, "key": "OLD", "enabled": True}
    basic: dict[str, list[Row]] = {
        "project": [project],
        "statuses.TEST_CASE": [option(11, "Draft", 0), option(12, "draft ", 0)],
        "statuses.TEST_CYCLE": [option(13, "Open", 0)],
        "statuses.TEST_EXECUTION": [option(14, "Pass", 0)],
        "statuses.TEST_PLAN": [option(15, "New", 0)],
        "priorities": [option(21, "Normal", 0)],
        "environments": [option(25, "Prod", 0)],
        "folders": [
            {"id": 33, "name": "In", "folderType": "TEST_CASE", "index": 0, "parentId": 32},
            {"id": 32, "name": "Out", "folderType": "TEST_CASE", "index": 0, "parentId": None},
        ],
    }
    for name, rows in (basic | lists).items():
        found.append(name, rows, 0, done=True)
    found.state.started = "2026-11-24T00:00:00+00:00"
    found.state.finished = True
    found.save()
    return found


INLINE: Row = {"description": "d", "testData": None, "expectedResult": None, "customFields": {}}


def steps(*given: Row) -> Row:
    return {"type": "steps", "steps": list(given)}


def filled(folder: Path) -> Workdir:
    """A project with what is whole and what is not."""
    folder.mkdir()
    (folder / "files").mkdir()
    (folder / "files" / "one").write_bytes(b"bytes")
    return workdir(folder, _library() | _runs())


def _library() -> dict[str, list[Row]]:
    attached = {"id": 4, "name": "../n.png", "file": "one", "size": 5, "step": 501,
                "sha256": hashlib.sha256(b"bytes").hexdigest()}  # fmt: skip
    gone, empty = attached | {"id": 5, "step": 999}, attached | {"id": 6, "step": None, "size": 0}
    two = case(2, customFields={"Team": None}, labels=["a b", "ok"], status=ref("statuses", 99))
    one = case(1)
    three = case(3, name="", owner={"accountId": "wrong account"}, folder=ref("folders", 1))
    old = case(1, name="As it was", customFields={"Team": "Blue"})
    call = {"testCaseKey": "OLD-T1", "parameters": [{"name": "p", "type": "NEW", "value": "v"}]}
    lost = {"testCaseKey": "OTHER-T9", "parameters": None}
    hanging = [
        details(
            one,
            script=steps({"id": 501, "inline": INLINE, "testCase": None}),
            versions=[version(1, 556, old), version(2, 560, None)],
            attachments=[attached, gone, empty],
        ),
        details(
            two,
            script=steps(
                {"id": None, "inline": None, "testCase": call},
                {"id": 501, "inline": None, "testCase": lost},
            ),
            versions=[],
        ),
        details(three, script={"type": "bdd", "text": "Given a"}),
    ]
    return {"testcases": [two, one, three], "testcases.details": hanging}


def _runs() -> dict[str, list[Row]]:
    runs = [
        execution(1, 1, 1),
        execution(2, 1, 7, environment=ref("environments", 1), actualEndDate=None),
        execution(3, 77, 1),
        execution(4, 2, 1, testCycle=None),
        execution(5, 2, 1, key=None, testCycle=ref("testcycles", 1)),
    ]
    links = [{"id": n, "testCycleId": 60_000 + n} for n in (1, 2, 3)]
    plan = {"id": 5, "key": "OLD-P1", "name": "P", "objective": None, "status": ref("statuses", 15),
            "folder": None, "owner": None, "labels": [], "customFields": {},
            "links": {"webLinks": [], "issues": [], "testCycles": links}}  # fmt: skip
    step = {"id": 1, "inline": INLINE | {"status": None}}
    return {
        "testcycles": [cycle(60_001, "OLD-R3")],
        "testplans": [plan],
        "testexecutions": runs,
        "testexecutions.details": [details(runs[0], steps=[step])],
        "strays": [
            {"path": "testcycles", "type": "", "id": 60_002, "row": {"key": "OTHER-R1"}},
            {"path": "testcycles", "type": "", "id": 60_003, "row": {"key": "GONE-R1"}},
        ],
    }
