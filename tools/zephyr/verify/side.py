"""One of the two accounts: things by key, with names in place of ids, so that both compare."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tools.zephyr.api import Api
from tools.zephyr.convert.texts import moment, version_of
from tools.zephyr.details import DetailReader
from tools.zephyr.kinds import CASES, CYCLES, EXECUTIONS, LISTED, PLANS, Walked
from tools.zephyr.walks import every
from tools.zephyr.workdir import Row, Source

Facts = dict[str, Any]
_TEXTS = ("name", "objective", "precondition", "description", "comment")
_PLAIN = ("estimatedTime", "executionTime", "automated")
_MOMENTS = ("createdOn", "plannedStartDate", "plannedEndDate", "actualEndDate")
JIRA = frozenset({"issues", "component", "jiraProjectVersion"})
"""What an import into a tenant of another Jira site leaves out."""


class Side:
    """Reads one project of one account."""

    def __init__(self, api: Api, key: str, wanted: Source) -> None:
        self._api = api
        self._key = key
        self._details = DetailReader(api, wanted, None)
        self._names: dict[tuple[str, int], str] = {}
        self._folders: dict[int, Row] = {}
        self._keys: dict[tuple[str, Any], asyncio.Task[str]] = {}

    async def options(self) -> dict[str, Facts]:
        """Read the short lists; return what they hold by list and name, or by a folder's path."""
        found: dict[str, Facts] = {}
        for listed in LISTED:
            rows = await every(self._api, listed.path, projectKey=self._key, **listed.query)
            if listed.name == "folders":
                self._folders = {row["id"]: row for row in rows}
                for row in rows:
                    found[f"folder {row['folderType']} {self._path(row['id'])}"] = {}
                continue
            for row in rows:
                self._names[listed.path, row["id"]] = row["name"]
                found[f"{listed.name} {row['name']}"] = {
                    name: row.get(name) or None
                    for name in ("description", "color", "default", "archived", "index")
                }
        return found

    async def facts(self, kind: Walked, key: str) -> Facts | None:
        """Return all there is of a thing; None where there is no such thing."""
        row = await self._api.find(f"{kind.name}/{key}")
        if row is None:
            return None
        details = await self._details.read(kind, row)
        found = await self._row(row)
        found["testCase"] = version_of(row.get("testCase"))
        found["script"] = _script(details.get("script"))
        found["steps"] = [await self._run_step(step) for step in details.get("steps") or []]
        versions = details.get("versions") or []
        found["versions"] = [
            (v["number"], None if v["content"] is None else await self._row(v["content"]))
            for v in versions
        ]
        # no script of an older version is shown, and its links are those of the newest
        for _, content in found["versions"]:
            for name in ("issues", "webLinks"):
                (content or {}).pop(name, None)
        found["attachments"] = _attachments(details)
        return found

    async def _row(self, row: Row) -> Facts:
        links = row.get("links") or {}
        found: Facts = {name: row.get(name) or None for name in (*_TEXTS, *_PLAIN)}
        found |= {name: moment(row.get(name)) for name in _MOMENTS}
        found["labels"] = row.get("labels") or []
        found["customFields"] = _set(row.get("customFields"))
        for name in ("component", "jiraProjectVersion"):
            found[name] = (row.get(name) or {}).get("id")
        for name in ("owner", "executedById", "assignedToId"):
            value = row.get(name)
            found[name] = value.get("accountId") if isinstance(value, dict) else value or None
        for name, path in (
            ("status", "statuses"),
            ("testExecutionStatus", "statuses"),
            ("priority", "priorities"),
            ("environment", "environments"),
        ):
            found[name] = await self._name(path, row.get(name))
        folder = row.get("folder")
        found["folder"] = self._path(folder["id"]) if folder else None
        found["testCycle"] = await self._key_of(CYCLES, (row.get("testCycle") or {}).get("id"))
        found["issues"] = sorted((x["issueId"], x.get("type")) for x in links.get("issues") or [])
        found["webLinks"] = sorted(
            (x["url"], str(x.get("description")), x.get("type"))
            for x in links.get("webLinks") or []
        )
        for name, kind, ident in (
            ("testCycles", CYCLES, "testCycleId"),
            ("testPlans", PLANS, "testPlanId"),
        ):
            keys = [await self._key_of(kind, x[ident]) for x in links.get(name) or []]
            found[name] = sorted(str(key) for key in keys)
        return found

    async def _run_step(self, step: Row) -> Facts:
        inline = step.get("inline") or {}
        found = {name: inline.get(name) or None for name in (*_STEP_TEXTS, "actualResult")}
        found["testDataRowNumber"] = inline.get("testDataRowNumber")
        found["status"] = await self._name("statuses", inline.get("status"))
        return found

    async def _name(self, path: str, reference: Row | None) -> str | None:
        """The name behind ``{id, self}``, asked for where no list has it."""
        if not reference:
            return None
        ident = reference["id"]
        if (path, ident) not in self._names:
            row = await self._api.find(f"{path}/{ident}")
            self._names[path, ident] = row["name"] if row else "unknown"
        return self._names[path, ident]

    async def _key_of(self, kind: Walked, ident: Any) -> str | None:
        """The key behind an id; many things in flight ask for the same few."""
        if ident is None:
            return None
        if (kind.name, ident) not in self._keys:

            async def ask() -> str:
                row = await self._api.find(f"{kind.name}/{ident}")
                return row["key"] if row else "unknown"

            self._keys[kind.name, ident] = asyncio.create_task(ask())
        return await self._keys[kind.name, ident]

    def _path(self, ident: int) -> str:
        """Names from the root, as in ``a / b``."""
        names: list[str] = []
        while (row := self._folders.get(ident)) is not None and len(names) <= len(self._folders):
            names.insert(0, str(row["name"]))
            ident = row.get("parentId") or 0
        return " / ".join(names) or "unknown"


_STEP_TEXTS = ("description", "testData", "expectedResult", "reflectRef")
KINDS = (CASES, PLANS, CYCLES, EXECUTIONS)


def _script(script: Row | None) -> Any:
    if script is None or script["type"] != "steps":
        return script
    return [_step(step) for step in script["steps"]]


def _step(step: Row) -> Facts:
    inline, call = step.get("inline") or {}, step.get("testCase") or {}
    found: Facts = {name: inline.get(name) or None for name in _STEP_TEXTS}
    found["customFields"] = _set(inline.get("customFields"))
    found["calls"] = call.get("testCaseKey")
    found["parameters"] = [
        {name: p.get(name) for name in ("name", "type", "value")}
        for p in call.get("parameters") or []
    ]
    return found


def _set(values: Mapping[str, Any] | None) -> Facts:
    """What is set: how an unset field looks depends on its type, which may be guessed."""
    return {name: v for name, v in (values or {}).items() if v not in (None, "", False, [])}


def _attachments(details: Row) -> list[tuple[Any, ...]]:
    """Names and content, with the place of the step that a file belongs to."""
    steps = details.get("steps") or (details.get("script") or {}).get("steps") or []
    places = {step.get("id"): place for place, step in enumerate(steps, 1)}
    return sorted(
        (places.get(one["step"], 0) if one["step"] is not None else 0,
         one["name"], one["size"], one["sha256"])
        for one in details.get("attachments") or []
    )  # fmt: skip
