"""Beamer and the deletion APIs: the vendors' traps, limits and errors."""

import base64
from typing import Any

import pytest

from tests.devstack.processors_world import standins

BASIC = {"authorization": "Basic " + base64.b64encode(b"key:secret").decode()}
DELETIONS = "/amplitude-deletion/api/2/deletions/users"
BEAMER = {"beamer-api-key": "key"}


async def test_a_deletion_without_a_filter_removes_everybody() -> None:
    async with standins() as running:
        for user in ("a", "b", "c"):
            body = {"userId": user}
            await running.client.put("/beamer/v0/users", json=body, headers=BEAMER)
        one = await running.client.delete("/beamer/v0/users?userId=a", headers=BEAMER)
        assert one.status_code == 200
        assert len(await running.visible("beamer")) == 2
        assert (await running.client.delete("/beamer/v0/users", headers=BEAMER)).status_code == 200
        assert await running.visible("beamer") == []


async def test_beamers_errors_are_bare_strings() -> None:
    async with standins() as running:
        nobody = await running.client.get("/beamer/v0/posts")
        assert (nobody.status_code, isinstance(nobody.json(), str)) == (401, True)
        limits: dict[str, Any] = {"plan_has_users": False, "requests_per_month": 2}
        order = {"processor": "beamer", "limits": limits}
        await running.client.post("/control/limits", json=order)
        plan = await running.client.get("/beamer/v0/users", headers=BEAMER)
        assert (plan.status_code, isinstance(plan.json(), str)) == (403, True)
        answers = [
            (await running.client.get("/beamer/v0/posts", headers=BEAMER)).status_code
            for _ in range(2)
        ]
        assert answers == [200, 429]


async def test_a_read_that_names_a_user_leaves_the_callers_details() -> None:
    async with standins() as running:
        await running.client.put("/beamer/v0/users", json={"userId": "a"}, headers=BEAMER)
        url = "/beamer/v0/unread/count?userId=a"
        quiet = f"{url}&ignoreRequestDetails=true"
        await running.client.get(quiet, headers=BEAMER)
        assert "ip" not in (await running.visible("beamer"))[0]
        await running.client.get(url, headers=BEAMER)
        assert "ip" in (await running.visible("beamer"))[0]


async def test_amplitude_refuses_unknown_ids_too_many_and_too_fast() -> None:
    async with standins() as running:
        order = {"unknown_ids": ["x"], "requests_per_second": 4}
        body = {"processor": "amplitude-deletion", "limits": order}
        await running.client.post("/control/limits", json=body)

        async def asked(ids: list[str], **more: str) -> int:
            content = {"user_ids": ids, "requester": "r", **more}
            return (await running.client.post(DELETIONS, json=content, headers=BASIC)).status_code

        assert await asked(["x", "y"]) == 400
        assert await asked(["x", "y"], ignore_invalid_id="true") == 200
        assert await asked([str(n) for n in range(101)]) == 400
        assert (await running.client.post(DELETIONS, json={})).status_code == 401
        assert await asked(["y"]) == 429


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/segment-regulations/regulations/unknown", {"authorization": "Bearer t"}, 404),
        ("POST", "/segment-regulations/regulations", {"authorization": "Bearer t"}, 422),
        ("POST", "/segment-regulations/regulations", {}, 401),
        ("GET", "/segment-regulations/regulations", {}, 501),
        ("POST", "/bugsnag-data/projects/p/event_data_deletions", {}, 400),
        ("POST", "/bugsnag-data/projects/p/event_data_deletions", {"x-version": "2"}, 401),
    ],
)
async def test_the_others_refuse_what_the_vendors_refuse(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async with standins() as running:
        answer = await running.client.request(method, path, headers=headers)
        assert answer.status_code == status
