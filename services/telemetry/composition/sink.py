"""The local sink file: group ``telemetry.file``, where a file is named."""

from kit.service import Group, Role
from services.telemetry.adapters.sink_file import SinkFile
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.consumers import sink
from services.telemetry.consumers.sink import SinkEvents
from services.telemetry.usecases.sink import Sink


async def build(common: Common) -> Piece:
    """Wire it."""
    settings = common.runtime.settings
    path = settings.telemetry_sink_file
    if path is None or not common.runtime.role.includes(Role.CONSUMER):
        return Piece()
    lines = SinkFile(path, settings.telemetry_sink_file_bytes, settings.telemetry_sink_files)
    return Piece(groups={sink.GROUP: Group(SinkEvents(Sink(common.gate, lines)).handle)})
