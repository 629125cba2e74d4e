"""What the tests of test executions that are recorded one by one share."""

from typing import Any

import httpx
import jsonschema

from contracts.testcases import DEFAULT_OPTIONS
from tests.integration.executions.linking import Linked
from tests.integration.executions.shapes import EXECUTION, EXECUTION_STEP, LINK_MADE, offset_list

MADE = LINK_MADE
"""Id and self, never a key."""


def status_id(linked: Linked, name: str) -> int:
    """Return a default status of executions."""
    found = next(d for d in DEFAULT_OPTIONS if (d.name, d.type) == (name, "TEST_EXECUTION"))
    return found.id(linked.project.id)


async def case_with(linked: Linked, *steps: str | dict[str, Any], **fields: Any) -> str:
    """Make a case with steps (none: the one empty step of a new case); return its key."""
    body = {"projectKey": "DEMO", "name": "c"} | fields
    answer = await linked.http.post("/testcases", json=body)
    assert answer.status_code == 201, answer.text
    key = str(answer.json()["key"])
    if steps:
        await write_steps(linked, key, *steps)
    return key


async def write_steps(linked: Linked, case: str, *steps: str | dict[str, Any]) -> None:
    """Overwrite the steps of a case: texts, or items as they are sent."""
    items = [{"inline": {"description": s}} if isinstance(s, str) else s for s in steps]
    body = {"mode": "OVERWRITE", "items": items}
    answer = await linked.http.post(f"/testcases/{case}/teststeps", json=body)
    assert answer.status_code == 201, answer.text


async def write_text(linked: Linked, case: str, kind: str, text: str) -> None:
    """Give a case a plain or BDD script."""
    body = {"type": kind, "text": text}
    answer = await linked.http.post(f"/testcases/{case}/testscript", json=body)
    assert answer.status_code == 201, answer.text


async def post(linked: Linked, **body: Any) -> httpx.Response:
    """POST an execution; ``...`` leaves a field out."""
    sent = {
        "projectKey": "DEMO",
        "testCaseKey": "DEMO-T1",
        "testCycleKey": "DEMO-R1",
        "statusName": "Pass",
    } | body
    return await linked.http.post(
        "/testexecutions", json={k: v for k, v in sent.items() if v is not ...}
    )


async def run(linked: Linked, **body: Any) -> int:
    """Record an execution; return its id."""
    answer = await post(linked, **body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    jsonschema.validate(made, MADE)
    assert made["self"].endswith(f"/v2/testexecutions/{made['id']}")
    assert answer.headers["location"] == made["self"]
    return int(made["id"])


async def shown(linked: Linked, run: int | str) -> Any:
    """Read an execution."""
    return await linked.read(f"/testexecutions/{run}", EXECUTION)


async def steps_of(linked: Linked, run: int | str, **params: Any) -> list[Any]:
    """Read the steps of an execution."""
    answer = await linked.http.get(
        f"/testexecutions/{run}/teststeps", params={"maxResults": 1_000} | params
    )
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), offset_list(EXECUTION_STEP))
    found: list[Any] = answer.json()["values"]
    return found


async def results_of(linked: Linked, run: int | str) -> list[tuple[str | None, str, str | None]]:
    """Read the steps as text, name of the status and actual result."""
    names = {d.id(linked.project.id): d.name for d in DEFAULT_OPTIONS}
    inline = [step["inline"] for step in await steps_of(linked, run)]
    return [(s["description"], names[s["status"]["id"]], s["actualResult"]) for s in inline]


async def put_steps(linked: Linked, run: int | str, *steps: Any) -> httpx.Response:
    """PUT results of steps."""
    return await linked.http.put(
        f"/testexecutions/{run}/teststeps", json={"steps": [dict(step) for step in steps]}
    )


async def sync(linked: Linked, run: int | str) -> httpx.Response:
    """Pull the present script in."""
    return await linked.http.post(f"/testexecutions/{run}/teststeps/sync")
