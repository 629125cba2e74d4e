"""The directory copy: seen within a second, and the owner is asked before "unknown" is said."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from opentelemetry.sdk.trace import TracerProvider

from contracts.internal import ProjectAnswer, SigningKeysAnswer, TenantAnswer
from contracts.routes import EXECUTIONS
from contracts.tenancy import ProjectState, SigningKeyState, TenantState, TenantStatus
from kit.auth.api_tokens import ApiTokens
from kit.auth.service_tokens import InternalCaller, ServiceTokens
from kit.clock import SystemClock
from kit.directory.copy import INDEXES, DirectoryCopy, projection
from kit.errors import NotFound, Unauthenticated, Unavailable
from kit.http.app import internal_app
from kit.http.client import InternalClient
from kit.http.security import PeerOf, TenantCaller, TenantPeerOf
from kit.mongo import Database, ensure_indexes
from kit.observability import tracing
from kit.observability.health import Health
from kit.service import _serve
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.tenancy_world import TenancyWorld, tenancy_world
from tests.integration.kit.conftest import Namespace

_Caller = Annotated[TenantCaller, Depends(TenantPeerOf(EXECUTIONS))]

KEY = SigningKeyState(
    kid="owner-key", public_pem="pem", not_before=datetime(2026, 1, 1, tzinfo=UTC)
)


class Owner:
    """Tenancy's side: what it knows beyond what it has published."""

    def __init__(self) -> None:
        self.tenants: dict[str, TenantState] = {}
        self.projects: dict[tuple[str, str], ProjectState] = {}
        self.questions: list[str] = []
        self.revoked: tuple[str, ...] = ()
        self.api = APIRouter(prefix="/internal/v1")
        self.api.get("/tenant")(self._tenant)
        self.api.get("/projects/{key}")(self._project)
        self.api.get("/signing-keys")(self._keys)
        self.traces: list[str | None] = []

    async def _tenant(self, caller: _Caller) -> TenantAnswer:
        self.questions.append("tenant")
        if caller.tenant not in self.tenants:
            raise NotFound("unknown")
        return TenantAnswer(
            tenant=self.tenants[caller.tenant], sequence=1, revoked_tokens=self.revoked
        )

    async def _project(self, caller: _Caller, key: str) -> ProjectAnswer:
        self.questions.append("project")
        if (caller.tenant, key) not in self.projects:
            raise NotFound("unknown")
        return ProjectAnswer(project=self.projects[caller.tenant, key])

    async def _keys(
        self, _peer: Annotated[InternalCaller, Depends(PeerOf(EXECUTIONS))], request: Request
    ) -> SigningKeysAnswer:
        self.questions.append("keys")
        self.traces.append(request.headers.get("traceparent"))
        return SigningKeysAnswer(keys=[KEY])


class Copy:
    """A directory copy of executions, fed by a running group."""

    def __init__(self, world: TenancyWorld, directory: DirectoryCopy, owner: Owner) -> None:
        self.world = world
        self.directory = directory
        self.owner = owner


@pytest.fixture
async def copy(installation: Installation, database: Database) -> AsyncIterator[Copy]:
    await ensure_indexes(database, INDEXES)
    owner = Owner()
    tokens = {
        name: ServiceTokens.from_files(
            name,
            installation.folder / f"{name}.pem",
            installation.folder / "peers.json",
            SystemClock(),
        )
        for name in ("executions", "tenancy")
    }
    port = installation.internal_ports["tenancy"]
    client = InternalClient(f"http://127.0.0.1:{port}", "tenancy", tokens["executions"])
    app = internal_app("tenancy", [owner.api], tokens["tenancy"], Health())
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        world = await stack.enter_async_context(tenancy_world(installation))
        await _serve(stack, app, "127.0.0.1", port)
        namespace = Namespace(installation.kafka, world._publisher)
        group = namespace.consuming("executions.directory", projection(database).apply)
        await stack.enter_async_context(group)
        directory = DirectoryCopy(database, client, SystemClock())
        directory.trust()
        yield Copy(world, directory, owner)


async def test_what_tenancy_publishes_is_known_without_asking(copy: Copy) -> None:
    tenant = await copy.world.tenant()
    project = await copy.world.project(tenant, "DEMO", aliases=("OLD",))

    async def known() -> bool:
        view = await copy.directory.tenant(tenant)
        return view is not None and project.id in view.projects

    await eventually(known)
    copy.owner.questions.clear()
    assert await copy.directory.project_by_key(tenant, "DEMO") == project
    assert await copy.directory.project_by_key(tenant, "OLD") == project
    assert await copy.directory.project(tenant, project.id) == project
    assert copy.owner.questions == []


async def test_a_revocation_is_seen_within_a_second(copy: Copy) -> None:
    tenant = await copy.world.tenant()
    tokens = ApiTokens(copy.directory, "local", SystemClock())
    header = f"Bearer {copy.world.token(tenant, token_id='tok')}"

    async def accepted() -> bool:
        try:
            await tokens.verify(header, public_api=True)
        except Unauthenticated:
            return False
        return True

    await eventually(accepted)
    await copy.world.revoke(tenant, "tok")
    # one read of the copy (0.9 s at most) and the way through Kafka on a busy machine
    await eventually(accepted, lambda ok: not ok, seconds=3, every=0.02)


