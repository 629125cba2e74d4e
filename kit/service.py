"""Runs one service: settings in, listeners, consumers, relay and background tasks out.

``main.py`` of a service gives a ``build`` function that wires adapters to use cases; which parts
run is decided here, by role.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
import typer
import uvicorn
from aiokafka.errors import KafkaError
from fastapi import FastAPI
from faststream.kafka import KafkaBroker
from pymongo import IndexModel
from starlette.types import ASGIApp

from contracts.diagnostics import Place
from contracts.topics import FLAG_STATE
from kit.auth import limits
from kit.auth.guard import TokenGuard
from kit.auth.limits import RateLimiter
from kit.auth.service_tokens import ServiceTokens
from kit.auth.use import TokenUses
from kit.clock import Clock, SystemClock
from kit.diagnostics import Diagnostics
from kit.errors import OstroError
from kit.flags import Flags
from kit.http.client import InternalClient
from kit.http.fast import Endpoint, FastRoutes, Target
from kit.http.prepared import prepared
from kit.ids import Ids, SystemIds
from kit.kafka.client import Names
from kit.kafka.consumer import (
    BatchProcessor,
    Handler,
    Parked,
    broker_for,
    check_running,
    report_lag,
    subscribe,
)
from kit.kafka.dead_letters import DeadLetters
from kit.kafka.flag_states import FlagReader
from kit.kafka.producer import Publisher
from kit.kafka.topics import wait_for_topics
from kit.leases import Lease
from kit.mongo import Database, MongoError, connect, ensure_indexes, ping, wait_until_up
from kit.observability import logs, tracing
from kit.observability.diagnostics import RECORDER, Recorder, note
from kit.observability.health import Health
from kit.outbox.relay import Relay, Source
from kit.settings import ServiceSettings, load

log = structlog.get_logger(__name__)

S = TypeVar("S", bound=ServiceSettings)

try:
    from uvloop import new_event_loop
except ImportError:  # there is none for Windows
    _LOOP_FACTORY: Callable[[], asyncio.AbstractEventLoop] | None = None
else:
    _LOOP_FACTORY = new_event_loop

_CANCEL_SECONDS = 15.0


class Role(StrEnum):
    """What a process does. ``all`` is one process doing everything."""

    API = "api"
    CONSUMER = "consumer"
    RELAY = "relay"
    ALL = "all"

    def includes(self, other: "Role") -> bool:
        """Whether this role does the other's work."""
        return self in {Role.ALL, other}


@dataclass(frozen=True)
class Runtime(Generic[S]):
    """What every service is built from."""

    service: str
    role: Role
    settings: S
    database: Database
    publisher: Publisher
    names: Names
    tokens: ServiceTokens
    health: Health
    clock: Clock
    ids: Ids
    peers: Mapping[str, InternalClient]
    instance: str
    """Random name of this process: holder of leases, owner of uploads."""
    failed: asyncio.Event
    """Set when a part died for good and the process should be replaced."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set first when the service ends, so that handlers stop waiting before they are cancelled."""
    flags: Flags = field(default_factory=Flags)
    """Filled while the service runs, in those that the registry names as readers."""


@dataclass(frozen=True)
class Group:
    """One consumer group. ``max_records`` is the most one batch holds."""

    handler: Handler
    max_records: int = 500
    max_partition_fetch_bytes: int = 4 * 1024 * 1024
    parked: Parked | None = None


@dataclass(frozen=True)
class Background:
    """A coroutine that runs until cancelled, in processes of one role; None: in all."""

    role: Role | None
    run: Callable[[], Awaitable[None]]

    def runs_in(self, role: Role) -> bool:
        """Whether a process of this role runs it."""
        return self.role is None or role.includes(self.role)


@dataclass(frozen=True)
class Parts:
    """What ``build`` hands over."""

    public: FastAPI
    internal: FastAPI
    fast: Mapping[Target, Endpoint] = field(default_factory=dict)
    """Endpoints of the public listener that are answered before the application."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    outboxes: Sequence[Source] = ()
    background: Sequence[Background] = ()
    nudges: Callable[[Callable[[], None]], None] | None = None
    """Gets the relay's nudge when the relay runs in this process."""
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
    """Close what ``build`` opened, after the listeners have stopped."""

    def listener(self) -> ASGIApp:
        """Return what the public listener serves."""
        return FastRoutes(self.public, {**prepared(self.public), **self.fast})


Build = Callable[[Runtime[S]], Awaitable[Parts]]
Indexes = Mapping[str, Sequence[IndexModel]]


