"""Sealing, settings, waiting, and which requests go through a proxy."""

import asyncio
import secrets
from pathlib import Path

import pytest
from pydantic import ValidationError

from kit.kafka.consumer import GiveBack
from services.telemetry.adapters.processors.http import Endpoint, is_loopback
from services.telemetry.adapters.processors.regions import HOSTS, Region
from services.telemetry.adapters.sealing import Sealer, WrongWrappingKey, read_wrapping_key
from services.telemetry.composition.hosts import (
    deletion_address,
    events_address,
    flags_address,
)
from services.telemetry.settings import TelemetrySettings, secret_or_none
from services.telemetry.usecases.pace import Backoff, LoopPace

KEY = bytes(32)


def test_a_sealed_key_opens_for_its_tenant_and_epoch_only() -> None:
    sealer = Sealer(KEY, secrets.token_bytes)
    sealed = sealer.seal(b"k" * 32, "tenant-1", "2026-11")
    assert b"k" * 4 not in sealed
    assert sealer.open(sealed, "tenant-1", "2026-11") == b"k" * 32
    for wrong in (("tenant-2", "2026-11"), ("tenant-1", "2026-10")):
        with pytest.raises(WrongWrappingKey):
            sealer.open(sealed, *wrong)
    with pytest.raises(WrongWrappingKey):
        Sealer(bytes(31) + b"1", secrets.token_bytes).open(sealed, "tenant-1", "2026-11")
    assert sealer.seal(b"k" * 32, "tenant-1", "2026-11") != sealed


@pytest.mark.parametrize("text", ["", "short", "AAAA", "not base64 at all!", "A" * 43])
def test_a_wrapping_key_of_another_length_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(ValueError, match="must hold 32 bytes"):
        read_wrapping_key(path)


def environment(tmp_path: Path, **changed: str) -> dict[str, str]:
    key = tmp_path / "key"
    key.write_text("A" * 43 + "=\n")
    return {
        "OSTRO_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
        "OSTRO_MONGODB_URI": "mongodb://127.0.0.1",
        "OSTRO_SERVICE_KEY_FILE": str(key),
        "OSTRO_PEER_KEYS_FILE": str(key),
        "OSTRO_PSEUDONYM_KEY_FILE": str(key),
    } | changed


def test_empty_settings_of_a_processor_mean_not_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = environment(tmp_path, OSTRO_SEGMENT_URL="", OSTRO_SEGMENT_WRITE_KEY_FILE="")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = TelemetrySettings()
    assert settings.segment_url is None
    assert secret_or_none(settings.segment_write_key_file) is None
    assert (settings.http_port, settings.internal_port) == (8104, 8204)
    assert settings.mongodb_database == "ostro_telemetry"


@pytest.mark.parametrize(
    ("set_to", "addresses"),
    [
        ({}, (None, None, None, "https://sdk.launchdarkly.com")),
        (
            {"OSTRO_PROCESSORS_REGION": "eu"},
            (
                "https://api.eu.amplitude.com",
                "https://events.eu1.segmentapis.com",
                "https://analytics.eu.amplitude.com",
                "https://sdk.eu.launchdarkly.com",
            ),
        ),
        (
            {"OSTRO_PROCESSORS_REGION": "us", "OSTRO_SEGMENT_URL": "http://127.0.0.1:9/segment/"},
            (
                "https://api2.amplitude.com",
                "http://127.0.0.1:9/segment",
                "https://amplitude.com",
                "https://sdk.launchdarkly.com",
            ),
        ),
        (
            {
                "OSTRO_AMPLITUDE_URL": "https://api.eu.amplitude.com",
                "OSTRO_LAUNCHDARKLY_REGION": "eu",
            },
            (
                "https://api.eu.amplitude.com",
                None,
                "https://analytics.eu.amplitude.com",
                "https://sdk.eu.launchdarkly.com",
            ),
        ),
    ],
)
def test_a_region_moves_all_hosts_and_an_address_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    set_to: dict[str, str],
    addresses: tuple[str | None, ...],
) -> None:
    for name, value in environment(tmp_path, **set_to).items():
        monkeypatch.setenv(name, value)
    settings = TelemetrySettings()
    assert addresses == (
        events_address(settings, "amplitude"),
        events_address(settings, "segment"),
        deletion_address(settings, "amplitude_deletion"),
        flags_address(settings, "launchdarkly_base"),
    )


@pytest.mark.parametrize("name", ["AMPLITUDE", "AMPLITUDE_DELETION", "SEGMENT", "SEGMENT_API"])
def test_a_host_of_another_region_beside_a_region_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    url = getattr(HOSTS[Region.US], name.lower())
    values = {"OSTRO_PROCESSORS_REGION": "eu", f"OSTRO_{name}_URL": url}
    for variable, value in environment(tmp_path, **values).items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError, match="another region"):
        TelemetrySettings()


def test_an_empty_key_file_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "write-key"
    path.write_text("\n")
    assert secret_or_none(path) is None
    path.write_text("secret\n")
    assert secret_or_none(path) == "secret"


def test_a_wrong_pseudonym_key_file_is_named_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("AAAA")
    for name, value in environment(tmp_path, OSTRO_PSEUDONYM_KEY_FILE=str(wrong)).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as raised:
        TelemetrySettings()
    assert [e["loc"] for e in raised.value.errors()] == [("pseudonym_key_file",)]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("api.segment.io", False),
        ("10.0.0.1", False),
        ("127.0.0.1.example", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("url", "trusted"), [("http://127.0.0.1:9/x", False), ("https://api.segment.io/v1", True)]
)
async def test_proxies_are_honoured_except_for_loopback(url: str, trusted: bool) -> None:
    endpoint = Endpoint(url, {})
    assert endpoint._http.trust_env is trusted
    await endpoint.close()


def test_the_backoff_grows_is_capped_and_spread() -> None:
    low, high = Backoff(lambda: 0.0), Backoff(lambda: 1.0)
    assert [low.after(n) for n in (1, 2, 3)] == [0.25, 0.5, 1.0]
    assert [high.after(n) for n in (1, 2, 3)] == [0.75, 1.5, 3.0]
    assert low.after(10_000) == 15.0
    assert low.at_least(10) == 10.0
    assert high.at_least(10) == pytest.approx(11.0)


async def test_a_pause_ends_by_itself_or_when_the_service_stops() -> None:
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    pace = LoopPace(stopping, loop.time)
    before = pace.now()
    await pace.pause(0.01)
    assert pace.now() - before >= 0.009
    waiting = asyncio.ensure_future(pace.pause(3600))
    stopping.set()
    with pytest.raises(GiveBack):
        await waiting
