"""The stack for real: a CI upload through the edge, rights, networks, scaling."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from contracts.tenancy import SERVICES
from tests.compose.composefile import ONE_SHOTS, containers
from tests.compose.stack import Stack, engine_answers, running
from tests.harness.polling import eventually

pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(1_500),
    pytest.mark.skipif(not engine_answers(), reason="no Docker engine answers"),
]

PROJECT = "COMP"
JUNIT = b"""<testsuite name="checkout" tests="3" failures="1" skipped="1">
  <testcase classname="shop" name="pays" time="0.5"/>
  <testcase classname="shop" name="refunds" time="0.25">
    <failure message="no">stack</failure></testcase>
  <testcase classname="shop" name="ships"><skipped/></testcase>
</testsuite>"""
STANDIN = "standin:8091"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("compose") / "secrets") as found:
        yield found


@pytest.fixture(scope="module")
async def client(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """Client with a token that the admin command minted."""
    token = tenant_with_token(stack)
    async with httpx.AsyncClient(
        base_url=stack.url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
        trust_env=False,
    ) as found:
        yield found


def tenant_with_token(stack: Stack) -> str:
    """Make a tenant without Jira by hand, as deploy/README.md says; return its token."""
    tenant = stack.admin("tenancy", "tenant", "create", "--name", "Compose")
    stack.admin("tenancy", "project", "enable", PROJECT, "--tenant", tenant)
    for processor in ("segment", "amplitude"):
        consent = ("consent", "set", "--tenant", tenant, "--processor", processor, "--on")
        stack.admin("telemetry", *consent)
    scopes = ("--scope", "read", "--scope", "write")
    return stack.admin("tenancy", "token", "mint", "--tenant", tenant, "--name", "ci", *scopes)


async def upload(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(
        "/v2/automations/executions/junit",
        params={"projectKey": PROJECT, "autoCreateTestCases": "true"},
        files={"file": ("report.xml", JUNIT, "text/xml")},
    )


async def executions_of(client: httpx.AsyncClient, cycle: str) -> dict[str, Any]:
    found = await client.get(
        "/v2/testexecutions", params={"projectKey": PROJECT, "testCycle": cycle}
    )
    found.raise_for_status()
    page: dict[str, Any] = found.json()
    return page


@pytest.fixture(scope="module")
async def cycle(client: httpx.AsyncClient) -> str:
    """Key of the cycle that the first upload made."""
    # the token and the project reach the other services a moment after they were made
    answer = await eventually(
        lambda: upload(client), lambda r: r.status_code not in {401, 404, 503}, seconds=60
    )
    assert answer.status_code == 200, answer.text
    key: str = answer.json()["testCycle"]["key"]
    return key


async def test_a_ci_upload_through_the_edge_can_be_read_back(
    client: httpx.AsyncClient, cycle: str
) -> None:
    assert cycle.startswith(f"{PROJECT}-R")
    page = await executions_of(client, cycle)
    assert page["total"] == 3
    assert {row["testCycle"]["self"].split("/v2/")[0] for row in page["values"]} == {
        str(client.base_url).rstrip("/")
    }
    cases = (await client.get("/v2/testcases", params={"projectKey": PROJECT})).json()
    assert cases["total"] == 3


@pytest.mark.usefixtures("cycle")
async def test_the_upload_is_told_to_the_processors_without_names(stack: Stack) -> None:
    async def recorded() -> list[Any]:
        script = (
            "import urllib.request as r;print(r.urlopen('http://127.0.0.1:8091/recorded')"
            ".read().decode())"
        )
        shown = json.loads(stack.compose("exec", "-T", "standin", "python", "-c", script))
        return list(shown["requests"])

    requests = await eventually(
        recorded, lambda r: {one["processor"] for one in r} == {"segment", "amplitude"}, every=1
    )
    assert {one["status"] for one in requests} == {200}
    text = json.dumps(requests)
    assert "automation results" in text
    assert PROJECT not in text
    assert "checkout" not in text


def test_a_service_is_refused_what_is_not_its_own(stack: Stack) -> None:
    found = stack.probe("executions", "access", "executions", "tenancy")
    assert found == {
        "produce usage": "allowed",
        "consume usage in an own group": "TopicAuthorizationFailedError",
        "consume usage in its group": "GroupAuthorizationFailedError",
        "produce foreign state": "TopicAuthorizationFailedError",
        "fence a foreign relay": "TransactionalIdAuthorizationFailed",
        "own database": "allowed",
        "foreign database": "OperationFailure",
    }


def test_only_telemetry_reaches_the_processors(stack: Stack) -> None:
    reached = {s: stack.probe(s, "network", STANDIN)[STANDIN] for s in SERVICES}
    assert reached == {s: s == "telemetry" for s in SERVICES}


async def test_internal_paths_are_not_behind_the_edge(client: httpx.AsyncClient) -> None:
    for path in ("/internal/x", "/health/ready", "/health/live", "/metrics"):
        assert (await client.get(path)).status_code == 404


async def test_every_container_is_healthy_or_has_done_its_work(stack: Stack) -> None:
    async def states() -> dict[str, str]:
        return {
            c["Config"]["Labels"]["com.docker.compose.service"]: c["State"]
            .get("Health", {})
            .get("Status", f"{c['State']['Status']} {c['State']['ExitCode']}")
            for c in stack.containers()
        }

    wanted = dict.fromkeys(containers(), "healthy") | dict.fromkeys(ONE_SHOTS, "exited 0")
    found = await eventually(
        states, lambda s: all(s[n] == wanted[n] for n in wanted), seconds=90, every=2
    )
    assert found.keys() >= wanted.keys()


def test_no_process_runs_as_root_or_could_become_it(stack: Stack) -> None:
    for service in containers().keys() - ONE_SHOTS:
        status = stack.compose("exec", "-T", service, "cat", "/proc/1/status")
        fields = dict(re.findall(r"^(\w+):\s*(.*)$", status, re.MULTILINE))
        assert "0" not in fields["Uid"].split(), service
        assert fields["NoNewPrivs"] == "1"
        # CAP_NET_BIND_SERVICE is bit 10
        assert int(fields["CapBnd"], 16) == (1 << 10 if service == "edge" else 0)


def test_an_image_holds_no_other_service(stack: Stack) -> None:
    listed = stack.compose("exec", "-T", "executions", "python", "-c",
                           "import os; print(*os.listdir('services'))")  # fmt: skip
    assert set(listed.split()) - {"__pycache__"} == {"__init__.py", "executions"}


async def test_a_second_executions_container_takes_half_of_the_partitions(
    stack: Stack, client: httpx.AsyncClient
) -> None:
    async def shares() -> list[int]:
        found: list[int] = stack.administrator("group", "executions.results")
        return found

    assert await eventually(shares, lambda s: s == [12], seconds=60, every=1)
    stack.compose("up", "-d", "--no-recreate", "--scale", "executions=2", seconds=300)
    assert await eventually(shares, lambda s: s == [6, 6], seconds=90, every=1)
    answer = await eventually(lambda: upload(client), lambda r: r.status_code == 200, seconds=60)
    page = await executions_of(client, answer.json()["testCycle"]["key"])
    assert page["total"] == 3


def test_the_administrator_can_look_at_dead_letters(stack: Stack) -> None:
    command = ("run", "--rm", "-T", "--no-deps", "--entrypoint", "python", "topics")
    listed = stack.compose(*command, "-m", "kit.dlq", "list")
    counts = {line.split()[1]: line.split()[0] for line in listed.splitlines()}
    assert counts["ostro.executions.result.v1.executions.results.dlq"] == "0"
    assert set(counts.values()) == {"0"}


@pytest.mark.usefixtures("cycle")
def test_the_acls_refuse_nothing_that_a_service_needs(stack: Stack) -> None:
    # the probe of executions' rights is the only one that asks for too much
    refused = set(re.findall(r"User:(\w+) is Denied", stack.compose("logs", "kafka")))
    assert refused <= {"executions"}
