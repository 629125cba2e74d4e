"""Paths, user agents, buckets and versions, by table."""

import pytest

from contracts.telemetry import ClientFamily
from services.telemetry.domain import buckets
from services.telemetry.domain.clients import Client, client_of
from services.telemetry.domain.paths import OTHER, TEMPLATES, template_of

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko)"
)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/jira/browse/ABC-123", "/jira/browse/:issueKey"),
        ("/jira/browse/ABC-123/", "/jira/browse/:issueKey"),
        ("/browse/ABC-123?focusedId=1", "/browse/:issueKey"),
        ("/v2/automations/executions/junit", "/v2/automations/executions/junit"),
        ("/v2/automations/executions/junit?projectKey=ACME", "/v2/automations/executions/junit"),
        ("/v2/testcases/ACME-T1", "/v2/testcases/:key"),
        ("/v2/testcases/nextgen", "/v2/testcases/nextgen"),
        ("/v2/testcases/nextgen/links", "/v2/testcases/:key/links"),
        (
            "/v2/testcases/A-T1/teststeps/3/attachments/x.png",
            "/v2/testcases/:key/teststeps/:step/attachments/:attachment",
        ),
        ("/v2/testcases/A-T1/teststeps/3/attachments/x.png/y", OTHER),
        ("/v2/issuelinks/ABC-9/executions", "/v2/issuelinks/:issueKey/executions"),
        ("/v2/testplans/A-P1/teststeps", OTHER),
        ("/v2/testcases//links", OTHER),
        ("/v2/TestCases", OTHER),
        ("/v2/%74estcases", OTHER),
        ("//evil.example/v2/testcases", OTHER),
        ("https://acme.atlassian.net/browse/ABC-1", OTHER),
        ("/people/bob", OTHER),
        ("/", OTHER),
        ("", OTHER),
        ("?x", OTHER),
        ("/" * 10_000, OTHER),
    ],
)
def test_paths(path: str, template: str) -> None:
    assert template_of(path) == template


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_matches_itself(template: str) -> None:
    assert template_of(template.replace(":", "x")) == template
    assert template_of(template, keep_keys=True) == template


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/jira/browse/ABC-123?focusedId=1", "/jira/browse/ABC-123"),
        ("/browse/ABC-0123", "/browse/:issueKey"),
        ("/browse/abc-1", "/browse/:issueKey"),
        ("/browse/BOB_SMITH_OF_ACME-1", "/browse/:issueKey"),
        ("/browse/ABC-1\n", "/browse/:issueKey"),
        ("/v2/testcases/ABC-T12/links", "/v2/testcases/ABC-T12/links"),
        ("/v2/testcases/ABC-12/links", "/v2/testcases/:key/links"),
        (
            "/v2/testcycles/ABC-R1/attachments/bob.png",
            "/v2/testcycles/ABC-R1/attachments/:attachment",
        ),
        ("/v2/projects/ABC-1", "/v2/projects/:project"),
        ("/people/ABC-1", OTHER),
    ],
)
def test_keys_stay_only_where_chosen_and_in_exactly_their_form(path: str, kept: str) -> None:
    assert template_of(path, keep_keys=True) == kept
    # what was kept goes again when the choice is taken back
    assert template_of(kept) == template_of(path)
    assert "ABC" not in template_of(path)


