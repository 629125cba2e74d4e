"""The demo's Jira site: it installs the app; then DEMO is enabled and a token minted."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from devstack.components import service_environment
from devstack.demo.http import api
from devstack.embedded.errors import StackError
from devstack.settings import ROOT, StackSettings

SITE = "demo"
PROJECT_KEY = "DEMO"
ISSUE_ID = "10001"
ISSUE_KEY = "DEMO-1"
ACCOUNT_ID = "557058:2f8e4b1c-93d7-4c55-9a0e-6d1f3a7b8c90"
_ADMIN_SECONDS = 60


def install_app(settings: StackSettings) -> str:
    """Have the site install the app over the signed route; return the site's client key."""
    order = {"descriptor_url": f"{settings.edge_url}/connect/atlassian-connect.json"}
    with api(settings.jira_url) as jira:
        outcome = jira.post(f"/control/sites/{SITE}/actions/install", order)
        if not outcome["ok"]:
            raise StackError("the install failed: " + "; ".join(outcome["problems"]))
        return str(jira.get(f"/control/sites/{SITE}")["client_key"])


def enable_project(settings: StackSettings, tenant: str) -> None:
    """Enable DEMO; nothing happens when it is enabled already."""
    administer(settings, "tenancy", "project", "enable", "--tenant", tenant, "--key", PROJECT_KEY)


def mint_token(settings: StackSettings, tenant: str) -> str:
    """Mint an API token for the demo's account."""
    return administer(
        settings, "tenancy", "token", "mint", "--tenant", tenant, "--account", ACCOUNT_ID
    )


def allow_telemetry(settings: StackSettings, tenant: str) -> None:
    """Let Segment have the tenant's anonymous events."""
    administer(settings, "telemetry", "consent", "--tenant", tenant, "--allow", "segment")


def administer(settings: StackSettings, service: str, *arguments: str) -> str:
    """Run ``python -m services.<service> admin ...`` and return what it printed."""
    command = [sys.executable, "-m", f"services.{service}", "admin", *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **service_environment(settings, service)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_ADMIN_SECONDS,
    )
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise StackError(f"services.{service} admin {' '.join(arguments)}: {said}")
    return done.stdout.strip()


def write_environment(path: Path, values: dict[str, str]) -> None:
    """Write NAME=value lines for a shell to read; readable by the owner only (a token)."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    part.replace(path)
