"""Executions are shown by definitions of less than a second ago, unless a value is newer."""

from collections.abc import Sequence

from contracts.customfields import (
    CustomFieldEntity,
    CustomFieldOption,
    CustomFieldState,
    CustomFieldType,
)
from contracts.ids import public_id
from kit.errors import Unavailable
from kit.mongo import Database
from services.executions.adapters.mongo.library import CUSTOM_FIELDS, LibraryProjection
from services.executions.domain.customfields import CustomValue
from services.executions.usecases.customfields import CustomFields

TENANT, PROJECT = "ten1", 7
ENTITY = CustomFieldEntity.TEST_EXECUTION


class OwnerIsDown:
    async def custom_fields(self, tenant: str, project: int) -> Sequence[CustomFieldState]:
        raise Unavailable("The owner is down.")


def _field(number: int, *options: int) -> CustomFieldState:
    return CustomFieldState(
        id=public_id(PROJECT, number),
        project=PROJECT,
        entity=ENTITY,
        name=f"Field {number}",
        type=CustomFieldType.SINGLE_CHOICE_SELECT_LIST,
        required=False,
        index=number,
        options=tuple(CustomFieldOption(id=i, name=f"Option {i}") for i in options),
    )


async def test_a_value_is_explained_at_once(database: Database) -> None:
    fields = CustomFields(LibraryProjection(database), OwnerIsDown())

    async def learn(field: CustomFieldState) -> None:
        row = {"_id": f"{TENANT}/{field.id}", "tenant": TENANT, "seq": 1, **field.model_dump()}
        await database[CUSTOM_FIELDS].replace_one({"_id": row["_id"]}, row, upsert=True)

    async def known(*values: CustomValue) -> list[CustomFieldState]:
        found = await fields.of_page(TENANT, {PROJECT}, ENTITY, values)
        return list(found.get(PROJECT, ()))

    first, second = _field(1, 1), _field(2, 1)
    await learn(first)
    assert await known() == [first]
    await learn(second)
    assert await known({"field": second.id, "value": 1}) == [first, second]
    changed = _field(1, 1, 2)
    await learn(changed)
    assert changed in await known({"field": first.id, "value": 2})
    assert changed in await known({"field": first.id, "value": [1, 2]})
