"""For each topic with a consumer group: a record that can be processed, and what comes of it.

A topic that is missing here fails ``test_poison.py``.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.base import Contract
from contracts.customfields import CustomFieldEntity, CustomFieldState, CustomFieldType
from contracts.diagnostics import (
    AnonymousDiagnostic,
    AnonymousError,
    Diagnostic,
    ErrorReport,
    Frame,
    Place,
    ServiceName,
)
from contracts.envelope import Event
from contracts.executions import UploadEnded
from contracts.ids import public_id
from contracts.jira import JiraAction, JiraChange, JiraEntity
from contracts.permissions import Membership, ProjectPermissions
from contracts.telemetry import TENANT_HANDLE_HEADER, AnonymousEvent
from contracts.tenancy import (
    ProjectState,
    SigningKeyState,
    TenantState,
    TenantStatus,
    TokenRevocation,
    TokenUse,
)
from contracts.testcases import FolderState, OptionState, OptionType, TestCaseState
from contracts.topics import (
    ANONYMOUS,
    ANONYMOUS_DIAGNOSTIC,
    CUSTOM_FIELD_STATE,
    DIAGNOSTIC,
    FOLDER_STATE,
    JIRA_CHANGE,
    MEMBERSHIP_STATE,
    OPTION_STATE,
    PERMISSIONS_STATE,
    PROJECT_STATE,
    RESULT,
    SIGNING_KEY_STATE,
    TENANT_STATE,
    TEST_CASE_STATE,
    TOKEN_REVOCATION_STATE,
    TOKEN_USE,
    UPLOAD,
    USAGE,
    Topic,
)
from contracts.usage import ProductEvent, UsageEventName
from kit.ids import SystemIds
from kit.kafka.records import encode
from kit.mongo import Database
from tests.faults.handmade import Hand
from tests.harness.polling import eventually
from tests.integration.telemetry.house import SINK
from tests.integration.telemetry.standins import Standins

_NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Good:
    """A record, and a probe that says whether a group has processed it."""

    key: str
    value: bytes
    effect: Callable[[str], Awaitable[Any]]
    headers: Mapping[str, bytes]


@dataclass(frozen=True)
class House:
    """What good records are made in."""

    tenant: str
    project: int
    databases: Mapping[str, Database]
    hand: Hand
    standins: Standins
    sink: Path


async def good_record(house: House, topic: Topic, group: str) -> Good:
    """Make one for a group; KeyError for a topic that nobody has thought of."""
    return await _MAKERS_OF_GROUPS.get(group, _MAKERS[topic.name])(house, topic)


def known_topics() -> set[str]:
    """Return the topics that there is a record for."""
    return set(_MAKERS)


def _event(house: House, topic: Topic, data: Contract) -> bytes:
    event: Event[Any] = Event(
        id=SystemIds().uuid7(),
        source="ostro/test",
        type=topic.type,
        subject="a good one",
        time=datetime.now(UTC),
        tenantid=house.tenant,
        sequence=1,
        data=data,
    )
    return encode(event)


def _projected(house: House, topic: Topic, key: str, collection: str, data: Contract) -> Good:
    async def there(group: str) -> Any:
        service = group.partition(".")[0]
        return await house.databases[service][collection].find_one({"_id": key, "seq": 1})

    return Good(key, _event(house, topic, data), there, {})


async def _tenant(house: House, topic: Topic) -> Good:
    name = f"t{secrets.token_hex(6)}"
    state = TenantState(tenant=name, status=TenantStatus.ACTIVE, cell="local")
    return _projected(house, topic, name, "directory_tenants", state)


async def _project(house: House, topic: Topic) -> Good:
    number = 1 + secrets.randbelow(1_000_000)
    state = ProjectState(id=number, jira_project_id=number, key="POISON", enabled=True)
    key = f"{house.tenant}/{number}"
    return _projected(house, topic, key, "directory_projects", state)


async def _signing_key(house: House, topic: Topic) -> Good:
    kid = secrets.token_hex(6)
    state = SigningKeyState(kid=kid, public_pem="of nobody", not_before=_NOW)
    return _projected(house, topic, kid, "directory_signing_keys", state)


async def _revocation(house: House, topic: Topic) -> Good:
    token = secrets.token_hex(6)
    later = _NOW + timedelta(days=1)
    state = TokenRevocation(token_id=token, revoked_at=_NOW, expires_at=later)
    return _projected(house, topic, f"{house.tenant}/{token}", "directory_revocations", state)


async def _token_use(house: House, topic: Topic) -> Good:
    token = secrets.token_hex(6)
    key = f"{house.tenant}/{token}"
    tokens = house.databases["tenancy"]["tokens"]
    await tokens.insert_one({"_id": key, "id": token, "last_used_at": None})

    async def used(_: str) -> Any:
        return await tokens.find_one({"_id": key, "last_used_at": {"$type": "date"}})

    state = TokenUse(token_id=token, used_at=_NOW)
    return Good(key, _event(house, topic, state), used, {})


def _number(house: House) -> int:
    return public_id(house.project, 1_000_000 + secrets.randbelow(1_000_000))


async def _option(house: House, topic: Topic) -> Good:
    number = _number(house)
    state = OptionState(
        id=number, project=house.project, type=OptionType.PRIORITY, name="good", index=9
    )
    return _projected(house, topic, f"{house.tenant}/{number}", "library_options", state)


async def _custom_field(house: House, topic: Topic) -> Good:
    number = _number(house)
    state = CustomFieldState(
        id=number,
        project=house.project,
        entity=CustomFieldEntity.TEST_CYCLE,
        type=CustomFieldType.DATE,
        name="good",
        index=0,
    )
    return _projected(house, topic, f"{house.tenant}/{number}", "library_custom_fields", state)


async def _folder(house: House, topic: Topic) -> Good:
    number = _number(house)
    state = FolderState(id=number, project=house.project, type="TEST_CYCLE")
    return _projected(house, topic, f"{house.tenant}/{number}", "library_folders", state)


async def _case(house: House, topic: Topic) -> Good:
    number = _number(house)
    state = TestCaseState(
        id=number, project=house.project, name="good", version=1, version_id=number
    )
    return _projected(house, topic, f"{house.tenant}/{number}", "library_testcases", state)


async def _result(house: House, _: Topic) -> Good:
    upload = house.hand.upload(house.tenant, house.project)
    await upload.open(results=1)
    record = upload.record(number=0, rows=1)

    async def stored(_: str) -> Any:
        return await upload.ledger()

    assert record.key is not None
    assert record.value is not None
    return Good(record.key.decode(), record.value, stored, dict(record.headers))


async def _upload(house: House, topic: Topic) -> Good:
    upload = secrets.token_hex(8)
    ended = UploadEnded(upload=upload, project=house.project, accepted=True, created_cases=True)
    key = f"{house.tenant}/{upload}"

    async def decided(group: str) -> Any:
        service = group.partition(".")[0]
        return await house.databases[service]["ended_uploads"].find_one({"_id": key})

    return Good(key, _event(house, topic, ended), decided, {})


async def _permissions(house: House, topic: Topic) -> Good:
    number = 1 + secrets.randbelow(1_000_000)
    state = ProjectPermissions(project=number, enforced=False)
    return _projected(house, topic, f"{house.tenant}/{number}", "directory_permissions", state)


async def _membership(house: House, topic: Topic) -> Good:
    account = secrets.token_hex(6)
    state = Membership(account_id=account, active=True, resolved_at=_NOW)
    return _projected(house, topic, f"{house.tenant}/{account}", "directory_memberships", state)


async def _jira_issue(house: House, topic: Topic) -> Good:
    issue = str(secrets.randbelow(1_000_000))
    change = JiraChange(entity=JiraEntity.ISSUE, action=JiraAction.DELETED, id=issue, at=_NOW)

    async def noted(group: str) -> Any:
        notes = house.databases[group.partition(".")[0]]["deleted_issues"]
        return await notes.find_one({"_id": f"{house.tenant}/{issue}"})

    return Good(f"{house.tenant}/issue/{issue}", _event(house, topic, change), noted, {})


async def _jira_project(house: House, topic: Topic) -> Good:
    """Another key of the house's project: tenancy follows projects, not issues."""
    projects = house.databases["tenancy"]["projects"]
    mine = {"tenant": house.tenant, "id": house.project}
    row = await projects.find_one(mine)
    assert row is not None
    key = f"K{secrets.token_hex(4).upper()}"
    change = JiraChange(
        entity=JiraEntity.PROJECT,
        action=JiraAction.UPDATED,
        id="1",
        at=_NOW,
        project=row["jira_project_id"],
        project_key=key,
    )

    async def known(_: str) -> Any:
        return await projects.find_one(mine | {"aliases": key})

    return Good(f"{house.tenant}/project/1", _event(house, topic, change), known, {})


