"""Envelope encryption: what is sealed opens in its own place under its own master key only."""

import base64
from dataclasses import replace

import pytest

from services.tenancy.adapters.sealing.local_keys import LocalKeys, master_key
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.secret import Place, Sealed, Secret
from services.tenancy.usecases.ports import SealBroken

PLACE = Place("tenant-a", "shared-secret", "tenant-a", 3)
SECRET = Secret(b"the secret")


def vault(key: bytes = b"k" * 32) -> EnvelopeVault:
    return EnvelopeVault(LocalKeys(Secret(key)))


async def test_opens_in_its_place() -> None:
    sealed = await vault().seal(SECRET, PLACE)
    assert await vault().open(sealed, PLACE) == SECRET


async def test_every_secret_has_its_own_data_key_and_nonce() -> None:
    one, two = [await vault().seal(SECRET, PLACE) for _ in range(2)]
    assert one.key_id == two.key_id
    assert one.ciphertext != two.ciphertext
    assert one.nonce != two.nonce
    assert one.wrapped != two.wrapped
    assert SECRET.reveal() not in one.ciphertext + one.wrapped


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, tenant="tenant-b"),
        replace(PLACE, field="client-key"),
        replace(PLACE, record="tenant-b"),
        replace(PLACE, version=2),
    ],
)
async def test_a_copy_elsewhere_is_dead(elsewhere: Place) -> None:
    sealed = await vault().seal(SECRET, PLACE)
    with pytest.raises(SealBroken):
        await vault().open(sealed, elsewhere)


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


@pytest.mark.parametrize("field", ["wrapped", "nonce", "ciphertext"])
async def test_a_changed_bit_is_noticed(field: str) -> None:
    sealed = await vault().seal(SECRET, PLACE)
    parts = {"wrapped": sealed.wrapped, "nonce": sealed.nonce, "ciphertext": sealed.ciphertext}
    parts[field] = flipped(parts[field])
    changed = Sealed(sealed.key_id, parts["wrapped"], parts["nonce"], parts["ciphertext"])
    with pytest.raises(SealBroken):
        await vault().open(changed, PLACE)


async def test_the_data_key_of_another_secret_does_not_fit() -> None:
    one, two = [await vault().seal(SECRET, PLACE) for _ in range(2)]
    with pytest.raises(SealBroken):
        await vault().open(replace(one, wrapped=two.wrapped), PLACE)


async def test_another_master_key_is_named_not_guessed() -> None:
    sealed = await vault().seal(SECRET, PLACE)
    with pytest.raises(SealBroken, match="another master key"):
        await vault(b"x" * 32).open(sealed, PLACE)
    with pytest.raises(SealBroken):
        # a key id that lies
        await vault(b"x" * 32).open(
            replace(sealed, key_id=(await vault(b"x" * 32).seal(SECRET, PLACE)).key_id), PLACE
        )


@pytest.mark.parametrize("text", ["", "abc", base64.b64encode(b"k" * 31).decode(), "!" * 44])
def test_a_master_key_is_32_bytes(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        master_key(text)
    assert master_key(base64.b64encode(b"k" * 32).decode() + "\n") == Secret(b"k" * 32)
