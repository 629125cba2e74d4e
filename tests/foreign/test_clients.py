"""The flows of tests/data/clients: each installs a published client and uses all of it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.foreign.conftest import LocalStack
from tests.harness.processes import ROOT

CLIENTS = ROOT / "tests" / "data" / "clients"
RESULTS = ROOT / "tests" / "data" / "results"
PEERS = ROOT / ".ostro" / "foreign" / "clients"
NEEDED = {"playwright-zephyr": ("node", "npm", "openssl"), "tm4j-reporter-robot": ("openssl",)}
_FLOWS = sorted(path.stem for path in CLIENTS.glob("*.sh") if path.stem != "run-all")
# what installers say when packages cannot be had at all
_OFFLINE = ("No matching distribution", "ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT")

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


@pytest.mark.parametrize("client", _FLOWS)
def test_a_published_client_works_unchanged(local_stack: LocalStack, client: str) -> None:
    for program in ("bash", "curl", *NEEDED.get(client, ())):
        if shutil.which(program) is None:
            pytest.skip(f"{client} needs {program}")
    env = {**os.environ, **local_stack.demo, "PEERS_DIR": str(PEERS), "RESULTS_DIR": str(RESULTS)}
    flow = subprocess.run(
        ["bash", str(CLIENTS / f"{client}.sh")],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "FAIL setup" in flow.stdout and _cannot_be_had(PEERS / client / "install.log"):
        pytest.skip(f"the packages of {client} cannot be had here")
    failed = [line for line in flow.stdout.splitlines() if line.startswith("FAIL")]
    assert not failed, "\n".join(failed)
    assert flow.returncode == 0, flow.stdout[-500:] + flow.stderr[-500:]
    assert flow.stdout.count("\nok ") > 3


def _cannot_be_had(log: Path) -> bool:
    return log.exists() and any(word in log.read_text() for word in _OFFLINE)
