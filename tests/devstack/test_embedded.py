"""The real brokers: they come back with their data after kill -9, also on other ports."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from devstack.embedded import mongod
from devstack.embedded.errors import StackError
from devstack.embedded.guard import Guard
from devstack.embedded.kafka import KafkaSite, embedded_kafka, kafka_answers, start_kafka
from devstack.embedded.mongod import (
    MongodSite,
    embedded_mongod,
    find_mongod,
    mongod_is_writable,
    start_mongod,
)
from devstack.embedded.ports import accepts, free_ports
from devstack.embedded.process import Process


@pytest.fixture
def guard() -> Iterator[Guard]:
    with Guard() as guard:
        try:
            yield guard
        finally:
            guard.end_watched()


def kill(process: Process) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.stop()


async def topics(bootstrap: str, create: str | None = None) -> set[str]:
    async with AsyncAdmin(bootstrap) as admin:
        if create is not None:
            await admin.create_topics([NewTopic(create, 1, 1)])
        return set(await admin.list_topics())


class AsyncAdmin:
    """An admin client as a context manager."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)

    async def __aenter__(self) -> AIOKafkaAdminClient:
        await self._admin.start()
        return self._admin

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()


def test_mongod_keeps_its_data_through_kill_and_a_move(tmp_path: Path, guard: Guard) -> None:
    first, second = (MongodSite(tmp_path / "mongod", port) for port in free_ports(2))
    process = start_mongod(first, started=guard.watch)
    cart = {"_id": 1, "items": 3}
    with mongod._client(first.uri) as client:
        client["shop"]["carts"].insert_one(cart)
    kill(process)
    start_mongod(second, started=guard.watch)
    with mongod._client(second.uri) as client:
        assert client["shop"]["carts"].find_one() == cart


def test_embedded_mongod_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "mongod"
    with embedded_mongod(folder) as uri:
        assert mongod_is_writable(uri)
    assert not folder.exists()
    assert not mongod_is_writable(uri)


def test_mongod_runs_with_pycurls_libcurl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has no libcurl: only the second library path is tried."""
    borrowed = mongod._pycurl_libraries(tmp_path)
    if borrowed is None:
        pytest.skip("no pycurl wheel for this machine")
    found = find_mongod(tmp_path)
    assert mongod._version(mongod.Mongod(found.executable, "", borrowed)) == found.version


def test_a_machine_without_mongod_is_told_its_choices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OSTRO_MONGOD", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mongod, "_wheel_mongod", lambda: None)
    with pytest.raises(
        StackError, match=r"PATH.*OSTRO_MONGOD=.*OSTRO_MONGODB_URI=.*docker compose"
    ):
        find_mongod(tmp_path)


def test_a_mongod_that_does_not_run_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable = tmp_path / "mongod"
    executable.write_text("#!/bin/sh\necho libfoo.so.1 is missing >&2; exit 127\n")
    executable.chmod(0o755)
    monkeypatch.setenv("OSTRO_MONGOD", str(executable))
    with pytest.raises(StackError, match=r"does not run here.*\n?.*libfoo\.so\.1 is missing"):
        find_mongod(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_kafka_keeps_its_topics_through_kill_and_a_move(tmp_path: Path, guard: Guard) -> None:
    first, second = (KafkaSite(tmp_path / "kafka", *free_ports(2)) for _ in range(2))
    process = start_kafka(first, started=guard.watch)
    asyncio.run(topics(first.bootstrap, create="orders"))
    kill(process)
    start_kafka(second, started=guard.watch)
    assert "orders" in asyncio.run(topics(second.bootstrap))


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_embedded_kafka_makes_no_topics_unasked_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "kafka"
    with ExitStack() as stack:
        bootstrap = stack.enter_context(embedded_kafka(folder))
        assert kafka_answers(bootstrap)
        assert asyncio.run(topics(bootstrap)) == set()
    assert not folder.exists()
    assert not accepts(bootstrap)
