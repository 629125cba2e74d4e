"""The body of lifecycle calls: lenient reading, strict comparison with the token."""

import json
from typing import Any

import pytest

from kit.errors import Forbidden, InvalidInput, OstroError
from services.tenancy.domain.lifecycle import Hook, check, parse

CANARY = "canary-shared-secret-91"
BODY: dict[str, Any] = {
    "key": "app",
    "clientKey": "ck-1",
    "sharedSecret": CANARY,
    "baseUrl": "https://a.atlassian.net",
    "eventType": "installed",
    "productType": "jira",
}


def body(**changes: Any) -> bytes:
    return json.dumps({k: v for k, v in {**BODY, **changes}.items() if v is not ...}).encode()


def checked(content: bytes, hook: Hook = Hook.INSTALLED) -> None:
    check(parse(content), hook, issuer="ck-1", app_key="app")


def test_unknown_fields_and_missing_optional_ones_do_not_matter() -> None:
    checked(body(publicKey="x", capabilitySet={"a": 1}, cloudId=None, productType=...))
    payload = parse(body(serviceEntitlementNumber="SEN-1", entitlementNumber="E-1"))
    assert payload.extras.entitlement == "E-1"
    assert parse(body(serviceEntitlementNumber="SEN-1")).extras.entitlement == "SEN-1"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"key": ',
        b"\xff",
        body(clientKey=...),
        body(clientKey=7),
        body(clientKey=""),
        body(clientKey="c" * 256),
        body(baseUrl=...),
        body(key=None),
        body(sharedSecret=...),
        body(sharedSecret=""),
        body(sharedSecret=["x"]),
        body(sharedSecret="s" * 4097),
        body(productType="confluence"),
    ],
)
def test_malformed(content: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(content)
    assert CANARY not in caught.value.message


@pytest.mark.parametrize(
    "content",
    [body(clientKey="ck-2"), body(key="other"), body(eventType="uninstalled")],
)
def test_contradictions(content: bytes) -> None:
    with pytest.raises(Forbidden):
        checked(content)


def test_a_secret_is_wanted_on_install_only() -> None:
    checked(body(sharedSecret=..., eventType="uninstalled"), Hook.UNINSTALLED)


def test_the_model_hides_the_secret() -> None:
    payload = parse(body())
    assert CANARY not in repr(payload) + str(payload) + payload.model_dump_json()
    with pytest.raises(OstroError) as caught:
        parse(body(key=None))
    # the validation error behind it holds the input
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
