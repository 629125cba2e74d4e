"""Settings of wrapping keys: which are required, what is refused."""

import base64
import sys
from pathlib import Path

import pytest

from services.tenancy.composition.keys import key_ring
from services.tenancy.key_settings import KeyOptions

ARN = "arn:aws:kms:eu-central-1:123456789012:key/294530f5-d24c-4071-8fcf-37c2643997fb"
OTHER = ARN.replace("294530f5", "394530f5")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    found = {}
    for letter in "abc":
        path = tmp_path / letter
        path.write_text(base64.b64encode(letter.encode() * 32).decode() + "\n")
        found[letter] = str(path)
    return found


def options(monkeypatch: pytest.MonkeyPatch, **values: str) -> KeyOptions:
    for name, value in values.items():
        monkeypatch.setenv(f"OSTRO_{name.upper()}", value)
    return KeyOptions()


def test_local_is_the_default_and_needs_its_file(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="OSTRO_MASTER_KEY_FILE is required"):
        KeyOptions()
    ring = key_ring(options(monkeypatch, master_key_file=files["a"]))
    assert ring.key_id.startswith("local:")
    assert ring.key_ids == {ring.key_id}


def test_previous_files_unwrap_only(monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
    first = key_ring(options(monkeypatch, master_key_file=files["a"])).key_id
    later = f"{files['a']}, {files['c']}"
    ring = key_ring(
        options(monkeypatch, master_key_file=files["b"], previous_master_key_files=later)
    )
    assert ring.key_id != first
    assert first in ring.key_ids
    assert len(ring.key_ids) == 3


async def test_kms_wraps_and_the_master_key_that_is_still_there_unwraps(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="OSTRO_KMS_KEY_ID is required"):
        options(monkeypatch, key_provider="kms")
    ring = key_ring(options(monkeypatch, kms_key_id=ARN, previous_kms_key_ids=OTHER))
    assert ring.key_ids == {f"kms:{ARN}", f"kms:{OTHER}"}
    assert ring.key_id == f"kms:{ARN}"
    await ring.close()
    ring = key_ring(options(monkeypatch, master_key_file=files["a"]))
    assert ring.key_id == f"kms:{ARN}"
    assert len(ring.key_ids) == 3
    await ring.close()
    ring = key_ring(options(monkeypatch, key_provider="local"))
    assert ring.key_id.startswith("local:")
    assert f"kms:{ARN}" in ring.key_ids
    await ring.close()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("key_provider", "vault", "local"),
        ("kms_key_id", "alias/ostro", "ARN of a key"),
        ("kms_key_id", ARN.replace("key/", "alias/"), "ARN of a key"),
        ("previous_kms_key_ids", f"{ARN},nonsense", "ARN of a key"),
        ("previous_master_key_files", "/nonexistent", "there is no file"),
        ("previous_master_key_files", __file__, "32 bytes"),
        ("kms_endpoint", "http://kms.example", "https"),
        ("kms_endpoint", "nonsense", "URL"),
    ],
)
def test_a_wrong_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], name: str, value: str, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        options(monkeypatch, master_key_file=files["a"], **{name: value})


def test_without_boto3_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    monkeypatch.delitem(sys.modules, "services.tenancy.adapters.sealing.kms", raising=False)
    monkeypatch.setitem(sys.modules, "boto3", None)
    settings = options(monkeypatch, master_key_file=files["a"], kms_key_id=ARN)
    with pytest.raises(SystemExit, match="extra kms"):
        key_ring(settings)
