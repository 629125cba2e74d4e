"""Plants tokens through every entrance of the system's public side."""

import asyncio
import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx
from fastapi.routing import iter_route_contexts

from contracts.catalogue import CATALOGUE, Source
from devstack.jira.demo import TESTER
from tests.faults import canaries
from tests.faults.canaries import Fate, Nest
from tests.harness.canary_tokens import Kind, Planter
from tests.privacy.scene import Scene
from tools.docs.openapi import public_apps

EVENTS = "/ostro/v1/telemetry/events"
PAGE = "/connect/pages/api-tokens"
_PARAMETER = re.compile(r"\{[^}]+\}")
_AT_ONCE = 8


def headers_of(planter: Planter, at: str, agent: Kind = Kind.NOWHERE) -> dict[str, str]:
    """Return headers that say a lot about a person."""

    def no(name: str) -> str:
        return f"{at}, header {name}"

    return {
        "user-agent": f"Mozilla/5.0 ({planter.word(no('user-agent'), agent)}) Firefox/131.0",
        "x-forwarded-for": f"{planter.address(no('x-forwarded-for'))}, 203.0.113.9",
        "forwarded": f'for="[{planter.address(no("forwarded"))}]"',
        "x-real-ip": planter.address(no("x-real-ip")),
        "cookie": f"session={planter.secret(no('cookie'))}; user={planter.word(no('cookie 2'))}",
        "x-request-id": planter.word(no("x-request-id")),
        "x-correlation-id": planter.word(no("x-correlation-id")),
        "referer": f"https://{planter.word(no('referer'))}.atlassian.net/browse/A-1",
        "from": planter.mail(no("from")).encode("ascii", "replace").decode(),
        "traceparent": f"00-{planter.account(no('traceparent'), Kind.USAGE)}00000001"
        "-00f067aa0ba902b7-01",
        "tracestate": f"vendor={planter.word(no('tracestate'))}",
        "baggage": f"user={planter.word(no('baggage'))}",
        f"x-{planter.word(no('name'))}": "1",
        "accept-language": planter.word(no("accept-language")),
    }


async def operations() -> Sequence[tuple[str, str]]:
    """Return method and path of every public operation of the four services."""
    found: list[tuple[str, str]] = []
    async with public_apps() as apps:
        for app in apps.values():
            for context in iter_route_contexts(app.routes):
                methods = sorted((context.methods or set()) - {"HEAD", "OPTIONS"})
                found += [(method, context.path or "") for method in methods]
    return found


async def every_operation(scene: Scene) -> int:
    """Send each operation what it refuses, with and without a credential; return how many."""
    tried = await operations()
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(method: str, path: str, *, known: bool) -> None:
        async with limit:
            await _refused(scene, method, path, known=known)

    await asyncio.gather(
        *(one(m, p, known=known) for (m, p), known in itertools.product(tried, (False, True)))
    )
    return len(tried)


async def _refused(scene: Scene, method: str, path: str, *, known: bool) -> None:
    planter, at = scene.planter, f"{method} {path}{' with a token' if known else ''}"
    url = _PARAMETER.sub(lambda _: quote(planter.any(f"{at}, path"), safe=""), path)
    headers = headers_of(planter, at)
    if not known:
        headers["authorization"] = f"Bearer {planter.secret(f'{at}, authorization')}"
    query = {
        planter.word(f"{at}, name in the query"): planter.mail(f"{at}, query"),
        "projectKey": planter.word(f"{at}, projectKey"),
        "jwt": planter.secret(f"{at}, jwt"),
    }
    values = {
        name: planter.any(f"{at}, {name}") for name in ("name", "projectKey", "comment", "email")
    }
    values |= {planter.word(f"{at}, name of a field"): planter.any(f"{at}, unknown field")}
    body = json.dumps({**values, "events": [values], "nested": [[{"a": [values]}]]})
    if known and method == "DELETE":
        return  # the first part of a path may be what is there
    await scene.http.request(
        method,
        f"http://ostro.test{url}",
        params=query,
        headers={**headers, "content-type": "application/json"},
        content=None if method == "GET" else body[: None if known else -5],
    )


