"""Licence, version and cloud id in the shapes of Connect and of Forge; unknown is None."""

import json
from typing import Any

import httpx
import pytest

from kit.errors import Unavailable
from services.tenancy.adapters.jira.about import HttpJiraAbout
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.domain.forge import ApiHosts
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import SiteRules
from services.tenancy.usecases.facts import Licence
from services.tenancy.usecases.jira import ConnectSecret, JiraSite, SystemTokenInHand
from tests.harness.fakes import ManualClock, SeededIds

CONNECT = JiraSite("t", "https://acme.atlassian.net", ConnectSecret(Secret(b"s" * 40), 1))
FORGE = JiraSite(
    "t", "https://api.atlassian.com/ex/jira/4c0ffee5", SystemTokenInHand(Secret(b"token"), 1)
)


class NoStore:
    async def find(self, _: str) -> JiraSite | None:
        return None


def about(status: int, body: Any) -> HttpJiraAbout:
    """A site that answers everything so."""

    async def site(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=json.dumps(body))

    transport = httpx.MockTransport(site)
    return HttpJiraAbout(
        SiteCaller(
            "io.ostro",
            SiteRules(),
            ApiHosts(),
            NoStore(),
            ManualClock(),
            SeededIds(),
            transport=transport,
        )
    )


@pytest.mark.parametrize(
    ("site", "status", "body", "licence"),
    [
        (
            CONNECT,
            200,
            {
                "key": "io.ostro",
                "host": {"contacts": [{"name": "Somebody", "email": "a@b.example"}]},
                "license": {
                    "active": True,
                    "type": "COMMERCIAL",
                    "evaluation": False,
                    "supportEntitlementNumber": "SEN-1",
                    "entitlementNumber": "E-1",
                },
            },
            Licence("COMMERCIAL", active=True, evaluation=False, entitlement="E-1"),
        ),
        (
            CONNECT,
            200,
            {"license": {"active": False, "supportEntitlementNumber": "SEN-1"}},
            Licence(active=False, entitlement="SEN-1"),
        ),
        (CONNECT, 200, {"key": "io.ostro"}, None),
        (CONNECT, 200, {"license": None}, None),
        (CONNECT, 404, {}, None),
        (
            FORGE,
            200,
            {
                "results": [
                    {"appId": "a", "error": {"code": "x"}},
                    {
                        "appId": "b",
                        "data": {
                            "isActive": True,
                            "isEvaluation": True,
                            "type": "commercial",
                            "supportEntitlementNumber": "SEN-2",
                            "capabilitySet": "capabilityAdvanced",
                        },
                    },
                ]
            },
            Licence("COMMERCIAL", active=True, evaluation=True, entitlement="SEN-2"),
        ),
        (FORGE, 200, {"results": [{"appId": "a", "data": {}}]}, Licence()),
        (FORGE, 200, {"results": []}, None),
        (FORGE, 200, {}, None),
        (FORGE, 404, {}, None),
    ],
)
async def test_licence(site: JiraSite, status: int, body: Any, licence: Licence | None) -> None:
    assert await about(status, body).licence(site) == licence


@pytest.mark.parametrize("site", [CONNECT, FORGE])
async def test_an_answer_of_another_shape_is_no_answer(site: JiraSite) -> None:
    odd: list[Any] = [[], "text", {"license": "yes", "results": "no"}, {"license": 7, "results": 7}]
    for body in odd:
        with pytest.raises(Unavailable):
            await about(200, body).licence(site)


async def test_version_and_cloud_id() -> None:
    assert await about(200, {"version": "1001.0.0"}).version(CONNECT) == "1001.0.0"
    assert await about(200, {}).version(CONNECT) is None
    assert await about(404, {}).version(FORGE) is None
    cloud_id = "ab89fafd-b11a-4e3e-890b-a48744e99a73"
    assert await about(200, {"cloudId": cloud_id}).cloud_id(CONNECT) == cloud_id
    assert await about(200, {}).cloud_id(CONNECT) is None
    assert await about(404, {}).cloud_id(CONNECT) is None
    with pytest.raises(Unavailable):
        await about(200, {"cloudId": "<script>"}).cloud_id(CONNECT)
