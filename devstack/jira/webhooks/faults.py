"""Bad days of the webhook sender, ordered by tests."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FaultKind = Literal["duplicate", "reorder", "drop", "stale_secret", "huge"]
MAX_BODY_BYTES = 25 * 1024 * 1024  # facts.md 5.3: larger ones are not sent


class WebhookFault(BaseModel):
    """Applies to the next `times` webhooks (None: until cleared).

    `n`: further copies of a duplicate; `window`: how many neighbours `reorder` turns around;
    `bytes`: size of a huge body.
    """

    model_config = ConfigDict(extra="forbid")

    fault: FaultKind
    site: str | None = None
    times: int | None = 1
    n: int = Field(default=1, ge=1)
    window: int = Field(default=2, ge=2)
    bytes: int = MAX_BODY_BYTES + 1


class WebhookFaults:
    def __init__(self) -> None:
        self.active: list[WebhookFault] = []

    def add(self, fault: WebhookFault) -> None:
        self.active.append(fault)

    def clear(self) -> None:
        self.active.clear()

    def take(self, kind: FaultKind, site: str) -> WebhookFault | None:
        """The first such fault, used up by one."""
        for fault in self.active:
            if fault.fault == kind and fault.site in (None, site) and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
