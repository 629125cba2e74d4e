"""``docs/settings.md``: every setting of every process, from the classes that read them."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from kit.settings import PREFIX, KafkaSettings, ServiceSettings
from services.executions.settings import ExecutionsSettings
from services.telemetry.settings import AdminSettings as TelemetryAdmin
from services.telemetry.settings import TelemetrySettings
from services.tenancy.settings import AdminSettings as TenancyAdmin
from services.tenancy.settings import TenancySettings
from services.testcases.settings import TestcasesSettings
from tools.docs.markdown import code, codes, page, table

SERVICES: dict[str, type[ServiceSettings]] = {
    "testcases": TestcasesSettings,
    "executions": ExecutionsSettings,
    "tenancy": TenancySettings,
    "telemetry": TelemetrySettings,
}
COMMANDS: dict[str, type[BaseSettings]] = {
    "python -m kit.kafka.topics, python -m kit.kafka.acls, python -m kit.dlq": KafkaSettings,
    "python -m services.tenancy admin": TenancyAdmin,
    "python -m services.telemetry admin": TelemetryAdmin,
}
_HEAD = ("variable", "default", "meaning")

_INTRO = """\
Every process reads environment variables that begin with `OSTRO_` and nothing else. A wrong or
missing one ends the start with code 2 and its name. What ends in `_FILE` is the path of a file
that holds the secret; no secret is ever a variable. Sizes are bytes.

`make run` sets all of them by itself; its own variables (ports, folder) are in
`devstack/settings.py`. Compose takes them from `.env`, see `.env.example`."""


def render() -> str:
    """Return the page."""
    return page(
        "Settings",
        _INTRO,
        "## Every service\n\n" + table(_HEAD, _rows(ServiceSettings, except_for=_per_service())),
        "## Defaults that differ\n\n" + _differing(),
        *(_service(name, settings) for name, settings in SERVICES.items()),
        "## Commands\n\n" + _commands(),
    )


def variables(settings: type[BaseSettings]) -> list[str]:
    """Return the names of the environment variables of a class."""
    return [variable(name) for name in settings.model_fields]


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field.upper()


def _per_service() -> set[str]:
    """Return the common fields whose default or text a service sets by itself."""
    common = ServiceSettings.model_fields
    return {
        name
        for settings in SERVICES.values()
        for name, field in settings.model_fields.items()
        if name in common and field.default != common[name].default
    }


def _differing() -> str:
    names = [n for n in ServiceSettings.model_fields if n in _per_service()]
    return table(
        ("variable", *SERVICES, "meaning"),
        (
            (
                code(variable(name)),
                *(code(_default(s.model_fields[name])) for s in SERVICES.values()),
                ServiceSettings.model_fields[name].description or "",
            )
            for name in names
        ),
    )


def _service(name: str, settings: type[ServiceSettings]) -> str:
    own = table(_HEAD, _rows(settings, except_for=set(ServiceSettings.model_fields)))
    return f"## {name}\n\n{own}"


def _commands() -> str:
    return "Each needs only these:\n\n" + table(
        ("command", "variables"),
        ((code(c).replace(", ", "`, `"), codes(variables(s))) for c, s in COMMANDS.items()),
    )


def _rows(settings: type[BaseSettings], *, except_for: set[str]) -> Iterator[tuple[str, str, str]]:
    for name, field in settings.model_fields.items():
        if name not in except_for:
            default = "required" if field.is_required() else code(_default(field))
            yield code(variable(name)), default, field.description or _constraint(field)


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is None or value is PydanticUndefined or value == ():
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(v).rstrip("/") for v in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _constraint(field: FieldInfo) -> str:
    for part in field.metadata:
        pattern = getattr(part, "pattern", None)
        if pattern:
            return f"one of `{str(pattern).strip('^$()')}`"
    return ""
