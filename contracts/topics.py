"""The only list of topics: creation, ACLs, AsyncAPI, docs and tests are derived from it.

Compacted ``*.state.v1`` topics carry the latest state of an aggregate (a tombstone when it is
gone); a new consumer group reads them from the beginning. Every other topic carries facts.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from contracts.base import Contract
from contracts.customfields import CustomFieldState
from contracts.diagnostics import AnonymousDiagnostic, Diagnostic
from contracts.executions import ResultChunk, ResultsRecorded, UploadEnded
from contracts.flags import FlagState
from contracts.jira import JiraChange
from contracts.permissions import Membership, ProjectPermissions
from contracts.telemetry import AnonymousEvent
from contracts.tenancy import (
    SERVICES,
    ProjectState,
    SigningKeyState,
    TenantState,
    TokenRevocation,
    TokenUse,
)
from contracts.testcases import FolderState, OptionState, TestCaseState
from contracts.usage import ProductEvent


class Cleanup(StrEnum):
    """Kafka's cleanup.policy."""

    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True)
class Subscription:
    """One consumer group of a topic. Without a DLQ a poison record is dropped and counted."""

    group: str
    """``<service>.<purpose>``."""
    dead_letters: bool = True

    @property
    def service(self) -> str:
        """The service that runs the group."""
        return self.group.partition(".")[0]


@dataclass(frozen=True)
class Topic:
    """One topic. ``key`` says what the record key is made of; records of one key keep order."""

    name: str
    owner: str
    payload: type[Contract]
    """Every record is an ``Event`` around it."""
    key: str
    partitions: int
    cleanup: Cleanup
    producers: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]
    retention: timedelta | None = None
    """None for compacted topics."""
    max_message_bytes: int = 1024 * 1024
    readers: tuple[str, ...] = ()
    """Services whose processes each read all of it into memory, without a group."""

    @property
    def type(self) -> str:
        """The event type carried: the topic's own name."""
        return self.name

    def dead_letter_name(self, subscription: Subscription) -> str:
        """Name of the DLQ of one group: same privacy class as its source."""
        return f"{self.name}.{subscription.group}.dlq"


HOT, COLD = 12, 3
DLQ_RETENTION = timedelta(days=30)

_DIRECTORY = tuple(
    Subscription(f"{service}.directory") for service in ("testcases", "executions", "telemetry")
)


def _state(
    name: str, payload: type[Contract], key: str, subscriptions: tuple[Subscription, ...]
) -> Topic:
    owner = name.split(".")[1]
    return Topic(name, owner, payload, key, COLD, Cleanup.COMPACT, (owner,), subscriptions)


TENANT_STATE = _state("ostro.tenancy.tenant.state.v1", TenantState, "tenant", _DIRECTORY)
PROJECT_STATE = _state(
    "ostro.tenancy.project.state.v1", ProjectState, "tenant/project id", _DIRECTORY
)
SIGNING_KEY_STATE = _state("ostro.tenancy.signing-key.state.v1", SigningKeyState, "kid", _DIRECTORY)
TOKEN_REVOCATION_STATE = _state(
    "ostro.tenancy.token-revocation.state.v1", TokenRevocation, "tenant/token id", _DIRECTORY
)
PERMISSIONS_STATE = _state(
    "ostro.tenancy.permissions.state.v1", ProjectPermissions, "tenant/project id", _DIRECTORY
)
MEMBERSHIP_STATE = _state(
    "ostro.tenancy.membership.state.v1", Membership, "tenant/account id", _DIRECTORY
)

JIRA_CHANGE = Topic(
    "ostro.tenancy.jira-change.v1",
    "tenancy",
    JiraChange,
    "tenant/entity/Jira id",
    HOT,
    Cleanup.DELETE,
    ("tenancy",),
    (
        Subscription("tenancy.jira-changes"),
        Subscription("testcases.jira-changes"),
        Subscription("executions.jira-changes"),
    ),
    retention=timedelta(days=7),
)
TOKEN_USE = Topic(
    "ostro.tenancy.token-use.v1",
    "tenancy",
    TokenUse,
    "tenant/token id",
    COLD,
    Cleanup.DELETE,
    SERVICES,
    (Subscription("tenancy.token-use"),),
    retention=timedelta(days=1),
)

