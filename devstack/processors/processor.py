"""The port each stand-in implements."""

from typing import Any, Protocol

from devstack.processors.faults import Fault
from devstack.processors.message import Answer, Incoming


class Processor(Protocol):
    name: str
    paths: tuple[str, ...]
    """What it serves below its prefix: a path is a POST, others are written `GET /path`."""
    scripted: frozenset[str]
    """Fault kinds that only this vendor has; `play` answers them."""

    def answer(self, incoming: Incoming, *, store: bool = True) -> Answer:
        """Judge and, unless `store` is off, keep what the vendor would keep."""
        ...

    def play(self, fault: Fault, incoming: Incoming) -> Answer | None:
        """The vendor's answer for a scripted fault, None when it does not concern the request."""
        ...

    def error(self, status: int) -> Answer:
        """How the vendor's body looks for a plain status."""
        ...

    def visible(self) -> list[dict[str, Any]]:
        """What the vendor shows its customer: after validation, drops and deduplication."""
        ...

    def dropped(self) -> list[dict[str, Any]]:
        """What was answered with success and thrown away, with the reason."""
        ...

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Change limits; returns all of them. Raises ValueError for an unknown one."""
        ...

    def reset(self) -> None: ...
