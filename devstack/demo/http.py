"""HTTP to the local stack, with an answer that says what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from devstack.embedded.errors import StackError

_TIMEOUT_SECONDS = 60.0


class Api:
    """JSON calls below one base URL."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **query: object) -> Any:
        return self._call("GET", path, params=query)

    def post(self, path: str, body: object = None, **query: object) -> Any:
        return self._call("POST", path, params=query, json=body)

    def put(self, path: str, body: object) -> Any:
        return self._call("PUT", path, json=body)

    def allows(self, path: str) -> bool:
        """Say whether a GET is answered with what was asked for."""
        try:
            self.get(path)
        except StackError:
            return False
        return True

    def upload(self, path: str, name: str, content: bytes, **query: object) -> Any:
        """Send one file as the multipart field ``file``."""
        files = {"file": (name, content, "application/xml")}
        return self._call("POST", path, params=query, files=files)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            answer = self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise StackError(f"{method} {path}: {error}") from error
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise StackError(f"{method} {path} was answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None


@contextmanager
def api(base_url: str, token: str | None = None) -> Iterator[Api]:
    """Give an Api; no proxy of the environment comes between."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with httpx.Client(
        base_url=base_url, headers=headers, trust_env=False, timeout=_TIMEOUT_SECONDS
    ) as client:
        yield Api(client)
