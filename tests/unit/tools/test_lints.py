"""Our own lints find what they are for, and the code that ships has none of it."""

import textwrap
from pathlib import Path

import pytest

from tools.lints.__main__ import findings, main
from tools.lints.source import Source

REPOSITORY = "services/x/adapters/mongo/things.py"


def messages(text: str, path: str = REPOSITORY) -> list[str]:
    return [found.message for _, found in findings(Source(path, textwrap.dedent(text)))]


def test_the_code_that_ships_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(Path(__file__).resolve().parents[3]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    "body",
    [
        'rows.find({"tenant": tenant, "id": 1})',
        'rows.find_one({"_id": f"{tenant}/{key}"})',
        'rows.find_one({"_id": f"{self._tenant}/{key}"})',
        'rows.find_one({"_id": _id(tenant, key)})',
        'rows.find_one({"_id": tenant})',
        'rows.find_one({"_id": key, "tenant": tenant})',
        'rows.update_one({**mine(tenant), "x": 1}, {})',
        "rows.find(_query(tenant, 7))",
        'rows.aggregate([{"$match": {"tenant": tenant}}, {"$limit": 1}])',
        'UpdateOne({"tenant": tenant}, {})',
        'self.find({"x": 1})',
        'query = {"tenant": tenant}\n    query = query | {"x": 1}\n    rows.find(query)',
        'qs = [{"tenant": tenant} | q for q in more]\n    [rows.find(q) for q in qs]',
    ],
)
def test_filters_of_one_tenant(body: str) -> None:
    assert messages(f"def f(self, tenant, key, rows, more):\n    {body}\n") == []


@pytest.mark.parametrize(
    "body",
    [
        "rows.find({})",
        "rows.find()",
        'rows.find({"id": 1, "tenant": tenant})',
        'rows.find_one({"_id": key})',
        'rows.find_one({"_id": f"{key}/{tenant}"})',
        'rows.delete_many({"_id": {"$in": keys}})',
        'rows.aggregate([{"$limit": 1}, {"$match": {"tenant": tenant}}])',
        "rows.find(query)",
        'query = {"x": 1}\n    rows.find(query)',
        "query = query | {}\n    rows.find(query)",
        "rows.find(_query(key))",
        'DeleteOne({"x": 1})',
        "rows.find(leaky(tenant))",
    ],
)
def test_filters_that_may_reach_another_tenant(body: str) -> None:
    text = f"""\
def leaky(tenant):
    return {{"x": 1}}

def f(self, tenant, key, keys, rows, query):
    {body}
"""
    (message,) = messages(text)
    assert message.endswith("without the tenant first")
    assert messages(text, "services/x/usecases/things.py") == []


def test_kafka_is_used_by_the_recipe() -> None:
    text = """
        async def f(broker, consumer):
            await broker.publish_batch(1, 2)
            await consumer.commit()
            await consumer.commit({1: 2})
            broker.subscriber("topic")
    """
    found = messages(text, "services/x/consumers/things.py")
    assert [m.split("(")[0] for m in found] == ["publish_batch", "commit", "subscriber"]
    assert len(messages(text, "kit/kafka/consumer.py")) == 2


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.datetime.now()",
        "time.time()",
        "uuid4()",
        "uuid.uuid4()",
        "import random",
        "from random import choice",
        "import secrets",
    ],
)
def test_time_and_chance_are_injected(line: str) -> None:
    assert len(messages(line, "services/x/domain/things.py")) == 1
    assert len(messages(line, "services/x/usecases/deep/things.py")) == 1
    assert messages(line, "services/x/adapters/things.py") == []


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ('log.info("started", port=1, group=name)', 0),
        ('log.warning("failed", exc_info=error)', 0),
        ('other.info("x", value=1)', 0),
        ('log.info("x", data=model.model_dump())', 1),
        ('self._log.info("x", value=1)', 1),
        ('log.info("x", **fields)', 1),
        ('log.info(f"x {name}")', 1),
        ('log.info("x %s", name)', 1),
        ('log.error("x", cause=str(error))', 1),
        ('log.error("x", cause=type(error).__name__)', 0),
    ],
)
def test_logs_hold_no_content(line: str, count: int) -> None:
    assert len(messages(line, "kit/x.py")) == count


def test_a_finding_names_its_place() -> None:
    text = "class A:\n    def f(self, rows):\n        rows.find({})\n"
    ((rule, found),) = findings(Source(REPOSITORY, text))
    assert rule == "tenant-first"
    assert str(found) == f"{REPOSITORY}:3 A.f: find() without the tenant first"


def test_an_exemption_that_is_not_needed_is_a_breach(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # in an empty repository none of them is
    assert main(tmp_path) == 1
    assert "exemption not needed: tenant-first" in capsys.readouterr().out