@contextlib.asynccontextmanager
async def running(
    service: str,
    settings: S,
    build: Build[S],
    indexes: Indexes,
    role: Role = Role.ALL,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
) -> AsyncIterator[Runtime[S]]:
    """Run the service inside the current loop until the block is left."""
    clock, ids, health = clock or SystemClock(), ids or SystemIds(), Health()
    tokens = ServiceTokens.from_files(
        service, settings.service_key_file, settings.peer_keys_file, clock
    )
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            connect(settings.mongodb_uri, settings.mongodb_database)
        )
        await wait_until_up(database, settings.start_timeout_seconds)
        await wait_for_topics(settings, settings.start_timeout_seconds)
        await ensure_indexes(database, {**limits.INDEXES, **indexes})
        instance = ids.token()
        publisher = Publisher(settings, client_id=f"{service}-{instance}")
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        recorder = Recorder(service, clock, ids.below)
        diagnostics = Diagnostics(recorder, publisher, Names(settings.topic_prefix), ids)
        stack.push_async_callback(diagnostics.flush)
        peers = _peers(service, settings, tokens)
        for peer in peers.values():
            stack.push_async_callback(peer.close)
        health.add("mongodb", lambda: ping(database))
        runtime = Runtime(
            service,
            role,
            settings,
            database,
            publisher,
            Names(settings.topic_prefix),
            tokens,
            health,
            clock,
            ids,
            peers,
            instance,
            asyncio.Event(),
        )
        with _recorded(recorder):
            parts = _guarded(runtime, await build(runtime))
            for close in parts.closers:
                stack.push_async_callback(close)
            told = Background(None, diagnostics.run)
            await _start(stack, runtime, replace(parts, background=[*parts.background, told]))
        stack.callback(runtime.stopping.set)
        yield runtime


@contextlib.contextmanager
def _recorded(recorder: Recorder) -> Iterator[None]:
    """Start something whose tasks note to the recorder; what keeps it from starting is noted."""
    before = RECORDER.get()
    RECORDER.set(recorder)
    try:
        yield
        recorder.started()
    except Exception as error:
        recorder.error(error, Place.BACKGROUND, handled=False)
        raise
    finally:
        # several services may start in one task, and end in another
        RECORDER.set(before)


def _guarded(runtime: Runtime[S], parts: Parts) -> Parts:
    """Put the guard before the public API, so that no service can forget it."""
    uses = TokenUses(runtime.publisher, runtime.names, runtime.service, runtime.clock)
    most = runtime.settings.token_requests_per_minute
    limiter = RateLimiter(runtime.database, most, runtime.clock)
    parts.public.state.token_guard = TokenGuard(uses, limiter)
    return replace(
        parts,
        background=[*parts.background, Background(Role.API, uses.run)],
        closers=[*parts.closers, uses.flush],
    )


def _peers(
    service: str, settings: ServiceSettings, tokens: ServiceTokens
) -> dict[str, InternalClient]:
    urls = {
        "testcases": settings.testcases_url,
        "executions": settings.executions_url,
        "tenancy": settings.tenancy_url,
        "telemetry": settings.telemetry_url,
    }
    return {
        name: InternalClient(str(url), name, tokens)
        for name, url in urls.items()
        if name != service
    }


async def _start(stack: contextlib.AsyncExitStack, runtime: Runtime[S], parts: Parts) -> None:
    role, settings = runtime.role, runtime.settings
    tasks: list[tuple[str, Awaitable[None]]] = []
    if role.includes(Role.RELAY) and parts.outboxes:
        relay = _relay(runtime, parts.outboxes)
        if parts.nudges is not None:
            parts.nudges(relay.nudge)
        tasks.append(("relay", relay.run()))
    if runtime.service in FLAG_STATE.readers:
        reader = FlagReader(settings, runtime.names, runtime.flags)
        tasks.append(("flags", reader.run()))
    tasks += [("background", b.run()) for b in parts.background if b.runs_in(role)]
    started = [asyncio.ensure_future(_watched(*task, runtime)) for task in tasks]
    stack.push_async_callback(_cancel, *started)
    if role.includes(Role.CONSUMER) and parts.groups:
        await _consume(stack, runtime, parts.groups)
    await _serve(stack, parts.internal, settings.http_host, settings.internal_port)
    if role.includes(Role.API):
        await _serve(stack, parts.listener(), settings.http_host, settings.http_port)


