"""Forge's key set: how long it is kept, when it is asked again, what in it is no key."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from kit.errors import Unavailable
from services.tenancy.adapters.jira.forge_keys import HttpForgeKeys
from tests.harness.fakes import ManualClock
from tests.integration.tenancy.jira_site import jwk

URL = "https://forge.example/jwks.json"
KID = "forge/invocation-token/one"
KEY = rsa.generate_private_key(65537, 2048)
SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505  the attack


class Forge:
    """Answers with ``keys``, or fails with ``status``; ``body`` replaces all of it."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk(KID, KEY)]
        self.status = 200
        self.body: bytes | None = None
        self.asked: list[str] = []
        self.clock = ManualClock()
        self.set = HttpForgeKeys(URL, self.clock, httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        body = json.dumps({"keys": self.keys}).encode() if self.body is None else self.body
        headers = {"location": URL + "?again"} if self.status == 302 else {}
        return httpx.Response(self.status, headers=headers, stream=httpx.ByteStream(body))


@pytest.fixture
def forge() -> Forge:
    return Forge()


async def test_the_set_is_kept_for_an_hour(forge: Forge) -> None:
    found = await forge.set.public_key(KID)
    assert found is not None
    assert found.public_numbers() == KEY.public_key().public_numbers()
    forge.clock.advance(minutes=59)
    assert await forge.set.public_key(KID) is not None
    assert len(forge.asked) == 1
    forge.clock.advance(minutes=1)
    assert await forge.set.public_key(KID) is not None
    assert forge.asked == [URL, URL]


async def test_an_unknown_kid_costs_one_request_a_minute(forge: Forge) -> None:
    assert await forge.set.public_key(KID) is not None
    for number in range(50):
        assert await forge.set.public_key(f"../{number}") is None
    assert len(forge.asked) == 1
    forge.clock.advance(seconds=60)
    for number in range(50):
        assert await forge.set.public_key(f"https://evil.example/{number}") is None
    # and no kid is ever part of a URL
    assert forge.asked == [URL, URL]


async def test_a_new_key_is_found_within_a_minute_and_an_old_one_leaves(forge: Forge) -> None:
    assert await forge.set.public_key(KID) is not None
    forge.keys = [jwk("two", KEY)]
    forge.clock.advance(seconds=60)
    assert await forge.set.public_key("two") is not None
    assert await forge.set.public_key(KID) is None


async def test_calls_at_the_same_time_ask_once(forge: Forge) -> None:
    found = await asyncio.gather(*(forge.set.public_key(KID) for _ in range(20)))
    assert None not in found
    assert len(forge.asked) == 1


async def test_an_outage_is_bridged_for_a_day(forge: Forge) -> None:
    assert await forge.set.public_key(KID) is not None
    forge.status = 503
    forge.clock.advance(hours=23, minutes=59)
    assert await forge.set.public_key(KID) is not None
    # a key that is not known may exist by now
    with pytest.raises(Unavailable):
        await forge.set.public_key("two")
    forge.clock.advance(minutes=2)
    with pytest.raises(Unavailable):
        await forge.set.public_key(KID)


async def test_a_failed_refresh_after_a_miss_does_not_slow_known_keys(forge: Forge) -> None:
    assert await forge.set.public_key(KID) is not None
    forge.status = 503
    forge.clock.advance(minutes=2)
    with pytest.raises(Unavailable):
        await forge.set.public_key("two")
    asked = len(forge.asked)
    forge.clock.advance(minutes=2)
    assert await forge.set.public_key(KID) is not None
    assert len(forge.asked) == asked


async def test_without_any_set_it_is_503_and_asked_again_after_seconds(forge: Forge) -> None:
    forge.status = 500
    for _ in range(10):
        with pytest.raises(Unavailable):
            await forge.set.public_key(KID)
    assert len(forge.asked) == 1
    forge.status = 200
    forge.clock.advance(seconds=5)
    assert await forge.set.public_key(KID) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": null}',
        b"[" * 5000,
        json.dumps({"keys": [jwk(KID, KEY)], "filler": "x" * 70_000}).encode(),
    ],
)
async def test_what_is_no_set_of_keys(forge: Forge, body: bytes) -> None:
    forge.body = body
    with pytest.raises(Unavailable):
        await forge.set.public_key(KID)


async def test_a_redirect_is_not_followed(forge: Forge) -> None:
    forge.status = 302
    with pytest.raises(Unavailable):
        await forge.set.public_key(KID)
    assert forge.asked == [URL]


def _private() -> dict[str, Any]:
    return {**json.loads(RSAAlgorithm.to_jwk(KEY)), "kid": KID}


@pytest.mark.parametrize(
    "odd",
    [
        jwk(KID, SMALL),
        jwk(KID, KEY, use="enc"),
        jwk(KID, KEY, alg="RS512"),
        jwk(KID, KEY, alg="HS256"),
        jwk(KID, KEY, kty="oct", k="c2VjcmV0"),
        jwk(KID, KEY, n="!"),
        jwk(KID, KEY, n=7),
        jwk(KID, KEY, e=""),
        {**jwk(KID, KEY), "kid": 7},
        {**jwk(KID, KEY), "kid": None},
        {"kty": "RSA", "kid": KID},
        {"kty": "EC", "kid": KID, "crv": "P-256", "x": "AA", "y": "AA"},
        _private(),
        "text",
        None,
        [jwk(KID, KEY)],
    ],
)
async def test_what_is_no_key_is_passed_over(forge: Forge, odd: Any) -> None:
    forge.keys = [odd, jwk("other", KEY)]
    assert await forge.set.public_key(KID) is None
    assert await forge.set.public_key("other") is not None


async def test_of_two_keys_with_one_name_the_first_counts(forge: Forge) -> None:
    second = rsa.generate_private_key(65537, 2048)
    forge.keys = [jwk(KID, KEY), jwk(KID, second)]
    found = await forge.set.public_key(KID)
    assert found is not None
    assert found.public_numbers() == KEY.public_key().public_numbers()
