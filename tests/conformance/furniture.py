"""One of everything in a project, made over the public API, and what it is called."""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

VERSION = 31_337
"""Jira's id of a version."""
ISSUES = {10_001: "DEMO-1", 10_002: "DEMO-2", 10_003: "DEMO-3"}
"""Issues of the site, by id; everything is linked to the second."""
PAGE = "https://example.org/a?b=c#d"
ENVIRONMENT = "Linux"
OSTRO = "http://ostro.test/ostro/v1"
FIELDS: Mapping[str, Any] = {"Text": "said", "Pick": "Red", "Many": ["Green", "Red"], "Number": 7}
"""A value of each custom field that everything has; all but the last are required."""
_TYPES = {
    "Text": "SINGLE_LINE_TEXT",
    "Pick": "SINGLE_CHOICE_SELECT_LIST",
    "Many": "MULTI_CHOICE_SELECT_LIST",
    "Number": "NUMBER",
}
_WITH_FIELDS = ("test-case", "test-step", "test-cycle", "test-plan", "test-execution")
_CHOSEN = {
    "status_case": ("TEST_CASE", "Approved"),
    "status_cycle": ("TEST_CYCLE", "Done"),
    "status_plan": ("TEST_PLAN", "Approved"),
    "status_run": ("TEST_EXECUTION", "Pass"),
}
_NUMBER = 8_000_000
"""Nothing has so high a number."""


