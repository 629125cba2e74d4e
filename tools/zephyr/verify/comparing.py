"""Compares a project in both accounts: counts, short lists, and things field by field."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.zephyr.api import tasks
from tools.zephyr.kinds import WALKED, Walked
from tools.zephyr.progress import Watcher
from tools.zephyr.verify.side import JIRA, Facts, Side
from tools.zephyr.walks import total
from tools.zephyr.workdir import Workdir

_SHOWN = 120
_TOGETHER = 8


@dataclass
class Outcome:
    """What was compared and what is different."""

    compared: dict[str, int] = field(default_factory=dict)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether nothing is different."""
        return not self.differences

    def lines(self) -> Iterator[str]:
        """Yield the outcome for people."""
        for kind, (source, target) in self.counts.items():
            yield f"{kind}: {source} in the source, {target} in the target"
        for kind, count in self.compared.items():
            yield f"{kind}: {count} compared field by field"
        yield from self.differences
        yield "no differences" if self.same else f"{len(self.differences)} differences"


@dataclass
class Comparison:
    """Two sides of one project. ``sample``: so many of each kind, evenly spread; None for all."""

    source: Side
    target: Side
    key: str
    workdir: Workdir
    watcher: Watcher
    sample: int | None
    ignore_jira: bool
    outcome: Outcome = field(default_factory=Outcome)

    async def run(self, apis: tuple[Any, Any]) -> Outcome:
        """Compare everything."""
        for kind in WALKED:
            found = await asyncio.gather(*(total(api, kind.name, self.key) for api in apis))
            self.outcome.counts[kind.name] = (found[0], found[1])
            if found[0] != found[1]:
                self._differ(f"{kind.name}: {found[0]} in the source, {found[1]} in the target")
        self._lists(*await asyncio.gather(self.source.options(), self.target.options()))
        for kind in WALKED:
            await self._kind(kind)
        return self.outcome

    def _lists(self, source: dict[str, Facts], target: dict[str, Facts]) -> None:
        for name in sorted(source.keys() | target.keys()):
            if name not in target:
                self._differ(f"{name}: not in the target")
            elif name not in source:
                self._differ(f"{name}: not in the source")
            else:
                self._compare(name, source[name], target[name])
        self.outcome.compared["options and folders"] = len(source)

    async def _kind(self, kind: Walked) -> None:
        keys = self._chosen(kind)
        what = f"{self.key} {kind.name}: compared"
        self.watcher.begin(what, 0, len(keys))
        turns = asyncio.Semaphore(_TOGETHER)

        async def one(key: str) -> None:
            source, target = await asyncio.gather(
                self.source.facts(kind, key), self.target.facts(kind, key)
            )
            turns.release()
            if source is None or target is None:
                if source is not target:
                    self._differ(f"{key}: not in the {'source' if source is None else 'target'}")
            else:
                self._compare(key, source, target)
            done = self.outcome.compared[kind.name] = self.outcome.compared.get(kind.name, 0) + 1
            self.watcher.advance(what, done)

        async with tasks() as group:
            for key in keys:
                # a task that failed gives no turn back; the group ends this wait then
                await turns.acquire()
                group.create_task(one(key))

    def _chosen(self, kind: Walked) -> Sequence[str]:
        places = list(self.workdir.places(kind.name).values())
        if self.sample is not None and len(places) > self.sample:
            step = len(places) / self.sample
            places = [places[int(i * step)] for i in range(self.sample)]
        rows = (self.workdir.at(kind.name, place) for place in places)
        return [str(row["key"]) for row in rows if row.get("key")]

    def _compare(self, where: str, source: Facts, target: Facts) -> None:
        for name in sorted(source.keys() | target.keys()):
            if self.ignore_jira and name in JIRA:
                continue
            mine, other = source.get(name), target.get(name)
            if mine != other:
                self._differ(f"{where}: {name}: {_shown(mine)} in the source, {_shown(other)} here")

    def _differ(self, text: str) -> None:
        self.outcome.differences.append(text)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
