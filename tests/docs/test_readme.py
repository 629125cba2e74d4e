"""The commands of the README do what it says."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from contracts.tenancy import SERVICES
from devstack.components import admin_environment
from devstack.demo.site import write_environment
from devstack.embedded.caddy import CaddySite, start_caddy
from devstack.embedded.guard import Guard
from devstack.embedded.ports import free_ports
from devstack.settings import StackSettings
from kit.mongo import Database, connect
from tests.docs.pages import ROOT, shell_block
from tests.docs.shell import sh
from tests.harness.installation import Installation
from tests.harness.operator import operator
from tests.harness.system import service
from tools.docs import inventory
from tools.docs.fields import fields_of

pytestmark = pytest.mark.long

README = ROOT / "README.md"
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


async def test_a_tenant_project_and_token_without_the_demo(
    installation: Installation, database: Database, tmp_path: Path
) -> None:
    keys = tmp_path / ".ostro" / "keys"
    keys.mkdir(parents=True)
    (keys / "tenancy-master-key").write_text(installation.secret("master").read_text())
    stack = StackSettings(data=tmp_path / ".ostro", mongodb_uri=installation.backends.mongodb)
    write_environment(tmp_path / ".ostro" / "demo.env", admin_environment(stack))
    printed = await sh(
        shell_block(README, "admin"), tmp_path, {"OSTRO_MONGODB_DATABASE": database.name}
    )
    project, token = printed.splitlines()
    assert project.isdigit()
    assert token.count(".") == 2
    stored = await database["projects"].find_one({"key": "TEAM"})
    assert stored is not None
    assert stored["enabled"] is True


@pytest.fixture(scope="module")
async def checkout(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Path]:
    """A folder with the demo's environment file, and the services behind a real edge."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".ostro").mkdir()
    upstreams = {name: f"127.0.0.1:{installation.http_ports[name]}" for name in SERVICES}
    async with AsyncExitStack() as stack:
        site = CaddySite(folder / "caddy", free_ports(1)[0], upstreams)
        guard = stack.enter_context(Guard())
        stack.callback(guard.end_watched)
        await asyncio.to_thread(start_caddy, site, started=guard.watch)
        master = installation.secret("master")
        running = {"tenancy": {"master_key_file": master}, "testcases": {}, "executions": {}}
        for name, files in running.items():
            settings: dict[str, Any] = {"public_url": site.url, **files}
            await stack.enter_async_context(service(installation, name, **settings))
        async with operator(installation) as admin:
            tenant = await admin.tenant()
            await admin.project(tenant)
            token = await admin.token(tenant)
        write_environment(
            folder / ".ostro" / "demo.env",
            {"BASE_URL": f"{site.url}/v2", "TOKEN": token, "PROJECT_KEY": "DEMO"},
        )
        yield folder


@needs_curl
async def test_a_first_upload_can_be_read_back(checkout: Path) -> None:
    answer = json.loads(await sh(shell_block(README, "upload"), checkout))
    cycle = answer["testCycle"]
    assert cycle["key"].startswith("DEMO-R")

    printed = await sh(shell_block(README, "read"), checkout)
    cycles, _, executions = printed.partition("}{")
    assert cycle["id"] in {c["id"] for c in json.loads(cycles + "}")["values"]}
    found = json.loads("{" + executions)
    assert found["total"] == len(found["values"])
    assert cycle["id"] in {e["testCycle"]["id"] for e in found["values"]}


@needs_curl
async def test_what_an_upload_stored_can_be_searched(checkout: Path) -> None:
    await sh(shell_block(README, "upload"), checkout)
    printed = await sh(shell_block(ROOT / "docs" / "search.md", "search"), checkout)
    named, labelled, failed = (json.loads(line)["values"] for line in printed.splitlines())
    assert named
    assert all(set(case) == {"key", "name"} for case in named)
    assert labelled == []
    assert failed
    assert all("testCase" in execution for execution in failed)


@needs_curl
async def test_a_bulk_answers_for_each_item(checkout: Path) -> None:
    printed = await sh(shell_block(ROOT / "docs" / "bulk.md", "bulk"), checkout)
    made, refused = json.loads(printed)["results"]
    assert made["status"] == 201
    assert refused == {
        "index": 1,
        "status": 400,
        "errorCode": 400,
        "message": "name must not be shorter than 1",
    }


@needs_curl
@pytest.mark.parametrize("name", ["testcases", "executions", "tenancy"])
async def test_everything_that_an_upload_stores_is_in_the_inventory(
    installation: Installation, checkout: Path, name: str
) -> None:
    await sh(shell_block(README, "upload"), checkout)
    known = {*inventory.STORED[name], *inventory.COPIES, *inventory.KIT_COLLECTIONS}
    async with connect(installation.backends.mongodb, installation.database(name)) as stored:
        assert set(await stored.list_collection_names()) <= known
        for collection, document in inventory.STORED[name].items():
            fields = {field.path.partition(".")[0] for field in fields_of(document)}
            # pending events may wait in any document
            fields = {f.removesuffix("[]") for f in fields} | {"outbox"}
            for row in await stored[collection].find().to_list(500):
                assert set(row) <= fields, collection
