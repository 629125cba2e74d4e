"""Settings of the local stack, read from ``OSTRO_*`` variables."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from devstack.embedded.errors import StackError
from devstack.embedded.ports import LOOPBACK

ROOT = Path(__file__).resolve().parents[1]
_PREFIX = "OSTRO_"
Port = Annotated[int, Field(ge=1, le=65535)]


class StackSettings(BaseSettings):
    """Where the local stack keeps its data and which ports it uses."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    data: Path = Field(ROOT / ".ostro", description="data, logs, keys; kept between runs")
    kafka_bootstrap: str | None = Field(None, description="use this Kafka, start none")
    mongodb_uri: str | None = Field(None, description="use this replica set, start none")
    detach: bool = Field(
        default=False, validation_alias="DETACH", description="return with the stack up"
    )
    flags: Literal["file", "launchdarkly"] = Field(
        "file", description="where flags come from: flags.json in the data folder, or the stand-in"
    )
    port_edge: Port = 8000
    port_testcases: Port = 8101
    port_executions: Port = 8102
    port_tenancy: Port = 8103
    port_telemetry: Port = 8104
    port_testcases_internal: Port = 8201
    port_executions_internal: Port = 8202
    port_tenancy_internal: Port = 8203
    port_telemetry_internal: Port = 8204
    port_jira: Port = 8301
    port_processors: Port = 8302
    port_kafka: Port = 19092
    port_kafka_controller: Port = 19093
    port_mongodb: Port = 27117

    @property
    def edge_url(self) -> str:
        return loopback(self.port_edge)

    @property
    def jira_url(self) -> str:
        return loopback(self.port_jira)

    @property
    def processors_url(self) -> str:
        return loopback(self.port_processors)

    @property
    def flags_file(self) -> Path:
        return self.data / "flags.json"

    def public_port(self, service: str) -> int:
        return int(getattr(self, f"port_{service}"))

    def internal_port(self, service: str) -> int:
        return int(getattr(self, f"port_{service}_internal"))

    def folder(self, name: str) -> Path:
        return self.data / name

    def log(self, process: str) -> Path:
        return self.data / "logs" / f"{process}.log"


def loopback(port: int) -> str:
    """Return the URL of a local HTTP port."""
    return f"http://{LOOPBACK}:{port}"


def port_setting(field: str) -> str:
    """Return the variable that moves a port."""
    return f"{_PREFIX}{field.upper()}"


def load_settings() -> StackSettings:
    """Read the settings; a StackError names the variable that is wrong."""
    try:
        settings = StackSettings()
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        lines = [f"{port_setting(str(e['loc'][0]))}: {e['msg']}" for e in wrong]
        raise StackError("wrong settings\n" + "\n".join(lines)) from None
    return settings.model_copy(update={"data": settings.data.expanduser().resolve()})
