"""``docs/telemetry-events.md`` and the tables of what telemetry sends."""

from contracts.catalogue import ALWAYS, CATALOGUE, FIELD_CLASSES
from services.telemetry.domain.rules import FACTS, FIXED, RULES, WITHHELD
from tools.docs.markdown import code, codes, page, table

_INTRO = """\
Source: `contracts/catalogue.py`. An event that is not here is refused from a browser and dropped
from a service; a field that an event does not name is left out. How each field is made, and what
is personal in it, is in [privacy/anonymization.md](privacy/anonymization.md). Each processor gets
an event only with the tenant's consent."""


def render() -> str:
    """Return the page."""
    return page("Product events", _INTRO, events_table(), "## Fields\n\n" + _fields(), _carried())


def events_table() -> str:
    """Return every event with its purpose, owner, source and processors."""
    return table(
        ("event", "version", "reported by", "owner", "purpose", "processors"),
        (
            (name, d.version, d.source, d.owner, d.purpose, codes(sorted(d.processors)))
            for name, d in CATALOGUE.items()
        ),
    )


def rules_table() -> str:
    """Return every field that leaves, what it is made from and how."""
    return table(
        ("Field that leaves", "Data class", "Made from", "How"),
        (
            *((code(n), FIELD_CLASSES[n], "the envelope", how) for n, how in FIXED.items()),
            *((code(n), FIELD_CLASSES[n], code(r.source), r.treatment) for n, r in RULES.items()),
            *((code(n), FIELD_CLASSES[n], code(f.source), f.treatment) for n, f in FACTS.items()),
        ),
    )


def withheld_table() -> str:
    """Return every field that never leaves, and why."""
    return table(
        ("Field that never leaves", "Why"), ((code(n), why) for n, why in WITHHELD.items())
    )


def _fields() -> str:
    return table(
        ("field", "data class", "events"),
        (
            (code(name), data_class, _events_with(name))
            for name, data_class in FIELD_CLASSES.items()
        ),
    )


def _events_with(field: str) -> str:
    if field in ALWAYS:
        return "all"
    names = [name for name, d in CATALOGUE.items() if field in d.fields]
    return "all" if len(names) == len(CATALOGUE) else f"{len(names)} of {len(CATALOGUE)}"


def _carried() -> str:
    rows = (
        (name, codes(f for f in FIELD_CLASSES if f in d.fields)) for name, d in CATALOGUE.items()
    )
    return "## What each event carries\n\n" + table(("event", "fields"), rows)
