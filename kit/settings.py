"""Settings: one typed, documented class per service, read from ``OSTRO_*`` variables only."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote_plus

from pydantic import Field, HttpUrl, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

PREFIX = "OSTRO_"


class KafkaSecurity(StrEnum):
    """How clients reach Kafka."""

    PLAINTEXT = "PLAINTEXT"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class KafkaSettings(BaseSettings):
    """Where Kafka is and how to log in."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    kafka_bootstrap: str = Field(
        pattern=r"^[^,\s]+:\d+(,[^,\s]+:\d+)*$", description="host:port[,host:port] of the brokers"
    )
    kafka_security: KafkaSecurity = Field(
        KafkaSecurity.PLAINTEXT, description="PLAINTEXT, or SASL_PLAINTEXT / SASL_SSL with SCRAM"
    )
    kafka_username: str | None = Field(None, description="SCRAM-SHA-512 user")
    kafka_password_file: Path | None = Field(None, description="file with the SCRAM password")
    kafka_ca_file: Path | None = Field(None, description="CA certificates, PEM, for SASL_SSL")
    kafka_session_seconds: float = Field(
        10,
        ge=1,
        le=60,
        description="how long a consumer may be silent before its partitions go to others",
    )
    topic_prefix: str = Field(
        "", description="put before every topic and group name, to share one cluster"
    )
    topic_replication: int = Field(1, ge=1, description="replication factor of created topics")


class MongoSettings(BaseSettings):
    """Where a service's own database is."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    mongodb_uri: str = Field(
        pattern=r"^mongodb(\+srv)?://", description="connection string; a replica set"
    )
    mongodb_password_file: Path | None = Field(
        None, description="file with the password of the user that the URI names"
    )
    mongodb_database: str = Field(description="name of this service's own database")

    @model_validator(mode="before")
    @classmethod
    def _password_into_uri(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Secrets come as files, drivers want them in the URI."""
        file, uri = values.get("mongodb_password_file"), str(values.get("mongodb_uri", ""))
        scheme, found, rest = uri.partition("://")
        user, at, hosts = rest.partition("@")
        if not file or not found:
            return values
        if not at or ":" in user:
            raise ValueError("OSTRO_MONGODB_URI must name a user without a password")
        password = quote_plus(read_secret(Path(file), "OSTRO_MONGODB_PASSWORD_FILE"))
        return {**values, "mongodb_uri": f"{scheme}://{user}:{password}@{hosts}"}

    @field_validator("mongodb_uri")
    @classmethod
    def _connection_string(cls, uri: str) -> str:
        """A wrong one shows at start, by the name of its setting."""
        if uri.startswith("mongodb://"):  # with +srv the name server would be asked
            try:
                parse_uri(uri)
            except (ValueError, PyMongoError, OSError) as error:
                raise ValueError(f"no connection string: {error}") from None
        return uri


class ServiceSettings(KafkaSettings, MongoSettings):
    """What every service needs. Subclasses add their own and set the default ports."""

    http_host: str = Field("127.0.0.1", description="address that both listeners bind")
    http_port: int = Field(ge=1, le=65535, description="public API")
    internal_port: int = Field(
        ge=1, le=65535, description="/internal, /health and /metrics; never behind the edge"
    )
    public_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8000"),
        description="base URL that clients use; self and next links start with it",
    )
    service_key_file: Path = Field(description="PEM private key (Ed25519) that signs our calls")
    peer_keys_file: Path = Field(description="JSON: service name to PEM public key")
    testcases_url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8201"), description="internal URL")
    executions_url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8202"), description="internal URL")
    tenancy_url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8203"), description="internal URL")
    telemetry_url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8204"), description="internal URL")
    cell: str = Field("local", description="name of this cell (region)")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    token_requests_per_minute: int = Field(
        300_000,
        ge=1,
        description="requests that one API token may make to this service in a minute, over all "
        "its processes; a token may have a lower limit of its own",
    )
    otlp_endpoint: HttpUrl | None = Field(None, description="OTLP/HTTP collector for traces")
    start_timeout_seconds: float = Field(
        60, gt=0, description="how long to wait for Kafka, its topics and MongoDB at start"
    )

    @property
    def api_base(self) -> str:
        """Base of the public API, without a trailing slash: ``https://host/v2``."""
        return str(self.public_url).rstrip("/") + "/v2"


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """Read settings from the environment; on a wrong one exit 2 with its name and the reason."""
    try:
        return settings()
    except ValidationError as error:
        # a fault of several together names its variables itself
        lines = [
            f"  {PREFIX}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            if e["loc"]
            else f"  {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False, include_url=False)
        ]
        sys.stderr.write(f"{settings.__name__}: wrong settings\n" + "\n".join(lines) + "\n")
        raise SystemExit(2) from None


def read_secret(path: Path, setting: str = "a secret file") -> str:
    """Return the text of a secret file, without the newline at its end; exit naming the setting."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise SystemExit(f"{setting}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SystemExit(f"{setting}: {path} is not text") from None
