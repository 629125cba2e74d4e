"""The demo from install to readable result, and what it prints."""

import json
from typing import Any

from rich.markup import escape
from rich.table import Table

from devstack.components import addresses, admin_environment
from devstack.demo import events, results, site
from devstack.demo.http import api
from devstack.progress import Progress
from devstack.settings import StackSettings


def run_demo(settings: StackSettings, progress: Progress) -> None:
    """Install, enable, mint, upload, read back, show; safe to repeat (each run adds a cycle)."""
    token = _prepare(settings, progress)
    bootstrap = addresses(settings).kafka
    with (
        api(f"{settings.edge_url}/v2/", token) as v2,
        api(settings.processors_url) as processors,
    ):
        marks = events.mark(bootstrap, processors)
        with progress.step("upload") as notes:
            cycle = results.upload_sample(v2, site.PROJECT_KEY)
            notes.append(f"{results.SAMPLE.name} became {cycle}")
        with progress.step("read back") as notes:
            rows = results.read_cycle(v2, site.PROJECT_KEY, cycle)
            notes.append(f"{len(rows)} executions")
        with progress.step("telemetry"):
            raw = events.raw_event(bootstrap, marks)
            anonymous = events.anonymous_event(processors, marks)
    _show_cycle(progress, cycle, rows)
    _show_events(progress, raw, anonymous)
    _show_addresses(settings, progress)


def _prepare(settings: StackSettings, progress: Progress) -> str:
    environment = settings.data / "demo.env"
    with progress.step("install", f"{settings.jira_url} installs {settings.edge_url}"):
        site.install_app(settings)
    with progress.step("token") as notes:
        token, new = site.obtain_token(settings, environment)
        notes.append("minted" if new else "kept")
    with api(f"{settings.edge_url}/ostro/v1/", token) as ostro:
        with progress.step("project", site.PROJECT_KEY):
            site.enable_project(ostro)
        with progress.step("consent", "segment"):
            site.allow_telemetry(ostro)
    where = addresses(settings)
    site.write_environment(
        environment,
        {
            "BASE_URL": f"{settings.edge_url}/v2",
            "TOKEN": token,
            "PROJECT_KEY": site.PROJECT_KEY,
            "ISSUE_ID": site.ISSUE_ID,
            "ISSUE_KEY": site.ISSUE_KEY,
            "ACCOUNT_ID": site.ACCOUNT_ID,
            "KAFKA_BOOTSTRAP": where.kafka,
            "MONGODB_URI": where.mongodb,
            "STANDINS_URL": settings.processors_url,
            "JIRA_URL": settings.jira_url,
            **admin_environment(settings),
        },
    )
    return token


def _show_cycle(progress: Progress, cycle: str, rows: list[results.Row]) -> None:
    table = Table("execution", "case", title=f"Test cycle {cycle}")
    table.add_column("name", overflow="fold")
    table.add_column("status")
    table.add_column("ms", justify="right")
    for row in rows:
        took = "" if row.milliseconds is None else str(row.milliseconds)
        table.add_row(row.key, row.case, escape(row.name), escape(row.status), took)
    progress.console.print(table)


def _show_events(progress: Progress, raw: dict[str, Any], anonymous: dict[str, Any]) -> None:
    table = Table(title="Telemetry")
    for heading in ("product event, stays inside", "anonymous event, as Segment got it"):
        table.add_column(heading, overflow="fold", ratio=1)
    table.add_row(escape(_pretty(raw)), escape(_pretty(anonymous)))
    progress.console.print(table)


def _show_addresses(settings: StackSettings, progress: Progress) -> None:
    env = settings.data / "demo.env"
    upload = (
        f'. {env} && curl -H "Authorization: Bearer $TOKEN" -F "file=@{results.SAMPLE}" '
        '"$BASE_URL/automations/executions/junit?projectKey=$PROJECT_KEY&autoCreateTestCases=true"'
    )
    lines = [
        f"API            {settings.edge_url}/v2",
        f"API docs       {settings.edge_url}/docs",
        f"Jira stand-in  {settings.jira_url}",
        f"Processors     {settings.processors_url}/recorded",
        f"For scripts    {env}",
        "",
        "Upload your own:",
        upload,
    ]
    progress.console.print("\n".join(map(escape, lines)))


def _pretty(event: dict[str, Any]) -> str:
    return json.dumps(event, indent=2, ensure_ascii=False)
