"""What an action is told and what it answers."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from devstack.jira.forge.app import TokenKind
from devstack.jira.model import Site


class Order(BaseModel):
    """Arguments of an action; each action reads the ones it knows."""

    model_config = ConfigDict(extra="forbid")

    app_key: str | None = None
    descriptor_url: str | None = None
    base_url: str | None = None
    delivery: int | None = None
    secret: str | None = Field(default=None, description="instead of a random one")
    client_key: str | None = None
    major: bool = False
    account: str | None = Field(default=None, description="who opens a Forge page")
    path: str | None = None
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    body: Any = None
    tokens: tuple[TokenKind, ...] = ("user",)
    denied_seconds: float = Field(default=0.0, description="403 so long after a Forge upgrade")


class Outcome(BaseModel):
    """`ok` is false when the app or its descriptor made the action fail; nothing changed then."""

    action: str
    site: str
    ok: bool = True
    state: str | None = None
    problems: list[str] = Field(default_factory=list)
    deliveries: list[dict[str, Any]] = Field(default_factory=list)


class Impossible(Exception):
    """The action makes no sense in this state (409)."""


Action = Callable[[Site, Order, Outcome], Awaitable[None]]
