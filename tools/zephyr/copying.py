"""One project from beginning to end: read, archived, imported, compared."""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

from pydantic import ValidationError

from contracts.transfer import Part
from tools.zephyr.api import Api, Denied, Refused
from tools.zephyr.convert.archive import write
from tools.zephyr.convert.values import inferred
from tools.zephyr.fields import Definition, Definitions, combined
from tools.zephyr.importing import Import, check_target, known_elsewhere
from tools.zephyr.kinds import WALKED
from tools.zephyr.progress import Watcher
from tools.zephyr.reading import Reader
from tools.zephyr.report import changed_since_import, page
from tools.zephyr.verify.comparing import Comparison, Outcome
from tools.zephyr.verify.side import Side
from tools.zephyr.workdir import Imported, Source, Workdir, WorkdirError

_TOLD = 20


@dataclass
class ProjectCopy:
    """Copies one project; ``stated`` are definitions of custom fields given by hand."""

    key: str
    workdir: Workdir
    source: Source
    watcher: Watcher

    async def read(self, api: Api, margin: timedelta) -> None:
        """Read what is not read yet, unless an import is half done: that one is ended first."""
        if self._half_imported():
            self.watcher.note(f"{self.key}: nothing is read until the begun import has ended")
            return
        reader = Reader(api, self.workdir, self.key, self.source, self.watcher)
        await reader.read(margin=margin)
        definitions = Definitions(fields=inferred(self.workdir))
        path = self.workdir.folder / "custom-fields.json"
        path.write_text(definitions.model_dump_json(indent=1), encoding="utf-8")
        self.watcher.note(f"{self.key}: read; custom fields as inferred: {path}")

    async def bring(
        self, api: Api, to: str, stated: list[Definition], jira: str, *, again: bool = False
    ) -> bool:
        """Import into Ostro what was read; False where something came too late for that.

        ``again``: whatever was imported before, into whatever is the target now. The former import
        stays known until something of the new one was taken.
        """
        known, half = self.workdir.state.imported, self._half_imported()
        if known is not None and not half and not again:
            return self._nothing_changed()
        await check_target(api, self.key)
        sender = Import(api, to, self.watcher)
        if not (half and (not again or await self._goes_on(sender, jira))):
            await self._archive(api, stated)
        imported = known if known is not None and half and not again else self._begun(jira)
        await self._import(sender, imported)
        return True

    def _begun(self, jira: str) -> Imported:
        state = self.workdir.state
        kinds = [name for kind in WALKED for name in (kind.name, kind.details)]
        lengths = {name: self.workdir.cursor(name).length for name in kinds}
        return Imported(number=state.number, jira=jira, lengths=lengths)

    async def _goes_on(self, sender: Import, jira: str) -> bool:
        """Whether the target has begun to take the archives that are there."""
        try:
            outlook = await sender.check(Part.LIBRARY, self.key, self._file(Part.LIBRARY), jira)
        except Refused as refused:
            if refused.status == HTTPStatus.CONFLICT:
                raise  # something else is there: these archives may be wanted where they were begun
            return False
        return outlook != "ready"

    def _file(self, part: Part) -> Path:
        return self.workdir.folder / f"{part.value}.zip"

    async def _archive(self, api: Api, stated: list[Definition]) -> None:
        """Write the archives, and the report beside them."""
        (project, _), *_rest = self.workdir.walk("project")
        elsewhere = await known_elsewhere(api, self.workdir, {self.key, str(project["key"])})
        definitions = combined(inferred(self.workdir), stated)
        archives = write(self.workdir, self.key, self.source.site_url, definitions, elsewhere)
        path = self.workdir.folder / "report.md"
        path.write_text(
            page(self.workdir, self.key, definitions, archives.losses), encoding="utf-8"
        )
        self.watcher.note(f"{self.key}: what could not be copied: {path}")

    async def compare(self, source: Api, target: Api, sample: int | None) -> Outcome:
        """Compare both accounts."""
        imported = self.workdir.state.imported
        comparison = Comparison(
            source=Side(source, self.key, self.source),
            target=Side(target, self.key, self.source),
            key=self.key,
            workdir=self.workdir,
            watcher=self.watcher,
            sample=sample,
            ignore_jira=imported is not None and any(imported.left_out.values()),
        )
        outcome = await comparison.run((source, target))
        for line in list(outcome.lines())[-_TOLD:]:
            self.watcher.note(f"{self.key}: {line}")
        path = self.workdir.folder / "comparison.txt"
        path.write_text("\n".join(outcome.lines()) + "\n", encoding="utf-8")
        return outcome

    def _half_imported(self) -> bool:
        imported = self.workdir.state.imported
        return imported is not None and set(imported.parts) != set(Part)

    async def _import(self, sender: Import, imported: Imported) -> None:
        state = self.workdir.state
        await self._check(sender, imported)
        if imported is not state.imported:
            if state.imported is not None and state.imported.parts:
                state.former = state.imported
            state.imported = imported
        self.workdir.save()
        for part in Part:
            if part in imported.parts:
                continue
            try:
                left_out = await sender.send(part, self.key, self._file(part), imported.jira)
            except (Refused, Denied):
                if not imported.parts:
                    # nothing of it was taken: the next run may read on before it tries
                    state.imported, state.former = state.former, None
                    self.workdir.save()
                raise
            state.former = None
            imported.parts.append(part)
            for what, count in left_out.items():
                imported.left_out[what] = imported.left_out.get(what, 0) + count
            self.workdir.save()
            told = ", ".join(f"{n} {what}" for what, n in left_out.items() if n)
            self.watcher.note(f"{self.key}: {part} imported; left out: {told or 'nothing'}")

    async def _check(self, sender: Import, imported: Imported) -> None:
        """Raise ``Refused`` for what stands in the way of any part, before one is written."""
        library: Path | None = None
        for part in Part:
            if part in imported.parts:
                continue
            outlook = await sender.check(part, self.key, self._file(part), imported.jira, library)
            # what is there counts then, and not what the archive says
            library = None if outlook == "done" else self._file(part)

    def _nothing_changed(self) -> bool:
        """An import fills an empty project, once."""
        changed = changed_since_import(self.workdir)
        if not changed:
            self.watcher.note(f"{self.key}: imported already, and nothing has changed since")
            return True
        for kind, keys in changed.items():
            more = "" if len(keys) <= _TOLD else f" and {len(keys) - _TOLD} more"
            told = ", ".join(keys[:_TOLD])
            self.watcher.note(
                f"{self.key}: changed in the source since the import, NOT in Ostro: "
                f"{len(keys)} {kind} ({told}{more})"
            )
        return False


def stated_fields(path: Path | None) -> list[Definition]:
    """Read definitions that a person wrote; raises ``WorkdirError`` naming what is wrong."""
    if path is None:
        return []
    try:
        return Definitions.model_validate_json(path.read_bytes()).fields
    except OSError as error:
        raise WorkdirError(f"{path} cannot be read: {type(error).__name__}") from None
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in wrong["loc"])
        raise WorkdirError(f"{path}: {place}: {wrong['msg']}") from None
