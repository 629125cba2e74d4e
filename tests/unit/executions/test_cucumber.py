"""Cucumber JSON: what steps, tags and backgrounds come to."""

import json
from typing import Any

import pytest

from contracts.executions import MAX_COMMENT_BYTES
from kit.errors import InvalidInput
from services.executions.domain.formats import Format
from services.executions.domain.formats.cucumber import (
    LEFT_OUT,
    MAX_FEATURE_COMMENT_BYTES,
    MAX_SCENARIOS,
)
from services.executions.domain.results import ParsedResult
from tests.unit.executions.reading import read

Json = dict[str, Any]


def step(status: str | None = "passed", duration: float | None = None, **extra: object) -> Json:
    """Write a step."""
    result = {"status": status} | ({} if duration is None else {"duration": duration})
    return {"keyword": "When ", "name": "it runs", "result": result | extra} if status else {}


def scenario(*steps: Json, name: str = "S", **extra: object) -> Json:
    """Write a scenario."""
    return {"type": "scenario", "name": name, "steps": list(steps), **extra}


def cucumber(*elements: Json, **feature: object) -> list[ParsedResult]:
    """Read a report of one feature."""
    report = [{"uri": "a.feature", "elements": list(elements), "name": "F", **feature}]
    return read(Format.CUCUMBER, json.dumps(report))


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        (["passed", "passed"], "Pass"),
        (["passed", "failed", "skipped"], "Fail"),
        (["pending", "skipped"], "Skipped"),
        (["passed", "undefined"], "Skipped"),
        (["undefined", "failed"], "Fail"),
        (["ambiguous"], "Fail"),
        (["hook_error"], "Fail"),
        (["PASSED"], "Pass"),
        (["who knows"], "Skipped"),
        ([], "Skipped"),
    ],
)
def test_outcomes(statuses: list[str], outcome: str) -> None:
    """Fail when a step failed, skipped when one did not run, else pass."""
    assert cucumber(scenario(*map(step, statuses)))[0].status == outcome


def test_hooks_count() -> None:
    """cucumber-jvm writes hooks beside the steps."""
    failed = [
        {"result": {"status": "failed", "error_message": "no browser", "duration": 2_000_000}}
    ]
    for hooked in (
        scenario(step(), before=failed),
        scenario(step(), after=failed),
        scenario(step() | {"before": failed}),
        scenario(step() | {"after": failed}),
    ):
        result = cucumber(hooked)[0]
        assert (result.status, result.comment, result.time_ms) == (
            "Fail", "hook: failed<br>no browser", 2,
        )  # fmt: skip


def test_a_background_belongs_to_the_scenario_that_follows() -> None:
    """Its steps ran for that one."""
    background = {"type": "background", "name": "", "steps": [step("failed", 5_000_000)]}
    results = cucumber(background, scenario(step("skipped")), scenario(step(), name="T"))
    assert [(r.name, r.status, r.time_ms) for r in results] == [
        ("F: S", "Fail", 5), ("F: T", "Pass", None),
    ]  # fmt: skip


def test_durations() -> None:
    """Nanoseconds, except from behave, which counts seconds and names no uri."""
    steps = (step(duration=1_500_000), step(duration=2_500_000.0))
    assert cucumber(scenario(*steps))[0].time_ms == 4
    behave = [
        {
            "location": "f:1",
            "name": "F",
            "elements": [scenario(step(duration=0.25), step(duration=0))],
        }
    ]
    assert read(Format.CUCUMBER, json.dumps(behave))[0].time_ms == 250
    for absurd in (-5, 1e300, True, "3"):
        assert cucumber(scenario(step(duration=absurd)))[0].time_ms is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tags", "keys"),
    [
        ([{"name": "@TestCaseKey=ZT-T1"}], ("ZT-T1",)),
        ([{"name": "TestCaseKey=ZT_T1"}, {"name": "@slow"}], ("ZT-T1",)),
        (["@TestCaseKey=Z1-T1", "TestCaseKey=Z2-T2", "TestCaseKey=Z1-T1"], ("Z1-T1", "Z2-T2")),
        (["@TestCaseKey=typo"], ("typo",)),
        (["@TestCaseKey=", "@testcase", 7, None], ()),
        ("nonsense", ()),
    ],
)  # fmt: skip
def test_keys(tags: object, keys: tuple[str, ...]) -> None:
    """Tags are objects or strings, with or without @; a key given explicitly is always told."""
    assert cucumber(scenario(step(), tags=tags))[0].keys == keys


