"""The demo's Jira site: it installs the app; then DEMO is enabled and a token minted."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from devstack.components import service_environment
from devstack.demo.http import Api, api
from devstack.embedded.errors import StackError
from devstack.settings import ROOT, StackSettings

SITE = "demo"
PROJECT_KEY = "DEMO"
ISSUE_ID = "10001"
ISSUE_KEY = "DEMO-1"
SCOPES = ("read", "write", "results", "admin")
ACCOUNT_ID = "557058:2f8e4b1c-93d7-4c55-9a0e-6d1f3a7b8c90"
_ADMIN_SECONDS = 60
# a question mark is no pattern in an assignment
_PLAIN = re.compile(r"[\w@%+=:,./?-]+", re.ASCII)


def install_app(settings: StackSettings) -> None:
    """Have the site install the app over the signed route."""
    order = {"descriptor_url": f"{settings.edge_url}/connect/atlassian-connect.json"}
    with api(settings.jira_url) as jira:
        outcome = jira.post(f"/control/sites/{SITE}/actions/install", order)
    if not outcome["ok"]:
        raise StackError("the install failed: " + "; ".join(outcome["problems"]))


def obtain_token(settings: StackSettings, environment: Path) -> tuple[str, bool]:
    """Return an API token with every scope, and whether it is new.

    The one in the environment file is taken again if it is still good. A first token can only
    come from the operator's command: whoever asks over HTTP needs one.
    """
    known = read_environment(environment).get("TOKEN")
    if known is not None and _is_good(settings, known):
        return known, False
    tenants = administer(settings, "tenancy", "tenant", "list").splitlines()
    of_site = [line.split()[0] for line in tenants if settings.jira_url in line.split()]
    if len(of_site) != 1:
        raise StackError(f"{len(of_site)} tenants belong to {settings.jira_url}, not one")
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    who = ["--tenant", of_site[0], "--account-id", ACCOUNT_ID]
    return administer(settings, "tenancy", "token", "mint", "--name", "demo", *who, *scopes), True


def enable_project(ostro: Api) -> None:
    """Enable DEMO; nothing happens when it is enabled already."""
    ostro.post("tenancy/projects", {"key": PROJECT_KEY})


def allow_telemetry(ostro: Api) -> None:
    """Let Segment, and no other processor, have the tenant's anonymous events."""
    ostro.put("telemetry/consent", {"segment": True})


def _is_good(settings: StackSettings, token: str) -> bool:
    with api(f"{settings.edge_url}/ostro/v1/", token) as ostro:
        return ostro.allows("tenancy/projects")


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


def read_environment(path: Path) -> dict[str, str]:
    """Return what ``write_environment`` wrote, nothing when the file is not there."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}


def write_environment(path: Path, values: dict[str, str]) -> None:
    """Write NAME=value lines for a shell to read; readable by the owner only (a token)."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={_quoted(value)}\n" for name, value in values.items())
    part.replace(path)


def _quoted(value: str) -> str:
    """Quote for a shell, but only what needs it: others read the file, too."""
    return value if _PLAIN.fullmatch(value) else shlex.quote(value)
