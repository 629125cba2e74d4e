"""The published vectors of Connect's qsh and of every kind of token, through the real verifiers.

OSTRO_JWT_VECTORS names another file of the same form. ``hub_signature`` is not run: it belongs to
webhooks that an administrator of Jira makes by hand, and Ostro has no route for them.
``oauth_jwt_bearer`` is not run: Ostro does not act as a user.
"""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kit.mongo import connect, ensure_indexes
from services.tenancy.adapters.mongo.indexes import INDEXES
from services.tenancy.domain.qsh import base_path_of, canonical_request, query_string_hash
from tests.conformance.verifiers import JWKS, KEYS, Case, Verifiers, carried
from tests.harness.backends import Backends

COMMITTED = Path(__file__).parents[1] / "data" / "jwt-vectors.json"
VECTORS: dict[str, Any] = json.loads(
    Path(os.environ.get("OSTRO_JWT_VECTORS", COMMITTED)).read_text()
)
TOKENS: dict[str, Any] = VECTORS["tokens"]
CASES: list[Case] = TOKENS["cases"]
ROUTES = ("server", "iframe", "context", "lifecycle", "lifecycle-notify", "forge-remote")
# bound by the same secret to a URL: their routes never share one
BY_URL = {"server", "lifecycle-notify", "iframe"}


@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"]) for c in VECTORS["qsh"]])
def test_qsh(case: Case) -> None:
    request = case["method"], case["url"], base_path_of(case["base_url"] or "")
    found = canonical_request(*request), query_string_hash(*request)
    # the others are no requests that Jira sends: they must not break anything
    if case["status"] in {"agreed", "disputed"}:
        assert found == (case["expected_canonical"], case["expected_qsh"])


@pytest.fixture(scope="module")
async def verifiers(servers: Backends) -> AsyncIterator[Verifiers]:
    name = f"t_vectors_{os.getpid()}"
    async with connect(servers.mongodb, name) as database:
        await ensure_indexes(database, INDEXES)
        found = Verifiers(database, TOKENS)
        await found.prepare()
        yield found
        await found.close()
        await database.client.drop_database(name)


def test_every_route_of_the_file_is_known(verifiers: Verifiers) -> None:
    assert verifiers.routes == set(ROUTES)
    assert set(TOKENS["routes"]) | {c["route"] for c in CASES} <= set(ROUTES)


@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"]) for c in CASES])
async def test_token(verifiers: Verifiers, case: Case) -> None:
    assert await verifiers.accepts(case) is (case["expect"] == "accept"), case["why"]
    # whatever the header says, no URL beside the configured ones is ever fetched
    for url in verifiers.asked:
        assert url == JWKS or (url.startswith(f"{KEYS}/") and ".." not in url)


def request_of(route: str) -> tuple[str, str]:
    """Return method and URL of some call of a kind of route."""
    for case in CASES:
        if case["route"] == route:
            return case["method"], case["url"]
    return {"context": ("GET", "/jira-app/api/me"), "iframe": ("GET", "/jira-app/panel")}.get(
        route, ("POST", f"/jira-app/{route}/enabled")
    )


@pytest.mark.parametrize(
    ("case", "other"),
    [
        pytest.param(c, other, id=f"{c['id']}-{other}")
        for c in CASES
        if c["expect"] == "accept"
        for other in ROUTES
        if other != c["route"]
    ],
)
async def test_a_good_token_is_no_good_on_another_kind_of_route(
    verifiers: Verifiers, case: Case, other: str
) -> None:
    own = case["method"], case["url"]
    tried = [
        # as the other route has it, and as it came
        carried(other, *request_of(other), case["token"]),
        carried(case["route"], *request_of(other), case["token"]),
    ]
    if not {case["route"], other} <= BY_URL or (other == "iframe" and case["method"] != "GET"):
        tried += [carried(other, *own, case["token"]), carried(case["route"], *own, case["token"])]
    for request in tried:
        assert not await verifiers.accepts_request(other, request), request
