"""What can be wrong with an archive, and a word of what is said of it."""

import json
from collections.abc import Callable
from typing import Any

from contracts.transfer import MANIFEST
from tests.integration.transfer.moving import write

Members = dict[str, bytes]
Change = Callable[[Members], object]


def row(member: str, at: int, **fields: Any) -> Change:
    """Change a row; checksums are right afterwards."""

    def change(members: Members) -> None:
        rows = [json.loads(line) for line in members[member].splitlines()]
        rows[at] |= fields
        write(members, member, rows)

    return change


def rows(member: str, change: Callable[[list[Any]], object]) -> Change:
    """Change the rows of a member."""

    def made(members: Members) -> None:
        found = [json.loads(line) for line in members[member].splitlines()]
        change(found)
        write(members, member, found)

    return made


def manifest(**fields: Any) -> Change:
    """Change the manifest."""

    def change(members: Members) -> None:
        members[MANIFEST] = json.dumps(json.loads(members[MANIFEST]) | fields).encode()

    return change


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
    (
        rows(CASES, lambda found: found.pop(3)),
        "test case DEMO-T1: script.steps.testCase names DEMO-T4",
    ),
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
    (rows(PLANS, lambda f: f[0]["links"][0].update(testCycleKey="DEMO-R99")), "names DEMO-R99"),
    (rows(PLANS, lambda f: f[0]["links"][0].update(testCycleKey="ELSE-R1")), "ELSE-R1"),
    (rows(PLANS, lambda f: f[0]["links"][0].update(id=f[0]["links"][0]["id"] + 4)), "link"),
    (rows(RUNS, lambda f: f.append(f[-1])), "sorted"),
    (rows(RUNS, lambda f: [r.update(steps=r["steps"] * 2) for r in f if "steps" in r]), "step"),
]
