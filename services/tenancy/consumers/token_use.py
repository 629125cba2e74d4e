"""Topic ``ostro.tenancy.token-use.v1``, group ``tenancy.token-use``: when tokens were last used."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.tenancy import TokenUse
from kit.kafka.records import Poison, Record, decode
from services.tenancy.usecases.tokens import Tokens

GROUP = "tenancy.token-use"
_USE: TypeAdapter[Event[TokenUse]] = TypeAdapter(Event[TokenUse])


class TokenUseConsumer:
    """Keeps the latest use of each token; repeats and disorder do no harm."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Store the latest uses of a batch in one write; return what cannot be read."""
        poison: list[Poison] = []
        latest: dict[tuple[str, str], datetime] = {}
        for record in records:
            event = decode(record, _USE)
            if isinstance(event, Poison):
                poison.append(event)
                continue
            key, used_at = (event.tenantid, event.data.token_id), event.data.used_at
            latest[key] = max(used_at, latest.get(key, used_at))
        await self._tokens.used(latest)
        return poison
