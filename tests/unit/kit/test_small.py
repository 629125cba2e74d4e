"""Clock, ids, health, settings, errors."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
from bson.tz_util import utc  # as in what MongoDB returns

from kit.clock import SystemClock, to_millis, vendor_time
from kit.errors import InvalidInput, OstroError, TooManyRequests, Unavailable
from kit.http.pages import json_response
from kit.ids import SystemIds, stable_uuid
from kit.observability.health import Health
from kit.settings import KafkaSettings, MongoSettings, load, read_secret


def test_uuid7_is_a_uuid_of_version_7_that_sorts_by_time() -> None:
    ids = [SystemIds().uuid7() for _ in range(200)]
    assert {UUID(i).version for i in ids} == {7}
    assert {UUID(i).variant for i in ids} == {"specified in RFC 4122"}
    assert [UUID(i).int >> 80 for i in ids] == sorted(UUID(i).int >> 80 for i in ids)
    assert len(set(ids)) == 200


def test_a_stable_uuid_depends_on_each_part_and_on_where_it_ends() -> None:
    assert stable_uuid("a", "b", 1) == stable_uuid("a", "b", 1)
    assert stable_uuid("a", "b") != stable_uuid("ab", "") != stable_uuid("a", "b", "")
    assert UUID(stable_uuid("a")).version == 5


def test_tokens_and_numbers() -> None:
    ids = SystemIds()
    assert len(ids.token()) == 16
    assert set(ids.token(2000)) <= set("0123456789abcdefghjkmnpqrstvwxyz")
    assert {ids.below(3) for _ in range(200)} == {0, 1, 2}


def test_times_are_utc_whole_milliseconds_and_rendered_as_the_vendor_does() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    moment = datetime(2026, 5, 1, 12, 0, 0, 999_999, timezone(timedelta(hours=2)))
    assert to_millis(moment).microsecond == 999_000
    assert vendor_time(moment) == "2026-05-01T10:00:00Z"
    for year in (1, 987, 9999):
        stored = datetime(year, 5, 1, 12, 0, 0, 999_000, utc)
        assert bytes(json_response(stored).body).decode() == f'"{vendor_time(stored)}"'


def test_errors_carry_their_headers() -> None:
    assert OstroError("x").status == 500
    assert InvalidInput("x").headers == {}
    assert Unavailable("x").headers == {"Retry-After": "5"}
    quota = TooManyRequests("x", retry_after=3, headers={"X": "1"})
    assert quota.headers == {"X": "1", "Retry-After": "3"}


async def test_health_names_what_fails_and_never_waits_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health = Health()

    async def broken() -> None:
        raise ValueError("content")

    async def fine() -> None:
        return

    health.add("broken", broken)
    health.add("fine", fine)
    health.stuck("group", "3 poison records in a row")
    assert await health.ready() == {"broken": "ValueError", "group": "3 poison records in a row"}
    health.stuck("group", None)
    health.stuck("unknown", None)
    assert await health.ready() == {"broken": "ValueError"}

    async def hangs() -> None:
        await asyncio.Event().wait()

    health.add("broken", hangs)
    assert await asyncio.wait_for(health.ready(), 20) == {"broken": "TimeoutError"}


def test_the_mongodb_password_comes_from_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "password"
    secret.write_text("p@ss/word\n")
    monkeypatch.setenv("OSTRO_MONGODB_URI", "mongodb://user@host:27017/?replicaSet=rs0")
    monkeypatch.setenv("OSTRO_MONGODB_DATABASE", "x")
    monkeypatch.setenv("OSTRO_MONGODB_PASSWORD_FILE", str(secret))
    expected = "mongodb://user:p%40ss%2Fword@host:27017/?replicaSet=rs0"
    assert load(MongoSettings).mongodb_uri == expected


@pytest.mark.parametrize("uri", ["mongodb://host", "mongodb://user:password@host"])
def test_a_uri_that_cannot_take_the_password_is_refused_without_showing_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    uri: str,
) -> None:
    (tmp_path / "p").write_text("secret")
    monkeypatch.setenv("OSTRO_MONGODB_URI", uri)
    monkeypatch.setenv("OSTRO_MONGODB_DATABASE", "x")
    monkeypatch.setenv("OSTRO_MONGODB_PASSWORD_FILE", str(tmp_path / "p"))
    with pytest.raises(SystemExit) as end:
        load(MongoSettings)
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert told.splitlines()[1] == "  OSTRO_MONGODB_URI must name a user without a password"
    assert "secret" not in told
    assert ":password" not in told


def test_a_secret_file_that_cannot_be_read_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"OSTRO_X_FILE: cannot read .*nothing: No such file"):
        read_secret(tmp_path / "nothing", "OSTRO_X_FILE")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SystemExit, match=r"OSTRO_X_FILE: .* is not text"):
        read_secret(tmp_path / "binary", "OSTRO_X_FILE")


@pytest.mark.parametrize("good", ["a:1", "a:1,b:2", "[::1]:9092"])
def test_bootstrap_addresses(good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTRO_KAFKA_BOOTSTRAP", good)
    assert load(KafkaSettings).kafka_bootstrap == good


@pytest.mark.parametrize("bad", ["", "a", "a:", "a:1,", "a:1, b:2"])
def test_bad_bootstrap_addresses(
    bad: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OSTRO_KAFKA_BOOTSTRAP", bad)
    with pytest.raises(SystemExit):
        load(KafkaSettings)
    assert "OSTRO_KAFKA_BOOTSTRAP: " in capsys.readouterr().err
