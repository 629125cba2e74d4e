"""The table of flags in ``docs/flags.md``."""

from contracts.flags import FLAGS, Flag
from tools.docs.markdown import code, table


def flags_table() -> str:
    """Return the catalogue."""
    head = ("flag", "type", "bounds", "default", "what it guards", "heeded by")
    return table(head, (_row(flag) for flag in FLAGS))


def _row(flag: Flag[bool] | Flag[int] | Flag[float]) -> tuple[str, ...]:
    kind = {bool: "boolean", int: "integer", float: "number"}[type(flag.default)]
    bounds = "" if flag.least is None else f"{_number(flag.least)} to {_number(flag.most)}"
    default = code(str(flag.default).lower())
    if flag.setting is not None:
        default = f"{code(flag.setting)}, {_number(flag.default)}"
    heeding = ", ".join((f"**{flag.owner}**", *flag.heeded_by[1:]))
    return code(flag.key), kind, bounds, default, flag.guards, heeding


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}".removesuffix(".0")
