"""The keys that sign API tokens: first one, rotation, signing, cleaning up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import jwt

from kit.auth.api_tokens import ALGORITHM
from kit.clock import Clock
from kit.errors import Unavailable
from kit.ids import Ids
from services.tenancy.domain.audit import SYSTEM, Action
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.signing_keys import (
    PUBLISHED_BEFORE_USE,
    VERIFIES_AFTER_REPLACEMENT,
    SigningKey,
    signer,
)
from services.tenancy.usecases.ports import (
    By,
    ChangedMeanwhile,
    Note,
    SigningKeyStore,
    Vault,
)
from services.tenancy.usecases.retry import until_stored


@dataclass(frozen=True)
class KeyPair:
    """A fresh pair, PEM both."""

    private_pem: Secret
    public_pem: str


class KeyMaker(Protocol):
    """Makes ES256 key pairs."""

    def make(self) -> KeyPair:
        """Return a new pair."""
        ...


class SigningKeys:
    """Signs claims with the key that is in use."""

    def __init__(
        self, keys: SigningKeyStore, vault: Vault, maker: KeyMaker, clock: Clock, ids: Ids
    ) -> None:
        self._keys = keys
        self._vault = vault
        self._maker = maker
        self._clock = clock
        self._ids = ids

    async def all(self) -> Sequence[SigningKey]:
        """Return every key, oldest first."""
        return await self._keys.all()

    async def ensure_first(self) -> None:
        """Make the very first key unless there is one; nobody knows another, so it signs now."""

        async def attempt() -> None:
            if not await self._keys.all():
                await self._add(1, wait=False, by=By(SYSTEM))

        await until_stored(attempt)

    async def rotate(self, by: By) -> SigningKey:
        """Publish a new key; it signs five minutes from now, when every service knows it."""

        async def attempt() -> SigningKey:
            newest = max((k.generation for k in await self._keys.all()), default=0)
            return await self._add(newest + 1, wait=newest > 0, by=by)

        added = await until_stored(attempt)
        await self.tidy()
        return added

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the signed token."""
        key = signer(await self._keys.all(), self._clock.now())
        if key is None or key.private is None:
            raise Unavailable("There is no signing key in use yet; try again.")
        private_pem = await self._vault.open(key.private, key.place)
        return jwt.encode(
            dict(claims), private_pem.reveal(), algorithm=ALGORITHM, headers={"kid": key.kid}
        )

    async def tidy(self) -> None:
        """Date the end of replaced keys; forget their private half once the successor signs."""
        keys = await self._keys.all()
        now = self._clock.now()
        for key in keys:
            starts = min(
                (k.not_before for k in keys if k.generation > key.generation), default=None
            )
            if starts is None:
                continue
            private = key.private if starts > now else None
            retired_at = key.retired_at or starts + VERIFIES_AFTER_REPLACEMENT
            changed = replace(key, private=private, retired_at=retired_at)
            if changed != key:
                try:
                    await self._keys.replace(changed)
                except ChangedMeanwhile:
                    # another process tidies, too
                    return

    async def _add(self, generation: int, *, wait: bool, by: By) -> SigningKey:
        pair, kid, now = self._maker.make(), self._ids.token(), self._clock.now()
        key = SigningKey(
            kid=kid,
            generation=generation,
            public_pem=pair.public_pem,
            private=None,
            not_before=now + PUBLISHED_BEFORE_USE if wait else now,
        )
        key = replace(key, private=await self._vault.seal(pair.private_pem, key.place))
        await self._keys.add(key, Note(Action.KEY_CREATED, by))
        return key