class Furniture:
    """Makes things in one project."""

    def __init__(self, http: httpx.AsyncClient, project: str, project_id: int) -> None:
        self._http = http
        self._values: Mapping[str, Any] = {}
        self._options = itertools.count(1)
        self.names: dict[str, Any] = {
            "project": project,
            "project_id": project_id,
            "version": VERSION,
            "unknown": (project_id << 33) + _NUMBER,
            "unknown_link": (project_id << 33) + _NUMBER + 1,
            **{f"unknown_{kind}": f"{project}-{letter}{_NUMBER}" for kind, letter in _KINDS},
        }

    async def define(self, values: Mapping[str, Any]) -> None:
        """Let everything here have custom fields, and these values."""
        url = f"{OSTRO}/testcases/projects/{self.names['project']}/custom-fields"
        for entity in _WITH_FIELDS:
            for name, kind in _TYPES.items():
                field = {"entity": entity, "type": kind, "name": name, "required": name != "Number"}
                if "CHOICE" in kind:
                    field["options"] = [{"name": "Red"}, {"name": "Green"}]
                answer = await self._http.post(url, json=field)
                assert answer.status_code == 201, answer.text
        self._values = values

    async def everything(self) -> dict[str, Any]:
        """Make one of everything; return its names."""
        await self._configure()
        for kind in ("case", "cycle", "plan"):
            self.names[f"folder_{kind}"] = await self._folder(f"TEST_{kind.upper()}")
        for make in (self.case, self.text_case, self.bdd_case, self.cycle, self.plan):
            self.names |= await make()
        self.names["older_run"] = (await self.run_of(self.names["case"]))["run"]
        # from here on that run is one of an older version
        await self._post(f"{OSTRO}/testcases/testcases/{self.names['case']}/versions")
        self.names |= await self.run_of(self.names["case"])
        for kind, path in ATTACHED.items():
            self.names[f"{kind}_file"] = await self.attached(path.format(**self.names))
        for path in (
            "testcases/{case}",
            "testcycles/{cycle}",
            "testplans/{plan}",
            "testexecutions/{run}",
        ):
            await self._post(f"/{path}/links/issues".format(**self.names), issueId=10_002)
        self.names |= await self.link()
        for make in (self.status, self.priority, self.environment):
            self.names |= await make()
        return self.names

    async def spares(self) -> None:
        """Make what has neither files nor links, and a run that gets test data."""
        for kind in ("case", "cycle", "plan", "run"):
            self.names[f"bare_{kind}"] = (await self.fresh(kind))[kind]
        page = await self._get("/testcases/{case}/teststeps".format(**self.names))
        self.names["bare_step"] = page["values"][1]["id"]
        self.names["run_with_data"] = (await self.run())["run"]

    async def fresh(self, kind: str) -> dict[str, Any]:
        """Make one more of a kind; return its names."""
        makers: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
            "case": self.case,
            "cycle": self.cycle,
            "case_and_cycle": self.case_and_cycle,
            "plan": self.plan,
            "run": self.run,
            "link": self.link,
            "status": self.status,
            "priority": self.priority,
            "environment": self.environment,
        }
        return await makers[kind]()

    async def case(self) -> dict[str, Any]:
        """Make a test case with two steps."""
        key, ident = await self._made(
            "testcases", customFields=self._values, folderId=self.names["folder_case"]
        )
        steps = [
            {"inline": {"description": text, "customFields": self._values}}
            for text in ("first", "next")
        ]
        await self._post(f"/testcases/{key}/teststeps", mode="OVERWRITE", items=steps)
        page = await self._get(f"/testcases/{key}/teststeps")
        return {"case": key, "case_id": ident, "step": page["values"][0]["id"]}

    async def text_case(self) -> dict[str, Any]:
        """Make a test case whose script is a text."""
        return {"text_case": await self._scripted("plain", "said")}

    async def bdd_case(self) -> dict[str, Any]:
        """Make a BDD test case."""
        return {"bdd_case": await self._scripted("bdd", "Given a shop")}

    async def cycle(self) -> dict[str, Any]:
        """Make a test cycle."""
        key, ident = await self._made(
            "testcycles",
            customFields=self._values,
            jiraProjectVersion=VERSION,
            folderId=self.names["folder_cycle"],
        )
        return {"cycle": key, "cycle_id": ident}

    async def plan(self) -> dict[str, Any]:
        """Make a test plan."""
        key, ident = await self._made("testplans", customFields=self._values)
        return {"plan": key, "plan_id": ident}

    async def case_and_cycle(self) -> dict[str, Any]:
        """Make a test case, and a cycle without runs."""
        return await self.case() | await self.cycle()

    async def run(self) -> dict[str, Any]:
        """Make a test execution of a new case, in the cycle, which has a version."""
        case = await self.case()
        return case | await self.run_of(case["case"])

    async def run_of(self, case: str) -> dict[str, Any]:
        """Record one more test execution of a case."""
        made = await self._post(
            "/testexecutions",
            projectKey=self.names["project"],
            testCaseKey=case,
            testCycleKey=self.names["cycle"],
            statusName="Pass",
            customFields=self._values,
        )
        path = f"/testexecutions/{made['id']}"
        steps = (await self._get(f"{path}/teststeps"))["values"]
        key = (await self._get(path))["key"]
        return {
            "run": made["id"],
            "run_key": key,
            "run_step": steps[0]["id"],
            "bare_run_step": steps[1]["id"],
        }

    async def link(self) -> dict[str, Any]:
        """Link a new test case to a page."""
        key, _ = await self._made("testcases", customFields=self._values)
        made = await self._post(f"/testcases/{key}/links/weblinks", url=PAGE)
        return {"link": made["id"], "linked_case": key}

    async def status(self) -> dict[str, Any]:
        """Make a status of test cases."""
        return {"new_status": await self._option("statuses", type="TEST_CASE")}

    async def priority(self) -> dict[str, Any]:
        """Make a priority."""
        return {"new_priority": await self._option("priorities")}

    async def environment(self) -> dict[str, Any]:
        """Make an environment."""
        return {"new_environment": await self._option("environments")}

    async def attached(self, path: str) -> int:
        """Attach a file; return its id."""
        answer = await self._http.put(f"{path}/attachments/a.txt", content=b"attached")
        assert answer.status_code == 200, answer.text
        return int(answer.json()["id"])

    async def _configure(self) -> None:
        self.names["environment"] = await self._option("environments", name=ENVIRONMENT)
        of_project = {"projectKey": self.names["project"], "maxResults": 100}
        options: dict[str, dict[int, str]] = {}
        for kind in ("statuses", "priorities", "environments"):
            page = await self._get(f"/{kind}", **of_project)
            options[kind] = {o["id"]: o["name"] for o in page["values"]}
        self.names["options"] = options
        for name, (kind, wanted) in _CHOSEN.items():
            page = await self._get("/statuses", **of_project, statusType=kind)
            (self.names[name],) = [o["id"] for o in page["values"] if o["name"] == wanted]
        (self.names["priority"],) = [i for i, n in options["priorities"].items() if n == "High"]

    async def _folder(self, kind: str) -> int:
        made = await self._post(
            "/folders", projectKey=self.names["project"], name="f", folderType=kind
        )
        return int(made["id"])

    async def _scripted(self, kind: str, text: str) -> str:
        key, _ = await self._made("testcases", customFields=self._values)
        await self._post(f"/testcases/{key}/testscript", type=kind, text=text)
        return key

    async def _option(self, path: str, name: str = "", **more: str) -> int:
        name = name or f"option {next(self._options)}"
        made = await self._post(f"/{path}", projectKey=self.names["project"], name=name, **more)
        return int(made["id"])

    async def _made(self, path: str, **fields: Any) -> tuple[str, int]:
        made = await self._post(f"/{path}", projectKey=self.names["project"], name="n", **fields)
        return made["key"], made["id"]

    async def _post(self, path: str, **body: Any) -> Any:
        answer = await self._http.post(path, json=body)
        assert answer.status_code == 201, (path, answer.text)
        return answer.json() if answer.content else None

    async def _get(self, path: str, **params: Any) -> Any:
        answer = await self._http.get(path, params=params)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()


_KINDS = (("case", "T"), ("cycle", "R"), ("plan", "P"), ("run", "E"))
ATTACHED = {
    "case": "/testcases/{case}",
    "step": "/testcases/{case}/teststeps/{step}",
    "cycle": "/testcycles/{cycle}",
    "plan": "/testplans/{plan}",
    "run": "/testexecutions/{run}",
    "run_step": "/testexecutions/{run}/teststeps/{run_step}",
}
"""What has a file, and its path."""
