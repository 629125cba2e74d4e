"""The archive of a project as the vendor shows it: a reader takes it, and losses are said."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.ids import number_of
from contracts.transfer import Member, Part, TestCaseRow, TestExecutionRow
from kit.transfer.reading import ArchiveReader, ReadLimits
from tests.unit.tools.zephyr_rows import ACCOUNT, filled
from tools.zephyr.convert.archive import write
from tools.zephyr.convert.values import inferred
from tools.zephyr.workdir import WorkdirError

LIMITS = ReadLimits(1 << 30, 1_000, 1 << 20)


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
