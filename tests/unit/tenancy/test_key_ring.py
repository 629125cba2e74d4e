"""Which key wraps, which unwrap, and how long opened data keys are remembered."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.tenancy.adapters.sealing.data_key_cache import DataKeyCache
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.secret import Place, Sealed, Secret
from services.tenancy.usecases.ports import SealBroken

PLACE = Place("tenant-a", "shared-secret", "tenant-a", 3)
SECRET = Secret(b"the secret")


def keys(letter: str) -> LocalKeys:
    return LocalKeys(Secret(letter.encode() * 32))


async def test_the_current_key_wraps_and_every_key_unwraps() -> None:
    before, after = keys("a"), keys("b")
    old = await EnvelopeVault(KeyRing(before)).seal(SECRET, PLACE)
    vault = EnvelopeVault(KeyRing(after, [before]))
    new = await vault.seal(SECRET, PLACE)
    assert (old.key_id, new.key_id) == (before.key_id, after.key_id)
    assert await vault.open(old, PLACE) == await vault.open(new, PLACE) == SECRET
    # the way back: the next key may be known before it is used
    assert await EnvelopeVault(KeyRing(before, [after])).open(new, PLACE) == SECRET


async def test_a_key_that_is_not_configured_opens_nothing() -> None:
    sealed = await EnvelopeVault(KeyRing(keys("a"))).seal(SECRET, PLACE)
    with pytest.raises(SealBroken, match="not configured"):
        await EnvelopeVault(KeyRing(keys("b"))).open(sealed, PLACE)
    with pytest.raises(SealBroken, match="not configured"):
        await EnvelopeVault(KeyRing(keys("a"))).open(replace(sealed, key_id="kms:arn"), PLACE)


async def test_rewrapping_touches_the_wrapped_key_only() -> None:
    before, after = keys("a"), keys("b")
    old = await EnvelopeVault(KeyRing(before)).seal(SECRET, PLACE)
    new = await EnvelopeVault(KeyRing(after, [before])).rewrap(old, PLACE)
    assert (new.nonce, new.ciphertext) == (old.nonce, old.ciphertext)
    assert (new.key_id, new.wrapped != old.wrapped) == (after.key_id, True)
    assert await EnvelopeVault(KeyRing(after)).open(new, PLACE) == SECRET


@pytest.mark.parametrize("part", ["wrapped", "nonce", "ciphertext"])
@pytest.mark.parametrize(
    "how", [lambda b: bytes([b[0] ^ 1]) + b[1:], lambda b: b[:4], lambda _: b""]
)
async def test_nothing_is_rewrapped_that_does_not_open(
    part: str, how: Callable[[bytes], bytes]
) -> None:
    ring = KeyRing(keys("b"), [keys("a")])
    old = await EnvelopeVault(KeyRing(keys("a"))).seal(SECRET, PLACE)
    parts = {"wrapped": old.wrapped, "nonce": old.nonce, "ciphertext": old.ciphertext}
    parts[part] = how(parts[part])
    broken = Sealed(old.key_id, parts["wrapped"], parts["nonce"], parts["ciphertext"])
    with pytest.raises(SealBroken):
        await EnvelopeVault(ring).rewrap(broken, PLACE)
    with pytest.raises(SealBroken):
        await EnvelopeVault(ring).rewrap(old, replace(PLACE, tenant="tenant-b"))


class Counting(LocalKeys):
    """Counts what is asked of it."""

    asked = 0

    async def unwrap(self, key_id: str, wrapped: bytes, place: Place) -> Secret:
        self.asked += 1
        return await super().unwrap(key_id, wrapped, place)


class Now:
    """Seconds that move when told."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_an_opened_data_key_is_remembered_for_a_minute_and_in_its_place_only() -> None:
    now, behind = Now(), Counting(Secret(b"k" * 32))
    cache = DataKeyCache(behind, now=now)
    vault = EnvelopeVault(cache)
    sealed = await vault.seal(SECRET, PLACE)
    for now.seconds in (0.0, 30.0, 59.9):
        assert await vault.open(sealed, PLACE) == SECRET
    assert behind.asked == 1
    with pytest.raises(SealBroken):
        await vault.open(sealed, replace(PLACE, tenant="tenant-b"))
    assert behind.asked == 2
    now.seconds = 60.0
    assert await vault.open(sealed, PLACE) == SECRET
    assert behind.asked == 3


async def test_only_so_many_data_keys_are_remembered() -> None:
    behind = Counting(Secret(b"k" * 32))
    cache = DataKeyCache(behind, most=2, now=Now())
    vault = EnvelopeVault(cache)
    places = [replace(PLACE, version=n) for n in range(3)]
    sealed = [await vault.seal(SECRET, p) for p in places]
    for one, place in zip(sealed, places, strict=True):
        await vault.open(one, place)
    assert behind.asked == 3
    await vault.open(sealed[2], places[2])
    assert behind.asked == 3
    await vault.open(sealed[0], places[0])
    assert behind.asked == 4


async def test_what_failed_is_not_remembered() -> None:
    behind = Counting(Secret(b"k" * 32))
    cache = DataKeyCache(behind, now=Now())
    for _ in range(2):
        with pytest.raises(SealBroken):
            await cache.unwrap(behind.key_id, b"x" * 60, PLACE)
    assert behind.asked == 2
