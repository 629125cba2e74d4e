"""Kafka's jars: fetched once, whole or not at all, and only the ones that are listed."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devstack.embedded import jars
from devstack.embedded.errors import StackError
from devstack.embedded.jars import Fetch, kafka_jars, provision, verify
from devstack.embedded.java import Java

BROKER = "kafka_2.13-4.3.1.jar"
NO_JAVA = Java(Path("/nowhere/bin/java"))


def fetch(into: Path) -> None:
    (into / BROKER).write_text("broker")


def broken(into: Path) -> None:
    (into / "half.jar").touch()
    raise StackError("no network")


def anything_goes(_folder: Path) -> None:
    """The files of these tests are no jars."""


def fill(folder: Path, *ways: tuple[str, Fetch]) -> Path:
    return provision(folder, list(ways), check=anything_goes)


def test_a_given_folder_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kafka_2.13-4.2.0.jar").touch()
    monkeypatch.setenv("OSTRO_KAFKA_JARS", str(tmp_path))
    assert kafka_jars(NO_JAVA) == tmp_path


def test_a_given_folder_without_a_broker_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTRO_KAFKA_JARS", str(tmp_path))
    with pytest.raises(StackError, match=r"OSTRO_KAFKA_JARS=.* holds no kafka_2\.13"):
        kafka_jars(NO_JAVA)


def test_the_users_cache_is_used_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OSTRO_KAFKA_JARS", raising=False)
    monkeypatch.setenv("OSTRO_CACHE", str(tmp_path))
    cached = tmp_path / "kafka-4.3.1"
    cached.mkdir()
    (cached / BROKER).touch()
    assert kafka_jars(NO_JAVA) == cached


def test_the_next_way_is_tried_and_nothing_of_the_first_stays(tmp_path: Path) -> None:
    folder = fill(tmp_path / "kafka", ("Maven", broken), ("jgo", fetch))
    assert [file.name for file in folder.iterdir()] == [BROKER]


def test_when_no_way_works_all_reasons_are_told_and_no_folder_is_left(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"(?s)Maven: no network.*jgo: no net.*OSTRO_KAFKA_JARS"):
        fill(tmp_path / "kafka", ("Maven", broken), ("jgo", broken))
    assert [file.name for file in tmp_path.iterdir()] == ["kafka.lock"]


def test_what_a_killed_fetch_left_is_not_taken_for_whole(tmp_path: Path) -> None:
    (tmp_path / "kafka.part").mkdir()
    (tmp_path / "kafka.part" / "half.jar").touch()
    folder = fill(tmp_path / "kafka", ("Maven", fetch))
    assert [file.name for file in folder.iterdir()] == [BROKER]


def test_of_two_that_ask_at_once_one_fetches(tmp_path: Path) -> None:
    calls: list[str] = []
    both_there = threading.Barrier(2)

    def fetch_slowly(into: Path) -> None:
        calls.append(threading.current_thread().name)
        fetch(into)

    def ask() -> Path:
        both_there.wait(10)
        return fill(tmp_path / "kafka", ("Maven", fetch_slowly))

    with ThreadPoolExecutor(2) as pool:
        folders = [task.result(20) for task in [pool.submit(ask), pool.submit(ask)]]
    assert len(calls) == 1
    assert folders == [tmp_path / "kafka"] * 2


def test_a_jar_that_is_not_the_listed_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(b"broker").hexdigest()
    (tmp_path / "kafka-jars.sha256").write_text(f"{digest}  {BROKER}\n")
    monkeypatch.setattr(jars, "__file__", str(tmp_path / "jars.py"))
    with pytest.raises(StackError, match="1 jars are missing"):
        verify(tmp_path)
    (tmp_path / BROKER).write_text("something else")
    with pytest.raises(StackError, match="is not the file"):
        verify(tmp_path)
    (tmp_path / BROKER).write_text("broker")
    verify(tmp_path)