_LIBRARY = (Subscription("executions.library"),)
OPTION_STATE = _state("ostro.testcases.option.state.v1", OptionState, "tenant/option id", _LIBRARY)
CUSTOM_FIELD_STATE = _state(
    "ostro.testcases.custom-field.state.v1",
    CustomFieldState,
    "tenant/custom field id",
    _LIBRARY,
)
FOLDER_STATE = _state("ostro.testcases.folder.state.v1", FolderState, "tenant/folder id", _LIBRARY)
TEST_CASE_STATE = _state(
    "ostro.testcases.testcase.state.v1", TestCaseState, "tenant/test case id", _LIBRARY
)

RESULT = Topic(
    "ostro.executions.result.v1",
    "executions",
    ResultChunk,
    "tenant/upload/chunk",
    HOT,
    Cleanup.DELETE,
    ("executions",),
    (Subscription("executions.results"),),
    retention=timedelta(days=7),
)
RECORDED = Topic(
    "ostro.executions.recorded.v1",
    "executions",
    ResultsRecorded,
    "tenant/cycle",
    HOT,
    Cleanup.DELETE,
    ("executions",),
    (),
    retention=timedelta(days=7),
)
UPLOAD = Topic(
    "ostro.executions.upload.v1",
    "executions",
    UploadEnded,
    "tenant/upload",
    COLD,
    Cleanup.DELETE,
    ("executions",),
    (Subscription("testcases.uploads"),),
    retention=timedelta(days=7),
)
USAGE = Topic(
    "ostro.usage.event.v1",
    "telemetry",
    ProductEvent,
    "tenant",
    COLD,
    Cleanup.DELETE,
    SERVICES,
    (Subscription("telemetry.anonymizer", dead_letters=False),),
    # personal until anonymised, so kept no longer than a short outage needs
    retention=timedelta(hours=24),
)
ANONYMOUS = Topic(
    "ostro.telemetry.anonymous.v2",
    "telemetry",
    AnonymousEvent,
    "pseudonym of the user, else of the event",
    COLD,
    Cleanup.DELETE,
    ("telemetry",),
    (
        Subscription("telemetry.segment"),
        Subscription("telemetry.amplitude"),
        Subscription("telemetry.file", dead_letters=False),
    ),
    retention=timedelta(days=7),
)

FLAG_STATE = Topic(
    "ostro.telemetry.flag.state.v1",
    "telemetry",
    FlagState,
    "tenant, or `anonymous` for everybody else",
    COLD,
    Cleanup.COMPACT,
    ("telemetry",),
    (),
    # telemetry itself, to publish only what differs
    readers=("testcases", "executions", "telemetry"),
)

DIAGNOSTIC = Topic(
    "ostro.telemetry.diagnostic.v1",
    "telemetry",
    Diagnostic,
    "service",
    COLD,
    Cleanup.DELETE,
    SERVICES,
    (Subscription("telemetry.diagnostics", dead_letters=False),),
    # as usage events: nothing that a tenant can be told by is kept longer than needed
    retention=timedelta(hours=24),
)
ANONYMOUS_DIAGNOSTIC = Topic(
    "ostro.telemetry.anonymous-diagnostic.v1",
    "telemetry",
    AnonymousDiagnostic,
    "event",
    COLD,
    Cleanup.DELETE,
    ("telemetry",),
    (Subscription("telemetry.bugsnag"),),
    retention=timedelta(days=7),
)

TOPICS: tuple[Topic, ...] = (
    TENANT_STATE,
    PROJECT_STATE,
    SIGNING_KEY_STATE,
    TOKEN_REVOCATION_STATE,
    PERMISSIONS_STATE,
    MEMBERSHIP_STATE,
    JIRA_CHANGE,
    TOKEN_USE,
    OPTION_STATE,
    CUSTOM_FIELD_STATE,
    FOLDER_STATE,
    TEST_CASE_STATE,
    RESULT,
    RECORDED,
    UPLOAD,
    USAGE,
    ANONYMOUS,
    FLAG_STATE,
    DIAGNOSTIC,
    ANONYMOUS_DIAGNOSTIC,
)


def topics_of(group: str) -> tuple[Topic, ...]:
    """Return the topics that one consumer group reads."""
    return tuple(t for t in TOPICS if any(s.group == group for s in t.subscriptions))


def groups_of(service: str) -> tuple[str, ...]:
    """Return the consumer groups that one service runs, without repeats."""
    groups = [s.group for t in TOPICS for s in t.subscriptions if s.service == service]
    return tuple(dict.fromkeys(groups))
