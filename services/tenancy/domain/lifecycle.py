"""The body of Connect's lifecycle calls. Read leniently, checked against its token."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from kit.errors import Forbidden, InvalidInput
from services.tenancy.domain.connect_life import Extras
from services.tenancy.domain.forge import installation_of

MAX_BODY_BYTES = 64 * 1024

Text = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class Hook(StrEnum):
    """The four lifecycle calls; the value is ``eventType``."""

    INSTALLED = "installed"
    UNINSTALLED = "uninstalled"
    ENABLED = "enabled"
    DISABLED = "disabled"


class LifecyclePayload(BaseModel):
    """What we read of it. Source: facts.md 2.2.

    ``accountId``, ``publicKey`` and ``oauthClientId`` never are: we act for nobody.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    key: Text
    client_key: Annotated[Text, Field(alias="clientKey", max_length=255)]
    base_url: Text = Field(alias="baseUrl")
    event_type: Text = Field(alias="eventType")
    product_type: str | None = Field(None, alias="productType")
    shared_secret: SecretStr | None = Field(None, alias="sharedSecret", max_length=4096)
    entitlement_number: str | None = Field(None, alias="entitlementNumber", max_length=255)
    service_entitlement_number: str | None = Field(
        None, alias="serviceEntitlementNumber", max_length=255
    )

    entitlement_id: str | None = Field(None, alias="entitlementId", max_length=255)
    installation: str | None = Field(None, alias="installationId", max_length=255)

    @property
    def installation_id(self) -> str | None:
        """Return the last part of Forge's installation, None when it is not there or is none."""
        return None if self.installation is None else installation_of(self.installation)

    @property
    def extras(self) -> Extras:
        """Return what the payload may leave out; of the two entitlement numbers the new one."""
        return Extras(
            self.entitlement_number or self.service_entitlement_number or None,
            self.entitlement_id or None,
            self.installation_id,
        )


def parse(body: bytes) -> LifecyclePayload:
    """Read a body; raise ``InvalidInput`` naming the field, never its value."""
    try:
        return LifecyclePayload.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        if not field:
            raise InvalidInput("The request body is not a JSON object.") from None
        raise InvalidInput(f"{field} is missing or not valid.") from None


def check(payload: LifecyclePayload, hook: Hook, *, issuer: str, app_key: str) -> None:
    """Raise ``Forbidden`` when the body contradicts the token or the route."""
    if payload.client_key != issuer:
        raise Forbidden("The token was issued for another clientKey.")
    if payload.key != app_key:
        raise Forbidden("key is not the key of this app.")
    if payload.event_type != hook.value:
        raise Forbidden("eventType is not that of this route.")
    if payload.product_type not in {None, "jira"}:
        raise InvalidInput("productType must be jira.")
    secret = payload.shared_secret
    if hook is Hook.INSTALLED and (secret is None or not secret.get_secret_value()):
        raise InvalidInput("sharedSecret is missing or not valid.")
