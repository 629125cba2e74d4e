"""``/ostro/v1/telemetry/erasures``: an administrator has a person deleted at the processors."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends

from contracts.telemetry import ProcessorName
from kit.http.body import JsonBody, documented
from kit.http.fields import AccountId, OwnBody
from services.telemetry.api.consent import Administrator
from services.telemetry.domain.erasure import Erasure, State, Subject, worst
from services.telemetry.usecases.erasing import ErasureRequests

MOST = 100


class ErasureBody(OwnBody):
    """Whose data goes. The id is not stored, only what was made of it."""

    account_id: AccountId


class ProcessorErasureBean(OwnBody):
    """One processor: its state, and why, where there is a reason."""

    state: State
    reasons: list[str]
    requests: int
    """How many requests it takes, for that many ids at a time as the processor allows."""


class ErasureBean(OwnBody):
    """One request for erasure. ``state`` is the worst of all processors' states."""

    id: str
    subject: Subject
    state: State
    requested_at: datetime
    requested_by: str
    ended_at: datetime | None
    keys_destroyed: int | None
    """How many keys of the tenant went at the end; null for an account."""
    processors: dict[ProcessorName, ProcessorErasureBean]


class ErasuresBean(OwnBody):
    """The newest hundred, newest first."""

    values: list[ErasureBean]


def router(requests: ErasureRequests) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/ostro/v1/telemetry", tags=["erasure"])

    @routes.post(
        "/erasures",
        summary="Have a person deleted at the processors",
        status_code=202,
        openapi_extra=documented(ErasureBody),
    )
    async def erase(
        principal: Administrator, body: Annotated[ErasureBody, Depends(JsonBody(ErasureBody))]
    ) -> ErasureBean:
        """Drop the person's events from now on, and have every processor delete what it has.

        The same person again, while it goes on, is the same erasure. Needs the scope admin.
        """
        by = f"token {principal.token_id}"
        return _bean(await requests.of_account(principal.tenant, body.account_id, by))

    @routes.get("/erasures", summary="Get erasures")
    async def every(principal: Administrator) -> ErasuresBean:
        """Return the newest hundred of the caller's tenant. Needs the scope admin."""
        found = await requests.newest(principal.tenant, MOST)
        return ErasuresBean(values=[_bean(erasure) for erasure in found])

    @routes.get("/erasures/{erasureId}", summary="Get an erasure")
    async def one(principal: Administrator, erasureId: str) -> ErasureBean:  # noqa: N803  as in the path
        """Return one, with the state at each processor. Needs the scope admin."""
        return _bean(await requests.one(principal.tenant, erasureId))

    return routes


def _bean(erasure: Erasure) -> ErasureBean:
    states = erasure.states
    return ErasureBean(
        id=erasure.id,
        subject=erasure.subject,
        state=worst(states.values()),
        requested_at=erasure.requested_at,
        requested_by=erasure.requested_by,
        ended_at=erasure.ended_at,
        keys_destroyed=erasure.keys_destroyed,
        processors={name: _processor(erasure, name, state) for name, state in states.items()},
    )


def _processor(erasure: Erasure, name: ProcessorName, state: State) -> ProcessorErasureBean:
    parts = [part for part in erasure.parts if part.processor is name]
    reasons = sorted({part.reason for part in parts if part.reason})
    asked = sum(1 for part in parts if part.ids)
    return ProcessorErasureBean(state=state, reasons=reasons, requests=asked)
