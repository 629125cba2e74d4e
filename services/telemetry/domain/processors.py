"""The processors that product events may go to."""

from enum import StrEnum


class ProcessorName(StrEnum):
    """A processor: its consumer group is ``telemetry.<name>``."""

    SEGMENT = "segment"
    AMPLITUDE = "amplitude"

    @property
    def group(self) -> str:
        """Name of its consumer group."""
        return f"telemetry.{self.value}"
