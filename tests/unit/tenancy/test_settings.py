"""Settings of tenancy: what is wrong is named, what is empty is unset."""

import base64
from pathlib import Path
from typing import Any

import pytest

from kit.settings import load
from services.tenancy.domain.forge import ApiHosts
from services.tenancy.settings import INSTALL_KEY_SERVERS, AdminSettings


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    key = tmp_path / "master"
    key.write_text(base64.b64encode(b"k" * 32).decode() + "\n")
    monkeypatch.setenv("OSTRO_MONGODB_URI", "mongodb://127.0.0.1/")
    monkeypatch.setenv("OSTRO_MASTER_KEY_FILE", str(key))
    return monkeypatch


def test_defaults_are_atlassians(environment: pytest.MonkeyPatch) -> None:
    settings = load(AdminSettings)
    assert settings.jira_key_servers == INSTALL_KEY_SERVERS
    assert settings.site_rules.hosts == ()
    assert not settings.site_rules.relaxed
    assert settings.app_key == "io.ostro.test-management"


def test_forge_is_off_until_its_app_is_named(environment: pytest.MonkeyPatch) -> None:
    settings = load(AdminSettings)
    assert settings.forge_app_id == ""
    assert settings.forge_jwks_url.startswith("https://forge.cdn.prod.atlassian-dev.net/")
    assert settings.forge_environments == ("PRODUCTION",)
    assert settings.api_hosts == ApiHosts()
    app_id = "ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a"
    environment.setenv("OSTRO_FORGE_APP_ID", app_id)
    environment.setenv("OSTRO_FORGE_ENVIRONMENTS", "PRODUCTION, STAGING")
    environment.setenv("OSTRO_FORGE_API_HOSTS", "127.0.0.1")
    environment.setenv("OSTRO_FORGE_JWKS_URL", "http://127.0.0.1:1/jwks.json")
    environment.setenv("OSTRO_JIRA_ALLOW_HTTP", "true")
    settings = load(AdminSettings)
    assert settings.forge_app_id == app_id
    assert settings.forge_environments == ("PRODUCTION", "STAGING")
    assert settings.api_hosts == ApiHosts(("127.0.0.1",), relaxed=True)


def test_empty_is_unset(environment: pytest.MonkeyPatch) -> None:
    for name in ("APP_KEY", "JIRA_KEY_SERVERS", "JIRA_HOSTS", "JIRA_ALLOW_HTTP", "APP_BASE_URL"):
        environment.setenv(f"OSTRO_{name}", "")
    assert load(AdminSettings).jira_key_servers == INSTALL_KEY_SERVERS


def test_comma_lists(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OSTRO_JIRA_KEY_SERVERS", "https://a.example/keys/, https://b.example")
    environment.setenv("OSTRO_JIRA_HOSTS", "Jira.Company.example, .jira.test")
    settings = load(AdminSettings)
    assert settings.jira_key_servers == ("https://a.example/keys", "https://b.example")
    assert settings.site_rules.hosts == ("jira.company.example", ".jira.test")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MASTER_KEY_FILE", "/nonexistent/key"),
        ("MASTER_KEY_FILE", __file__),
        ("APP_KEY", "with space"),
        ("APP_KEY", "k" * 65),
        ("APP_BASE_URL", "not a url"),
        ("JIRA_KEY_SERVERS", "nonsense"),
        ("JIRA_KEY_SERVERS", "http://keys.example"),
        ("JIRA_KEY_SERVERS", ","),
        ("JIRA_HOSTS", "https://jira.example"),
        ("JIRA_HOSTS", "jira.example:8080"),
        ("JIRA_HOSTS", "*.example"),
        ("JIRA_HOSTS", "."),
        ("JIRA_ALLOW_HTTP", "perhaps"),
        ("FORGE_APP_ID", "406d303d-0393-4ec4-ad7c-1435be94583a"),
        ("FORGE_APP_ID", "ari:cloud:ecosystem::app/"),
        ("FORGE_APP_ID", "ari:cloud:ecosystem::app/x/y"),
        ("FORGE_JWKS_URL", "http://forge.example/jwks.json"),
        ("FORGE_JWKS_URL", "nonsense"),
        ("FORGE_JWKS_URL", "https://forge.example/jwks.json?kid="),
        ("FORGE_ENVIRONMENTS", ","),
        ("FORGE_API_HOSTS", "https://api.example"),
        ("FORGE_API_HOSTS", ","),
    ],
)
def test_a_wrong_one_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: Any
) -> None:
    environment.setenv(f"OSTRO_{name}", value)
    with pytest.raises(SystemExit) as caught:
        load(AdminSettings)
    assert caught.value.code == 2
    assert f"OSTRO_{name}" in capsys.readouterr().err
