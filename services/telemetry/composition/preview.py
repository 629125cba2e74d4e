"""The preview: the anonymizer and the processors once more, without anything that sends."""

from contracts.envelope import Event
from contracts.topics import USAGE
from contracts.usage import ProductEvent
from kit.service import Role
from services.telemetry.adapters.anonymous_topic import AnonymousTopic
from services.telemetry.api import preview
from services.telemetry.composition.deliveries import configured
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.usecases.anonymizing import Anonymizing
from services.telemetry.usecases.preview import Preview


async def build(common: Common) -> Piece:
    """Wire the route."""
    runtime = common.runtime
    if not runtime.role.includes(Role.API):
        return Piece()
    outlet = AnonymousTopic(runtime.publisher, runtime.names)
    anonymizing = Anonymizing(
        common.keys, common.handles, common.directory, common.consents, outlet, runtime.clock
    )
    processors = configured(common)

    def sample(tenant: str, data: ProductEvent) -> Event[ProductEvent]:
        ident = runtime.ids.uuid7()
        return Event[ProductEvent](
            id=ident,
            source="ostro/telemetry",
            type=USAGE.type,
            subject="preview",
            time=runtime.clock.now(),
            tenantid=tenant,
            data=data.model_copy(update={"account_id": ident}),
        )

    shown = Preview(anonymizing, common.gate, processors)
    return Piece(
        public=[preview.router(shown, sample)],
        closers=[processor.close for processor in processors],
    )
