"""The ASGI application: a prefix for each processor, everything else is control."""

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from devstack.processors.amplitude.api import Amplitude
from devstack.processors.amplitude_deletion import AmplitudeDeletion
from devstack.processors.beamer import Beamer
from devstack.processors.bugsnag import Bugsnag
from devstack.processors.bugsnag_data import BugsnagData
from devstack.processors.control import Control
from devstack.processors.dispatch import Dispatcher, Place, unpacked
from devstack.processors.faults import Script
from devstack.processors.flag_control import FlagControl
from devstack.processors.launchdarkly import LaunchDarkly
from devstack.processors.message import Incoming
from devstack.processors.processor import Processor
from devstack.processors.recorder import Recorder
from devstack.processors.segment import Segment
from devstack.processors.segment_regulations import SegmentRegulations
from devstack.processors.wire import deliver
from devstack.standin.clock import Clock

MAX_UNPACKED_BYTES = 64 << 20
MAX_REQUESTS = 10_000
MAX_RECORDED_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Setup:
    """Without a key any key is taken; the memory of requests is bounded by number and bytes."""

    segment_write_key: str | None = None
    amplitude_api_key: str | None = None
    bugsnag_api_key: str | None = None
    launchdarkly_sdk_key: str | None = None
    beamer_api_key: str | None = None
    amplitude_secret_key: str | None = None
    segment_api_token: str | None = None
    bugsnag_data_token: str | None = None
    max_requests: int = MAX_REQUESTS
    max_bytes: int = MAX_RECORDED_BYTES
    clock: Clock = field(default_factory=Clock)


class ProcessorsApp:
    def __init__(self, setup: Setup) -> None:
        launchdarkly = LaunchDarkly(setup.launchdarkly_sdk_key)
        processors: tuple[Processor, ...] = (
            Segment(setup.segment_write_key),
            Amplitude(setup.amplitude_api_key),
            Bugsnag(setup.bugsnag_api_key),
            launchdarkly,
            Beamer(setup.beamer_api_key),
            AmplitudeDeletion(setup.amplitude_api_key, setup.amplitude_secret_key),
            SegmentRegulations(setup.segment_api_token),
            BugsnagData(setup.bugsnag_data_token),
        )
        self._places = {one.name: Place(one, Script()) for one in processors}
        self._clock = setup.clock
        recorder = Recorder(setup.max_requests, setup.max_bytes)
        self._dispatcher = Dispatcher(recorder)
        more = FlagControl(launchdarkly).routes()
        self._control: ASGIApp = Control(self._places, recorder, setup.clock, more).app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        place = self._place(scope)
        if place is None:
            await self._control(scope, receive, send)
            return
        request = Request(scope, receive)
        incoming = self._incoming(place, request, await request.body())
        await deliver(self._dispatcher.handle(place, incoming), scope, receive, send)

    def _place(self, scope: Scope) -> Place | None:
        if scope["type"] != "http":
            return None
        return self._places.get(scope["path"].split("/")[1])

    def _incoming(self, place: Place, request: Request, body: bytes) -> Incoming:
        encoding = request.headers.get("content-encoding", "")
        try:
            plain = unpacked(body, encoding, MAX_UNPACKED_BYTES)
        except ValueError:
            plain = body  # recorded as it came; no processor takes it for JSON
        return Incoming(
            method=request.method,
            path=request.url.path.removeprefix(f"/{place.processor.name}"),
            query=request.url.query,
            headers=dict(request.headers),
            body=plain,
            at=self._clock.now(),
            client=request.client.host if request.client else "",
            gzipped=encoding == "gzip",
        )
