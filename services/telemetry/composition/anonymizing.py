"""From product events to anonymous ones: group ``telemetry.anonymizer``."""

from kit.service import Group, Role
from services.telemetry.adapters.anonymous_topic import AnonymousTopic
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.consumers import usage
from services.telemetry.consumers.usage import UsageEvents
from services.telemetry.usecases.anonymizing import Anonymizing


async def build(common: Common) -> Piece:
    """Wire the anonymizer; a wrong wrapping key shows here, at the start."""
    runtime = common.runtime
    if not runtime.role.includes(Role.CONSUMER):
        return Piece()
    await common.keys.check()
    outlet = AnonymousTopic(runtime.publisher, runtime.names)
    anonymizing = Anonymizing(
        common.keys, common.handles, common.directory, common.consents, outlet, runtime.clock
    )
    return Piece(groups={usage.GROUP: Group(UsageEvents(anonymizing).handle)})