async def _usage(house: House, topic: Topic) -> Good:
    version = f"{secrets.randbelow(1000)}.{secrets.randbelow(1000)}"
    used = ProductEvent(
        name=UsageEventName.UPLOADED_AUTOMATION_RESULTS,
        account_id="somebody",
        app_version=f"{version}.7",
    )

    async def sent(_: str) -> bool:
        return f"'{version}'" in str(await house.standins.visible("segment"))

    return Good(house.tenant, _event(house, topic, used), sent, {})


async def _anonymous(house: House, topic: Topic) -> Good:
    handles = house.databases["telemetry"]["tenant_handles"]
    # made with the first product event of the tenant: its project was enabled
    row = await eventually(lambda: handles.find_one({"tenant": house.tenant}))
    assert row is not None
    event = AnonymousEvent(
        event_id=secrets.token_hex(16),
        name=UsageEventName.UPLOADED_AUTOMATION_RESULTS,
        user=secrets.token_hex(12),
        hour=_NOW.replace(minute=0, second=0, microsecond=0),
    )

    async def sent(group: str) -> bool:
        if group == SINK:
            return event.event_id in house.sink.read_text()
        return event.event_id in str(await house.standins.visible(group.partition(".")[2]))

    headers = {TENANT_HANDLE_HEADER: str(row["handle"]).encode()}
    return Good(event.event_id, _event(house, topic, event), sent, headers)


