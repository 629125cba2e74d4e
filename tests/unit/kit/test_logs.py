"""Logs: JSON lines that never hold the text of an exception or what libraries print."""

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from kit.observability import logs

SECRET = "customer content"


class Lines:
    """What was logged, as parsed lines."""

    def __init__(self) -> None:
        self.stream = StringIO()

    def read(self) -> list[dict[str, Any]]:
        text = self.stream.getvalue()
        assert SECRET not in text
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level, found = root.handlers, root.level, Lines()
    former = structlog.get_config()
    monkeypatch.setattr(logging, "raiseExceptions", True)
    logs.configure("executions", "INFO")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(found.stream)
    yield found
    root.handlers, root.level = handlers, level
    # not the defaults: the tests that follow in this process look into what is logged
    structlog.configure(**former)


def fails() -> None:
    raise ValueError(SECRET)


def test_a_line_says_who_when_and_what(lines: Lines) -> None:
    structlog.get_logger("x").info("started", port=8101)
    (line,) = lines.read()
    assert (line["service"], line["event"], line["level"], line["port"]) == (
        "executions",
        "started",
        "info",
        8101,
    )
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_named_and_placed_not_quoted(lines: Lines) -> None:
    log = structlog.get_logger("x")
    try:
        fails()
    except ValueError as error:
        log.exception("one")
        log.warning("two", exc_info=error)
        logging.getLogger("library").exception("three")
    for line, event in zip(lines.read(), ("one", "two", "three"), strict=True):
        assert line["event"] == event
        assert line["error"] == "ValueError"
        assert any("test_logs.py:fails:" in frame for frame in line["frames"])
        assert "exc_info" not in line
        assert "exception" not in line


def test_an_exception_with_a_cause_does_not_quote_the_cause(lines: Lines) -> None:
    try:
        try:
            fails()
        except ValueError as error:
            raise KeyError from error
    except KeyError:
        structlog.get_logger("x").exception("failed")
    assert lines.read()[0]["error"] == "KeyError"


async def test_a_task_that_nobody_awaited_is_not_quoted(lines: Lines) -> None:
    async def dies() -> None:
        fails()

    task = asyncio.create_task(dies())
    await asyncio.wait([task])
    context = {"message": "Task exception was never retrieved", "task": task}
    asyncio.get_running_loop().default_exception_handler(context | {"exception": task.exception()})
    (line,) = lines.read()
    assert line["event"] == "Task exception was never retrieved"
    assert line["error"] == "ValueError"


@pytest.mark.parametrize(
    ("logger", "level"),
    [
        ("aiokafka.consumer.fetcher", logging.WARNING),
        ("faststream", logging.WARNING),
        ("httpx", logging.INFO),
        ("pymongo.command", logging.INFO),
        ("uvicorn.access", logging.ERROR),
    ],
)
def test_libraries_that_print_records_are_quiet(lines: Lines, logger: str, level: int) -> None:
    logging.getLogger(logger).log(level, "GET /v2/%s", SECRET)
    assert lines.read() == []
