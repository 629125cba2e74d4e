"""Settings of the keys that wrap every secret."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, HttpUrl, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kit.settings import PREFIX, read_secret
from services.tenancy.adapters.sealing.local_keys import master_key
from services.tenancy.domain.secret import Secret

_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
_LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})


class KeyProviderName(StrEnum):
    """Where the wrapping key is."""

    LOCAL = "local"
    KMS = "kms"


class KeyOptions(BaseSettings):
    """One key wraps; whatever else is named here unwraps what it wrapped before."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True
    )

    key_provider: KeyProviderName = Field(
        KeyProviderName.LOCAL,
        description="what wraps the keys of secrets: local (a master key file) or kms (AWS KMS)",
    )
    master_key_file: Path | None = Field(
        None,
        description="file with the master key: 32 bytes, base64; required unless the provider is "
        "kms, which lets it unwrap only",
    )
    previous_master_key_files: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="comma list of files with further master keys, which unwrap only"
    )
    kms_key_id: str | None = Field(
        None,
        description="ARN of the KMS key (arn:aws:kms:...:key/...); required for the provider kms, "
        "unwraps only for local; its region is used",
    )
    previous_kms_key_ids: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma list of ARNs of further KMS keys, which unwrap only"
    )
    kms_endpoint: HttpUrl | None = Field(
        None, description="URL of KMS when it is not AWS's own for the region; https"
    )

    @field_validator("previous_master_key_files", "previous_kms_key_ids", mode="before")
    @classmethod
    def _split_keys(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("master_key_file")
    @classmethod
    def _holds_a_key(cls, value: Path | None) -> Path | None:
        if value is not None:
            _read(value, "OSTRO_MASTER_KEY_FILE")
        return value

    @field_validator("previous_master_key_files")
    @classmethod
    def _hold_keys(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        for path in value:
            _read(path, "OSTRO_PREVIOUS_MASTER_KEY_FILES")
        return value

    @field_validator("kms_key_id")
    @classmethod
    def _key_arn(cls, value: str | None) -> str | None:
        # an alias may point elsewhere tomorrow, and what is stored must say which key it needs
        if value is not None and not _KEY_ARN.fullmatch(value):
            raise ValueError("must be the ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID")
        return value

    @field_validator("previous_kms_key_ids")
    @classmethod
    def _key_arns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for arn in value:
            cls._key_arn(arn)
        return value

    @field_validator("kms_endpoint")
    @classmethod
    def _no_keys_in_the_clear(cls, value: HttpUrl | None) -> HttpUrl | None:
        if value is not None and value.scheme != "https" and value.host not in _LOOPBACK:
            raise ValueError("must be https: data keys travel to it")
        return value

    @model_validator(mode="after")
    def _provider_has_its_key(self) -> "KeyOptions":
        if self.key_provider is KeyProviderName.LOCAL and self.master_key_file is None:
            raise ValueError("OSTRO_MASTER_KEY_FILE is required")
        if self.key_provider is KeyProviderName.KMS and self.kms_key_id is None:
            raise ValueError("OSTRO_KMS_KEY_ID is required when OSTRO_KEY_PROVIDER is kms")
        return self

    @property
    def master_keys(self) -> tuple[Secret, ...]:
        """Return the master keys of the files, the current one first."""
        current = () if self.master_key_file is None else (self.master_key_file,)
        files = (*current, *self.previous_master_key_files)
        return tuple(_read(path, "a master key file") for path in files)

    @property
    def kms_keys(self) -> tuple[str, ...]:
        """Return the ARNs of the KMS keys, the current one first."""
        current = () if self.kms_key_id is None else (self.kms_key_id,)
        return tuple(dict.fromkeys((*current, *self.previous_kms_key_ids)))


def _read(path: Path, setting: str) -> Secret:
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return master_key(read_secret(path, setting))
