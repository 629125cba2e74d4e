"""Which address a processor has: the one that is set, else the region's."""

from typing import Literal

from services.telemetry.adapters.processors.regions import HOSTS, Region, region_of
from services.telemetry.settings import TelemetrySettings

Events = Literal["amplitude", "segment"]
Deletions = Literal["amplitude_deletion", "segment_api"]
Flags = Literal["launchdarkly_stream", "launchdarkly_base", "launchdarkly_events"]
_SENT_TO: dict[Deletions, Events] = {"amplitude_deletion": "amplitude", "segment_api": "segment"}


def events_address(settings: TelemetrySettings, name: Events) -> str | None:
    """Return the base URL for events; None without a region: it was not chosen."""
    region = settings.processors_region
    return _given(settings, name) or (None if region is None else _of(region, name))


def deletion_address(settings: TelemetrySettings, name: Deletions) -> str | None:
    """Return the base URL for deletions, in the region in which the events go.

    None when the events go to a host of no known region: pseudonyms must not go elsewhere.
    """
    region = settings.processors_region or region_of(_given(settings, _SENT_TO[name]) or "")
    return _given(settings, name) or (None if region is None else _of(region, name))


def flags_address(settings: TelemetrySettings, name: Flags) -> str:
    """Return a base URL of LaunchDarkly."""
    region = settings.launchdarkly_region or settings.processors_region or Region.US
    return _given(settings, name) or _of(region, name)


def _given(settings: TelemetrySettings, name: str) -> str | None:
    url = getattr(settings, f"{name}_url")
    return None if url is None else str(url).rstrip("/")


def _of(region: Region, name: str) -> str:
    return str(getattr(HOSTS[region], name))