def test_a_feature_tag_holds_for_its_scenarios() -> None:
    """As Gherkin has it; writers that repeat it in each scenario change nothing."""
    tag = [{"name": "@TestCaseKey=ZT-T1"}]
    results = cucumber(scenario(step(), tags=tag), scenario(step(), name="T"), tags=tag)
    assert [r.keys for r in results] == [("ZT-T1",), ("ZT-T1",)]


def test_names() -> None:
    """Feature and scenario name the case to create; the scenario alone matches too."""
    assert [(r.name, r.alternative_names) for r in cucumber(scenario(step()))] == [("F: S", ("S",))]
    assert [(r.name, r.alternative_names) for r in cucumber(scenario(step()), name="")] == [
        ("S", ())
    ]


@pytest.mark.parametrize(
    "extras",
    [
        [{"id": "f;s;;2", "line": 7}, {"id": "f;s;;3", "line": 8}],
        [{"id": "f;s", "line": 7}, {"id": "f;s", "line": 8}],
        [{"id": "test_s[1-1]"}, {"id": "test_s[2-9]"}],
        [{"name": "S -- @1.1 "}, {"name": "S -- @1.2 "}],
    ],
)
def test_examples_of_an_outline_fold(extras: list[Json]) -> None:
    """However the writer tells them apart."""
    rows = [
        scenario(step("failed", 1_000_000, error_message="boom"), **extras[0]),
        scenario(step("passed", 1_000_000), **extras[1]),
    ]
    (result,) = cucumber(*rows)
    assert (result.status, result.time_ms, result.name) == ("Fail", 2, "F: S")
    assert result.comment is not None
    assert result.comment.endswith("When it runs: failed<br>boom")


def test_scenarios_apart_stay_apart() -> None:
    """Of other rules, other keys, other features, other names."""
    report = [
        {"name": "F", "elements": [
            scenario(step(), id="f;rule-1;s"), scenario(step(), id="f;rule-2;s"),
            scenario(step(), tags=["TestCaseKey=ZT-T1"]),
            scenario(step(), tags=["TestCaseKey=ZT-T2"]),
        ]},
        {"name": "F", "elements": [scenario(step(), id="f;rule-1;s")]},
    ]  # fmt: skip
    assert len(read(Format.CUCUMBER, json.dumps(report))) == 5


def test_error_messages() -> None:
    """behave may write lines as a list; half an emoji does not refuse the file."""
    lines = scenario(step("failed", error_message=["<one>", "two"]))
    assert cucumber(lines)[0].comment == "When it runs: failed<br>&lt;one&gt;<br>two"
    half = json.dumps(
        [{"name": "F", "elements": [scenario(step("failed", error_message="x\ud83d"))]}]
    )
    assert read(Format.CUCUMBER, half)[0].comment == "When it runs: failed<br>x?"


def test_a_feature_without_end() -> None:
    """Scenarios wait for the feature's name, so there may not be any number."""
    data = '[{"elements": [' + ",".join(["{}"] * (MAX_SCENARIOS + 1)) + "]}]"
    with pytest.raises(InvalidInput, match="a feature of more than 100000 scenarios"):
        read(Format.CUCUMBER, data)


def test_text_of_one_feature_is_bounded() -> None:
    """A scenario beyond the room keeps its outcome and says that its text is missing."""
    room = MAX_FEATURE_COMMENT_BYTES // MAX_COMMENT_BYTES
    message = "x" * 2 * MAX_COMMENT_BYTES
    failing = (
        scenario(step("failed", error_message=message), name=f"S{n}") for n in range(room + 3)
    )
    results = cucumber(*failing)
    assert [r.status for r in results] == ["Fail"] * (room + 3)
    assert [n for n, r in enumerate(results) if r.comment == LEFT_OUT] == [room, room + 1, room + 2]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "line 1: expected an array of features"),
        ("{}", "line 1: expected an array of features"),
        ("[\n1]", "line 2: expected an object, found '1'"),
        ('[{"elements":\n[3]}]', "line 2: an element of a feature is not an object"),
        ('[{"name": "F"}\n', "line 2: expected ',' or ']', found the end"),
        ('[{"elements": [\n{"name": \n"a" "b"}]}]', "line 3: "),
        ('[{"name": "F"}] more', "line 1: unexpected text after the end"),
        ('[{"tags": [' + ",".join(f'"TestCaseKey=ZT-T{n}"' for n in range(60)) + "]}]",
         "more than 50 test case keys"),
    ],
)  # fmt: skip
def test_malformed(document: str, message: str) -> None:
    """A refusal names the line and the cause."""
    with pytest.raises(InvalidInput) as refusal:
        read(Format.CUCUMBER, document)
    assert message in refusal.value.message