async def _watched(name: str, coroutine: Awaitable[None], runtime: Runtime[Any]) -> None:
    try:
        await coroutine
    except Exception as error:
        # it should have handled its own faults: say so and have the process replaced
        runtime.health.stuck(name, type(error).__name__)
        runtime.failed.set()
        note(error, Place.BACKGROUND, handled=False)
        log.exception("background task died", task=name)
        raise


async def _cancel(*tasks: asyncio.Future[None]) -> None:
    """Cancel and wait, but not for ever: aborting a transaction needs a broker that answers.

    Together: each gives a lease up, and without a database that takes its time-out.
    """
    for task in tasks:
        task.cancel()
    done, left = await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)
    for task in done:
        if not task.cancelled():
            task.exception()  # it was logged where it happened
    if left:
        log.warning("parts did not stop in time and are left", parts=len(left))


def _relay(runtime: Runtime[Any], outboxes: Sequence[Source]) -> Relay:
    lease = Lease(
        runtime.database["leases"], "relay", runtime.instance, timedelta(seconds=10), runtime.clock
    )
    return Relay(runtime.settings, runtime.service, runtime.database, outboxes, lease)


async def _consume(
    stack: contextlib.AsyncExitStack, runtime: Runtime[Any], groups: Mapping[str, Group]
) -> None:
    broker: KafkaBroker = broker_for(runtime.settings, f"{runtime.service}-{runtime.instance}")
    subscribers = {}
    for name, group in groups.items():
        letters = DeadLetters(runtime.publisher, runtime.names, name, runtime.clock)
        processor = BatchProcessor(
            name,
            group.handler,
            letters,
            runtime.health,
            stopping=runtime.stopping,
            parked=group.parked,
        )
        subscribers[name] = subscribe(
            broker,
            processor,
            runtime.names,
            name,
            max_records=group.max_records,
            max_partition_fetch_bytes=group.max_partition_fetch_bytes,
            session_seconds=runtime.settings.kafka_session_seconds,
        )
        runtime.health.add(f"consumer {name}", partial(check_running, subscribers[name]))
    await broker.start()
    stack.push_async_callback(broker.stop)
    task = asyncio.create_task(_report_lag(subscribers, runtime.names))
    stack.push_async_callback(_cancel, task)


async def _report_lag(subscribers: Mapping[str, Any], names: Names) -> None:
    while True:
        for group, subscriber in subscribers.items():
            with contextlib.suppress(KafkaError, TimeoutError):
                await report_lag(subscriber, group, names)
        await asyncio.sleep(5)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # two servers share the process; ``run`` listens to signals for both
        yield


async def _serve(stack: contextlib.AsyncExitStack, app: ASGIApp, host: str, port: int) -> None:
    listener = _listener(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=25,
            timeout_keep_alive=65,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))

    async def stop() -> None:
        server.should_exit = True
        await task
        listener.close()

    stack.push_async_callback(stop)
    while not server.started:
        if task.done():
            raise OSError(f"cannot serve {host}:{port}")
        await asyncio.wait([task], timeout=0.01)


def _listener(host: str, port: int) -> socket.socket:
    # by ourselves: uvicorn ends the process, with a code only, when the port is taken
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    # accepted connections inherit it; asyncio sets it only on sockets that it makes itself, and
    # without it the body of an answer waits 40 ms for the client's ACK of the head
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def run(
    service: str, settings_class: type[S], build: Build[S], indexes: Indexes
) -> Callable[[Role], None]:
    """Return the command ``python -m services.<name> --role ...``."""

    def command(
        role: Role = typer.Option(Role.ALL, help="what this process does"),
    ) -> None:
        settings = load(settings_class)
        logs.configure(service, settings.log_level)
        endpoint = settings.otlp_endpoint
        tracing.configure(service, str(endpoint) if endpoint is not None else None)
        with asyncio.Runner(loop_factory=_LOOP_FACTORY) as runner:
            code = runner.run(_until_stopped(service, settings, build, indexes, role))
        sys.exit(code)

    command.__doc__ = f"Run the {service} service. Settings are read from OSTRO_* variables."
    return command


async def _until_stopped(
    service: str, settings: S, build: Build[S], indexes: Indexes, role: Role
) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        async with running(service, settings, build, indexes, role) as runtime:
            log.info("started", role=role.value, port=settings.http_port)
            ends = [asyncio.ensure_future(e.wait()) for e in (stopped, runtime.failed)]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
            log.info("stopping")
            return 1 if runtime.failed.is_set() else 0
    except (OstroError, OSError, KafkaError, MongoError, SystemExit) as error:
        text = getattr(error, "message", None) or str(error) or type(error).__name__
        sys.stderr.write(f"{service}: cannot run: {text}\n")
        return 1
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
