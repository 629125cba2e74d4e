"""What a copy brought and what it could not, as a page for people."""

from collections.abc import Iterable, Sequence

from tools.zephyr.convert.losses import Losses
from tools.zephyr.fields import Definition, Sureness
from tools.zephyr.kinds import LISTED, WALKED
from tools.zephyr.workdir import Workdir

NEVER = (
    "ids: things keep their keys and numbers, but get other ids",
    "scripts of older versions of test cases",
    "definitions of custom fields: they are inferred (see above)",
    "fields of folders, test data and parameters of test cases, comments and history",
    "when plans, cycles and links were made, and by whom; when things were last changed",
    "which step of an execution an issue is linked to",
    "what is archived or deleted, unless the source shows it",
    "content types of attachments (guessed from their names)",
    "permissions, saved filters, reports, settings of the project",
)


def changed_since_import(workdir: Workdir) -> dict[str, list[str]]:
    """Return keys of what came or changed in the source since the import, by kind."""
    state, found = workdir.state, dict[str, list[str]]()
    if state.imported is None:
        return found
    for kind in WALKED:
        idents = workdir.changed(kind.name, state.imported.lengths.get(kind.name, 0))
        idents |= workdir.changed(kind.details, state.imported.lengths.get(kind.details, 0))
        if idents:
            places = workdir.places(kind.name)
            rows = (workdir.at(kind.name, places[ident]) for ident in sorted(idents))
            found[kind.name] = [str(row.get("key") or row["id"]) for row in rows]
    return found


def page(
    workdir: Workdir,
    key: str,
    definitions: Sequence[Definition],
    losses: Losses,
) -> str:
    """Return the report, as Markdown."""
    lines = [f"# Copy of {key}", "", f"Read at {workdir.state.started} (the source's clock).", ""]
    lines += _section("Read", _counts(workdir))
    guessed = [d for d in definitions if d.sureness is Sureness.GUESSED]
    lines += _section(
        "Custom fields: check custom-fields.json",
        [
            f"{len(definitions)} fields, {len(guessed)} of them guessed",
            "options that nothing has, and which fields are required, cannot be seen",
            *(f"{d.entity} '{d.name}': {d.type} ({d.because})" for d in guessed),
        ],
    )
    lines += _section("Not as it was", losses.lines())
    lines += _section("Refused by the source", _problems(workdir))
    lines += _section("What the vendor's API does not give", NEVER)
    return "\n".join(lines)


def _section(title: str, lines: Iterable[str]) -> list[str]:
    told = list(lines)
    return [f"## {title}", "", *(f"- {line}" for line in told or ["nothing"]), ""]


def _counts(workdir: Workdir) -> Iterable[str]:
    for listed in LISTED:
        yield f"{listed.name}: {workdir.cursor(listed.name).rows}"
    for kind in WALKED:
        count, told = len(workdir.places(kind.name)), workdir.state.totals.get(kind.name, 0)
        gone = f"; the source counts {told}: some are deleted there by now" if told < count else ""
        yield f"{kind.name}: {count}{gone}"


def _problems(workdir: Workdir) -> Iterable[str]:
    for kind in WALKED:
        places = workdir.places(kind.details)
        for start in places.values():
            row = workdir.at(kind.details, start)
            for problem in row["problems"]:
                yield f"{row['key'] or row['id']}: {problem}"
