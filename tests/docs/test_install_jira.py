"""The commands of the page on installing do what it says, and the tests that it names exist."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from devstack.components import FORGE_APP_ID, admin_environment
from devstack.demo.site import write_environment
from devstack.settings import StackSettings
from kit.mongo import Database
from services.tenancy.api.manifest import manifest
from tests.docs.pages import ROOT
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared
from tests.integration.tenancy.standin_house import standin_house

pytestmark = pytest.mark.long

PAGE = ROOT / "docs" / "install-jira.md"
APP_ID = "ari:cloud:ecosystem::app/11111111-2222-4333-8444-555555555555"
URL = "https://ostro.example.org"
KEY = "io.ostro.test-management"


def sh(script: str, folder: Path, **environment: str) -> str:
    """Run a block in a folder that has the checkout's Python."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["sh", "-euc", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["manifest", "bridge"])
def test_a_manifest_is_printed(name: str, tmp_path: Path) -> None:
    sh(_block(name), tmp_path, APP_ID=APP_ID, BASE_URL=URL, APP_KEY=KEY)
    found = yaml.safe_load((tmp_path / "manifest.yml").read_text())
    assert found == manifest(APP_ID, URL, connect_key=KEY if name == "bridge" else None)


def test_tenants_are_listed(installation: Installation, database: Database, tmp_path: Path) -> None:
    settings = {
        "OSTRO_MONGODB_URI": installation.backends.mongodb,
        "OSTRO_MONGODB_DATABASE": database.name,
        "OSTRO_MASTER_KEY_FILE": str(installation.secret("master")),
    }
    script = f'{_block("look")}\n$admin tenant create --name "My site"\n$admin tenant list'
    printed = sh(script, tmp_path, **settings)
    assert "active" in printed


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_forge_is_tried_on_the_local_stack(servers: Backends, tmp_path: Path) -> None:
    async with (
        prepared(servers, tmp_path) as apart,
        standin_house(apart, forge_app_id=FORGE_APP_ID) as house,
    ):
        folder = tmp_path / "checkout"
        environment = folder / ".ostro" / "demo.env"
        environment.parent.mkdir(parents=True)
        values = {"BASE_URL": f"{house.world.base}/v2", "JIRA_URL": str(house.jira.base_url)}
        write_environment(environment, {k: v.rstrip("/") for k, v in values.items()})
        printed = await asyncio.to_thread(sh, _block("try"), folder, no_proxy="127.0.0.1")
        assert '"problems":[]' in printed.replace(" ", "")
        rows = await house.world.database["tenants"].find({}).to_list(None)
        assert [(r["_id"], r["forge"] is not None) for r in rows] == [(house.tenant, True)]


async def test_the_local_stacks_settings_are_enough_for_a_tenant_with_jira(
    servers: Backends, tmp_path: Path
) -> None:
    async with prepared(servers, tmp_path) as apart, standin_house(apart) as house:
        folder = tmp_path / "checkout"
        keys = folder / ".ostro" / "keys"
        keys.mkdir(parents=True)
        (keys / "tenancy-master-key").write_text(apart.secret("master").read_text())
        stack = StackSettings(data=folder / ".ostro", mongodb_uri=servers.mongodb, port_edge=8123)
        write_environment(folder / ".ostro" / "demo.env", admin_environment(stack))
        enable = f"$admin project enable DEMO --tenant {house.tenant}"
        script = f"{_block('local')}\n{_block('look')}\n{enable}"
        settings = {
            "OSTRO_MONGODB_DATABASE": house.world.database.name,
            "no_proxy": "127.0.0.1",
        }
        # the command has the clock of the wall; a token may be a minute old, but not of the future
        jira = house.standin.world.clock
        jira.advance(time.time() - jira.now() + 60)
        printed = await asyncio.to_thread(sh, script, folder, **settings)
        assert house.tenant in printed
        assert printed.splitlines()[-1].isdigit()


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", PAGE.read_text())
    assert len(named) > 10
    for path, function in named:
        assert (
            f"def {function}(" in (ROOT / path).read_text() if function else (ROOT / path).exists()
        )


def _block(name: str) -> str:
    """Return a block, which in a list is indented."""
    text = re.sub(r"^ {3}", "", PAGE.read_text(), flags=re.MULTILINE)
    found = re.search(
        rf"<!-- tested: {name} -->\n```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    )
    assert found, name
    return found[1]
