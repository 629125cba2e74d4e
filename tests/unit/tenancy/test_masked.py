"""A secret shows on no way by which a program renders its values: logs, errors, traces of them."""

import asyncio
import contextlib
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import httpx
import orjson
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, SecretStr, ValidationError

from devstack.standin.serving import bind, port_of
from kit.errors import InvalidInput
from kit.http import errors
from kit.observability import logs
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain import lifecycle
from services.tenancy.domain.lifecycle import LifecyclePayload
from services.tenancy.domain.secret import Place, Sealed, Secret
from services.tenancy.usecases.ports import SealBroken
from services.tenancy.usecases.signing_keys import KeyPair
from tests.harness.secret_scan import leaks

TEXT = "canary-masked-5f0c77a1d2e94b"
PLACE = Place("t", "shared-secret", "t", 1)


@dataclass(frozen=True)
class Holder:
    """Something of ours that has a secret in it."""

    secret: Secret
    text: SecretStr


HELD = Holder(Secret.of_text(TEXT), SecretStr(TEXT))
VALUES: dict[str, Any] = {
    "a secret": HELD.secret,
    "a SecretStr": HELD.text,
    "in a dataclass": HELD,
    "in a list": [HELD.secret, HELD.text],
    "in a dict": {"a": {"b": HELD.secret}},
    "a key pair": KeyPair(HELD.secret, "public"),
    "in an exception": ValueError(HELD.secret, HELD.text),
}


def hidden(*shown: object) -> bool:
    return leaks({"s": TEXT.encode()}, {"shown": [str(one).encode() for one in shown]}) == []


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What a service at DEBUG writes; it must not be empty and not hold the secret."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    logs.configure("tenancy", "DEBUG")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    stream = StringIO()
    handler.setStream(stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    logs.configure("tests", "WARNING")
    assert stream.getvalue()
    assert hidden(stream.getvalue())


@pytest.mark.parametrize("name", VALUES)
def test_no_log_shows_it(output: StringIO, name: str) -> None:
    value = VALUES[name]
    structlog.get_logger("x").debug("event", value=value)
    structlog.get_logger("x").warning("event %s", value)
    structlog.get_logger("x").bind(value=value).error("bound")
    logging.getLogger("x").debug("stdlib %s %r", value, value)
    logging.getLogger("x").debug("stdlib %(a)s", {"a": value})
    logging.getLogger("x").warning("a line that cannot be formatted %d", value)
    logging.getLogger("x").warning(value)


@pytest.mark.parametrize("name", VALUES)
def test_no_text_shows_it(name: str) -> None:
    value = VALUES[name]
    assert hidden(repr(value), str(value), f"{value}", f"{value!r:>99}", "%s" % (value,))  # noqa: UP031
    error = traceback.TracebackException.from_exception(ValueError(value), capture_locals=True)
    assert hidden("".join(error.format()))


def test_no_serializer_takes_it() -> None:
    for dumps in (json.dumps, orjson.dumps):
        with pytest.raises(TypeError):
            dumps({"a": HELD.secret})


def test_an_exception_is_logged_without_text_and_locals(output: StringIO) -> None:
    def fails(secret: str) -> None:
        raise ValueError(secret)

    try:
        fails(TEXT)
    except ValueError as error:
        structlog.get_logger("x").exception("it failed")
        logging.getLogger("x").exception("it failed")
        structlog.get_logger("x").warning("it failed", exc_info=error)
    try:
        try:
            fails(TEXT)
        except ValueError as error:
            raise RuntimeError(TEXT) from error
    except RuntimeError:
        structlog.get_logger("x").exception("with a cause")


def http_errors() -> Iterator[Exception]:
    """Name what httpx may raise: its texts hold the URL, and a URL may hold a token."""
    request = httpx.Request(
        "GET", f"https://x.example/?jwt={TEXT}", headers={"authorization": f"JWT {TEXT}"}
    )
    yield httpx.ConnectError(f"cannot reach {request.url}", request=request)
    yield httpx.ReadTimeout(str(request.headers), request=request)
    try:
        httpx.Response(500, request=request, text=TEXT).raise_for_status()
    except httpx.HTTPStatusError as error:
        yield error


def test_what_httpx_raises_is_logged_by_its_name(output: StringIO) -> None:
    for error in http_errors():
        structlog.get_logger("x").warning("Jira failed", exc_info=error)
        logging.getLogger("httpx").debug("HTTP Request: %s", error)
        logging.getLogger("httpcore.connection").debug("headers %r", error)
        assert type(error).__name__ in output.getvalue()


BODIES: dict[str, Any] = {
    "too long": {"sharedSecret": TEXT * 500},
    "a list": {"sharedSecret": [TEXT]},
    "an object": {"sharedSecret": {TEXT: TEXT}},
    "beside a fault": {"sharedSecret": TEXT, "baseUrl": 7},
    "in another field": {"sharedSecret": TEXT, "baseUrl": {"x": TEXT}},
    "alone": TEXT,
}


@pytest.mark.parametrize("name", BODIES)
def test_pydantic_names_the_field_of_a_lifecycle_call_and_no_value(name: str) -> None:
    body = json.dumps(BODIES[name]).encode()
    with pytest.raises(ValidationError) as caught:
        LifecyclePayload.model_validate_json(body)
    assert hidden(str(caught.value), repr(caught.value))
    with pytest.raises(InvalidInput) as refused:
        lifecycle.parse(body)
    assert hidden(refused.value.message, repr(refused.value), refused.value.__cause__)


def test_a_payload_hides_its_secret() -> None:
    payload = LifecyclePayload.model_validate(
        {
            "key": "k",
            "clientKey": "c",
            "baseUrl": "https://x.example",
            "eventType": "installed",
            "sharedSecret": TEXT,
        }
    )
    assert hidden(repr(payload), str(payload), payload.model_dump(), payload.model_dump_json())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: Sealed(s.key_id, s.wrapped, s.nonce, s.ciphertext[:-1] + b"\0"),
        lambda s: Sealed(s.key_id, s.wrapped[:-1] + b"\0", s.nonce, s.ciphertext),
        lambda s: Sealed("local:other", s.wrapped, s.nonce, s.ciphertext),
    ],
)
async def test_a_broken_seal_says_nothing_of_what_it_held(
    spoil: Callable[[Sealed], Sealed],
) -> None:
    vault = EnvelopeVault(LocalKeys(Secret(TEXT.encode()[:28].ljust(32, b"k"))))
    sealed = await vault.seal(Secret.of_text(TEXT), PLACE)
    with pytest.raises(SealBroken) as caught:
        await vault.open(spoil(sealed), PLACE)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert hidden(*shown.format())


