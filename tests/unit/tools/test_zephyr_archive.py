"""The archive of a project as the vendor shows it: a reader takes it, and losses are said."""

import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.ids import number_of
from contracts.transfer import Member, Part, TestCaseRow, TestExecutionRow
from kit.transfer.reading import ArchiveReader, ReadLimits
from tests.unit.tools.zephyr_rows import (
    ACCOUNT,
    case,
    cycle,
    details,
    execution,
    ref,
    version,
    workdir,
)
from tools.zephyr.convert.archive import write
from tools.zephyr.convert.values import inferred
from tools.zephyr.workdir import Row, Workdir, WorkdirError

LIMITS = ReadLimits(1 << 30, 1_000, 1 << 20)
INLINE: Row = {"description": "d", "testData": None, "expectedResult": None, "customFields": {}}


def steps(*given: Row) -> Row:
    return {"type": "steps", "steps": list(given)}


def filled(folder: Path) -> Workdir:
    """A project with what is whole and what is not."""
    folder.mkdir()
    (folder / "files").mkdir()
    (folder / "files" / "one").write_bytes(b"bytes")
    attached = {"id": 4, "name": "../n.png", "file": "one", "size": 5, "step": 501,
                "sha256": hashlib.sha256(b"bytes").hexdigest()}  # fmt: skip
    cases = [
        case(2, customFields={"Team": None}, labels=["a b", "ok"], status=ref("statuses", 99)),
        case(1),
        case(3, name="", owner={"accountId": "wrong account"}, folder=ref("folders", 1)),
    ]
    old = case(1, name="As it was", customFields={"Team": "Blue"})
    call = {"testCaseKey": "OLD-T1", "parameters": [{"name": "p", "type": "NEW", "value": "v"}]}
    lost = {"testCaseKey": "OTHER-T9", "parameters": None}
    runs = [
        execution(1, 1, 1),
        execution(2, 1, 7, environment=ref("environments", 1), actualEndDate=None),
        execution(3, 77, 1),
        execution(4, 2, 1, testCycle=None),
        execution(5, 2, 1, key=None, testCycle=ref("testcycles", 1)),
    ]
    plan = {"id": 5, "key": "OLD-P1", "name": "P", "objective": None, "status": ref("statuses", 15),
            "folder": None, "owner": None, "labels": [], "customFields": {},
            "links": {"webLinks": [], "issues": [], "testCycles": [
                {"id": 1, "testCycleId": 60_001}, {"id": 2, "testCycleId": 60_002},
                {"id": 3, "testCycleId": 60_003}]}}  # fmt: skip
    return workdir(
        folder,
        {
            "testcases": cases,
            "testcases.details": [
                details(
                    cases[1],
                    script=steps({"id": 501, "inline": INLINE, "testCase": None}),
                    versions=[version(1, 556, old), version(2, 560, None)],
                    attachments=[
                        attached,
                        attached | {"id": 5, "step": 999},
                        attached | {"id": 6, "step": None, "size": 0},
                    ],
                ),
                details(
                    cases[0],
                    script=steps(
                        {"id": None, "inline": None, "testCase": call},
                        {"id": 501, "inline": None, "testCase": lost},
                    ),
                    versions=[],
                ),
                details(cases[2], script={"type": "bdd", "text": "Given a"}),
            ],
            "testcycles": [cycle(60_001, "OLD-R3")],
            "testplans": [plan],
            "testexecutions": runs,
            "testexecutions.details": [
                details(runs[0], steps=[{"id": 1, "inline": INLINE | {"status": None}}])
            ],
            "strays": [
                {"path": "testcycles", "type": "", "id": 60_002, "row": {"key": "OTHER-R1"}},
                {"path": "testcycles", "type": "", "id": 60_003, "row": {"key": "GONE-R1"}},
            ],
        },
    )


def rows(path: Path, part: Part) -> dict[Member, list[Any]]:
    """Read an archive as an import does."""
    reader = ArchiveReader(io.BytesIO(path.read_bytes()), part, LIMITS)
    found = {m: [r for batch in reader.batches(m) for r in batch] for m in reader.manifest.members}
    for row in found[Member.ATTACHMENTS]:
        assert b"".join(reader.file(row)) == b"bytes"
    return found


@pytest.fixture
def copied(tmp_path: Path) -> tuple[dict[Member, list[Any]], dict[Member, list[Any]], list[str]]:
    found = filled(tmp_path / "NEW")
    made = write(found, "NEW", "https://jira.example", inferred(found), {"OTHER-R1"})
    library = rows(made.files[Part.LIBRARY], Part.LIBRARY)
    executions = rows(made.files[Part.EXECUTIONS], Part.EXECUTIONS)
    return library, executions, list(made.losses.lines())


