"""Each service's settings class loads the environment block that the compose file gives it."""

import importlib
import re
from pathlib import Path

import pytest

from contracts.tenancy import SERVICES
from deploy.make_secrets import make
from kit.settings import ServiceSettings
from tests.compose.composefile import ROOT, containers, environment, secret_targets

MOUNTED = "/run/secrets/"
# one host, one namespace: not offered in .env
FIXED = {
    "kafka_ca_file",
    "kafka_session_seconds",
    "topic_prefix",
    "topic_replication",
    "otlp_endpoint",
    "start_timeout_seconds",
}


def settings_class(service: str) -> type[ServiceSettings]:
    """Return the one settings class of a service."""
    module = importlib.import_module(f"services.{service}.settings")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ServiceSettings)
        and value.__module__ == module.__name__
    ]
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    make(folder)
    return folder


def mounted(service: str, secrets: Path) -> dict[str, str]:
    """Return the environment block with each mounted secret's own file in place of its mount."""
    targets = secret_targets(service)
    return {
        name: str(secrets / targets[value.removeprefix(MOUNTED)])
        if value.startswith(MOUNTED)
        else value
        for name, value in environment(service).items()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_environment_block_is_what_the_service_needs(
    service: str, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = mounted(service, secrets)
    for name, value in block.items():
        monkeypatch.setenv(name, value)
    settings = settings_class(service)()
    password = (secrets / f"mongo-{service}-password").read_text()
    assert settings.mongodb_uri.startswith(f"mongodb://{service}:{password}@mongo:27017/")
    assert settings.mongodb_database == f"ostro_{service}"
    assert settings.kafka_username == service
    assert settings.http_host == "0.0.0.0"
    files = [v for n, v in settings.model_dump().items() if n.endswith("_file") and v is not None]
    assert all(Path(file).is_file() for file in files)


@pytest.mark.parametrize("service", SERVICES)
def test_the_documented_defaults_are_the_defaults_of_the_service(service: str) -> None:
    example = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r"^#OSTRO_([A-Z_]+)=(\d+)$", example, re.MULTILINE))
    fields = settings_class(service).model_fields
    for name in {n.lower() for n in shown} & fields.keys():
        assert float(shown[name.upper()]) == float(fields[name].default), name


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_of_a_service_can_be_given_and_no_other(service: str) -> None:
    given = {name.removeprefix("OSTRO_").lower() for name in containers()[service]["environment"]}
    wanted = settings_class(service).model_fields.keys() - FIXED
    assert given == wanted, "name it in docker-compose.yml and .env.example, or in FIXED here"
