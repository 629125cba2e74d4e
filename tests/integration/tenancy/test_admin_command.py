"""``python -m services.tenancy admin`` on an empty database, before any service ran."""

import base64
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest

from contracts.ids import MAX_PROJECT_ID
from kit.mongo import connect
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.integration.tenancy.operator import Console, Operator, console

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
async def operator(installation: Installation) -> AsyncIterator[Console]:
    async with console(installation) as found:
        yield found


@pytest.fixture(scope="module")
async def tenant(operator: Console) -> str:
    made = await operator.run("tenant", "create", "--name", "Team A")
    assert made.code == 0, made.err
    return made.out.strip()


async def test_a_first_token(operator: Console, tenant: str) -> None:
    assert len(tenant) == 16
    enabled = await operator.run("project", "enable", "DEMO", "--tenant", tenant)
    assert enabled.code == 0, enabled.err
    project = int(enabled.out)
    assert 1 <= project <= MAX_PROJECT_ID
    again = await operator.run("project", "enable", "DEMO", "--tenant", tenant)
    assert again.out == enabled.out
    arguments = "--name ci --scope read --scope write --project DEMO --days 7 --account-id 55:a-b"
    minted = await operator.run("token", "mint", "--tenant", tenant, *arguments.split())
    assert minted.code == 0, minted.err
    assert minted.out.count("\n") == 1
    claims = jwt.decode(minted.out.strip(), options={"verify_signature": False})
    assert claims["ostro"] == {
        "tenant": tenant,
        "cell": "local",
        "scopes": ["read", "write"],
        "projects": [project],
    }
    assert claims["exp"] - claims["iat"] == 7 * 86_400
    assert claims["context"]["baseUrl"] == "http://ostro.test:8000"
    assert claims["context"]["user"]["accountId"] == "55:a-b"

    token = claims["jti"]
    listed = await operator.run("token", "list")
    row = next(r for r in listed.rows if r[1] == token)
    assert row[2:6] == ["ci", "read,write", "DEMO", "55:a-b"]
    assert row[-1] == "-"
    assert (await operator.run("token", "revoke", token)).code == 0
    assert (await operator.run("token", "revoke", token, "--tenant", tenant)).code == 0
    after = await operator.run("token", "list", "--tenant", tenant)
    assert next(r for r in after.rows if r[1] == token)[-1] != "-"

    projects = await operator.run("project", "list")
    assert [tenant, str(project), "DEMO", str(project), "yes", "-"] in projects.rows
    assert (await operator.run("project", "disable", "DEMO", "--tenant", tenant)).code == 0
    projects = await operator.run("project", "list", "--tenant", tenant)
    assert projects.rows[0][4] == "no"


async def test_keys(operator: Console, tenant: str) -> None:
    rotated = await operator.run("keys", "rotate")
    assert rotated.code == 0, rotated.err
    listed = await operator.run("keys", "list")
    assert [row[0] for row in listed.rows][-1] == rotated.out.strip()
    assert listed.rows[-1][2:] == ["-", "sealed"]


async def test_events_wait_in_the_outbox(
    operator: Console, tenant: str, installation: Installation, servers: Backends
) -> None:
    async with connect(servers.mongodb, installation.database("tenancy")) as database:
        row = await database["tenants"].find_one({"_id": tenant})
    assert row is not None
    assert [e["kind"] for e in row["outbox"]] == ["state"]


async def test_a_site_for_links(operator: Console) -> None:
    made = await operator.run("tenant", "create", "--site-url", "https://a.atlassian.net/")
    listed = await operator.run("tenant", "list")
    row = next(r for r in listed.rows if r[0] == made.out.strip())
    assert row[1:6] == ["active", "without", "Jira", "https://a.atlassian.net", "-"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ("token mint --tenant nobody --name x --scope read", 1, "There is no tenant nobody."),
        ("token mint --tenant {t} --name x --scope owner", 2, "owner"),
        ("token mint --tenant {t} --name x", 2, "--scope"),
        ("token mint --tenant {t} --name x --scope read --days 366", 2, "--days"),
        ("token mint --tenant {t} --name x --scope read --account-id a/b", 2, "account id"),
        ("token mint --tenant {t} --name x --scope read --project NOPE", 1, "NOPE"),
        ("token mint --tenant {t} --name x --scope admin --project X", 1, "admin"),
        ("token revoke nope", 1, "There is no token nope."),
        ("project enable demo --tenant {t}", 1, "upper-case"),
        ("project enable DEMO --tenant nobody", 1, "There is no tenant nobody."),
        ("project list --tenant nobody", 1, "There is no tenant nobody."),
        ("project disable NOPE --tenant {t}", 1, "NOPE"),
        ("tenant create --site-url nonsense", 2, "https://"),
        ("tenant create --site-url https://u:p@a.example", 2, "host"),
        ("tenant create --jira", 2, "--jira"),
    ],
)
async def test_what_is_in_the_way_is_said(
    operator: Console, tenant: str, arguments: str, code: int, text: str
) -> None:
    result = await operator.run(*arguments.format(t=tenant).split())
    assert (result.code, result.out) == (code, "")
    assert text in result.err
    assert "Traceback" not in result.err


async def test_wrong_settings_are_named(operator: Console) -> None:
    missing = await operator.run("tenant", "list", mongodb_uri="")
    assert missing.code == 2
    assert "OSTRO_MONGODB_URI" in missing.err
    down = await operator.run(
        "tenant", "list", mongodb_uri="mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500"
    )
    assert down.code == 1
    assert "MongoDB does not answer" in down.err


async def test_another_master_key_is_noticed_before_anything_is_sealed_with_it(
    operator: Console, tenant: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    result = await operator.run("tenant", "list", master_key_file=str(other))
    assert result.code == 1
    assert "OSTRO_MASTER_KEY_FILE does not hold the key" in result.err


async def test_as_a_process_of_its_own(installation: Installation, tenant: str) -> None:
    shell = Operator(installation)
    minted = await shell.run("token", "mint", "--tenant", tenant, "--name", "x", "--scope", "read")
    assert minted.code == 0, minted.err
    assert jwt.get_unverified_header(minted.out.strip())["alg"] == "ES256"
    assert minted.out.count("\n") == 1
    failed = await shell.run("token", "revoke", "nope")
    assert (failed.code, failed.out, failed.err) == (1, "", "There is no token nope.\n")


@pytest.mark.parametrize("group", ["", "tenant", "project", "token", "keys"])
async def test_help(operator: Console, group: str) -> None:
    result = await operator.run(*filter(None, [group]), "--help")
    assert result.code == 0
    if group == "":
        assert "OSTRO_MASTER_KEY_FILE" in result.out


async def test_help_says_where_tenants_with_jira_come_from(operator: Console) -> None:
    result = await operator.run("tenant", "create", "--help")
    assert "/connect/atlassian-connect.json" in result.out
