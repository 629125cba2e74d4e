"""Step 1: reads one project of the source into its part of the working directory.

The first pass reads everything. Each later one reads what the source says has changed since the one
before began (its own clock, less a margin), and the short lists whole. A pass that was broken off
goes on where it stopped.
"""

import asyncio
from collections import deque
from datetime import datetime, timedelta
from typing import TypeAlias

from tools.zephyr.api import Api, ApiError, tasks
from tools.zephyr.details import DetailReader
from tools.zephyr.kinds import LISTED, WALKED, Listed, Walked
from tools.zephyr.progress import Watcher
from tools.zephyr.strays import STRAYS, read_strays
from tools.zephyr.walks import cursor_pages, has_cursor_walk, offset_pages, total
from tools.zephyr.workdir import Row, Source, Workdir

MARGIN = timedelta(minutes=1)
"""Clocks of one account may differ by less."""
_Running: TypeAlias = tuple[asyncio.Task[Row], int]
"""Reads a row's details; the place behind the row."""


class Reader:
    """Reads one project."""

    def __init__(
        self, api: Api, workdir: Workdir, key: str, wanted: Source, watcher: Watcher
    ) -> None:
        self._api = api
        self._dir = workdir
        self._key = key
        self._watcher = watcher
        self._details = DetailReader(api, wanted, workdir.files)
        self._together = api.manners.parallel * 4

    async def read(self, *, margin: timedelta = MARGIN) -> None:
        """Read until nothing that changed meanwhile is missing.

        A broken-off pass is ended first. The first pass, which may take days, is followed by one
        for what changed while it ran.
        """
        if self._dir.state.finished:
            await self._begin(margin)
        await self._pass()
        if self._dir.state.number == 1:
            await self._begin(margin)
            await self._pass()

    async def _begin(self, margin: timedelta) -> None:
        now = await self._api.now()
        project = await self._project()
        state = self._dir.state
        state.number += 1
        if state.number == 1:
            for kind in WALKED:
                walk = await has_cursor_walk(self._api, kind.name, self._key)
                state.cursor_walks[kind.name] = walk
        state.since = (
            (datetime.fromisoformat(state.started) - margin).isoformat() if state.started else None
        )
        for kind in WALKED:
            state.totals[kind.name] = await total(self._api, kind.name, self._key)
            self._dir.restart(kind.name, empty=False)
        for name in (_PROJECT.name, STRAYS, *(listed.name for listed in LISTED)):
            self._dir.restart(name, empty=True)
        state.started, state.finished = now.isoformat(), False
        self._dir.append(_PROJECT.name, [project], 0, done=True)

    async def _project(self) -> Row:
        found = await self._api.find(f"projects/{self._key}")
        if found is None:
            raise ApiError(
                f"the source has no project {self._key}, or the token's user may not see it"
            )
        row: Row = found
        return row

    async def _pass(self) -> None:
        state = self._dir.state
        self._watcher.note(
            f"{self._key}: pass {state.number}, "
            + (f"what changed after {state.since}" if state.since else "everything")
        )
        for listed in LISTED:
            await self._list(listed)
        for kind in WALKED:
            await self._walk(kind)
            await self._follow(kind)
        await read_strays(self._api, self._dir)
        state.finished = True
        self._dir.save()

    async def _list(self, listed: Listed) -> None:
        cursor = self._dir.cursor(listed.name)
        if cursor.done:
            return
        query = {"projectKey": self._key, **listed.query}
        async for rows, following, last in offset_pages(self._api, listed.path, query, cursor.next):
            self._dir.append(listed.name, rows, following, done=last)

    async def _walk(self, kind: Walked) -> None:
        cursor, state = self._dir.cursor(kind.name), self._dir.state
        if cursor.done:
            return
        what = f"{self._key} {kind.name}"
        self._watcher.begin(what, cursor.rows, None if state.since else state.totals[kind.name])
        query = {"projectKey": self._key}
        pages = offset_pages
        if state.cursor_walks[kind.name]:
            pages = cursor_pages
            if state.since:
                query["updatedAfter"] = _zulu(state.since)
        async for rows, following, last in pages(self._api, kind.name, query, cursor.next):
            self._dir.append(kind.name, rows, following, done=last)
            self._watcher.advance(what, self._dir.cursor(kind.name).rows)

    async def _follow(self, kind: Walked) -> None:
        """Read the details of every row that the list has and this file does not follow yet."""
        what = f"{self._key} {kind.name}: what hangs on them"
        place = self._dir.cursor(kind.details).next
        self._watcher.begin(
            what, self._dir.cursor(kind.details).rows, self._dir.cursor(kind.name).rows
        )
        running: deque[_Running] = deque()
        async with tasks() as group:
            for row, at in self._dir.walk(kind.name, place):
                running.append((group.create_task(self._details.read(kind, row)), at.end))
                if len(running) >= self._together:
                    await self._settle(kind, running)
                    self._watcher.advance(what, self._dir.cursor(kind.details).rows)
            while running:
                await self._settle(kind, running)
        self._watcher.advance(what, self._dir.cursor(kind.details).rows)

    async def _settle(self, kind: Walked, running: deque[_Running]) -> None:
        """Wait for the oldest; store it and those right behind it that are done, in their order."""
        await running[0][0]
        found, place = [], 0
        while running and running[0][0].done():
            task, place = running.popleft()
            found.append(task.result())
        self._dir.append(kind.details, found, place, done=True)


_PROJECT = Listed("project", "projects")


def _zulu(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
