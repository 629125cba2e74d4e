"""``/ostro/v1/telemetry/consent``: which processors may get this tenant's anonymous events."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, StrictBool

from contracts.classes import DataClass
from contracts.telemetry import ProcessorName
from kit.auth.principal import Principal, Scope
from kit.errors import Forbidden
from kit.http.body import JsonBody, documented
from kit.http.security import Caller
from services.telemetry.usecases.consent import Consent


class ConsentBody(BaseModel):
    """Consent by processor. What is left out is off."""

    model_config = ConfigDict(extra="forbid")

    amplitude: Annotated[StrictBool, DataClass.OPERATIONAL] = False
    beamer: Annotated[StrictBool, DataClass.OPERATIONAL] = False
    bugsnag: Annotated[StrictBool, DataClass.OPERATIONAL] = False
    launchdarkly: Annotated[StrictBool, DataClass.OPERATIONAL] = False
    segment: Annotated[StrictBool, DataClass.OPERATIONAL] = False


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
    async def show(principal: Administrator) -> ConsentBody:
        """Consent of the caller's tenant; needs the scope admin."""
        return _body(await consent.show(principal.tenant))

    @routes.put("/consent", openapi_extra=documented(ConsentBody))
    async def replace(
        principal: Administrator, body: Annotated[ConsentBody, Depends(JsonBody(ConsentBody))]
    ) -> ConsentBody:
        """Replace it; the next request to a processor heeds it. Needs the scope admin."""
        granted = frozenset(name for name in ProcessorName if getattr(body, name.value))
        await consent.replace(principal.tenant, granted, f"token {principal.token_id}")
        return _body(await consent.show(principal.tenant))

    return routes


def _body(consent: dict[ProcessorName, bool]) -> ConsentBody:
    return ConsentBody(**{name.value: on for name, on in consent.items()})
