"""Brings the local stack up and down."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from contracts.tenancy import SERVICES
from devstack.components import Component, addresses, brokers, edge, services, stand_ins
from devstack.embedded.errors import StackError
from devstack.embedded.ports import require_free
from devstack.keys import make_keys
from devstack.progress import Progress
from devstack.roster import Roster
from devstack.settings import ROOT, StackSettings, port_setting

STOP_ORDER = [{"caddy"}, set(SERVICES), {"jira", "processors"}, {"kafka", "mongod"}]
_TOPICS_SECONDS = 90


@dataclass(frozen=True)
class Plan:
    """What is started: the world outside, then what stands on it."""

    outside: Sequence[Component]
    between: Callable[[Progress], None]
    """Called when the outside is ready, unless everything was up already."""
    inside: Sequence[Component]


def whole_plan(settings: StackSettings) -> Plan:
    """Return the plan of `make run`."""
    return Plan(
        [*brokers(settings), *stand_ins(settings)],
        lambda progress: _apply_topics(settings, progress),
        [*services(settings), edge(settings)],
    )


@dataclass
class Stack:
    """All processes of one data folder."""

    settings: StackSettings
    roster: Roster
    progress: Progress
    plan: Plan

    def up(self) -> bool:
        """Start what does not run or is outdated; say whether anything had to be started."""
        missing = self._outdated([*self.plan.outside, *self.plan.inside])
        self._clear(missing)
        with self.progress.step("keys") as notes:
            created = make_keys(self.settings.folder("keys"), SERVICES)
            notes.append(f"{len(created)} made" if created else "kept")
        if not self.settings.flags_file.exists():
            self.settings.flags_file.write_text("{}\n", encoding="utf-8")
        self._start(component for component in self.plan.outside if component in missing)
        if missing:
            self.plan.between(self.progress)
        self._start(component for component in self.plan.inside if component in missing)
        return bool(missing)

    def down(self) -> int:
        """End everything; return how many processes ran."""
        count = len(self.roster.running())
        self.roster.stop_all(STOP_ORDER)
        return count

    def _outdated(self, components: Iterable[Component]) -> list[Component]:
        return [
            component
            for component in components
            if self.roster.find(component.name) is None
            or self.roster.fingerprint(component.name) != component.fingerprint
            or not component.ready()
        ]

    def _clear(self, components: list[Component]) -> None:
        """End older processes of these components, then make sure their ports are free."""
        self.roster.stop(*(component.name for component in components))
        clashes = []
        for component in components:
            for field in component.ports:
                port = int(getattr(self.settings, field))
                try:
                    require_free(port, what=component.name, setting=port_setting(field))
                except StackError as clash:
                    clashes.append(str(clash))
        if clashes:
            raise StackError("\n".join(clashes))

    def _start(self, components: Iterable[Component]) -> None:
        """Start them together; the first failure is raised after all have ended their start."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            tasks = [pool.submit(self._start_one, component) for component in components]
            try:
                for task in tasks:
                    task.result()
            except BaseException:
                # the threads wait for processes; without those they end at once
                self.down()
                raise

    def _start_one(self, component: Component) -> None:
        with self.progress.step(component.name, component.at):
            component.start(
                lambda process: self.roster.add(process, component.fingerprint), self.progress.say
            )


def _apply_topics(settings: StackSettings, progress: Progress) -> None:
    with progress.step("topics") as notes:
        done = subprocess.run(
            [sys.executable, "-m", "kit.kafka.topics", "apply"],
            cwd=ROOT,
            env={**os.environ, "OSTRO_KAFKA_BOOTSTRAP": addresses(settings).kafka},
            capture_output=True,
            text=True,
            check=False,
            timeout=_TOPICS_SECONDS,
        )
        if done.returncode:
            raise StackError(f"topics could not be created:\n{done.stdout}{done.stderr}")
        notes.append(done.stdout.strip().removeprefix("topics: "))
