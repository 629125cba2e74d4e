"""How the client of a copy behaves: patience, pauses, and a token that is told to nobody."""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tools.zephyr.api import (
    Api,
    ApiError,
    Denied,
    Manners,
    Refused,
    Unreachable,
    read_token,
    site_of,
    tasks,
)

TOKEN = "aaa.bbb.ccc"
BASE = "https://api.example/v2/"
Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, **manners: float) -> Api:
    http = httpx.AsyncClient(
        base_url=BASE,
        transport=httpx.MockTransport(handler),
        headers={"authorization": f"Bearer {TOKEN}"},
    )
    given = {"first_pause": 0.001, "attempts": 5} | manners
    return Api(http, Manners(**given), TOKEN)  # type: ignore[arg-type]  # numbers of both kinds


def script(*answers: httpx.Response | Exception) -> Handler:
    waiting = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        found = waiting.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return answer


async def test_what_is_worth_another_try_is_tried_again() -> None:
    api = client(
        script(
            httpx.Response(503),
            httpx.ConnectTimeout("no"),
            httpx.Response(200, content=b'{"a": '),
            httpx.Response(429, headers={"retry-after": "0"}),
            httpx.Response(200, json={"a": 1}),
        )
    )
    assert await api.get("x") == {"a": 1}
    assert (api.calls, api.waits) == (5, 4)


@pytest.mark.parametrize("retry_after", ["1", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_when_one_is_told_to_wait_all_wait(
    retry_after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise asyncio.CancelledError

    answers = script(httpx.Response(429, headers={"retry-after": retry_after}))
    api = client(answers)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    for path in ("x", "other"):
        with pytest.raises(asyncio.CancelledError):
            await api.get(path)
    wanted = 1.0 if retry_after == "1" else 600.0
    assert slept == [pytest.approx(wanted, abs=0.1)] * 2


async def test_what_no_other_try_would_change_is_said_at_once() -> None:
    for status, error in ((401, Denied), (403, Refused), (404, Refused)):
        told = {"errorCode": status, "message": f"no\n{TOKEN}"}
        api = client(script(httpx.Response(status, json=told)))
        with pytest.raises(error) as raised:
            await api.get("testcases/X-T1")
        assert TOKEN not in str(raised.value)
        assert str(status) in str(raised.value)
        assert api.calls == 1
    assert await client(script(httpx.Response(404))).find("x") is None
    with pytest.raises(Refused):
        await client(script(httpx.Response(403))).find("x")


async def test_it_gives_up_in_the_end() -> None:
    api = client(lambda _: httpx.Response(500), attempts=3)
    with pytest.raises(Unreachable, match="3 attempts, the last: status 500"):
        await api.get("x")
    assert TOKEN not in repr(api)


async def test_a_file_comes_whole_and_its_store_does_not_get_the_token(tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    answers = iter([httpx.Response(500), httpx.Response(200, content=b"file")])

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, "authorization" in request.headers))
        if request.url.host == "api.example":
            return httpx.Response(302, headers={"location": "https://store.example/f"})
        return next(answers)

    api = client(answer)
    assert (await api.download("a/1", tmp_path / "f"))[0] == 4
    assert seen == [("api.example", True), ("store.example", False)] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"file"


async def test_the_failure_of_one_task_is_raised_as_itself() -> None:
    async def fail() -> None:
        raise ApiError("one")

    async def both() -> None:
        async with tasks() as group:
            group.create_task(fail())
            group.create_task(asyncio.Event().wait())

    with pytest.raises(ApiError, match="one"):
        await both()


def test_tokens_and_their_site(tmp_path: Path) -> None:
    def token(claims: object) -> str:
        middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return f"e30.{middle}.x"

    good = token({"context": {"baseUrl": "https://me.atlassian.net/"}})
    assert site_of(good) == "https://me.atlassian.net"
    for other in (token({}), token([]), "a.b", "a.%%.c", token({"context": {"baseUrl": ""}})):
        assert site_of(other) is None
    path = tmp_path / "token"
    path.write_text(f"{good}\n")
    assert read_token(path) == good
    for text in ("", "a b", "ü"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ApiError):
            read_token(path)
    with pytest.raises(ApiError):
        read_token(tmp_path / "missing")
