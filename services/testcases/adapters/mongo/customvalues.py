"""Values of custom fields, as they lie in documents."""

from collections.abc import Iterable, Mapping

from contracts.customfields import Account, CustomFieldEntity, Value
from kit.mongo import Database, Document
from services.testcases.adapters.mongo.documents import CustomValueDocument
from services.testcases.domain.customfields import CustomField

_CASES, _VERSIONS = "testcases", "testcase_versions"
_PATHS = {
    CustomFieldEntity.TEST_CASE: "custom_fields",
    CustomFieldEntity.TEST_STEP: "script.steps.custom_fields",
}
"""Where values lie; folders have none: no operation of the API takes them."""
_BATCH = 500


class LibraryValues:
    """Implements ``FieldValues`` for what lies in test cases; the tenant comes first."""

    def __init__(self, database: Database) -> None:
        self._cases = database[_CASES]
        # a value belongs to the definition of its field, also where nothing else changes any more
        self._both = (self._cases, database[_VERSIONS])

    async def having(self, tenant: str, field: CustomField) -> int:
        """Count the test cases that have a value of a field, or a step that has one."""
        path = _PATHS.get(field.entity)
        if path is None:
            return 0
        query = {"tenant": tenant, "project": field.project, f"{path}.field": field.id}
        return await self._cases.count_documents(query)

    async def forget(self, tenant: str, field: CustomField) -> None:
        """Remove every value, some cases at a time; what is left over is shown nowhere."""
        path = _PATHS.get(field.entity)
        if path is None:
            return
        query = {"tenant": tenant, "project": field.project, f"{path}.field": field.id}
        where = path.replace("steps.", "steps.$[].")
        for things in self._both:
            while rows := await things.find(query, {"_id": 1}).limit(_BATCH).to_list(_BATCH):
                await things.update_many(
                    query | {"_id": {"$in": [row["_id"] for row in rows]}},
                    {"$pull": {where: {"field": field.id}}},
                )


def values_of(rows: Iterable[Document]) -> dict[int, Value]:
    """Read the values of a thing."""
    return {row["field"]: Account(row["user"]) if "user" in row else row["value"] for row in rows}


def value_documents(values: Mapping[int, Value]) -> list[CustomValueDocument]:
    """Build what is stored of values."""
    return [_value(field, value) for field, value in values.items()]


def _value(field: int, value: Value) -> CustomValueDocument:
    if isinstance(value, Account):
        return {"field": field, "user": str(value)}
    return {"field": field, "value": value}
