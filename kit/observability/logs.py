"""Structured logs: JSON lines on stderr. Payloads, tokens and bodies are never logged.

Uvicorn's access log is off; requests are counted in metrics by route template.
"""

import logging
import sys
from typing import Any

import structlog

from contracts.diagnostics import Place
from kit.observability import diagnostics


def configure(service: str, level: str) -> None:
    """Set up structlog and route the standard library's loggers through it."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _service(service),
        _exception_name_only,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    foreign: list[Any] = [*shared, _first_line]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=foreign,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    # a line that cannot be written would be printed with its arguments
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # libraries print records, bodies and addresses below these levels
    for name, floor in (
        ("aiokafka", logging.ERROR),
        ("faststream", logging.ERROR),
        ("httpx", logging.WARNING),
        ("httpcore", logging.WARNING),
        ("pymongo", logging.WARNING),
        # at DEBUG: requests and answers, and with them data keys
        ("boto3", logging.WARNING),
        ("botocore", logging.WARNING),
        ("urllib3", logging.WARNING),
        ("uvicorn.access", logging.CRITICAL),
        ("uvicorn.error", logging.WARNING),
        ("asyncio", logging.ERROR),
    ):
        logging.getLogger(name).setLevel(floor)


def _service(name: str) -> Any:
    def add(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
        event["service"] = name
        return event

    return add


def _first_line(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Cut what libraries say: asyncio puts the text of a task's exception into further lines."""
    event["event"] = str(event.get("event", "")).partition("\n")[0][:300]
    return event


def _exception_name_only(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Keep type and place of an exception; its message may hold content."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if info and info[0] is not None:
        if event.get("level") in {"error", "critical"}:
            diagnostics.note(info[1], Place.LOG, handled=True)
        frames = []
        trace = info[2]
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename.rsplit('/', 3)[-1]}:{code.co_name}:{trace.tb_lineno}")
            trace = trace.tb_next
        event["error"] = info[0].__name__
        event["frames"] = frames[-6:]
    return event
