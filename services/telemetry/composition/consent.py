"""Routes of consent."""

from services.telemetry.api import consent
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.usecases.consent import Consent


async def build(common: Common) -> Piece:
    """Wire them."""
    return Piece(public=[consent.router(Consent(common.consents, common.runtime.clock))])
