"""What was sent is what is read: every field, in the form in which answers show it."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.conformance.walk import Names

Shown = Callable[[Names, Mapping[str, Any]], Any]


def _id_of(member: str) -> Shown:
    return lambda _, item: item[member] and item[member]["id"]


def _option(group: str, *members: str) -> Shown:
    def name(names: Names, item: Mapping[str, Any]) -> Any:
        (member,) = [m for m in members if m in item]
        return names["options"][group][item[member]["id"]]

    return name


def _key_in(member: str) -> Shown:
    return lambda _, item: item[member]["self"].split("/")[5]


def _project(names: Names, item: Mapping[str, Any]) -> Any:
    assert item["project"]["id"] == names["project_id"]
    return names["project"]


def _cycle_key(names: Names, item: Mapping[str, Any]) -> Any:
    return names["cycle"] if item["testCycle"]["id"] == names["cycle_id"] else None


def _linked_cycle(names: Names, item: Mapping[str, Any]) -> Any:
    return names["cycle"] if item["testCycleId"] == names["cycle_id"] else None


RENAMED: Mapping[str, Shown] = {
    "projectKey": _project,
    "statusName": _option("statuses", "status", "testExecutionStatus"),
    "priorityName": _option("priorities", "priority"),
    "environmentName": _option("environments", "environment"),
    "folderId": _id_of("folder"),
    "componentId": _id_of("component"),
    "ownerId": lambda _, item: item["owner"]["accountId"],
    "testCaseKey": _key_in("testCase"),
    "testCycleKey": _cycle_key,
    "testCycleIdOrKey": _linked_cycle,
}
"""Fields that answers show under another name or in another form."""
ELSEWHERE = frozenset({"mode", "items", "steps", "testScriptResults"})
"""Fields that are read in places of their own, by the walk's ``check``."""


def compare(names: Names, sent: Mapping[str, Any], item: Mapping[str, Any], also: Names) -> None:
    """Raise ``AssertionError`` where a field reads otherwise than it was sent, or ``also`` says."""
    for name, value in sent.items():
        if name in ELSEWHERE or (name == "type" and "type" not in item):
            # the type of a status is what it was found by
            continue
        shown = RENAMED[name](names, item) if name in RENAMED else item[name]
        if isinstance(shown, Mapping) and name != "customFields":
            key = "accountId" if "accountId" in shown else "id"
            value, shown = value[key] if isinstance(value, Mapping) else value, shown[key]  # noqa: PLW2901  a reference
        assert shown == value, (name, shown, value)
    for name, value in also.items():
        assert item[name] == value, (name, item[name], value)