async def test_a_disabled_tenant_is_shut_out_and_comes_back(copy: Copy) -> None:
    tenant = await copy.world.tenant()

    async def active() -> bool:
        view = await copy.directory.tenant(tenant)
        return view is not None and view.active

    await eventually(active)
    await copy.world.tenant(tenant, status=TenantStatus.UNINSTALLED)
    await eventually(active, lambda is_active: not is_active)
    await copy.world.tenant(tenant)
    await eventually(active)


async def test_a_miss_asks_the_owner_before_it_says_unknown(copy: Copy) -> None:
    state = TenantState(tenant="fresh", status=TenantStatus.ACTIVE, cell="local")
    copy.owner.tenants["fresh"] = state
    project = ProjectState(id=7, jira_project_id=1, key="NEW", enabled=True)
    copy.owner.projects["fresh", "NEW"] = copy.owner.projects["fresh", "7"] = project
    copy.owner.projects["fresh", "GONE"] = project.model_copy(update={"deleted": True})
    views = await asyncio.gather(*(copy.directory.tenant("fresh") for _ in range(20)))
    assert copy.owner.questions == ["tenant"]  # a burst asks once
    view = views[0]
    assert view is not None
    assert view.tenant == state
    assert await copy.directory.project_by_key("fresh", "NEW") == project
    assert await copy.directory.project("fresh", 7) == project
    for unknown in ("GONE", "NONE"):
        assert await copy.directory.project_by_key("fresh", unknown) is None
    assert await copy.directory.tenant("stranger") is None


async def test_a_disabled_or_foreign_project_looks_unknown(copy: Copy) -> None:
    tenant, other = await copy.world.tenant(), await copy.world.tenant()
    await copy.world.project(tenant, "SHUT", enabled=False)
    await copy.world.project(other, "OTHER")

    async def known() -> bool:
        view = await copy.directory.tenant(other)
        return view is not None and view.by_key("OTHER") is not None

    await eventually(known)
    for key in ("SHUT", "OTHER"):
        assert await copy.directory.project_by_key(tenant, key) is None


async def test_made_up_key_ids_do_not_become_calls_to_tenancy(copy: Copy) -> None:
    assert await copy.directory.signing_key("owner-key") == KEY  # not published yet: asked
    for n in range(50):
        assert await copy.directory.signing_key(f"made-up-{n}") is None
    assert copy.owner.questions == ["keys"]


async def test_made_up_key_ids_that_come_together_are_one_call(copy: Copy) -> None:
    asked = (copy.directory.signing_key(f"made-up-{n}") for n in range(50))
    assert set(await asyncio.gather(*asked)) == {None}
    assert copy.owner.questions == ["keys"]


async def test_made_up_key_ids_leave_an_owner_alone_that_is_down(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def down(*_: object, **__: object) -> SigningKeysAnswer:
        nonlocal asked
        asked += 1
        raise Unavailable("down")

    monkeypatch.setattr(copy.directory._tenancy, "get", down)
    for n in range(20):
        with pytest.raises(Unavailable):
            await copy.directory.signing_key(f"made-up-{n}")
    assert asked == 1


async def test_a_question_belongs_to_the_trace_of_the_request(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "_TRACER", TracerProvider().get_tracer("test"))
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with tracing.server_span("GET", {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}):
        await copy.directory.signing_key("owner-key")
    (sent,) = copy.owner.traces
    assert sent is not None
    assert sent.startswith(f"00-{trace}-")
    assert "00f067aa0ba902b7" not in sent  # a span of its own


async def test_with_the_owner_down_a_miss_is_unavailable_never_unknown(
    installation: Installation, database: Database
) -> None:
    tokens = ServiceTokens.from_files(
        "executions",
        installation.folder / "executions.pem",
        installation.folder / "peers.json",
        SystemClock(),
    )
    client = InternalClient("http://127.0.0.1:9", "tenancy", tokens)
    directory = DirectoryCopy(database, client, SystemClock())
    with pytest.raises(Unavailable) as failure:
        await directory.tenant("unknown")
    assert failure.value.headers["Retry-After"] == "5"
    with pytest.raises(Unavailable):
        await directory.signing_key("unknown")
    await client.close()


async def test_an_owner_without_the_route_is_unavailable_not_unknown(copy: Copy) -> None:
    # an older owner during a rolling upgrade
    with pytest.raises(Unavailable):
        await copy.directory._tenancy.get("/internal/v1/new-route", TenantAnswer, tenant="t")


async def test_an_answer_that_breaks_its_contract_is_unavailable(
    installation: Installation,
) -> None:
    app = FastAPI()

    @app.get("/internal/v1/tenant")
    async def tenant() -> dict[str, str]:
        return {"tenant": "customer content"}

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(1)

    tokens = ServiceTokens.from_files(
        "executions",
        installation.folder / "executions.pem",
        installation.folder / "peers.json",
        SystemClock(),
    )
    port = installation.internal_ports["testcases"]
    async with contextlib.AsyncExitStack() as stack:
        await _serve(stack, app, "127.0.0.1", port)
        client = InternalClient(f"http://127.0.0.1:{port}", "tenancy", tokens, timeout=0.5)
        stack.push_async_callback(client.close)
        with pytest.raises(Unavailable) as failure:
            await client.get("/internal/v1/tenant", TenantAnswer, tenant="t")
        assert "content" not in repr(failure.value.__cause__)
        with pytest.raises(Unavailable):
            await client.get("/slow", TenantAnswer, tenant="t")