class TokensOfUploads(Nest):
    """Lays tokens where result files have texts."""

    def __init__(self, planter: Planter) -> None:
        super().__init__()
        self._planter = planter

    def lay(self, fate: Fate, name: str) -> str:
        """Return a token of the kind that fits."""
        kind = {Fate.NOWHERE: Kind.NOWHERE, Fate.AGENT: Kind.USAGE}.get(fate, Kind.CONTENT)
        return self._planter.word(f"upload, {name}", kind)


async def uploads(scene: Scene, times: int) -> None:
    """Upload results in every format, bare and zipped."""
    formats = {"junit": canaries.junit, "cucumber": canaries.cucumber, "custom": canaries.custom}
    nest = TokensOfUploads(scene.planter)
    for _, (fmt, build), zipped in itertools.product(range(times), formats.items(), (False, True)):
        content = build(nest)
        if zipped:
            content = canaries.zipped(nest, content, "xml" if fmt == "junit" else "json")
        kind, data = canaries.body(nest, content)
        answer = await scene.http.post(
            f"/automations/executions/{fmt}",
            params={"projectKey": "DEMO", "autoCreateTestCases": True},
            content=data,
            headers={
                **headers_of(scene.planter, f"upload {fmt}", Kind.USAGE),
                "content-type": kind,
            },
        )
        assert answer.status_code == 200, answer.text


async def _made(scene: Scene, path: str, at: str, **body: Any) -> dict[str, Any]:
    answer = await scene.http.post(path, json=body, headers=headers_of(scene.planter, at))
    assert answer.is_success, f"{path}: {answer.text}"
    return dict(answer.json() if answer.content else {})


async def library(scene: Scene, times: int) -> list[str]:
    """Write content as customers do; return keys of cases."""

    def text(name: str) -> str:
        return scene.planter.any(f"content, {name}", Kind.CONTENT)

    keys = []
    for _ in range(times):
        case = await _made(
            scene,
            "/testcases",
            "create test case",
            projectKey="DEMO",
            name=text("name of a case"),
            objective=text("objective"),
            precondition=text("precondition"),
            labels=[scene.planter.word("content, label", Kind.CONTENT)],
            ownerId=TESTER,
        )
        keys.append(case["key"])
        cycle = await _made(
            scene,
            "/testcycles",
            "create test cycle",
            projectKey="DEMO",
            name=text("name of a cycle"),
            description=text("description of a cycle"),
        )
        await _made(
            scene,
            "/testexecutions",
            "create test execution",
            projectKey="DEMO",
            testCaseKey=case["key"],
            testCycleKey=cycle["key"],
            statusName="Fail",
            comment=text("comment"),
        )
        await _made(
            scene,
            f"/testcases/{case['key']}/links/weblinks",
            "create web link",
            url=f"https://x.example/{scene.planter.word('content, URL', Kind.CONTENT)}",
            description=text("description of a link"),
        )
        await _attached(scene, case["key"])
    for issue in (10001, 10002):
        await _made(scene, f"/testcases/{keys[0]}/links/issues", "link an issue", issueId=issue)
    return keys


async def _attached(scene: Scene, key: str) -> None:
    name = scene.planter.word("name of an attachment", Kind.CONTENT)
    content = scene.planter.summary("content of an attachment", Kind.CONTENT)
    answer = await scene.http.put(
        f"/testcases/{key}/attachments/{name}.txt",
        content=content.encode(),
        headers={**headers_of(scene.planter, "attach a file"), "content-type": "text/plain"},
    )
    assert answer.is_success, answer.text


async def transfer(scene: Scene) -> None:
    """Export a part of the project and send it back; the import may take it or not."""
    base = "http://ostro.test/ostro/v1/testcases/projects/DEMO"
    exported = await scene.http.get(
        f"{base}/export", headers=headers_of(scene.planter, "export", Kind.USAGE)
    )
    assert exported.status_code == 200, exported.text
    damaged = exported.content[:-10] + scene.planter.word("import, end of an archive").encode()
    for archive in (exported.content, damaged):
        headers = headers_of(scene.planter, "import", Kind.USAGE)
        await scene.http.post(f"{base}/import", content=archive, headers=headers)


