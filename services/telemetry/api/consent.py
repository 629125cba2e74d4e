"""``/ostro/v1/telemetry/consent``: which processors may get this tenant's anonymous events."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from contracts.classes import DataClass
from contracts.telemetry import ProcessorName
from kit.auth.principal import Principal, Scope
from kit.errors import Forbidden
from kit.http.body import JsonBody, documented
from kit.http.security import Caller
from services.telemetry.usecases.consent import Choices, Consent


class ConsentBody(BaseModel):
    """Consent by processor. What is left out is off."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    amplitude: Annotated[StrictBool, DataClass.OPERATIONAL] = False
    beamer: Annotated[StrictBool, DataClass.OPERATIONAL] = False
    bugsnag: Annotated[StrictBool, DataClass.OPERATIONAL] = False
    launchdarkly: Annotated[StrictBool, DataClass.OPERATIONAL] = False
    segment: Annotated[StrictBool, DataClass.OPERATIONAL] = False
    keep_keys: Annotated[StrictBool, DataClass.OPERATIONAL] = Field(default=False, alias="keepKeys")
    """Issue and test keys stay in URL paths; else they become placeholders."""


class ConsentBean(ConsentBody):
    """Consent, and who changed it last: the id of a token, or the name of a tool."""

    changed_at: Annotated[datetime | None, DataClass.OPERATIONAL] = Field(None, alias="changedAt")
    changed_by: Annotated[str | None, DataClass.OPERATIONAL] = Field(None, alias="changedBy")


async def _administrator(caller: Caller) -> Principal:
    principal = caller.principal
    principal.require(Scope.ADMIN)
    if principal.projects is not None:
        raise Forbidden("The token is limited to projects; consent is given for the whole tenant.")
    return principal


Administrator = Annotated[Principal, Depends(_administrator)]


def router(consent: Consent) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/ostro/v1/telemetry", tags=["consent"])

    @routes.get("/consent")
    async def show(principal: Administrator) -> ConsentBean:
        """Return the consent of the caller's tenant; needs the scope admin."""
        return await _bean(consent, principal.tenant)

    @routes.put("/consent", openapi_extra=documented(ConsentBody))
    async def replace(
        principal: Administrator, body: Annotated[ConsentBody, Depends(JsonBody(ConsentBody))]
    ) -> ConsentBean:
        """Replace the consent of the caller's tenant; the next request to a processor heeds it.

        Needs the scope admin.
        """
        granted = frozenset(name for name in ProcessorName if getattr(body, name.value))
        choices = Choices(granted, body.keep_keys)
        await consent.replace(principal.tenant, choices, f"token {principal.token_id}")
        return await _bean(consent, principal.tenant)

    return routes


async def _bean(consent: Consent, tenant: str) -> ConsentBean:
    choices, change = await consent.show(tenant), await consent.last_change(tenant)
    return ConsentBean(
        **{name.value: name in choices.processors for name in ProcessorName},
        keep_keys=choices.keep_keys,
        changed_at=None if change is None else change.at,
        changed_by=None if change is None else change.by,
    )
