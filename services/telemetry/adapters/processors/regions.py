"""The processors' hosts in each region. Source: facts.md 0, 1.3, 2.3, 4.1.

A key belongs to one region. At the hosts of another Amplitude answers 400 ``Invalid API key``;
Segment refuses, or takes events with a 200 and forgets them; nobody redirects.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from httpx import URL


class Region(StrEnum):
    """Where a processor keeps what it gets."""

    US = "us"
    EU = "eu"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Base URLs of one region. Beamer and BugSnag have none of their own for the EU."""

    amplitude: str
    amplitude_deletion: str
    segment: str
    segment_api: str
    launchdarkly_stream: str
    launchdarkly_base: str
    launchdarkly_events: str


HOSTS: Mapping[Region, Hosts] = {
    Region.US: Hosts(
        amplitude="https://api2.amplitude.com",
        amplitude_deletion="https://amplitude.com",
        segment="https://api.segment.io",
        segment_api="https://api.segmentapis.com",
        launchdarkly_stream="https://stream.launchdarkly.com",
        launchdarkly_base="https://sdk.launchdarkly.com",
        launchdarkly_events="https://events.launchdarkly.com",
    ),
    Region.EU: Hosts(
        amplitude="https://api.eu.amplitude.com",
        amplitude_deletion="https://analytics.eu.amplitude.com",
        segment="https://events.eu1.segmentapis.com",
        segment_api="https://eu1.api.segmentapis.com",
        launchdarkly_stream="https://stream.eu.launchdarkly.com",
        launchdarkly_base="https://sdk.eu.launchdarkly.com",
        launchdarkly_events="https://events.eu.launchdarkly.com",
    ),
}


def region_of(url: str) -> Region | None:
    """Return the region whose host a URL names, None for any other: a proxy, a stand-in."""
    host = URL(url).host
    for region, hosts in HOSTS.items():
        if any(URL(getattr(hosts, field.name)).host == host for field in fields(hosts)):
            return region
    return None
