"""Exports, imports and comparisons that the tests share."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from contracts.ids import NUMBER_BITS, NUMBER_MASK
from contracts.transfer import MANIFEST
from tests.harness.polling import eventually
from tests.integration.executions.linking import Linked
from tests.integration.executions.uploading import every

OWN = "http://ostro.test/ostro/v1"
PARTS = {"library": "testcases", "executions": "executions"}
_LONG = re.compile(r"\d{10,16}")


def route(part: str, key: str, what: str) -> str:
    """Return the URL of an export or import."""
    return f"{OWN}/{PARTS[part]}/projects/{key}/{what}"


async def exported(linked: Linked, part: str, key: str = "DEMO") -> bytes:
    """Export a part; the archive is whole."""
    answer = await linked.http.get(route(part, key, "export"))
    assert answer.status_code == 200, answer.text
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None
    return answer.content


async def send(
    linked: Linked, part: str, archive: bytes, key: str = "DEMO", jira: str = "keep"
) -> httpx.Response:
    """POST an archive."""
    return await linked.http.post(
        route(part, key, "import"), params={"jira": jira}, content=archive
    )


async def imported(
    linked: Linked, part: str, archive: bytes, key: str = "DEMO", jira: str = "keep"
) -> dict[str, Any]:
    """Import a part; return the last line of the answer."""
    answer = await send(linked, part, archive, key, jira)
    assert answer.status_code == 200, answer.text
    lines = [json.loads(line) for line in answer.text.splitlines()]
    last: dict[str, Any] = lines[-1]
    assert last["state"] == "done", last
    return last


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and message; references that lead to nothing stand beside the message."""
    body = answer.json()
    assert body["errorCode"] == answer.status_code
    assert set(body) - {"references", "count"} == {"errorCode", "message"}, body
    return answer.status_code, body["message"]


def changed(archive: bytes, *changes: Callable[[dict[str, bytes]], object]) -> bytes:
    """Rewrite an archive; each change gets its members by name. Checksums are made anew."""
    members = opened(archive)
    for change in changes:
        change(members)
    return packed(members)


def opened(archive: bytes) -> dict[str, bytes]:
    """Return the members of an archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        return {name: found.read(name) for name in found.namelist()}


def packed(members: Mapping[str, bytes]) -> bytes:
    """Return an archive of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def write(members: dict[str, bytes], member: str, found: list[Any]) -> None:
    """Put rows in the place of a member's; checksums are right afterwards."""
    content = b"".join(json.dumps(r).encode() + b"\n" for r in found)
    members[member] = content
    facts = json.loads(members[MANIFEST])
    facts["members"][member] = {
        "rows": len(found),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    members[MANIFEST] = json.dumps(facts).encode()


async def walk(linked: Linked, key: str = "DEMO") -> dict[str, Any]:
    """Read all that the public API shows of a project; ids are numbers, its key is DEMO."""
    http = linked.http
    found: dict[str, Any] = {}
    for path in ("statuses", "priorities", "environments", "folders"):
        found[path] = await every(http, f"/{path}", projectKey=key)
    fields = await http.get(f"{OWN}/testcases/projects/{key}/custom-fields")
    found["fields"] = fields.json()
    for path, parts in _PARTS.items():
        things = await every(http, f"/{path}", projectKey=key)
        for thing in things:
            for part in parts:
                name = thing["key"] if path != "testexecutions" else thing["id"]
                thing[f"/{part}"] = await _part(http, f"/{path}/{name}", part)
        found[path] = things
    for service, kinds in _ASIDE.items():
        for kind in kinds:
            path = f"{OWN}/{service}/archive/{kind}"
            answer = await http.get(path, params={"projectKey": key, "maxResults": 100})
            assert answer.status_code == 200, answer.text
            archived = answer.json()["values"]
            found[f"archived {kind}"] = [
                {k: v for k, v in one.items() if k != "archivedOn"} for one in archived
            ]
    plain: dict[str, Any] = _plain(found, linked, key)
    return plain


_ASIDE = {
    "testcases": ("testcases", "folders"),
    "executions": ("testplans", "testcycles", "testexecutions"),
}
_PARTS = {
    "testcases": ("versions", "versions/1", "teststeps", "testscript", "links", "attachments"),
    "testplans": ("attachments",),
    "testcycles": ("links", "attachments"),
    "testexecutions": ("teststeps", "links", "attachments"),
}


async def _part(http: httpx.AsyncClient, path: str, part: str) -> Any:
    answer = await http.get(f"{path}/{part}")
    body: Any = answer.json() if answer.status_code == 200 else answer.status_code
    if part == "attachments" and answer.status_code == 200:
        body["bytes"] = [
            (await http.get(f"{path}/attachments/{a['id']}")).content.hex()
            for a in body["attachments"]
        ]
    if part == "teststeps" and answer.status_code == 200:
        for step in body["values"]:
            step["/attachments"] = await _part(http, f"{path}/{part}/{step['id']}", "attachments")
    return body


def _plain(value: Any, linked: Linked, key: str) -> Any:
    """Take out what may differ: the project's part of ids, its key, the site."""
    if isinstance(value, dict):
        return {k: _plain(v, linked, key) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v, linked, key) for v in value]
    if isinstance(value, str):
        text = value.replace(linked.tenant, "TENANT")
        text = re.sub(rf"\b{key}-(?=[TRPE]\d)", "DEMO-", text)
        text = re.sub(r"/projects/\d+", "/projects/ID", text)
        return _LONG.sub(lambda m: str(int(m[0]) & NUMBER_MASK), text)
    if type(value) is int and value >> NUMBER_BITS:
        return ("number", value & NUMBER_MASK)
    return "project" if value == linked.project.id else value


async def until_heard(linked: Linked, key: str, case: int, name: str) -> None:
    """Wait until executions has heard of an imported case."""
    rows = linked.house.database["library_testcases"]
    query = {"tenant": linked.tenant, "id": linked.project.id << NUMBER_BITS | case}

    async def heard() -> Any:
        return await rows.find_one(query)

    row = await eventually(heard, lambda r: r is not None)
    assert row["name"] == name