async def _diagnostic(house: House, topic: Topic) -> Good:
    words = "abcdefghijklmnop"
    module = "services.executions." + "".join(secrets.choice(words) for _ in range(20))
    frame = Frame(module=module, function="take", line=1)
    error = ErrorReport(error_class="KeyError", frames=[frame], handled=False, place="http")
    told = Diagnostic(service="executions", release="0.1.0", error=error)

    async def sent(_: str) -> bool:
        return module in str(await house.standins.visible("bugsnag"))

    return Good("executions", _event(house, topic, told), sent, {})


async def _anonymous_diagnostic(house: House, topic: Topic) -> Good:
    handles = house.databases["telemetry"]["tenant_handles"]
    row = await eventually(lambda: handles.find_one({"tenant": house.tenant}))
    assert row is not None
    told = AnonymousDiagnostic(
        event_id=secrets.token_hex(16),
        service=ServiceName.EXECUTIONS,
        release="0.1",
        minute=_NOW.replace(second=0, microsecond=0),
        error=AnonymousError(error_class="KeyError", handled=False, place=Place.HTTP, count=1),
    )

    async def sent(_: str) -> bool:
        return told.event_id in str(await house.standins.visible("bugsnag"))

    headers = {TENANT_HANDLE_HEADER: str(row["handle"]).encode()}
    return Good(told.event_id, _event(house, topic, told), sent, headers)


_MAKERS: Mapping[str, Callable[[House, Topic], Awaitable[Good]]] = {
    TENANT_STATE.name: _tenant,
    PROJECT_STATE.name: _project,
    SIGNING_KEY_STATE.name: _signing_key,
    TOKEN_REVOCATION_STATE.name: _revocation,
    PERMISSIONS_STATE.name: _permissions,
    MEMBERSHIP_STATE.name: _membership,
    JIRA_CHANGE.name: _jira_issue,
    TOKEN_USE.name: _token_use,
    OPTION_STATE.name: _option,
    CUSTOM_FIELD_STATE.name: _custom_field,
    FOLDER_STATE.name: _folder,
    TEST_CASE_STATE.name: _case,
    RESULT.name: _result,
    UPLOAD.name: _upload,
    USAGE.name: _usage,
    ANONYMOUS.name: _anonymous,
    DIAGNOSTIC.name: _diagnostic,
    ANONYMOUS_DIAGNOSTIC.name: _anonymous_diagnostic,
}
_MAKERS_OF_GROUPS = {"tenancy.jira-changes": _jira_project}
"""Groups that do something else with a topic than its other readers."""
