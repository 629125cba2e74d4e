"""Requests made from the vendor's own schema, by schemathesis, with all of its checks.

What is right is taken, what is wrong is refused, every answer is as documented, and none is a
fault of the server. What is exempt, and why: hooks.py.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from tests.faults.belongings import ISSUE
from tests.hostile.conftest import House
from tests.hostile.vendor import to_generate_from

ROOT = Path(__file__).parents[2]
_COMMAND = Path(sys.executable).parent / "schemathesis"
_OPTIONS = (
    "--continue-on-failure",
    "--generation-deterministic",
    "--no-shrink",
    "--no-color",
    "--warnings=off",
)


def owned(house: House) -> str:
    """Say what the requests may name."""
    ids = house.owned.ids
    return json.dumps(
        {
            "testCaseKey": ids["cases by key"],
            "testCaseIdOrKey": ids["cases by key"] + ids["cases"],
            "testCycleIdOrKey": ids["cycles by key"] + ids["cycles"],
            "testCycleKey": ids["cycles by key"],
            "testPlanIdOrKey": ids["plans by key"] + ids["plans"],
            "testExecutionIdOrKey": ids["executions by key"] + ids["executions"],
            "projectKey": ["DEMO"],
            "issueId": [ISSUE],
        }
    )


async def run(house: House, folder: Path, *options: str) -> None:
    """Run the command; fail with all that it prints if it found something."""
    document = folder / "facts.yaml"
    document.write_text(yaml.safe_dump(to_generate_from()))
    process = await asyncio.create_subprocess_exec(
        *(str(_COMMAND), "run", str(document), f"--url={house.url}/v2"),
        f"--header=Authorization: {house.headers['authorization']}",
        *(*_OPTIONS, *options),
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.hostile.hooks",
            "OSTRO_TEST_OWNED": owned(house),
            "NO_PROXY": "*",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = printed.decode()
    if process.returncode != 0 or "Tested: 84" not in text:
        pytest.fail(text, pytrace=False)


@pytest.mark.timeout(120)
@pytest.mark.long
async def test_a_few_requests_of_each_operation(house: House, tmp_path: Path) -> None:
    await run(house, tmp_path, "--phases=fuzzing", "--max-examples=4")


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_every_bound_of_each_operation(house: House, tmp_path: Path) -> None:
    await run(house, tmp_path, "--phases=coverage,fuzzing", "--max-examples=20")
