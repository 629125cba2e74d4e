"""Attachments as rows of the archive; their bytes are copied from the working directory."""

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.testcases import MAX_NAME_LENGTH
from contracts.transfer import AttachmentRow, Member, OwnerKind
from kit.attachments.names import UNKNOWN_TYPE
from kit.transfer.archive import ArchiveWriter
from tools.zephyr.convert.numbers import Numbers
from tools.zephyr.convert.shared import Shared
from tools.zephyr.workdir import Row

_PIECE = 1 << 20
_FORBIDDEN = re.compile(r"[/\\\0]|\.\.")


@dataclass(frozen=True)
class _Kept:
    row: AttachmentRow
    path: Path


class Attached:
    """Collects attachments of one part, then writes them."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._numbers = Numbers()
        self._found: list[_Kept] = []

    def add(
        self, owner: OwnerKind, key: str, details: Row, steps: Mapping[Any, int] | None = None
    ) -> None:
        """Take the attachments of one thing; ``steps`` gives new ids of steps."""
        for one in details.get("attachments") or []:
            step = None
            if one["step"] is not None:
                step = (steps or {}).get(one["step"])
                if step is None:
                    self._shared.losses.add("attachment of a step that is gone left out", key)
                    continue
            if not one["size"]:
                self._shared.losses.add("empty attachment left out", f"{key} {one['name']}")
                continue
            self._found.append(self._kept(owner, key, step, one))

    def write(self, writer: ArchiveWriter) -> int:
        """Write rows and bytes; return how many files there were."""
        self._found.sort(key=lambda kept: kept.row.id)
        with writer.member(Member.ATTACHMENTS) as member:
            member.add(kept.row for kept in self._found)
        for kept in self._found:
            with (
                kept.path.open("rb") as source,
                writer.file(kept.row.id, kept.row.size) as target,
            ):
                while piece := source.read(_PIECE):
                    target.write(piece)
        return len(self._found)

    def _kept(self, owner: OwnerKind, key: str, step: int | None, one: Row) -> _Kept:
        name = self._name(str(one["name"]), key)
        row = AttachmentRow(
            id=self._shared.id(self._numbers.take(one["id"])),
            owner=owner,
            owner_key=key,
            step_id=step,
            name=name,
            content_type=mimetypes.guess_type(name)[0] or UNKNOWN_TYPE,
            size=one["size"],
            sha256=one["sha256"],
        )
        return _Kept(row, self._shared.workdir.files / str(one["file"]))

    def _name(self, name: str, key: str) -> str:
        good = _FORBIDDEN.sub("_", name)[:MAX_NAME_LENGTH] or "file"
        if good != name:
            self._shared.losses.add("name of an attachment changed", f"{key} {good}")
        return good
