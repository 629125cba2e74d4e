"""Plants tokens from the other sides: at Jira, in Kafka, in exceptions, in processors' answers."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.diagnostics import Diagnostic, ErrorReport, Frame, RequestSpan
from contracts.envelope import Event
from contracts.topics import ANONYMOUS, ANONYMOUS_DIAGNOSTIC, DIAGNOSTIC, USAGE, Topic
from contracts.usage import ProductEvent, UsageEventName
from devstack.jira.demo import ADMIN
from kit.ids import SystemIds
from kit.kafka.records import Outgoing, outgoing
from kit.mongo import connect
from services.executions.adapters.mongo.testcycles import COLLECTION
from services.testcases.adapters.mongo.testcases import TEST_CASES
from tests.harness.canary_tokens import Kind
from tests.privacy.entrances import headers_of
from tests.privacy.scene import Scene

_LIFECYCLE = ("installed", "enabled", "disabled", "uninstalled")
_LAST_MONTH = timedelta(days=33)


async def at_jira(scene: Scene, times: int) -> None:
    """Fill the site with people, issues and names, change and delete them; send the webhooks."""

    def jira(name: str) -> str:
        return scene.planter.any(f"Jira, {name}", Kind.JIRA)

    site = "demo"
    for number in range(times):
        make = scene.planter.account if number % 2 else scene.planter.long_account
        person = make("Jira, account id")
        user = {
            "account_id": person,
            "display_name": scene.planter.name("Jira, display name", Kind.JIRA),
            "email": scene.planter.mail("Jira, mail", Kind.JIRA),
            "groups": ["jira-software-users"],
        }
        await scene.control("users", site=site, user=user)
        user["display_name"] = scene.planter.name("Jira, new name", Kind.JIRA)
        await scene.control("users", site=site, user=user)
        fields: dict[str, Any] = {
            "project_id": 10000,
            "summary": scene.planter.summary("Jira, summary", Kind.JIRA),
            "description": jira("description"),
            "labels": [scene.planter.word("Jira, label", Kind.JIRA)],
            "reporter": person,
            "assignee": person,
        }
        made = await scene.control("issues", site=site, issue=fields, actor=person)
        change = {"id": made["id"], "summary": jira("new summary")}
        await scene.control("issues", site=site, issue=change, actor=person)
        if number % 3 == 0:
            await scene.control(f"issues/{made['id']}/delete", site=site, actor=person)
        for kind in ("version", "component"):
            part = {"project_id": 10000, "name": jira(f"name of a {kind}")}
            part["description"] = jira(f"description of a {kind}")
            await scene.control(f"{kind}s", site=site, **{kind: part})
        if number % 5 == 0:
            await scene.control(f"users/{person}/delete", site=site)
    private = {"id": 10777, "key": scene.private_key, "name": jira("name of another project")}
    await scene.control("projects", site=site, project=private, actor=ADMIN)
    private_issue = {"project_id": 10777, "summary": jira("summary there")}
    for _ in range(3):
        await scene.control("issues", site=site, issue=private_issue, actor=ADMIN)
    project = {"id": 10000, "key": "DEMO", "name": jira("name of the project")}
    await scene.control("projects", site=site, project=project, actor=ADMIN)
    made_webhooks = await scene.standin.courier.all_due(parallel=10)
    assert len(made_webhooks) >= times


async def refused_calls(scene: Scene, times: int) -> None:
    """Send lifecycle calls and webhooks that nobody signed."""
    for number in range(times):
        planter, at = scene.planter, f"unsigned call {number}"
        body = {
            "key": planter.word(f"{at}, key"),
            "clientKey": planter.word(f"{at}, client key"),
            "sharedSecret": planter.secret(f"{at}, shared secret"),
            "baseUrl": f"https://{planter.word(f'{at}, site')}.atlassian.net",
            "description": planter.summary(f"{at}, description"),
            "displayUrl": f"https://{planter.word(f'{at}, display URL')}.example",
            "user": {"emailAddress": planter.mail(f"{at}, mail")},
            "issue": {"key": "A-1", "fields": {"summary": planter.summary(f"{at}, summary")}},
        }
        for path in (*(f"connect/{hook}" for hook in _LIFECYCLE), "jira/webhooks"):
            await scene.http.post(
                f"http://ostro.test/{path}",
                content=json.dumps(body),
                headers={
                    **headers_of(planter, f"{at} {path}"),
                    "authorization": f"JWT {planter.secret(f'{at}, authorization')}",
                    "content-type": "application/json",
                },
            )


def _envelope(tenant: str, topic: Topic, data: Any, at: datetime, subject: str) -> Event[Any]:
    return Event(
        id=SystemIds().uuid7(),
        source="ostro/executions",
        type=topic.type,
        subject=subject,
        time=at,
        tenantid=tenant,
        data=data,
    )


async def in_kafka(scene: Scene, times: int) -> None:
    """Put product events on the topic with everything in every field, and what is no event."""
    planter, names = scene.planter, list(UsageEventName)
    topic, records = scene.names.topic(USAGE), []
    for number in range(times):

        def use(name: str, number: int = number) -> str:
            return planter.any(f"Kafka {number}, {name}", Kind.USAGE)

        data = ProductEvent(
            name=names[number % len(names)],
            account_id=(planter.account if number % 2 else planter.long_account)("Kafka, account"),
            url_path=f"/v2/testcases/{use('path')}?{use('query')}#{use('fragment')}",
            user_agent=f"curl/8.5.0 ({use('agent')})",
            app_version=f"7.1.{use('version')}",
            format="junit" if number % 2 else use("format"),
            count=number,
            duration_ms=number * 10,
        )
        old = number % 4 == 0
        at = datetime.now(UTC) - (_LAST_MONTH if old else timedelta())
        event = _envelope(scene.tenant, USAGE, data, at, use("subject"))
        record = outgoing(topic, scene.tenant, event)
        content = json.loads(record.value or b"")
        content[planter.word("Kafka, name beside", Kind.USAGE)] = use("value beside")
        unknown = {
            planter.word("Kafka, unknown name", Kind.USAGE): [use("unknown"), {"a": use("b")}]
        }
        content["data"] |= unknown
        more = ((planter.word("Kafka, name of a header", Kind.USAGE), use("header").encode()),)
        value = json.dumps(content, ensure_ascii=number % 3 == 0).encode()
        key = use("key").encode()
        records.append(Outgoing(topic, key, value, (*record.headers, *more)))
        wrong = [
            value[:-3],
            value.replace(names[number % len(names)].encode(), use("name").encode()),
            value.replace(scene.tenant.encode(), use("tenant").encode()),
            use("bytes").encode() + b"\xff\x00",
            b"[" * 60 + json.dumps(use("deep")).encode() + b"]" * 60,
        ]
        records.append(Outgoing(topic, key, wrong[number % len(wrong)], record.headers))
    huge = {
        **json.loads(records[0].value or b""),
        "huge": planter.word("Kafka, huge", Kind.USAGE) * 9_000,
    }
    records.append(Outgoing(topic, b"huge", json.dumps(huge).encode(), records[0].headers))
    await scene.publisher.send(records)


async def in_diagnostics(scene: Scene, times: int) -> None:
    """Put diagnostics on the topic with texts where names of our code belong."""
    planter, topic, records = scene.planter, scene.names.topic(DIAGNOSTIC), []
    for number in range(times):

        def use(name: str, number: int = number) -> str:
            return planter.word(f"diagnostic {number}, {name}", Kind.USAGE)

        error = ErrorReport(
            error_class=f"evil.{use('class')}",
            causes=[use("cause"), f"ValueError: {planter.mail('diagnostic, cause', Kind.USAGE)}"],
            frames=[
                Frame(module=f"site.{use('module')}", function=use("function"), line=7),
                Frame(module=f"services/{use('path')}", function="x", line=8),
                Frame(module="kit.x", function=planter.name("diagnostic", Kind.USAGE), line=9),
            ],
            handled=True,
            place="http",
        )
        span = RequestSpan(
            method="GET", route=f"/v2/testcases/{use('route')}", status=200, duration_ms=12.34
        )
        for part in ({"error": error}, {"request": span}):
            data = Diagnostic.model_validate({"service": "executions", "release": "0.1.0", **part})
            event = _envelope(scene.tenant, DIAGNOSTIC, data, datetime.now(UTC), use("subject"))
            record = outgoing(topic, "executions", event)
            content = json.loads(record.value or b"")
            content["data"][use("unknown name")] = planter.summary("diagnostic", Kind.USAGE)
            value = json.dumps(content).encode()
            records.append(Outgoing(topic, use("key").encode(), value, record.headers))
        records.append(Outgoing(topic, b"", use("bytes").encode(), ()))
    await scene.publisher.send(records)


async def exceptions(scene: Scene, cases: list[str]) -> None:
    """Have services fail on stored documents that none of them wrote."""
    for owner, path, collection, field in (
        ("testcases", "testcases", TEST_CASES, "created_on"),
        ("executions", "testcycles", COLLECTION, "planned_start"),
    ):
        answer = await scene.http.post(f"/{path}", json={"projectKey": "DEMO", "name": "broken"})
        assert answer.status_code == 201, answer.text
        word = scene.planter.word(f"exception in {owner}", Kind.CONTENT)
        name = scene.installation.database(owner)
        async with connect(scene.installation.backends.mongodb, name) as database:
            wanted = {"tenant": scene.tenant, "id": answer.json()["id"]}
            changed = await database[collection].update_one(wanted, {"$set": {field: {word: word}}})
            assert changed.modified_count == 1
        broken = await scene.http.get(f"/{path}/{answer.json()['key']}")
        assert broken.status_code == 500, broken.text
    assert cases


async def faults(scene: Scene) -> None:
    """Script answers of the processors that say what they got, or what nobody asked."""
    planter, standins = scene.planter, scene.processors

    def said(name: str) -> str:
        return planter.mail(f"answer of a processor, {name}")

    for processor in ("amplitude", "segment", "bugsnag"):
        await standins.fail(processor, "status", status=500, body=said("500"))
        await standins.fail(
            processor, "status", status=429, retry_after=1, body={"error": said("429")}
        )
        await standins.fail(processor, "close")
        await standins.fail(processor, "close_after_store")
        await standins.fail(processor, "half")
        await standins.fail(
            processor, "status", status=503, headers={"x-detail": planter.word("answer, header")}
        )
    # refused for good: into the dead letters
    await standins.fail("segment", "status", status=400, body={"message": said("400")})
    await standins.fail("amplitude", "invalid_events", indexes=[0, 1], field="user_id")


async def poison(scene: Scene) -> None:
    """Put on the anonymous topics what must end in dead letters; it holds nothing of anybody."""
    value = json.dumps({"poison": secrets.token_hex(8)}).encode()
    await scene.publisher.send(
        [
            Outgoing(scene.names.topic(topic), b"poison", value, ())
            for topic in (ANONYMOUS, ANONYMOUS_DIAGNOSTIC)
        ]
    )
