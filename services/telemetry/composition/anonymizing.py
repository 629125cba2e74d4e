"""From product events to anonymous ones: group ``telemetry.anonymizer``."""

from kit.service import Group, Role
from services.telemetry.adapters.anonymous_topic import AnonymousTopic
from services.telemetry.adapters.sealing import read_wrapping_key
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.consumers import usage
from services.telemetry.consumers.usage import UsageEvents
from services.telemetry.domain.erasure import suppression_key
from services.telemetry.usecases.anonymizing import Anonymizing
from services.telemetry.usecases.suppression import Suppressing


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
    key = suppression_key(read_wrapping_key(runtime.settings.pseudonym_key_file))
    suppressing = Suppressing(common.suppressions, key, anonymizing)
    return Piece(groups={usage.GROUP: Group(UsageEvents(suppressing).handle)})