@pytest.mark.parametrize(
    ("agent", "family", "major"),
    [
        ("Mozilla/5.0", ClientFamily.OTHER, None),
        ("", ClientFamily.OTHER, None),
        (
            f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36",
            ClientFamily.CHROME,
            126,
        ),
        (
            f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
            ClientFamily.EDGE,
            126,
        ),
        (
            f"{WINDOWS} Chrome/125.0 Safari/537.36 OPR/111.0",
            ClientFamily.OPERA,
            111,
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
            ClientFamily.FIREFOX,
            127,
        ),
        (
            f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
            ClientFamily.SAFARI,
            17,
        ),
        ("curl/8.5.0", ClientFamily.CURL, 8),
        ("python-requests/2.32.3", ClientFamily.PYTHON, 2),
        ("axios/1.7.2", ClientFamily.NODE, 1),
        ("Java-http-client/17.0.11", ClientFamily.JAVA, 17),
        ("Apache-HttpClient/4.5.14 (Java/17.0.11)", ClientFamily.JAVA, 4),
        ("Go-http-client/1.1", ClientFamily.GO, 1),
        (
            "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) PowerShell/7.4.3",
            ClientFamily.POWERSHELL,
            7,
        ),
        ("curl/8000", ClientFamily.CURL, None),
        ("curl/0.9", ClientFamily.CURL, None),
        ("node", ClientFamily.NODE, None),
        ("Safari/604.1", ClientFamily.SAFARI, None),
        ("x" * 100_000 + "curl/8", ClientFamily.OTHER, None),
    ],
)
def test_user_agents(agent: str, family: ClientFamily, major: int | None) -> None:
    assert client_of(agent) == Client(family, major)


@pytest.mark.parametrize(
    ("number", "bucket"),
    [
        (-1, None),
        (0, "0"),
        (1, "1"),
        (2, "2-10"),
        (10, "2-10"),
        (11, "11-100"),
        (100, "11-100"),
        (101, "101-1000"),
        (1_000, "101-1000"),
        (1_001, "1001-10000"),
        (10_001, "10001+"),
        (10**30, "10001+"),
    ],
)
def test_counts(number: int, bucket: str | None) -> None:
    assert buckets.count_bucket(number) == bucket


@pytest.mark.parametrize(
    ("milliseconds", "bucket"),
    [
        (-1, None),
        (0, "0-100ms"),
        (99, "0-100ms"),
        (100, "100ms-1s"),
        (999, "100ms-1s"),
        (1_000, "1-10s"),
        (9_999, "1-10s"),
        (10_000, "10-60s"),
        (60_000, "60s+"),
    ],
)
def test_durations(milliseconds: int, bucket: str | None) -> None:
    assert buckets.duration_bucket(milliseconds) == bucket


@pytest.mark.parametrize(
    ("text", "bucket"),
    [
        ("2000 users", "1001-10000"),
        ("1 user", "1-10"),
        ("10", "1-10"),
        ("11 Users", "11-100"),
        ("100 users", "11-100"),
        ("1000 users", "101-1000"),
        ("10001 users", "10001+"),
        ("Unlimited Users", "10001+"),
        ("unlimited", "10001+"),
        ("0 users", None),
        ("", None),
        ("2000 users of Acme", None),
        ("Acme", None),
        ("99999999", None),
        ("\u0662000", None),
    ],
)
def test_licence_tiers(text: str, bucket: str | None) -> None:
    assert buckets.licence_tier(text) == bucket


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("COMMERCIAL", "COMMERCIAL"),
        ("commercial", "COMMERCIAL"),
        ("Open Source", "OPEN_SOURCE"),
        ("Acme special", None),
        ("", None),
        ("__doc__", None),
    ],
)
def test_licence_types(text: str, found: str | None) -> None:
    assert buckets.licence_type(text) == found


@pytest.mark.parametrize(
    ("text", "app", "jira"),
    [
        ("7.1.1", "7.1", "7.1"),
        ("7.1", "7.1", "7.1"),
        ("1001.0.0-SNAPSHOT", None, "1001.0"),
        ("7.1.1-customer-acme", "7.1", "7.1"),
        ("v7.1", None, None),
        ("7", None, None),
        ("", None, None),
        ("12345.1", None, None),
        ("7.1234", None, None),
        ("7.123", "7.123", None),
        ("\u0667.1", None, None),
    ],
)
def test_versions(text: str, app: str | None, jira: str | None) -> None:
    assert (buckets.app_version(text), buckets.jira_version(text)) == (app, jira)
