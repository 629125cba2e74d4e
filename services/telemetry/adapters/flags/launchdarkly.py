"""Flags from LaunchDarkly: its server SDK behind OpenFeature, which holds all rules in memory.

Everything is decided in this process. What LaunchDarkly gets is one streaming request: the SDK
key, the SDK's name and version, and a random id of this process. No event, no diagnostics, no
context is ever sent.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ld_openfeature import LaunchDarklyProvider
from ldclient.config import Config
from ldclient.interfaces import DataSourceState, DataSourceStatus
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.provider import ProviderStatus
from openfeature.provider.no_op_provider import NoOpProvider

from contracts.flags import FLAGS, Flag
from services.telemetry.domain.flags import Subject
from services.telemetry.metrics import FLAGS_STALE

KIND = "organization"
ANONYMOUS_KEY = "anonymous"
_REFUSED = frozenset({401, 403})
_EVENTS = (ProviderEvent.PROVIDER_READY, ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)

# the SDK's constructor does not wait for us, and warns each time that it did not wait long enough
logging.getLogger("ldclient.util").addFilter(
    lambda record: not record.getMessage().startswith("Initialization timeout exceeded")
)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Base URLs."""

    stream: str
    base: str
    events: str


class LaunchDarkly:
    """Implements ``usecases.flags.FlagSource``. Construct and close it in a thread.

    ``changed`` and ``alarm`` are called from the SDK's threads; ``alarm`` gets a reason when our
    key is refused, None when it is taken. ``domain`` names this instance to OpenFeature.
    """

    def __init__(
        self,
        sdk_key: str,
        hosts: Hosts,
        domain: str,
        changed: Callable[[], None],
        alarm: Callable[[str | None], None],
    ) -> None:
        self._changed = changed
        self._alarm = alarm
        self._domain = domain
        self._lock = threading.Lock()
        self._versions = 0
        # it does not wait for a connection; OpenFeature does, in a thread of its own
        self._provider = LaunchDarklyProvider(_config(sdk_key, hosts), start_wait=0)
        self._status = self._provider.client.data_source_status_provider
        self._status.add_listener(self._heard)
        self._client: OpenFeatureClient = api.get_client(domain)
        for event in _EVENTS:
            self._client.add_handler(event, self._told)
        api.set_provider(self._provider, domain)
        self._heard(self._status.status)

    @property
    def generation(self) -> int | None:
        """None until the first rules have come; they are kept while the connection is lost."""
        status = self._client.get_provider_status()
        return None if status is ProviderStatus.NOT_READY else self._versions

    async def look(self) -> None:
        """Nothing to do: changes are streamed."""

    def decide(self, subjects: Sequence[Subject]) -> Sequence[Mapping[str, object]]:
        """Evaluate every flag of the catalogue for each."""
        return [self._of(_context(subject)) for subject in subjects]

    def close(self) -> None:
        """End the connection and the SDK's threads."""
        for event in _EVENTS:
            self._client.remove_handler(event, self._told)
        self._status.remove_listener(self._heard)
        # it has no annotations
        self._provider.shutdown()  # type: ignore[no-untyped-call]
        api.set_provider(NoOpProvider(), self._domain)

    def _of(self, context: EvaluationContext) -> Mapping[str, object]:
        return {flag.key: value for flag in FLAGS for value in self._decided(flag, context)}

    def _decided(
        self, flag: Flag[bool] | Flag[int] | Flag[float], context: EvaluationContext
    ) -> list[object]:
        """Return the value, an empty list where nothing is decided, None for a wrong type."""
        found: FlagEvaluationDetails[bool] | FlagEvaluationDetails[float]
        if isinstance(flag.default, bool):
            found = self._client.get_boolean_details(flag.key, flag.default, context)
        else:
            found = self._client.get_float_details(flag.key, flag.default, context)
        if found.error_code is ErrorCode.TYPE_MISMATCH:
            return [None]
        return [] if found.error_code is not None or found.variant is None else [found.value]

    def _told(self, _details: EventDetails) -> None:
        with self._lock:
            self._versions += 1
        self._changed()

    def _heard(self, status: DataSourceStatus) -> None:
        FLAGS_STALE.set(status.state is not DataSourceState.VALID)
        if status.state is DataSourceState.VALID:
            self._alarm(None)
        elif status.error is not None and status.error.status_code in _REFUSED:
            self._alarm(f"LaunchDarkly refuses our SDK key with {status.error.status_code}")


def _config(sdk_key: str, hosts: Hosts) -> Config:
    return Config(
        sdk_key,
        stream_uri=hosts.stream,
        base_uri=hosts.base,
        events_uri=hosts.events,
        send_events=False,
        diagnostic_opt_out=True,
        all_attributes_private=True,
    )


def _context(subject: Subject) -> EvaluationContext:
    if subject.key is None:
        return EvaluationContext(ANONYMOUS_KEY, {"kind": KIND, "anonymous": True})
    known = {"licenceTier": subject.licence_tier, "licenceType": subject.licence_type}
    attributes = {name: str(value) for name, value in known.items() if value is not None}
    private = {"privateAttributes": list(attributes)} if attributes else {}
    return EvaluationContext(subject.key, {"kind": KIND, **attributes, **private})
