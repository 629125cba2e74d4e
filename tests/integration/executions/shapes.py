"""The vendor's schemas of cycles, plans and their lists.

Source: the vendor's API document, components TestCycle, TestPlan and so on.
"""

from typing import Any

from tests.integration.testcases.linking import CREATED, ID, ISSUE_LINK, TYPE, URI, WEB_LINK

DATE_TIME = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$"}


def strict(required: str = "", **properties: Any) -> dict[str, Any]:
    """An object without anything else."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def many(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT = {"type": "string"}
REFERENCE = strict("id", id=ID, self=URI)
REFERENCES = many(REFERENCE)
USER = strict("accountId", accountId={"type": "string"}, self=URI)
CYCLE_LINKS = strict(
    self=URI,
    issues=many(ISSUE_LINK),
    webLinks=many(WEB_LINK),
    testPlans=many(strict(id=ID, self=URI, testPlanId=ID, type=TYPE, target=URI)),
)
PLAN_LINKS = strict(
    issues=many(ISSUE_LINK),
    webLinks=many(WEB_LINK),
    testCycles=many(strict("id", id=ID, self=URI, testCycleId=ID, type=TYPE, target=URI)),
)
# keys stay when null: clients rely on it, so all are required here
CYCLE = strict(
    "id key name project jiraProjectVersion status folder description plannedStartDate "
    "plannedEndDate owner customFields links",
    id=ID,
    key={"type": "string", "pattern": "^[A-Z][A-Z_0-9]+-R[0-9]+$"},
    name=TEXT,
    project=REFERENCE,
    jiraProjectVersion=nullable(REFERENCE),
    status=REFERENCE,
    folder=nullable(REFERENCE),
    description=nullable(TEXT),
    plannedStartDate=nullable(DATE_TIME),
    plannedEndDate=nullable(DATE_TIME),
    owner=nullable(USER),
    customFields={"type": "object"},
    links=CYCLE_LINKS,
)
PLAN = strict(
    "id key name objective project status folder owner customFields labels links",
    id=ID,
    key={"type": "string", "pattern": "^.+-P[0-9]+$"},
    name=TEXT,
    objective=nullable(TEXT),
    project=REFERENCE,
    status=REFERENCE,
    folder=nullable(REFERENCE),
    owner=nullable(USER),
    customFields={"type": "object"},
    labels=many(TEXT) | {"maxItems": 50},
    links=PLAN_LINKS,
)
MADE = strict("id self key", id=ID, self=URI, key=TEXT)
LINK_MADE = CREATED | {"required": ["id", "self"]}
EXECUTION = strict(
    "id key project testCase environment jiraProjectVersion testExecutionStatus actualEndDate "
    "estimatedTime executionTime executedById assignedToId comment automated testCycle "
    "customFields links",
    id=ID,
    key={"type": "string", "pattern": "^[A-Z][A-Z_0-9]+-E[0-9]+$"},
    project=REFERENCE,
    testCase=REFERENCE,
    environment=nullable(REFERENCE),
    jiraProjectVersion=nullable(REFERENCE),
    testExecutionStatus=REFERENCE,
    actualEndDate=DATE_TIME,
    estimatedTime=nullable({"type": "integer", "minimum": 0}),
    executionTime=nullable({"type": "integer", "minimum": 0}),
    executedById=nullable(TEXT),
    assignedToId=nullable(TEXT),
    comment=nullable(TEXT),
    automated={"type": "boolean"},
    testCycle=nullable(REFERENCE),
    customFields={"type": "object"},
    links=strict(self=URI, issues=many(ISSUE_LINK)),
)
EXECUTION_STEP = strict(
    "id inline",
    id=ID,
    inline=strict(
        "description testData expectedResult actualResult testDataRowNumber reflectRef status",
        **dict.fromkeys(
            ("description", "testData", "expectedResult", "actualResult", "reflectRef"),
            nullable(TEXT),
        ),
        testDataRowNumber=nullable({"type": "integer"}),
        status=REFERENCE,
    ),
)
SELF = strict("self", self=URI)


def offset_list(of: Any) -> dict[str, Any]:
    """An offset page."""
    number = {"type": "integer", "minimum": 0}
    return strict(
        "next startAt maxResults total isLast values",
        next=nullable(URI),
        startAt=number,
        maxResults=ID,
        total=number,
        isLast={"type": "boolean"},
        values=many(of),
    )


def cursor_list(of: Any) -> dict[str, Any]:
    """A cursor page."""
    return strict(
        "next nextStartAtId limit values",
        next=nullable(URI),
        nextStartAtId=nullable({"type": "integer", "minimum": 0}),
        limit={"type": "integer", "minimum": 0},
        values=many(of),
    )
