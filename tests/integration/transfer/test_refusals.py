"""Archives that are not what they should be change nothing; each is refused by name."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from contracts.permissions import Entity, Right
from contracts.transfer import MANIFEST
from kit.auth.principal import Scope
from tests.harness.grants import to_user
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import House, Linked, fault
from tests.integration.transfer import rich
from tests.integration.transfer.moving import (
    changed,
    exported,
    imported,
    opened,
    packed,
    route,
    send,
    walk,
)

Members = dict[str, bytes]
Change = Callable[[Members], object]


def row(member: str, at: int, **fields: Any) -> Change:
    """Change a row; checksums are right afterwards."""

    def change(members: Members) -> None:
        rows = [json.loads(line) for line in members[member].splitlines()]
        rows[at] |= fields
        _write(members, member, rows)

    return change


def rows(member: str, change: Callable[[list[Any]], object]) -> Change:
    """Change the rows of a member."""

    def made(members: Members) -> None:
        found = [json.loads(line) for line in members[member].splitlines()]
        change(found)
        _write(members, member, found)

    return made


def manifest(**fields: Any) -> Change:
    """Change the manifest."""

    def change(members: Members) -> None:
        members[MANIFEST] = json.dumps(json.loads(members[MANIFEST]) | fields).encode()

    return change


def _write(members: Members, member: str, found: list[Any]) -> None:
    content = b"".join(json.dumps(r).encode() + b"\n" for r in found)
    members[member] = content
    facts = json.loads(members[MANIFEST])
    facts["members"][member] = {
        "rows": len(found),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    members[MANIFEST] = json.dumps(facts).encode()


CASES, FOLDERS, OPTIONS = "testCases.jsonl", "folders.jsonl", "options.jsonl"
FIELDS, FILES = "customFields.jsonl", "attachments.jsonl"
LIBRARY: list[tuple[Change, str]] = [
    (manifest(version=2), "version 2"),
    (manifest(format="other"), "version"),
    (manifest(part="executions"), "part"),
    (lambda m: m.pop(MANIFEST), "has no manifest.json"),
    (lambda m: m.pop(CASES), "has no testCases.jsonl"),
    (lambda m: m.update({"../evil": b"x"}), "does not belong"),
    (lambda m: m.update({"attachments/../../evil": b"x"}), "does not belong"),
    (lambda m: m.update({"attachments/99": b"x"}), "no row names"),
    (lambda m: m.update({CASES: m[CASES].replace(b"Steps", b"Stepz")}), "damaged"),
    (lambda m: m.update({CASES: m[CASES][:-20]}), "damaged"),
    (row(CASES, 0, name=7), "name"),
    (row(CASES, 0, name=""), "name"),
    (row(CASES, 0, version="1"), "version"),
    (row(CASES, 0, surprise=True), "surprise"),
    (row(CASES, 0, statusName="No such"), "No such"),
    (row(CASES, 0, folderId=(5 << 33) + 1), "folder"),
    (row(CASES, 0, labels=["a b"]), "label"),
    (row(CASES, 0, customFields={"Nope": 1}), "Nope"),
    (row(CASES, 0, customFields={"Count": "x"}), "Count"),
    (row(CASES, 0, customFields={"Pick": "three"}), "three"),
    (row(CASES, 0, key="DEMO-T9"), "key and id"),
    (row(CASES, 0, ownerId="not an account"), "ownerId"),
    (row(CASES, 0, createdOn="2026-01-01T00:00:00"), "createdOn"),
    (rows(CASES, lambda found: found.append(found[-1])), "sorted"),
    (rows(CASES, lambda found: found.reverse()), "sorted"),
    (rows(CASES, lambda found: found[1].update(versionId=found[0]["versionId"])), "version"),
    (rows(CASES, lambda found: found.pop(3)), "number 4"),
    (rows(CASES, lambda f: f[3].update(script=f[0]["script"])), "step"),
    (
        rows(
            CASES,
            lambda f: f[3].update(
                script={
                    "type": "steps",
                    "steps": [{"id": f[0]["id"] + 900, "testCase": {"testCaseKey": "DEMO-T1"}}],
                }
            ),
        ),
        "calls itself",
    ),
    (
        rows(
            CASES,
            lambda f: f[3].update(
                script={
                    "type": "steps",
                    "steps": [{"id": f[0]["id"] + 900, "testCase": {"testCaseKey": "ELSE-T1"}}],
                }
            ),
        ),
        "ELSE-T1",
    ),
    (rows(CASES, lambda f: f[0]["links"][1].update(url="javascript:alert(1)")), "scheme"),
    (rows(CASES, lambda f: f[0]["links"][0].update(id=f[0]["links"][0]["id"] + 1)), "link"),
    (rows(FOLDERS, lambda f: f[0].update(parentId=f[0]["id"])), "folder"),
    (rows(FOLDERS, lambda f: f[0].update(parentId=f[0]["id"] + 500)), "folder"),
    (rows(OPTIONS, lambda f: f[1].update(name=f[0]["name"])), "name"),
    (rows(OPTIONS, lambda f: f[0].update(type="PRIORITY")), "reserved"),
    (rows(OPTIONS, lambda f: f[1].update(default=True)), "default"),
    (rows(FIELDS, lambda f: f[1].update(name=f[0]["name"])), "name"),
    (rows(FIELDS, lambda f: f[0].update(options=[{"id": 1, "name": "x"}])), "options"),
    (rows(FILES, lambda f: f[0].update(sha256="0" * 64)), "damaged"),
    (rows(FILES, lambda f: f[0].update(size=1)), "damaged"),
    (rows(FILES, lambda f: f[0].update(ownerKey="DEMO-T99")), "owner"),
    (rows(FILES, lambda f: f[0].update(ownerKey="DEMO-R1")), "owner"),
    (rows(FILES, lambda f: f[1].update(stepId=f[1]["stepId"] + 77)), "step"),
    (rows(FILES, lambda f: f[0].update(name="../x")), "fileName"),
]
CYCLES, RUNS, PLANS = "testCycles.jsonl", "testExecutions.jsonl", "testPlans.jsonl"
EXECUTIONS: list[tuple[Change, str]] = [
    (row(RUNS, 0, testCaseKey="DEMO-T99"), "DEMO-T99"),
    (row(RUNS, 0, testCaseKey="ELSE-T1"), "ELSE-T1"),
    (row(RUNS, 0, testCycleKey="DEMO-R99"), "DEMO-R99"),
    (row(RUNS, 0, statusName="No such"), "No such"),
    (row(RUNS, 0, environmentName="No such"), "No such"),
    (row(CYCLES, 0, folderId=(5 << 33) + 1), "project"),
    (rows(CYCLES, lambda f: f[0].update(folderId=f[0]["folderId"] + 700)), "folder"),
    (rows(PLANS, lambda f: f[0]["links"][0].update(testCycleKey="DEMO-R99")), "cycle"),
    (rows(PLANS, lambda f: f[0]["links"][0].update(testCycleKey="ELSE-R1")), "ELSE-R1"),
    (rows(PLANS, lambda f: f[0]["links"][0].update(id=f[0]["links"][0]["id"] + 4)), "link"),
    (rows(RUNS, lambda f: f.append(f[-1])), "sorted"),
    (rows(RUNS, lambda f: f[-1].update(steps=f[-2]["steps"] * 2)), "step"),
]


@pytest.fixture(scope="module")
async def source(house: House) -> Linked:
    """A rich project."""
    made = await house.linked()
    await rich.make(made)
    return made


async def test_what_is_wrong_with_an_archive_is_said_and_nothing_is_changed(
    house: House, source: Linked
) -> None:
    target = await house.linked(project=source.project.id)
    before = await walk(target)
    good = await exported(source, "library")
    for change, word in LIBRARY:
        status, message = fault(await send(target, "library", changed(good, change)))
        assert (status, word in message) == (400, True), (word, message)
    for damaged in (b"", b"PK", good[: len(good) // 2], good[:-10], good[40:]):
        status, message = fault(await send(target, "library", damaged))
        assert status == 400, message
    assert await walk(target) == before
    answer = await target.http.get(route("library", "DEMO", "import"))
    assert answer.status_code == 404

    runs = await exported(source, "executions")
    assert fault(await send(target, "executions", runs))[0] == 400  # no library yet
    await imported(target, "library", good)
    before = await walk(target)
    for change, word in EXECUTIONS:
        status, message = fault(await send(target, "executions", changed(runs, change)))
        assert (status, word in message) == (400, True), (word, message)
    assert await walk(target) == before


async def test_a_zip_of_many_members_or_one_that_swells_is_not_read(
    house: House, source: Linked
) -> None:
    target = await house.linked()
    members = opened(await exported(source, "library"))
    many = packed(members | {f"attachments/{n}": b"" for n in range(1, 100_002)})
    status, message = fault(await send(target, "library", many))
    assert (status, "OSTRO_IMPORT_MAX_MEMBERS" in message) == (413, True)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name, content in members.items():
            if name == CASES:
                with bomb.open(name, "w") as swelling:
                    for _ in range(40):
                        swelling.write(b" " * 1_000_000)
            else:
                bomb.writestr(name, content)
    status, message = fault(await send(target, "library", out.getvalue()))
    assert (status, "longer than" in message) == (413, True)


async def test_a_project_that_is_not_empty_is_left_alone(house: House, source: Linked) -> None:
    target = await house.linked()
    good = {part: await exported(source, part) for part in ("library", "executions")}
    made = await target.http.post("/testcases", json={"projectKey": "DEMO", "name": "mine"})
    assert made.status_code == 201
    status, message = fault(await send(target, "library", good["library"]))
    assert status == 409
    assert "DEMO-T1" in message
    other = await house.linked()
    body = {"projectKey": "DEMO", "name": "Mine"}
    assert (await other.http.post("/environments", json=body)).status_code == 201
    status, message = fault(await send(other, "library", good["library"]))
    assert (status, "Mine" in message) == (409, True)
    third = await house.linked()
    await third.make("testcycles")
    await imported(third, "library", good["library"])
    status, message = fault(await send(third, "executions", good["executions"]))
    assert (status, "DEMO-R1" in message) == (409, True)


async def test_another_jira_site_gets_no_ids_of_the_first(house: House, source: Linked) -> None:
    target = await house.linked()
    done = await imported(target, "library", await exported(source, "library"), jira="auto")
    assert done["leftOut"] == {"issueLinks": 1, "components": 1}
    done = await imported(target, "executions", await exported(source, "executions"), jira="auto")
    assert done["leftOut"] == {"issueLinks": 3, "jiraVersions": 4}
    found = await walk(target)
    case = next(c for c in found["testcases"] if c["key"] == "DEMO-T1")
    assert (case["links"]["issues"], case["component"]) == ([], None)
    assert len(case["links"]["webLinks"]) == 2


async def test_rights_and_scopes_decide(house: House, source: Linked) -> None:
    target = await house.linked()
    archive = await exported(source, "library")
    reader = await target.as_(scopes=[Scope.READ])
    assert fault(await send(reader, "library", archive))[0] == 403
    writer = await target.as_(scopes=[Scope.WRITE])
    answer = await writer.http.get(route("library", "DEMO", "export"))
    assert fault(answer)[0] == 403
    stranger = await house.linked()
    answer = await stranger.http.get(route("library", "NOPE", "export"))
    assert fault(answer)[0] == 404
    await target.permit(to_user(ACCOUNT, Entity.TEST_CASE, *Right))
    assert fault(await send(target, "library", archive))[0] == 403
    answer = await target.http.get(route("executions", "DEMO", "export"))
    assert fault(answer)[0] == 403
