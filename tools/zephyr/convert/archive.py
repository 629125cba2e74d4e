"""Writes the two archives of a project: its library, and its plans, cycles and executions."""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from contracts.ids import MAX_PROJECT_ID
from contracts.transfer import (
    ExportedProject,
    Member,
    Part,
    Source,
    SourceKind,
)
from kit.transfer.archive import ArchiveWriter
from tools.zephyr.convert.attached import Attached
from tools.zephyr.convert.cases import Cases
from tools.zephyr.convert.executions import Executions
from tools.zephyr.convert.folders import Folders
from tools.zephyr.convert.losses import Losses
from tools.zephyr.convert.options import Options
from tools.zephyr.convert.plans import CycleKeys, Cycles, Plans
from tools.zephyr.convert.shared import Shared
from tools.zephyr.convert.values import Values
from tools.zephyr.convert.versions import Versions
from tools.zephyr.fields import Definition
from tools.zephyr.workdir import Workdir, WorkdirError


@dataclass(frozen=True)
class Archives:
    """Where they lie, and what did not come along."""

    files: dict[Part, Path]
    losses: Losses


def write(
    workdir: Workdir,
    key: str,
    site_url: str | None,
    definitions: Sequence[Definition],
    elsewhere: Collection[str],
) -> Archives:
    """Write ``library.zip`` and ``executions.zip``; from the same rows always the same bytes.

    Raises ``WorkdirError`` where the reading is not finished.
    """
    if not workdir.state.finished or workdir.state.started is None:
        raise WorkdirError(f"{key} is not wholly read yet; run read again")
    shared = _shared(workdir, key, definitions, elsewhere)
    versions = Versions(shared)
    project = ExportedProject(id=shared.project, key=key)
    source = Source(kind=SourceKind.ZEPHYR_SCALE_CLOUD, site_url=site_url)
    files = {part: workdir.folder / f"{part.value}.zip" for part in Part}
    with _replacing(files[Part.LIBRARY]) as path, path.open("wb") as target:
        writer = ArchiveWriter(target, Part.LIBRARY, source, project)
        _library(shared, versions, writer)
    with _replacing(files[Part.EXECUTIONS]) as path, path.open("wb") as target:
        writer = ArchiveWriter(target, Part.EXECUTIONS, source, project)
        _executions(shared, versions, writer)
    return Archives(files, shared.losses)


def _shared(
    workdir: Workdir, key: str, definitions: Sequence[Definition], elsewhere: Collection[str]
) -> Shared:
    losses = Losses()
    (shown, _), *_rest = workdir.walk("project")
    ident = shown["id"] if 1 <= shown["id"] <= MAX_PROJECT_ID else 1
    options, folders = Options(ident, losses), Folders(ident, losses)
    options.load(workdir)
    folders.load(workdir)
    return Shared(
        workdir=workdir,
        project=ident,
        key=key,
        own_keys={key, str(shown["key"])},
        read_on=datetime.fromisoformat(str(workdir.state.started)),
        elsewhere=elsewhere,
        options=options,
        folders=folders,
        values=Values(ident, definitions, losses),
        losses=losses,
    )


def _library(shared: Shared, versions: Versions, writer: ArchiveWriter) -> None:
    attached = Attached(shared)
    cases = Cases(shared, versions, attached)
    with writer.member(Member.OPTIONS) as member:
        member.add(shared.options.rows)
    with writer.member(Member.CUSTOM_FIELDS) as member:
        member.add(shared.values.rows)
    with writer.member(Member.FOLDERS) as member:
        member.add(shared.folders.rows)
    with writer.member(Member.TEST_CASES) as member:
        member.add(cases.newest())
    with writer.member(Member.TEST_CASE_VERSIONS) as member:
        member.add(cases.older())
    attached.write(writer)
    writer.finish(shared.read_on)


def _executions(shared: Shared, versions: Versions, writer: ArchiveWriter) -> None:
    attached = Attached(shared)
    keys = CycleKeys(shared)
    with writer.member(Member.TEST_PLANS) as member:
        member.add(Plans(shared, keys, attached).rows())
    with writer.member(Member.TEST_CYCLES) as member:
        member.add(Cycles(shared, attached).rows())
    with writer.member(Member.TEST_EXECUTIONS) as member:
        member.add(Executions(shared, versions, keys, attached).rows())
    attached.write(writer)
    writer.finish(shared.read_on)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield another path; what is written there takes the name only when it is whole."""
    part = path.with_name(f"{path.name}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    yield part
    part.replace(path)