class Body(BaseModel):
    """What a route of ours might take."""

    name: int
    secret: SecretStr


def app() -> FastAPI:
    made = FastAPI()
    errors.install(made)

    @made.post("/validated")
    async def validated(body: Body) -> Body:
        return body

    @made.post("/failing")
    async def failing() -> None:
        raise ValueError(TEXT)

    return made


class QuietServer(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def test_answers_and_the_servers_log_hold_no_value(output: StringIO) -> None:
    """FastAPI's own 422 would show the input; uvicorn would print the text of an exception."""
    sock = bind("127.0.0.1", 0)
    sock.listen()
    config = uvicorn.Config(app(), log_config=None, lifespan="off", access_log=True)
    server = QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    base = f"http://127.0.0.1:{port_of(sock)}"
    answers = []
    async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
        for content in (
            json.dumps({"name": TEXT, "secret": TEXT}),
            json.dumps([TEXT]),
            f'{{"name": "{TEXT}',
        ):
            answer = await http.post(f"/validated?jwt={TEXT}", content=content)
            assert answer.status_code == 400
            answers.append(answer.text)
        answer = await http.post(f"/failing?jwt={TEXT}", headers={"authorization": TEXT})
        assert answer.status_code == 500
        answers.append(answer.text)
    answers.append(await raw(sock.getsockname()[1], f"GET /{TEXT} BAD\r\n{TEXT}\r\n\r\n"))
    server.should_exit = True
    await task
    assert hidden(*answers)
    assert "request failed" in output.getvalue()


async def raw(port: int, text: str) -> str:
    """Send what is no HTTP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer.decode()
