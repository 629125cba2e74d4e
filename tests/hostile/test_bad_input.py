"""Bad input to every operation there is: a documented error, and nothing has changed.

Generated from the OpenAPI documents of the running services, so a new route is tried by itself.
"""

import itertools
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import psutil
import pytest

from tests.hostile import inputs
from tests.hostile.conftest import House
from tests.hostile.operations import Operation, good_body, operations, restore, spoiled, walk

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

SECONDS = 5.0
"""The longest that an answer may take."""
GROWTH = 200 * 1024 * 1024
"""What all of it may add to the memory of this process, in which the services run."""
_PARAMETER = re.compile(r"\{\w+\}")


@pytest.fixture(scope="module")
async def every(house: House) -> list[Operation]:
    return await operations(house)


@pytest.fixture(scope="module", autouse=True)
def memory(house: House) -> Any:
    """Memory does not grow with what was refused."""
    process = psutil.Process()
    before = process.memory_info().rss
    yield
    assert process.memory_info().rss - before < GROWTH


_turn = itertools.cycle(range(3))


def some(values: Sequence[str]) -> Sequence[str]:
    """Return every third value, beginning with another one each time: that is economical."""
    return values[next(_turn) :: 3]


def fault(answer: httpx.Response) -> str | None:
    """Say what is wrong with an answer to bad input; None for nothing."""
    if answer.elapsed.total_seconds() > SECONDS:
        return f"took {answer.elapsed}"
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.text[:200]}"
    if answer.status_code < 400:
        return None
    return _shape(answer)


def _shape(answer: httpx.Response) -> str | None:
    if answer.headers.get("content-type") != "application/json":
        return f"{answer.status_code} is {answer.headers.get('content-type')}"
    body: Mapping[str, Any] = answer.json()
    wanted = {"error"} if answer.status_code == 401 else {"errorCode", "message"}
    if body.keys() != wanted or body.get("errorCode", 401) != answer.status_code:
        return f"is shaped {answer.text[:200]}"
    if not 3 < len(body.get("message", "....")) < 600:
        return f"says {len(body['message'])} characters"
    return None


def refused(answer: httpx.Response) -> bool:
    """Say whether it was refused; a bulk request says so of each item."""
    if answer.status_code != 200:
        return answer.status_code in {400, 413}
    return all(row["status"] == 400 for row in answer.json()["results"])


async def send(
    house: House, operation: Operation, content: bytes, **headers: str
) -> httpx.Response:
    """Send a body."""
    started = time.perf_counter()
    sent = {"content-type": "application/json", **headers}
    answer = await house.http.request(
        operation.method, operation.url, content=content, headers=sent
    )
    assert time.perf_counter() - started < 2 * SECONDS
    return answer


async def test_no_value_in_any_field_is_more_than_a_clients_fault(
    house: House, every: list[Operation]
) -> None:
    wrong = []
    for operation in every:
        if operation.schema is None:
            continue
        body = await good_body(house, operation)
        for sent in spoiled(operation, body, inputs.VALUES):
            answer = await send(house, operation, inputs.text(sent))
            if found := fault(answer):
                wrong.append((str(operation), str(sent)[:300], found))
    assert wrong == []
    await restore(house)
    # what was taken can be read
    read = await walk(house)
    assert [f"{path} {text}"[:300] for path, text in read.items() if text[0] == "5"] == []


@pytest.fixture(scope="class")
async def untouched(house: House) -> AsyncIterator[None]:
    """What is read before is read afterwards."""
    before = await walk(house)
    yield
    after = await walk(house)
    changed = [path for path in before if after.get(path) != before[path]]
    assert [f"{path} {after.get(path)}"[:500] for path in changed] == []


