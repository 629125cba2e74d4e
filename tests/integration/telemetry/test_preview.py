"""The preview shows what is sent: compared with what arrives at the stand-ins."""

import json
from typing import Any

import pytest

from tests.integration.telemetry.house import House
from tests.integration.telemetry.standins import API_KEY, WRITE_KEY

PREVIEW = "/ostro/v1/telemetry/preview"
SAMPLE: dict[str, Any] = {
    "name": "Uploaded automation results",
    "urlPath": "/v2/testcases/ACME-T12/links?jql=bob#x",
    "userAgent": "curl/8.5.0 (bob's laptop)",
    "appVersion": "7.1.1",
    "format": "junit",
    "count": 17,
    "durationMs": 1500,
}
FIELDS: dict[str, Any] = {
    "url_path": SAMPLE["urlPath"],
    "user_agent": SAMPLE["userAgent"],
}


async def shown(house: House, tenant: str, **changed: Any) -> dict[str, Any]:
    """Ask for a preview."""
    headers = house.world.headers(tenant)
    answer = await house.http.post(PREVIEW, json=SAMPLE | changed, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def only_pseudonyms_differ(one: Any, two: Any) -> bool:
    """Whether two contents are equal apart from hex of the same length and the time of sending."""
    if isinstance(one, dict) and isinstance(two, dict):
        names = one.keys() - {"sentAt"}
        return names == two.keys() - {"sentAt"} and all(
            only_pseudonyms_differ(one[name], two[name]) for name in names
        )
    if isinstance(one, list) and isinstance(two, list):
        return all(map(only_pseudonyms_differ, one, two)) and len(one) == len(two)
    if one == two:
        return True
    return len(one) == len(two) in {24, 32} and not set(one + two) - set("0123456789abcdef")


@pytest.mark.parametrize("processor", ["segment", "amplitude"])
async def test_what_is_shown_is_what_arrives(telemetry: House, processor: str) -> None:
    tenant = await telemetry.tenant(**{processor: True})
    preview = (await shown(telemetry, tenant))["processors"][processor]
    assert preview["withheld"] is None
    await telemetry.publish(telemetry.event(tenant, **FIELDS))
    await telemetry.all_drained()
    (arrived,) = await telemetry.standins.requests(processor)
    request = preview["request"]
    body = json.loads(request["body"])
    masked = json.dumps(arrived["body"]).replace(API_KEY, "*" * len(API_KEY))
    assert only_pseudonyms_differ(body, json.loads(masked))
    assert request["url"].endswith(arrived["path"])
    assert request["headers"].keys() == arrived["headers"].keys()
    assert int(request["headers"]["content-length"]) == len(request["body"])
    for secret in (WRITE_KEY, API_KEY, "bob", "ACME", tenant):
        assert secret not in json.dumps(preview)


async def test_it_says_why_nothing_is_sent(telemetry: House) -> None:
    tenant = await telemetry.tenant(segment=True)
    found = await shown(telemetry, tenant)
    assert found["event"]["path"] == "/v2/testcases/:key/links"
    withheld = {name: p["withheld"] for name, p in found["processors"].items()}
    assert withheld == {
        "amplitude": "no consent",
        "beamer": "not for this processor",
        "bugsnag": "not for this processor",
        "launchdarkly": "not for this processor",
        "segment": None,
    }
    # shown all the same, so that one can consent to it knowingly
    assert found["processors"]["amplitude"]["request"] is not None
    token = await shown(telemetry, tenant, name="Created API token")
    assert token["processors"]["segment"] == {
        "withheld": "not for this processor",
        "request": None,
    }
    assert await telemetry.standins.requests("segment") == []


async def test_keys_stay_if_the_tenant_chose_so_and_a_person_cannot_be_asked_for(
    telemetry: House,
) -> None:
    tenant = await telemetry.tenant(segment=True, keepKeys=True)
    assert (await shown(telemetry, tenant))["event"]["path"] == "/v2/testcases/ACME-T12/links"
    users = {(await shown(telemetry, tenant))["event"]["user"] for _ in range(2)}
    assert len(users) == 2
    headers = telemetry.world.headers(tenant)
    for wrong in ({"accountId": "bob"}, {"name": "Viewed run for Bob"}, {"count": -1}):
        answer = await telemetry.http.post(PREVIEW, json=SAMPLE | wrong, headers=headers)
        assert answer.status_code == 400
        assert "Bob" not in answer.text
    limited = telemetry.world.headers(tenant, projects=[7])
    assert (await telemetry.http.post(PREVIEW, json=SAMPLE, headers=limited)).status_code == 403
