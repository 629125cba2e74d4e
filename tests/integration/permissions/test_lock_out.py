"""A scheme that would lock everybody out is refused where Jira can tell that nobody is there."""

from datetime import timedelta

import httpx
import pytest

from contracts.permissions import Entity, Grant, Right
from devstack.jira.demo import CLOSED, TESTER
from kit.auth.principal import Scope
from kit.errors import InvalidInput
from services.tenancy.usecases.tokens import TokenRequest
from tests.harness.grants import to_group, to_role, to_user
from tests.integration.permissions.shop import CELL, GROUP, ROLE, Shop

pytestmark = pytest.mark.long

NOBODY = "557058:00000000-0000-4000-8000-000000000000"
NO_GROUP = "00000000-0000-4000-8000-000000000000"
EDIT = (Entity.CONFIGURATION, Right.EDIT)


async def put(shop: Shop, *grants: Grant, force: bool = False) -> None:
    await shop.core.rights.permissions.put(
        shop.tenant, "DEMO", grants, CELL, enforced=True, force=force
    )


@pytest.mark.parametrize(
    "grant", [to_user(TESTER, *EDIT), to_group(GROUP, *EDIT), to_role(str(ROLE), *EDIT)]
)
async def test_one_holder_who_is_there_is_enough(shop: Shop, grant: Grant) -> None:
    await put(shop, to_user(NOBODY, *EDIT), grant)


@pytest.mark.parametrize(
    "grant",
    [
        to_user(NOBODY, *EDIT),
        to_user(CLOSED, *EDIT),
        to_group(NO_GROUP, *EDIT),
        to_role("99999", *EDIT),
        to_group(GROUP, *EDIT),
        to_role(str(ROLE), *EDIT),
    ],
)
async def test_holders_who_are_not_there_are_forced_only(shop: Shop, grant: Grant) -> None:
    # a group of closed accounts, and a role that it has, are nobody
    await shop.group(CLOSED)
    await shop.role({"groupId": GROUP})
    there = to_user(TESTER, Entity.CONFIGURATION, Right.VIEW)
    with pytest.raises(InvalidInput, match="force it"):
        await put(shop, grant, there)
    await put(shop, grant, there, force=True)
    # a scheme that is off locks nobody out; to turn it on is to be asked again
    await shop.core.rights.permissions.enforce(shop.tenant, "DEMO", CELL, enforced=False)
    with pytest.raises(InvalidInput, match="No holder"):
        await shop.core.rights.permissions.enforce(shop.tenant, "DEMO", CELL, enforced=True)


async def test_the_name_of_a_group_is_no_id(shop: Shop) -> None:
    named = to_group("qa-engineers", Entity.TEST_CASE, Right.VIEW)
    with pytest.raises(InvalidInput, match="qa-engineers is the name of a group in Jira"):
        await put(shop, named, to_user(TESTER, *EDIT))


async def test_while_jira_is_down_no_scheme_is_set_on_a_guess(shop: Shop) -> None:
    request = TokenRequest("t", (Scope.ADMIN,), timedelta(days=1), None, None)
    minted = await shop.core.tokens.mint(shop.tenant, request, CELL)
    url = f"http://127.0.0.1:{shop.installation.http_ports['tenancy']}"
    body = {
        "enforced": True,
        "grants": [to_user(TESTER, *EDIT).model_dump(mode="json")],
    }
    headers = {"authorization": f"Bearer {minted.text}"}
    path = f"{url}/ostro/v1/tenancy/projects/DEMO/permissions"
    await shop.jira_down()
    async with httpx.AsyncClient(trust_env=False, timeout=60, headers=headers) as http:
        answer = await http.put(path, json=body)
        assert answer.status_code == 503, answer.text
        assert "retry-after" in answer.headers
        assert (await http.put(path, json=body, params={"force": "true"})).status_code == 200