@pytest.mark.usefixtures("untouched")
class TestRefused:
    """What changes nothing: all that can be read is compared, once for all of them."""

    async def test_what_is_no_json_object_is_400(
        self, house: House, every: list[Operation]
    ) -> None:
        wrong = []
        for operation in every:
            if operation.schema is None:
                continue
            for name, content in {**inputs.NO_JSON, **inputs.NO_OBJECT}.items():
                answer = await send(house, operation, content)
                if (found := fault(answer)) or answer.status_code != 400:
                    wrong.append(
                        (str(operation), name, answer.status_code, found, answer.text[:200])
                    )
        assert wrong == []

    async def test_what_is_far_too_long_is_refused(
        self, house: House, every: list[Operation]
    ) -> None:
        wrong = []
        for operation in every:
            if operation.schema is None:
                continue
            body = await good_body(house, operation)
            name = next(
                iter(operation.schema.get("required", ()) or operation.schema["properties"])
            )
            for value in inputs.LONG:
                answer = await send(house, operation, inputs.text({**body, name: value}))
                if (found := fault(answer)) or not refused(answer):
                    wrong.append(
                        (str(operation), name, answer.status_code, found, answer.text[:200])
                    )
            # three megabytes, one of them after the other
            answer = await send(house, operation, b'{"name": "' + b"x" * 3_000_000 + b'"}')
            if (found := fault(answer)) or not refused(answer):
                wrong.append((str(operation), "3 MB", answer.status_code, found, answer.text[:200]))
        assert wrong == []

    async def test_odd_paths(self, house: House, every: list[Operation]) -> None:
        wrong = []
        for operation in every:
            for place in _PARAMETER.finditer(operation.template):
                for value in some(inputs.PATHS):
                    # the other parameters stay as they are
                    parts = operation.path.split("/")
                    at = operation.template[: place.start()].count("/")
                    parts[at] = value
                    url = "http://ostro.test" + "/".join(parts)
                    answer = await house.http.request(operation.method, url)
                    if found := fault(answer):
                        wrong.append((str(operation), value[:60], found))
                    elif "x-injected" in answer.headers:
                        wrong.append((str(operation), value[:60], "injected"))
        assert wrong == []

    async def test_odd_queries(self, house: House, every: list[Operation]) -> None:
        wrong = []
        for operation in every:
            if operation.method != "GET":
                continue
            for name in operation.query:
                queries = [f"{name}={value}" for value in some(inputs.QUERY)]
                queries += [f"{name}=1&{name}=%00", f"{name}[$ne]=1", f"{name}={'x' * 8_000}"]
                for query in queries:
                    answer = await house.http.get(f"{operation.url}?{query}")
                    if found := fault(answer):
                        wrong.append((str(operation), query[:80], found))
            answer = await house.http.get(
                f"{operation.url}?" + "&".join(f"q{n}=1" for n in range(2_000))
            )
            if found := fault(answer):
                wrong.append((str(operation), "2,000 parameters", found))
        assert wrong == []

    async def test_other_methods_do_nothing(self, house: House, every: list[Operation]) -> None:
        served: dict[str, set[str]] = {}
        for operation in every:
            served.setdefault(operation.path, set()).add(operation.method)
        wrong = []
        for path, methods in served.items():
            for method in {"GET", "PUT", "POST", "PATCH", "DELETE", "TRACE"} - methods:
                answer = await house.http.request(method, f"http://ostro.test{path}", content=b"")
                if (found := fault(answer)) or answer.status_code < 400:
                    wrong.append((method, path, answer.status_code, found))
        assert wrong == []

    async def test_odd_headers(self, house: House, every: list[Operation]) -> None:
        wrong = []
        for operation in every:
            if operation.method != "GET" and operation.schema is None:
                # what takes no JSON may well do what it is asked to
                continue
            content = b"" if operation.method == "GET" else b'{"q7": 1, "q7": 1}'
            for headers in inputs.HEADERS:
                sent = [(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
                answer = await house.http.request(
                    operation.method, operation.url, content=content, headers=sent
                )
                if found := fault(answer):
                    wrong.append((str(operation), str(headers)[:80], found))
                if "elsewhere" in answer.text or "elsewhere" in str(answer.headers):
                    wrong.append((str(operation), "host", answer.text[:200]))
        assert wrong == []
