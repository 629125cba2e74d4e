"""Attachments: a list, a download and an upload for each of what may have some."""

from typing import Any

from tests.conformance.furniture import ATTACHED
from tests.conformance.stage import MAX_FILE
from tests.conformance.walk import SEEN, Call, Names, Read, Try, Walk, Where, Who, generic

CONTENT = b"a file"
FILE = "walked%20file.txt"
EMPTY = {"body-field-invalid": Try(content=b"")}
NUMBER = generic("path-param-invalid", "path-param-not-number")


def _downloaded(_: Names, __: Call, found: list[Any]) -> None:
    assert found[0].content == b"attached"


def _uploaded(names: Names, _: Call, found: list[Any]) -> None:
    listed, content = found
    assert {"id": names["made"], "name": "walked file.txt"} in listed
    assert content.content == CONTENT
    assert content.headers["content-type"] == "text/x-walk"


def _walks(kind: str, operations: tuple[str, str, str], *causes: dict[str, Try]) -> list[Walk]:
    """List, download and upload; ``causes`` of each."""
    path = f"{ATTACHED[kind]}/attachments"
    file = {"content-type": "text/x-walk"}
    listed, one, put = operations
    return [
        Walk(listed, Call("GET", path), causes[0], (Read(within="attachments"),), check=_first),
        Walk(
            one,
            Call("GET", f"{path}/{{{kind}_file}}"),
            causes[1],
            (Read(),),
            check=_downloaded,
        ),
        Walk(
            put,
            Call("PUT", f"{path}/{FILE}", content=CONTENT, headers=file),
            causes[2],
            (Read(Call("GET", path), "attachments"), Read(Call("GET", f"{path}/{{made}}"))),
            check=_uploaded,
        ),
    ]


def _first(_: Names, __: Call, found: list[Any]) -> None:
    assert found[0][0]["name"] == "a.txt"


def _bare(name: str) -> Try:
    """Ask for what has no attachments."""
    return Try(names={name: f"{{bare_{name}}}"})


def _no_file(path: str) -> str:
    head, _, _ = path.rpartition("/")
    return f"{head}/a..b"


CASE = {"testcase-missing": Try(names={"case": "DEMO-T8000000"})}
PLAN = {"testplan-missing": Try(names={"plan": "DEMO-P8000000"})}
RUN = {"testexecution-missing": Try(names={"run": "{unknown}"})}
BAD_NAME = {"path-param-invalid": Try(path=_no_file)}
MALFORMED = generic("path-param-invalid")

WALKS = (
    *_walks(
        "case",
        (
            "getTestCaseAttachmentsReference",
            "getTestCaseAttachment",
            "uploadTestCaseAttachment",
        ),
        MALFORMED | CASE | SEEN | {"no-attachments": _bare("case")},
        NUMBER,
        BAD_NAME | EMPTY,
    ),
    *_walks(
        "step",
        (
            "getTestCaseTestStepAttachmentsReference",
            "getTestCaseStepAttachment",
            "createTestCaseTestStepAttachment",
        ),
        MALFORMED
        | CASE
        | SEEN
        | {
            "step-missing": Try(names={"step": "{unknown}"}),
            "no-attachments": Try(names={"step": "{bare_step}"}),
        },
        NUMBER,
        BAD_NAME | EMPTY | {"path-param-not-number": Try(names={"step": "x"})},
    ),
    *_walks(
        "cycle",
        ("getTestCycleAttachments", "getTestCycleAttachment", "uploadTestCycleAttachment"),
        {"404": _bare("cycle")},
        {
            "403": Try(where=Where.LOCKED, who=Who.STRANGER),
            "404": Try(names={"cycle_file": "{unknown}"}),
        },
        {
            "400": Try(content=b""),
            "403": Try(where=Where.LOCKED),
            "404": Try(names={"cycle": "DEMO-R8000000"}),
            "file-over-limit": Try(content=bytes(MAX_FILE + 1)),
        },
    ),
    *_walks(
        "plan",
        (
            "getTestPlanAttachmentsReference",
            "getTestPlanAttachment",
            "createTestPlanAttachment",
        ),
        MALFORMED | PLAN | SEEN | {"no-attachments": _bare("plan")},
        NUMBER | {"query-param-invalid": Try(names={"plan_file": 0})},
        BAD_NAME | EMPTY,
    ),
    *_walks(
        "run",
        (
            "getTestExecutionAttachmentsReference",
            "getTestExecutionAttachment",
            "uploadTestExecutionAttachment",
        ),
        MALFORMED | RUN | SEEN | {"no-attachments": _bare("run")},
        MALFORMED | {"query-param-invalid": Try(names={"run_file": 0})},
        EMPTY,
    ),
    *_walks(
        "run_step",
        (
            "getTestExecutionTestStepAttachmentsReference",
            "getTestExecutionStepAttachment",
            "createTestExecutionTestStepAttachment",
        ),
        MALFORMED
        | RUN
        | SEEN
        | {
            "step-missing": Try(names={"run_step": "{unknown}"}),
            "no-attachments": Try(names={"run_step": "{bare_run_step}"}),
        },
        MALFORMED | {"query-param-invalid": Try(names={"run_step_file": 0})},
        EMPTY,
    ),
)