async def tokens(scene: Scene, times: int) -> None:
    """Mint API tokens whose names say something."""
    url = "http://ostro.test/ostro/v1/tenancy/tokens"
    for number in range(times):
        name = scene.planter.name("name of an API token", Kind.CONTENT)
        answer = await scene.http.post(
            url,
            json={"name": name, "scopes": ["read"]},
            headers=headers_of(scene.planter, "mint a token", Kind.USAGE),
        )
        assert answer.is_success, answer.text
        found = answer.json().get("token") or answer.json().get("accessToken")
        if found:
            scene.credentials[f"minted token {number}"] = found


async def browsers(scene: Scene, times: int) -> list[str]:
    """Report events from pages of many people; return their account ids, the accepted ones'."""
    names = [n for n, found in CATALOGUE.items() if found.source is Source.BROWSER]
    people = []
    for number in range(times):
        planter, at = scene.planter, f"browser {number}"
        make = planter.account if number % 2 else planter.long_account
        person = make(f"{at}, account id")
        word = planter.word(f"{at}, path", Kind.USAGE)
        path = (
            f"/jira/browse/{planter.word(f'{at}, issue key', Kind.USAGE)}-7"
            f"?name={word}#{planter.word(f'{at}, fragment', Kind.USAGE)}"
        )
        event = {"name": names[number % len(names)], "urlPath": path, "appVersion": "7.1.1"}
        good = await _report(scene, at, person, json.dumps({"events": [event]}), Kind.USAGE)
        assert good.status_code == 202, good.text
        people.append(person)
        odd = {**event, planter.word(f"{at}, unknown name"): planter.mail(f"{at}, unknown field")}
        odd |= {"urlPath": f"/x/{planter.word(f'{at}, refused path')}"}
        for wrong in (
            {"events": [odd]},
            {"events": [{"name": planter.summary(f"{at}, name of an event")}]},
            {"events": [{**event, "urlPath": f"/{planter.word(f'{at}, too long')}" * 500}]},
        ):
            refused = await _report(scene, at, person, json.dumps(wrong), Kind.NOWHERE)
            assert refused.status_code == 400, refused.text
    return people


async def _report(scene: Scene, at: str, person: str, body: str, agent: Kind) -> httpx.Response:
    return await scene.http.post(
        f"http://ostro.test{EVENTS}",
        content=body,
        headers={
            **headers_of(scene.planter, at, agent),
            "authorization": f"JWT {scene.frame_token(person)}",
            "content-type": "application/json",
        },
    )


def _qsh(path: str, query: Mapping[str, str]) -> str:
    pairs = sorted((quote(k, safe="-._~"), quote(v, safe="-._~")) for k, v in query.items())
    return hashlib.sha256(
        f"GET&{path}&{'&'.join(f'{k}={v}' for k, v in pairs)}".encode()
    ).hexdigest()


async def pages(scene: Scene, times: int) -> None:
    """Open our page in Jira's frame, with all that Jira may put into its URL."""
    for number in range(times):
        planter, at = scene.planter, f"page {number}"
        query = {
            "lic": "active",
            "xdm_e": f"https://{planter.word(f'{at}, site')}.atlassian.net",
            "user": planter.mail(f"{at}, user").encode("ascii", "replace").decode(),
            "cp": "",
        }
        person = planter.account(f"{at}, account id")
        token = scene.frame_token(person, _qsh(PAGE, query))
        if number % 3 == 2:
            token = f"{token[:-6]}{planter.word(f'{at}, signature')}"
        answer = await scene.http.get(
            f"http://ostro.test{PAGE}",
            params={**query, "jwt": token},
            headers=headers_of(planter, at) | {"authorization": ""},
        )
        assert answer.status_code == (401 if number % 3 == 2 else 200), answer.text
