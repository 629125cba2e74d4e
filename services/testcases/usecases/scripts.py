"""Scripts of test cases: read, replace, append steps."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from contracts.customfields import CustomFieldEntity, CustomFieldFault, Value, check_values
from contracts.ids import EntityKey, Kind, number_of, project_of, public_id
from contracts.permissions import Entity, Right
from kit.directory.access import Access
from kit.directory.permissions import Need
from kit.errors import Forbidden, InvalidInput, Unprocessable
from services.testcases.domain.customfields import CustomField
from services.testcases.domain.gherkin import check_scenario
from services.testcases.domain.scripts import (
    Action,
    CallParameter,
    CallStep,
    InlineStep,
    Script,
    ScriptType,
    Step,
    StepsScript,
    TextScript,
    check_size,
    staying,
)
from services.testcases.usecases.calls import CallsOf, check_calls
from services.testcases.usecases.customfields import CustomFields
from services.testcases.usecases.numbering import Numbered, Numbers
from services.testcases.usecases.testcases import Shown, TestCases, unknown_test_case

Decide = Callable[[Script, CallsOf], Awaitable[Script]]
"""Makes the new script of the present one. May be called again, on a newer one."""


class ScriptStore(Protocol):
    """Where scripts are kept: inside their cases."""

    async def get(self, tenant: str, case: int) -> Script | None:
        """Return the script of a visible case."""
        ...

    async def change(self, tenant: str, case: int, decide: Decide, *, calls: bool) -> bool:
        """Store what is decided in sight of the present script, which nobody changes meanwhile.

        With ``calls`` nobody of the tenant adds a call meanwhile either. What was attached to
        steps that go goes with them. False when the case is gone.
        """
        ...

    async def known(self, tenant: str, cases: Collection[int]) -> set[int]:
        """Return those of the cases that are visible."""
        ...


@dataclass(frozen=True)
class InlineInput:
    """A step that a client writes out; ``custom_fields`` are by name."""

    description: str | None = None
    test_data: str | None = None
    expected_result: str | None = None
    reflect_ref: str | None = None
    custom_fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CallInput:
    """A step that calls another case."""

    key: str
    parameters: tuple[CallParameter, ...] | None = None


StepInput = InlineInput | CallInput


@dataclass(frozen=True)
class ShownSteps:
    """Steps with what is needed to show them: their case, and the fields that steps have."""

    of: Shown
    steps: Sequence[Step]
    fields: Sequence[CustomField]


class Scripts:
    """What the public API does with scripts."""

    def __init__(
        self, cases: TestCases, store: ScriptStore, fields: CustomFields, numbers: Numbers
    ) -> None:
        self._cases = cases
        self._store = store
        self._fields = fields
        self._numbers = numbers

    async def text(self, access: Access, key: str) -> tuple[Shown, TextScript]:
        """Return a plain or BDD script; ``Unprocessable`` for steps."""
        shown, script = await self._read(access, key)
        if not isinstance(script, TextScript):
            raise Unprocessable(
                f"The test script of {key} is step-by-step: read it at …/testcases/{key}/teststeps."
            )
        return shown, script

    async def steps(self, access: Access, key: str) -> ShownSteps:
        """Return the steps; ``Unprocessable`` for a plain or BDD script."""
        shown, script = await self._read(access, key)
        if not isinstance(script, StepsScript):
            raise Unprocessable(
                f"The test script of {key} is {script.type}: read it at "
                f"…/testcases/{key}/testscript."
            )
        return ShownSteps(shown, script.steps, await self._fields_of(access, shown))

    async def put_text(self, access: Access, key: str, kind: ScriptType, text: str) -> Shown:
        """Replace the script by a text; steps go, with what is attached to them."""
        shown = await self._cases.get(access, key)
        new = TextScript(kind, text)
        check_size(new)
        if kind is ScriptType.BDD:
            await asyncio.to_thread(check_scenario, text)

        async def decide(_: Script, __: CallsOf) -> Script:
            return new

        if not await self._store.change(access.tenant, shown[0].id, decide, calls=False):
            raise unknown_test_case(key)
        return shown

    async def put_steps(
        self, access: Access, key: str, items: Sequence[StepInput], *, append: bool
    ) -> Shown:
        """Append steps, or replace the script by them; a text goes in either case.

        Raises ``InvalidInput`` for calls of what is not there or calls back, for values of custom
        fields that break a rule, and for too many or too long steps.
        """
        shown, present = await self._read(access, key)
        case, tenant = shown[0].id, access.tenant
        targets = await self._targets(access, items)
        actions = await self._actions(access, shown, present, items, targets)
        called = list(dict.fromkeys(targets.values()))

        async def decide(old: Script, calls_of: CallsOf) -> Script:
            await check_calls(case, called, calls_of)
            before = old.steps if isinstance(old, StepsScript) else ()
            kept: Sequence[int | None] = [None] * len(actions)
            if not append:
                kept, before = staying(before, actions), ()
            ids = await self._ids(tenant, case, kept)
            new = [Step(i, action) for i, action in zip(ids, actions, strict=True)]
            script = StepsScript((*before, *new))
            check_size(script)
            return script

        if not await self._store.change(tenant, case, decide, calls=bool(called)):
            raise unknown_test_case(key)
        return shown

    async def _read(self, access: Access, key: str) -> tuple[Shown, Script]:
        shown = await self._cases.get(access, key)
        script = await self._store.get(access.tenant, shown[0].id)
        if script is None:
            raise unknown_test_case(key)
        return shown, script

    async def _fields_of(self, access: Access, shown: Shown) -> Sequence[CustomField]:
        project = shown[1].id
        found = await self._fields.of_entity(access.tenant, (project,), CustomFieldEntity.TEST_STEP)
        return found.get(project, ())

    async def _targets(self, access: Access, items: Sequence[StepInput]) -> Mapping[str, int]:
        """Return the ids of the cases that are called, by key as sent."""
        viewer = replace(access, need=Need.of((Entity.TEST_CASE, Right.VIEW)))
        found: dict[str, int] = {}
        for key in dict.fromkeys(item.key for item in items if isinstance(item, CallInput)):
            try:
                entity = await viewer.entity(key, Kind.TEST_CASE)
            except Forbidden:  # not to be told from one that is not there
                entity = None
            if entity is None:
                raise _unknown_target(key)
            found[key] = public_id(entity[1].id, entity[0].number)
        known = await self._store.known(access.tenant, found.values()) if found else set()
        for key, case in found.items():
            if case not in known:
                raise _unknown_target(key)
        return found

    async def _actions(
        self,
        access: Access,
        shown: Shown,
        present: Script,
        items: Sequence[StepInput],
        targets: Mapping[str, int],
    ) -> Sequence[Action]:
        fields = _usable(await self._fields_of(access, shown), present)
        actions: list[Action] = []
        for place, item in enumerate(items):
            if isinstance(item, CallInput):
                called = targets[item.key]
                project = access.view.projects[project_of(called)]
                # with the key that the project has here, also where an alias was sent
                named = EntityKey(project.key, Kind.TEST_CASE, number_of(called))
                actions.append(CallStep(called, str(named), item.parameters))
            else:
                actions.append(_inline(place, item, fields))
        return actions

    async def _ids(self, tenant: str, case: int, kept: Sequence[int | None]) -> Sequence[int]:
        project, count = project_of(case), sum(ident is None for ident in kept)
        if count:
            first = await self._numbers.reserve(tenant, project, Numbered.STEP, count)
            fresh = iter(range(first, first + count))
            return [public_id(project, next(fresh)) if i is None else i for i in kept]
        return [ident for ident in kept if ident is not None]


def _inline(place: int, item: InlineInput, fields: Sequence[CustomField]) -> InlineStep:
    try:
        values = check_values(fields, item.custom_fields)
    except CustomFieldFault as fault:
        raise InvalidInput(f"items.{place}: {fault}") from None
    return InlineStep(
        item.description, item.test_data, item.expected_result, item.reflect_ref, values
    )


def _usable(fields: Sequence[CustomField], present: Script) -> Sequence[CustomField]:
    """Return the fields with those archived options open that the present steps have.

    What was read may be written back.
    """
    if isinstance(present, TextScript):
        return fields
    had: dict[int, set[Value]] = {}
    for step in present.steps:
        if isinstance(step.action, InlineStep):
            for ident, value in step.action.custom_fields.items():
                had.setdefault(ident, set()).update(value if isinstance(value, list) else [value])
    return [_opened(f, had[f.id]) if f.id in had and f.options else f for f in fields]


def _opened(found: CustomField, had: Collection[Any]) -> CustomField:
    options = tuple(
        o.model_copy(update={"archived": False}) if o.id in had else o for o in found.options
    )
    return found.model_copy(update={"options": options})


def _unknown_target(key: str) -> InvalidInput:
    return InvalidInput(
        f"The test case with key {key}, called by a step, does not exist or you do not have access "
        "to it."
    )
