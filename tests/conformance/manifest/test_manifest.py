"""The Forge manifest: valid for Atlassian, and in step with the routes and the descriptor."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from services.tenancy.__main__ import cli
from services.tenancy.api.connect import descriptor
from services.tenancy.api.manifest import manifest, rendered
from tests.conformance.manifest.validator import validator
from tools.docs.openapi import public_apps

ROOT = Path(__file__).resolve().parents[3]
APP_ID = "ari:cloud:ecosystem::app/00000000-0000-4000-8000-000000000000"
URL = "https://ostro.example.com"
KEY = "io.ostro.test-management"
VARIANTS = {"manifest": manifest(APP_ID, URL), "bridge": manifest(APP_ID, URL, connect_key=KEY)}


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_committed_is_what_the_code_renders(name: str) -> None:
    committed = (ROOT / "deploy" / "forge" / f"{name}.yml").read_text()
    assert committed == rendered(VARIANTS[name])
    assert yaml.safe_load(committed) == VARIANTS[name]


@pytest.mark.parametrize("bridge", [False, True])
def test_the_command_prints_it(bridge: bool) -> None:
    arguments = ["admin", "forge", "manifest", "--app-id", APP_ID, "--base-url", f"{URL}/"]
    result = CliRunner().invoke(cli, [*arguments, *(["--connect-key", KEY] if bridge else [])])
    assert result.exit_code == 0
    assert result.stdout == rendered(VARIANTS["bridge" if bridge else "manifest"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--app-id", "ari:cloud:ecosystem::environment/1"),
        ("--app-id", "x\nmodules: {}"),
        ("--base-url", "http://ostro.example.com"),
        ("--base-url", "https://ostro.example.com/?a=1"),
        ("--connect-key", "a key"),
    ],
)
def test_what_is_no_id_or_url_is_refused(option: str, value: str) -> None:
    arguments = {"--app-id": APP_ID, "--base-url": URL, option: value}
    flat = [part for pair in arguments.items() for part in pair]
    assert CliRunner().invoke(cli, ["admin", "forge", "manifest", *flat]).exit_code == 2


async def test_every_path_is_a_route_of_the_service() -> None:
    async with public_apps() as apps:
        paths = set(apps["tenancy"].openapi()["paths"])
    bridge = VARIANTS["bridge"]
    named = [e["route"]["path"] for e in bridge["modules"]["endpoint"]]
    hooks = dict(bridge["connectModules"]["jira:lifecycle"][0])
    assert hooks.pop("key") == "lifecycle"
    assert hooks == descriptor(KEY, URL)["lifecycle"]
    assert {*named, *hooks.values()} <= paths


def test_modules_name_endpoints_that_are_there() -> None:
    modules = VARIANTS["manifest"]["modules"]
    there = {endpoint["key"] for endpoint in modules["endpoint"]}
    users: list[dict[str, Any]] = [
        module for name, found in modules.items() if name != "endpoint" for module in found
    ]
    assert {module["endpoint"] for module in users} == there
    keys = [module["key"] for found in modules.values() for module in found]
    assert len(keys) == len(set(keys))


def test_the_bridge_has_all_of_the_descriptor() -> None:
    connect = descriptor(KEY, URL)
    modules = VARIANTS["bridge"]["connectModules"]
    assert {f"jira:{name}" for name in connect["modules"]} | {"jira:lifecycle"} == set(modules)
    for name, found in connect["modules"].items():
        stripped = [
            {k: v for k, v in one.items() if k in two}
            for one, two in zip(modules[f"jira:{name}"], found, strict=True)
        ]
        assert stripped == found


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", VARIANTS)
async def test_atlassians_validator_accepts_it(name: str, tmp_path: Path) -> None:
    found = await validator()
    path = tmp_path / "manifest.yml"
    path.write_text(rendered(VARIANTS[name]))
    assert await found.errors(path) is None


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('endpoint: "refresh"', 'endpoint: "not-there"'),
        ('interval: "hour"', 'interval: "minute"'),
        ('remote: "ostro"', 'remote: "another"'),
    ],
)
async def test_atlassians_validator_refuses_what_is_wrong(
    right: str, wrong: str, tmp_path: Path
) -> None:
    found = await validator()
    path = tmp_path / "manifest.yml"
    text = rendered(VARIANTS["manifest"])
    assert right in text
    path.write_text(re.sub(re.escape(right), wrong, text, count=1))
    assert await found.errors(path)
