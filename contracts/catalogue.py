"""The closed catalogue of product events: what each is for, what it may carry and who gets it.

An event that is not here, or a field that its entry does not name, is dropped. Rendered to
``docs/telemetry-events.md``. Raise ``version`` when the fields or the meaning of an event change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contracts.classes import DataClass, field_classes
from contracts.telemetry import AnonymousEvent, ProcessorName
from contracts.usage import UsageEventName


class Source(StrEnum):
    """Who may report an event."""

    SERVICE = "service"
    BROWSER = "browser"


ALWAYS = frozenset({"event_id", "name", "hour"})
"""Fields that every anonymous event has."""
FIELD_CLASSES: Mapping[str, DataClass] = {
    name: found for name, found in field_classes(AnonymousEvent) if found is not None
}
"""Field of the anonymous event to its data class, from the model."""


class BadDefinition(ValueError):
    """An entry of the catalogue that is not whole; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One product event. Raises ``BadDefinition`` when it is not whole."""

    owner: str
    """The team that answers for it."""
    purpose: str
    """The question that it answers."""
    source: Source
    fields: frozenset[str]
    """Fields of ``AnonymousEvent`` that it may carry beside ``ALWAYS``."""
    processors: frozenset[ProcessorName]
    """Who gets it, consent given."""
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse an entry that a privacy officer could not judge."""
        for name, text in (("owner", self.owner), ("purpose", self.purpose)):
            if not text.strip():
                raise BadDefinition(f"no {name}")
        if self.version < 1:
            raise BadDefinition("the version is below 1")
        if not self.processors:
            raise BadDefinition("no processors")
        if not self.fields:
            raise BadDefinition("no fields")
        unclassed = self.fields - (FIELD_CLASSES.keys() - ALWAYS)
        if unclassed:
            raise BadDefinition(f"fields without a data class: {sorted(unclassed)}")


_TENANT = frozenset({"instance", "jira_version", "licence_tier", "licence_type"})
_CLIENT = frozenset({"client", "client_major", "app_version"})
_REQUEST = _CLIENT | {"user", "path"}
_ANALYTICS = frozenset({ProcessorName.AMPLITUDE, ProcessorName.SEGMENT})
# Segment passes on what it gets to further tools; what administrators secure is not for them
_ADMINISTRATION = frozenset({ProcessorName.AMPLITUDE})


def _viewed(purpose: str) -> Definition:
    return Definition("product", purpose, Source.BROWSER, _TENANT | _REQUEST, _ANALYTICS)


def _done(
    owner: str,
    purpose: str,
    fields: frozenset[str] = _TENANT | _REQUEST,
    processors: frozenset[ProcessorName] = _ANALYTICS,
) -> Definition:
    return Definition(owner, purpose, Source.SERVICE, fields, processors)


CATALOGUE: Mapping[str, Definition] = {
    UsageEventName.UPLOADED_AUTOMATION_RESULTS: _done(
        "automation",
        "which formats and sizes of automated results are uploaded, and how long that takes",
        _TENANT | _REQUEST | {"format", "size", "duration"},
    ),
    UsageEventName.ENABLED_PROJECT: _done(
        "product", "how many projects of a site come to use the app, and after which way"
    ),
    UsageEventName.CREATED_API_TOKEN: _done(
        "platform",
        "whether sites begin to automate, and through which page",
        processors=_ADMINISTRATION,
    ),
    UsageEventName.CHANGED_PERMISSIONS: _done(
        "platform",
        "whether the rights of a project are adapted or left as they come",
        processors=_ADMINISTRATION,
    ),
    UsageEventName.EXPORTED_PROJECT: _done(
        "platform", "how often data is taken out, and by which client"
    ),
    UsageEventName.IMPORTED_PROJECT: _done(
        "platform", "how often data is brought in, and by which client"
    ),
    UsageEventName.INSTALLED_APP: _done(
        "growth", "which kinds of sites the app comes to", _TENANT | {"app_version"}
    ),
    UsageEventName.UNINSTALLED_APP: _done(
        "growth", "which kinds of sites the app leaves", _TENANT | {"app_version"}
    ),
    UsageEventName.VIEWED_TEST_PLAYER: _viewed("how much is tested by hand, and where it begins"),
    UsageEventName.VIEWED_TEST_CASE: _viewed("how test cases are found and read"),
    UsageEventName.VIEWED_TEST_CYCLE: _viewed("how test cycles are found and read"),
    UsageEventName.VIEWED_TEST_PLAN: _viewed("whether test plans are used"),
    UsageEventName.VIEWED_REPORT: _viewed("whether reports are used"),
    UsageEventName.OPENED_SETTINGS: _viewed("whether settings are found"),
}
"""Name to definition."""

if CATALOGUE.keys() != set(UsageEventName):
    raise BadDefinition(f"without a definition: {set(UsageEventName) - CATALOGUE.keys()}")


def allowed(name: str, processor: ProcessorName) -> bool:
    """Whether a processor may get an event of this name at all, consent given."""
    definition = CATALOGUE.get(name)
    return definition is not None and processor in definition.processors
