"""``docs/privacy/inventory.md``: every field that is stored or sent, with its data class."""

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping

from contracts import internal
from contracts.base import Contract
from contracts.classes import DataClass
from contracts.topics import (
    CUSTOM_FIELD_STATE,
    FOLDER_STATE,
    MEMBERSHIP_STATE,
    OPTION_STATE,
    PERMISSIONS_STATE,
    PROJECT_STATE,
    SIGNING_KEY_STATE,
    TENANT_STATE,
    TEST_CASE_STATE,
    TOKEN_REVOCATION_STATE,
    TOPICS,
    Topic,
)
from kit.auth import limits
from kit.directory import copy as directory_copy
from kit.service import Indexes
from services.executions import main as executions
from services.executions.adapters.mongo import library
from services.executions.adapters.mongo.documents import DOCUMENTS as EXECUTIONS
from services.telemetry import main as telemetry
from services.telemetry.adapters.mongo.documents import DOCUMENTS as TELEMETRY
from services.tenancy import main as tenancy
from services.tenancy.adapters.mongo.documents import DOCUMENTS as TENANCY
from services.testcases import main as testcases
from services.testcases.adapters.mongo.documents import DOCUMENTS as TESTCASES
from tools.docs.fields import Field, fields_of
from tools.docs.markdown import code, one_line, page, table

Documents = Mapping[str, type]

STORED: dict[str, Documents] = {
    "testcases": TESTCASES,
    "executions": EXECUTIONS,
    "tenancy": TENANCY,
    "telemetry": TELEMETRY,
}
INDEXES: dict[str, Indexes] = {
    "testcases": testcases.INDEXES,
    "executions": executions.INDEXES,
    "tenancy": tenancy.INDEXES,
    "telemetry": telemetry.INDEXES,
}
COPIES: dict[str, Topic] = {
    directory_copy.TENANTS: TENANT_STATE,
    directory_copy.PROJECTS: PROJECT_STATE,
    directory_copy.KEYS: SIGNING_KEY_STATE,
    directory_copy.REVOCATIONS: TOKEN_REVOCATION_STATE,
    directory_copy.PERMISSIONS: PERMISSIONS_STATE,
    directory_copy.MEMBERSHIPS: MEMBERSHIP_STATE,
    library.CASES: TEST_CASE_STATE,
    library.OPTIONS: OPTION_STATE,
    library.CUSTOM_FIELDS: CUSTOM_FIELD_STATE,
    library.FOLDERS: FOLDER_STATE,
}
"""Collections that hold another service's published state, and the topic that fills them."""
KIT_COLLECTIONS = ("leases", "counters", limits.PERMITS)

MEANINGS = {
    DataClass.JIRA_ID: "ids and project keys that Jira gave us",
    DataClass.PSEUDONYM: "made of an id with a key that never leaves telemetry, or at random",
    DataClass.CUSTOMER_CONTENT: "what customers wrote or uploaded, free text",
    DataClass.SECRET: "sealed secrets and keys; in no contract, topic, log or answer",
    DataClass.OPERATIONAL: "our own ids, numbers, states and times",
}

_INTRO = """\
Every field of every stored document and of everything that crosses a service boundary, with its
class. A field without a class fails a test. What Jira alone knows (issue keys and summaries, names,
mail addresses, avatars) has no field here."""

_BESIDE = """\
- MongoDB, every service: `leases` (name of a task, random name of a process, time), `counters`
  (tenant, project, kind, last number), `token_permits` (tenant, token id, minute, requests; for ten
  minutes). Operational.
- `outbox` and `outbox_parked` of a document: its pending events, of the class of what they carry.
- Copies of published state, one row per aggregate with its revision (`directory_*` in every service
  but tenancy, `library_*` in executions):

{copies}

- Disk, executions: an upload in progress in `OSTRO_SPOOL_DIR`, deleted with its request. Customer
  content.
- An S3-compatible store instead of `attachments.chunks`, where `OSTRO_ATTACHMENT_STORE` is `s3`:
  bytes under service/tenant/attachment id, without names. Customer content.
- Kafka: payloads below; dead letters are copies of records, of the class of their source, for 30
  days.
- Logs and traces: route templates, ids of events, types of errors; no payload, key or name."""


def render() -> str:
    """Return the page."""
    return page(
        "Data inventory",
        _INTRO,
        "## Classes\n\n" + _classes(),
        *(_stored(service, documents) for service, documents in STORED.items()),
        "## Beside these\n\n" + _BESIDE.format(copies=_copies()),
        "## In Kafka\n\n" + _in_kafka(),
        "## Between services, over HTTP\n\n" + _between(),
    )


def all_fields() -> Iterator[tuple[str, Field]]:
    """Yield every field of the inventory with the name of what holds it."""
    for service, documents in STORED.items():
        for collection, document in documents.items():
            for field in fields_of(document):
                yield f"{service}.{collection}", field
    for topic in TOPICS:
        for field in fields_of(topic.payload):
            yield topic.name, field
    for contract in internal_contracts():
        for field in fields_of(contract):
            yield contract.__name__, field


def internal_contracts() -> list[type[Contract]]:
    """Return the bodies of requests and answers of ``/internal``."""
    return [
        model
        for _, model in inspect.getmembers(internal, inspect.isclass)
        if issubclass(model, Contract) and model.__module__ == internal.__name__
    ]


def _classes() -> str:
    counts = Counter((_place(holder), f.data_class) for holder, f in all_fields())
    return table(
        ("class", "what it is", "stored fields", "fields in Kafka", "fields between services"),
        (
            (code(c), MEANINGS[c], counts["stored", c], counts["kafka", c], counts["http", c])
            for c in DataClass
        ),
    )


def _place(holder: str) -> str:
    if holder.startswith("ostro."):
        return "kafka"
    return "stored" if "." in holder else "http"


def _stored(service: str, documents: Documents) -> str:
    parts = [f"## Stored by {service}"]
    for collection, document in documents.items():
        parts += [f"### {service}: {collection}", one_line(document.__doc__), _fields(document)]
    return "\n\n".join(parts)


def _fields(model: type) -> str:
    return table(
        ("field", "class", "meaning"),
        ((code(f.path), f.data_class or "**missing**", f.meaning) for f in fields_of(model)),
    )


def _copies() -> str:
    return table(("collection", "of topic"), ((code(c), code(t.name)) for c, t in COPIES.items()))


def _in_kafka() -> str:
    return "Fields and meanings are in [events.md](../events.md).\n\n" + table(
        ("topic", "payload", "classes"),
        ((code(t.name), code(t.payload.__name__), _classes_of(t.payload)) for t in TOPICS),
    )


def _between() -> str:
    return table(
        ("body", "used by", "classes"),
        ((code(c.__name__), one_line(c.__doc__), _classes_of(c)) for c in internal_contracts()),
    )


def _classes_of(model: type) -> str:
    present = {f.data_class for f in fields_of(model)}
    return ", ".join(c.value for c in DataClass if c in present)
