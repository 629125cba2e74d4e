"""Result files and requests full of canaries, and where each canary may be found afterwards."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from contracts.topics import RESULT, TEST_CASE_STATE, USAGE


class Fate(StrEnum):
    """What may become of a text. The names of places are topics and ``database.collection``."""

    NAME = "name of a test case"
    COMMENT = "comment of an execution"
    CYCLE = "name or description of a test cycle"
    AGENT = "user agent, until telemetry has made an anonymous event of it"
    NOWHERE = "not stored, published or logged"


PLACES: Mapping[Fate, frozenset[str]] = {
    Fate.NAME: frozenset(
        {TEST_CASE_STATE.name, "testcases.testcases", "executions.library_testcases"}
    ),
    Fate.COMMENT: frozenset({RESULT.name, "executions.test_executions"}),
    Fate.CYCLE: frozenset({"executions.test_cycles"}),
    Fate.AGENT: frozenset({USAGE.name}),
    Fate.NOWHERE: frozenset(),
}
"""Where it is found in the end; on the way it may pass through an outbox."""


@dataclass(frozen=True)
class Canary:
    """One planted text."""

    name: str
    text: str
    fate: Fate


class Nest:
    """Makes canaries; none is part of another."""

    def __init__(self) -> None:
        self.planted: list[Canary] = []

    def lay(self, fate: Fate, name: str) -> str:
        """Return a new text that stands for something in a file."""
        text = f"canary{len(self.planted):03}{''.join(w[0] for w in name.split())}zq"
        self.planted.append(Canary(name, text, fate))
        return text


def junit(nest: Nest) -> bytes:
    """A JUnit file that has everything the dialects write."""

    def no(name: str) -> str:
        return nest.lay(Fate.NOWHERE, f"junit {name}")

    def comment(name: str) -> str:
        return nest.lay(Fate.COMMENT, f"junit {name}")

    def case(name: str) -> str:
        return nest.lay(Fate.NAME, f"junit {name}")

    return f"""<?xml version="1.0"?>
<!-- {no("xml comment")} -->
<testsuites name="{no("suites name")}">
<testsuite name="{no("suite name")}" hostname="{no("hostname")}" package="{no("package")}"
  id="{no("suite id")}" timestamp="2026-11-24T12:00:00">
<properties><property name="{no("property name")}" value="{no("property value")}"/>
  <property name="user">{no("property text")}</property></properties>
<testcase classname="{case("class")}" name="{case("case")}" file="{no("file")}" time="0.1">
<properties><property name="{no("case property")}" value="{no("its value")}"/></properties>
<failure type="{no("failure type")}" message="{comment("message")}">{comment("failure text")}
  at {comment("stack")}</failure>
<system-out>{no("case stdout")}</system-out><system-err>{no("case stderr")}</system-err>
</testcase>
<testcase name="{case("skipped case")}"><skipped message="{comment("skip")}"/></testcase>
<system-out>{no("suite stdout")}</system-out>
<system-err><![CDATA[{no("suite stderr")}]]></system-err>
</testsuite></testsuites>""".encode()


def cucumber(nest: Nest) -> bytes:
    """A Cucumber report with pictures and locations."""

    def no(name: str) -> str:
        return nest.lay(Fate.NOWHERE, f"cucumber {name}")

    step = {
        "keyword": "Given ",
        "name": nest.lay(Fate.COMMENT, "cucumber failed step"),
        "match": {"location": no("step location")},
        "result": {
            "status": "failed",
            "duration": 1_000_000,
            "error_message": nest.lay(Fate.COMMENT, "cucumber error"),
        },
        "embeddings": [
            {"data": no("picture"), "mime_type": "image/png", "name": no("picture name")}
        ],
        "output": [no("output")],
    }
    scenario = {
        "type": "scenario",
        "keyword": "Scenario",
        "id": no("scenario id"),
        "name": nest.lay(Fate.NAME, "cucumber scenario"),
        "description": no("scenario description"),
        "tags": [{"name": f"@{no('tag')}"}],
        "steps": [step],
    }
    feature = {
        "uri": no("uri"),
        "id": no("feature id"),
        "name": nest.lay(Fate.NAME, "cucumber feature"),
        "description": no("feature description"),
        "elements": [scenario],
    }
    return json.dumps([feature]).encode()


def custom(nest: Nest) -> bytes:
    """The vendor's own format, with fields that it does not have."""
    execution = {
        "source": nest.lay(Fate.NOWHERE, "custom source beside a name"),
        "result": "Failed",
        "testCase": {
            "name": nest.lay(Fate.NAME, "custom name"),
            "comment": nest.lay(Fate.COMMENT, "custom comment"),
            "unknown": nest.lay(Fate.NOWHERE, "custom unknown field"),
        },
        "unknown": nest.lay(Fate.NOWHERE, "custom unknown field beside"),
    }
    body = {"version": 1, "executions": [execution], "x": nest.lay(Fate.NOWHERE, "custom top")}
    return json.dumps(body).encode()


def zipped(nest: Nest, content: bytes, suffix: str) -> bytes:
    """The file in a zip, whose names and comment are canaries, beside one that nobody reads."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{nest.lay(Fate.NOWHERE, 'zip entry name')}.{suffix}", content)
        archive.writestr("notes.txt", nest.lay(Fate.NOWHERE, "other file in the zip"))
        archive.comment = nest.lay(Fate.NOWHERE, "zip comment").encode()
    return data.getvalue()


def body(nest: Nest, content: bytes) -> tuple[str, bytes]:
    """Return Content-Type and a multipart body whose every name is a canary."""

    def no(name: str) -> str:
        return nest.lay(Fate.NOWHERE, f"multipart {name}")

    edge = no("boundary")
    cycle = {
        "name": nest.lay(Fate.CYCLE, "cycle name"),
        "description": nest.lay(Fate.CYCLE, "cycle description"),
        "unknown": nest.lay(Fate.NOWHERE, "cycle unknown field"),
    }
    parts: Sequence[tuple[str, str, bytes]] = (
        (f'name="{no("part name")}"', "text/plain", no("part content").encode()),
        ('name="testCycle"', "application/json", json.dumps(cycle).encode()),
        (f'name="file"; filename="{no("file name")}.xml"', f"x/{no('content type')}", content),
    )
    lines = [
        b"\r\n".join(
            (
                f"--{edge}".encode(),
                f"Content-Disposition: form-data; {disposition}".encode(),
                f"Content-Type: {kind}".encode(),
                f"X-{no('part header')}: {no('part header value')}".encode(),
                b"",
                data,
            )
        )
        for disposition, kind, data in parts
    ]
    return f"multipart/form-data; boundary={edge}", b"\r\n".join(
        [*lines, f"--{edge}--\r\n".encode()]
    )
