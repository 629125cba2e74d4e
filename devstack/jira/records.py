"""What the stand-in saw and sent, for tests to look at."""

from dataclasses import dataclass, field
from typing import Any, Literal

from devstack.standin.clock import iso
from devstack.standin.journal import Journal

Auth = Literal["jwt", "anonymous", "bearer", "open"]
SecretKind = Literal["sharedSecret", "token"]
REDACTED = "(redacted)"
SECRET_HEADERS = ("authorization", "x-forge-oauth-system", "x-forge-oauth-user")


@dataclass(frozen=True, slots=True)
class Call:
    """One request the app (or anybody) made to a site or a key server."""

    at: float
    place: str
    method: str
    target: str
    auth: Auth
    status: int
    reason: str

    def shown(self) -> dict[str, Any]:
        return {
            "time": iso(self.at),
            "place": self.place,
            "method": self.method,
            "target": self.target,
            "auth": self.auth,
            "status": self.status,
            "reason": self.reason,
        }


@dataclass(slots=True)
class Delivery:
    """One request the stand-in sent to the app, kept whole so that it can be replayed."""

    at: float
    site: str
    hook: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    note: str = ""
    status: int | None = None
    error: str | None = None
    milliseconds: float = 0.0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer_body: str = ""
    seq: int = 0

    @property
    def succeeded(self) -> bool:
        return self.status in (200, 204)

    def shown(self, *, raw: bool = False) -> dict[str, Any]:
        """Without `raw`, no token, query or body of the request (they hold secrets)."""
        headers = dict(self.headers)
        if not raw:
            headers |= {name: REDACTED for name in SECRET_HEADERS if name in headers}
        return {
            "seq": self.seq,
            "time": iso(self.at),
            "site": self.site,
            "hook": self.hook,
            "note": self.note,
            "method": self.method,
            "url": self.url if raw else self.url.split("?", 1)[0],
            "headers": headers,
            "body": self.body.decode("utf-8", "replace") if raw else REDACTED,
            "status": self.status,
            "error": self.error,
            "milliseconds": round(self.milliseconds, 1),
            "answer_headers": self.answer_headers,
            "answer_body": self.answer_body,
        }


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A shared secret or a token that was ever given out: leak tests look for each."""

    at: float
    kind: SecretKind
    site: str
    value: str


@dataclass(frozen=True, slots=True)
class Unimplemented:
    at: float
    method: str
    target: str
    what: str


@dataclass(slots=True)
class Records:
    calls: Journal[Call] = field(default_factory=Journal)
    deliveries: Journal[Delivery] = field(default_factory=lambda: Journal(max_entries=5_000))
    secrets: Journal[IssuedSecret] = field(default_factory=lambda: Journal(max_entries=50_000))
    unimplemented: Journal[Unimplemented] = field(default_factory=Journal)

    def clear(self) -> None:
        self.calls.clear()
        self.deliveries.clear()
        self.secrets.clear()
        self.unimplemented.clear()
