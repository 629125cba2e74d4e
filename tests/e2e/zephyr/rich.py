"""A project with something of everything that the public API can make."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.integration.executions.uploading import junit, uploaded

KEY = "DEMO"
ISSUE = 10_001
FIELDS: Mapping[str, tuple[str, list[Any]]] = {
    "Line": ("SINGLE_LINE_TEXT", ["one", "", "two words", "three"]),
    "Lines": ("MULTI_LINE_TEXT", ["a<br>b", "", "c", ""]),
    "Count": ("NUMBER", [7, None, 0, -3]),
    "Ratio": ("DECIMAL", [2.5, None, 1, 0.125]),
    "Checked": ("CHECKBOX", [True, False, True, False]),
    "Browser": ("SINGLE_CHOICE_SELECT_LIST", ["Firefox", None, "Chrome", "Firefox"]),
    "Systems": ("MULTI_CHOICE_SELECT_LIST", [["Linux", "Mac"], None, ["Mac"], None]),
    "Due": ("DATE", ["2026-11-24", None, "2026-12-01", None]),
    "Reviewer": ("USER_LIST", ["5b10ac8d82e05b22cc7d4ef5", None, None, None]),
}
"""By name: type, and the values that things take by turns."""
OPTIONS = {"Browser": ["Firefox", "Chrome", "Safari"], "Systems": ["Linux", "Mac", "Windows"]}
"""Safari and Windows are had by nothing, so nobody can infer them."""


@dataclass
class Rich:
    """Fills one project by way of a client that may do everything."""

    http: httpx.AsyncClient
    size: int = 24
    issues: bool = True
    """Whether there is a Jira with issues to link to."""

    async def post(self, path: str, **body: Any) -> Any:
        """POST; return the JSON, or None where the answer has none."""
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 201, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def issue(self, path: str) -> None:
        """Link a thing to an issue."""
        if self.issues:
            await self.post(f"{path}/links/issues", issueId=ISSUE)

    async def put(self, path: str, content: bytes) -> None:
        """Attach a file."""
        answer = await self.http.put(
            path, content=content, headers={"content-type": "application/octet-stream"}
        )
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"

    async def fill(self) -> None:
        """Make everything."""
        await self._fields()
        await self._options()
        folders = {kind: await self._folders(kind) for kind in ("CASE", "PLAN", "CYCLE")}
        for number in range(self.size):
            await self.case(number, folders["CASE"])
        await self._scripts()
        await self._hangings()
        await self._cycles(folders["CYCLE"])
        await self._plans(folders["PLAN"])
        await self._runs()

    async def case(self, number: int, folders: list[int]) -> str:
        """Make a case."""
        made = await self.post(
            "/testcases",
            projectKey=KEY,
            name=f"Case {number} <b>&</b> ü",
            objective=None if number % 3 else "why",
            precondition=None if number % 4 else "before",
            estimatedTime=None if number % 2 else 60_000,
            labels=[] if number % 2 else ["smoke", "ui"],
            priorityName="Urgent" if number % 5 == 1 else "Low",
            statusName="Reviewed" if number % 5 == 2 else "Approved",
            folderId=folders[number % len(folders)] if number % 6 else None,
            ownerId=None if number % 2 else "5b10ac8d82e05b22cc7d4ef5",
            customFields=values(number),
        )
        return str(made["key"])

    async def _fields(self) -> None:
        path = f"http://ostro.test/ostro/v1/testcases/projects/{KEY}/custom-fields"
        for entity in ("test-case", "test-plan", "test-cycle", "test-step", "test-execution"):
            for name, (kind, _) in FIELDS.items():
                options = [{"name": o} for o in OPTIONS.get(name, [])]
                await self.post(path, entity=entity, type=kind, name=name, options=options)

    async def _options(self) -> None:
        await self.post(
            "/priorities", projectKey=KEY, name="Urgent", description="d", color="#123456"
        )
        for kind, name in (("TEST_CASE", "Reviewed"), ("TEST_CYCLE", "Half"), ("TEST_PLAN", "Old"),
                           ("TEST_EXECUTION", "Retest")):  # fmt: skip
            await self.post("/statuses", projectKey=KEY, name=name, type=kind, color="#abcdef")
        for name in ("Staging", "Production"):
            await self.post("/environments", projectKey=KEY, name=name, description="where")

    async def _folders(self, kind: str) -> list[int]:
        parent, found = None, []
        for level in range(3):
            made = await self.post(
                "/folders", projectKey=KEY, name=f"Level {level}", folderType=f"TEST_{kind}",
                parentId=parent,
            )  # fmt: skip
            found.append(parent := int(made["id"]))
        return found

    async def _scripts(self) -> None:
        inline = {"description": "do <i>it</i>", "testData": None, "expectedResult": "done"}
        items = [
            {"inline": inline | {"customFields": values(0)}},
            {"inline": {"description": "and again", "customFields": values(2)}},
        ]
        for number in range(1, 6):
            await self.post(f"/testcases/{KEY}-T{number}/teststeps", mode="OVERWRITE", items=items)
        call = {
            "testCase": {
                "testCaseKey": f"{KEY}-T1",
                "parameters": [{"name": "p", "type": "DEFAULT_VALUE", "value": "v"}],
            }
        }
        await self.post(f"/testcases/{KEY}-T6/teststeps", mode="OVERWRITE", items=[call, *items])
        await self.post(f"/testcases/{KEY}-T7/testscript", type="plain", text="in<br>words")
        await self.post(f"/testcases/{KEY}-T8/testscript", type="bdd", text="Given a\nThen b")

    async def _hangings(self) -> None:
        for number in (1, 2):
            case = f"/testcases/{KEY}-T{number}"
            await self.issue(f"{case}")
            await self.post(
                f"{case}/links/weblinks", url="https://example.org/a?b=c", description="d"
            )
            await self.put(f"{case}/attachments/notes%20%C3%BC.txt", f"file {number}".encode())
            steps = (await self.http.get(f"{case}/teststeps")).json()["values"]
            path = f"{case}/teststeps/{steps[0]['id']}/attachments/step.bin"
            await self.put(path, bytes(range(256)) * 2000)

    async def _cycles(self, folders: list[int]) -> None:
        for number in range(3):
            made = await self.post(
                "/testcycles", projectKey=KEY, name=f"Cycle {number}", description="about",
                statusName="Half", folderId=folders[number], customFields=values(number),
                plannedStartDate="2026-11-24T10:00:00Z", ownerId=None,
            )  # fmt: skip
            path = f"/testcycles/{made['key']}"
            await self.issue(f"{path}")
            await self.post(f"{path}/links/weblinks", url="https://example.org/cycle")
            await self.put(f"{path}/attachments/cycle.txt", b"cycle")

    async def _plans(self, folders: list[int]) -> None:
        made = await self.post(
            "/testplans", projectKey=KEY, name="Plan", objective="all", statusName="Old",
            folderId=folders[2], labels=["l"], customFields=values(0),
        )  # fmt: skip
        path = f"/testplans/{made['key']}"
        await self.issue(f"{path}")
        await self.post(f"{path}/links/weblinks", url="https://example.org/plan", description="p")
        await self.post(f"{path}/links/testcycles", testCycleIdOrKey=f"{KEY}-R1")
        await self.put(f"{path}/attachments/plan.txt", b"plan")

    async def _runs(self) -> None:
        await uploaded(self.http, junit(12))
        made = await self.http.get("/testexecutions", params={"projectKey": KEY})
        first = made.json()["values"][0]
        await self.issue(f"/testexecutions/{first['id']}")
        await self.put(f"/testexecutions/{first['id']}/attachments/log.txt", b"log")
        runs = [await self.run(number) for number in (1, 2, 3, 7)]
        run = f"/testexecutions/{runs[0]['id']}"
        steps = (await self.http.get(f"{run}/teststeps")).json()["values"]
        await self.put(f"{run}/teststeps/{steps[1]['id']}/attachments/shot.png", b"shot")

    async def run(self, case: int) -> Any:
        """Record a run of a case, with results of its steps."""
        results = [{"statusName": "Pass"}, {"statusName": "Fail", "actualResult": "red<br>light"}]
        return await self.post(
            "/testexecutions", projectKey=KEY, testCaseKey=f"{KEY}-T{case}",
            testCycleKey=f"{KEY}-R1", statusName="Retest", environmentName="Staging",
            actualEndDate="2026-11-23T10:00:00Z", executionTime=1_500, comment="so <b>so</b>",
            executedById="5b10ac8d82e05b22cc7d4ef5", assignedToId="5b10ac8d82e05b22cc7d4ef5",
            testScriptResults=results if case < 6 else [], customFields=values(case),
        )  # fmt: skip


def values(number: int) -> dict[str, Any]:
    """The custom fields of the number-th thing."""
    return {name: given[number % len(given)] for name, (_, given) in FIELDS.items()}
