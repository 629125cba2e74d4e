"""The app as its Forge manifest describes it, and the tokens it was lent."""

from typing import Literal

from pydantic import BaseModel, Field

TokenKind = Literal["system", "user"]
EndpointName = Literal["installed", "upgraded", "preUninstall", "scheduled"]


class ForgeApp(BaseModel):
    """`endpoints` and `triggers` (event name to path) are relative to `base_url`.

    `scopes` are named as Connect does; `connect_key` is there for an app that came from Connect.
    """

    app_id: str
    environment_type: str = "PRODUCTION"
    environment_id: str
    base_url: str
    endpoints: dict[EndpointName, str] = Field(default_factory=dict)
    triggers: dict[str, str] = Field(default_factory=dict)
    scopes: list[str] = Field(default_factory=lambda: ["READ"])
    connect_key: str | None = None
    name: str = "Forge app"


class GrantedToken(BaseModel):
    """A token for the gateway; a user token acts for `account_id`. Times in seconds since 1970."""

    value: str
    kind: TokenKind
    account_id: str | None = None
    expires_at: float