def test_the_library(copied: Any) -> None:
    library, _, losses = copied
    one, two, three = library[Member.TEST_CASES]
    assert [(c.key, c.version) for c in (one, two, three)] == [
        ("NEW-T1", 2), ("NEW-T2", 1), ("NEW-T3", 1),
    ]  # fmt: skip
    assert isinstance(one, TestCaseRow)
    assert one.created_on == datetime(2018, 5, 15, 13, 15, 13, tzinfo=UTC)
    assert (one.component_id, one.owner_id) == (10_010, ACCOUNT)
    assert (one.priority_name, one.status_name, two.status_name) == ("Normal", "Draft", "Draft")
    assert one.custom_fields == {"Team": "Red"}
    assert [(x.issue_id, x.url) for x in one.links] == [(1, None), (None, "https://example.org")]
    assert (two.labels, three.name, three.owner_id, three.folder_id) == (
        ("ok",), "NEW-T3", None, None,
    )  # fmt: skip
    folders = {f.name: f for f in library[Member.FOLDERS]}
    assert one.folder_id == folders["In"].id
    assert folders["In"].parent_id == folders["Out"].id
    called, text = two.script.steps
    assert called.test_case.test_case_key == "NEW-T1"
    assert called.test_case.parameters[0].type is None
    assert text.inline.description == "Call to test OTHER-T9"
    assert three.script.text == "Given a"
    (old,) = library[Member.TEST_CASE_VERSIONS]
    assert (old.name, old.version, number_of(old.version_id)) == ("As it was", 1, 556)
    assert old.custom_fields == {"Team": "Blue"}
    (field,) = library[Member.CUSTOM_FIELDS]
    assert {o.name for o in field.options} == {"Red", "Blue"}
    (file,) = library[Member.ATTACHMENTS]
    assert (file.name, file.content_type, file.step_id) == (
        "__n.png", "image/png", one.script.steps[0].id,
    )  # fmt: skip
    assert [o.name for o in library[Member.OPTIONS] if o.type == "TEST_CASE"] == [
        "Draft", "draft (2)",
    ]  # fmt: skip
    assert sum(o.default for o in library[Member.OPTIONS] if o.type == "TEST_CASE") == 1
    told = "\n".join(losses)
    for what in ("labels", "account id", "folder not found", "web link", "empty attachment",
                 "step that is gone", "older version", "name of a TEST_CASE option",
                 "call of a test case", "unknown TEST_CASE option", "name blank"):  # fmt: skip
        assert what in told


def test_the_executions(copied: Any) -> None:
    library, executions, losses = copied
    found = executions[Member.TEST_EXECUTIONS]
    assert all(isinstance(run, TestExecutionRow) for run in found)
    assert [
        (r.key, r.test_case_key, r.test_case_version, r.test_cycle_key, r.environment_name)
        for r in found
    ] == [
        ("NEW-E1", "NEW-T1", 1, "NEW-R3", "Prod"),
        ("NEW-E2", "NEW-T1", 2, "NEW-R3", None),
        ("NEW-E4", "NEW-T2", 1, None, "Prod"),
        ("NEW-E5", "NEW-T2", 1, None, "Prod"),
    ]
    assert found[1].actual_end_date == datetime(2026, 11, 24, tzinfo=UTC)
    assert found[0].steps[0].inline.status_name == "Pass"
    ids = {(c.key, c.version): c.version_id for m in (Member.TEST_CASES, Member.TEST_CASE_VERSIONS)
           for c in library[m]}  # fmt: skip
    assert all(ids[r.test_case_key, r.test_case_version] == r.test_case_version_id for r in found)
    (plan,) = executions[Member.TEST_PLANS]
    assert [link.test_cycle_key for link in plan.links] == ["NEW-R3", "OTHER-R1"]
    told = "\n".join(losses)
    for what in ("a test case that the source does not show", "version that was not read",
                 "without an end", "without a key", "a cycle that is not there",
                 "unknown environment", "test cycle that is not in the target"):  # fmt: skip
        assert what in told


def test_the_same_rows_make_the_same_bytes_and_a_half_reading_makes_none(tmp_path: Path) -> None:
    found = filled(tmp_path / "NEW")
    made = [
        [
            path.read_bytes()
            for path in write(found, "NEW", None, inferred(found), ()).files.values()
        ]
        for _ in range(2)
    ]
    assert made[0] == made[1]
    found.state.finished = False
    with pytest.raises(WorkdirError, match="not wholly read"):
        write(found, "NEW", None, [], ())
