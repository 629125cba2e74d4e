"""Scripts, as they lie in the documents of their cases."""

from kit.mongo import Document
from services.testcases.adapters.mongo.customvalues import value_documents, values_of
from services.testcases.adapters.mongo.documents import (
    CallParameterDocument,
    ScriptDocument,
    StepDocument,
)
from services.testcases.domain.scripts import (
    Action,
    CallParameter,
    CallStep,
    InlineStep,
    ParameterType,
    Script,
    ScriptType,
    Step,
    StepsScript,
    TextScript,
)


def script_document(script: Script) -> ScriptDocument:
    """Build what is stored of a script."""
    if isinstance(script, TextScript):
        return {"type": script.type.value, "text": script.text}
    return {"type": script.type.value, "steps": [_step_document(step) for step in script.steps]}


def script_of(row: Document) -> Script:
    """Read a script."""
    kind = ScriptType(row["type"])
    if kind is not ScriptType.STEPS:
        return TextScript(kind, row["text"])
    return StepsScript(tuple(Step(step["id"], _action(step)) for step in row["steps"]))


def _step_document(step: Step) -> StepDocument:
    action = step.action
    if isinstance(action, CallStep):
        parameters: list[CallParameterDocument] | None = None
        if action.parameters is not None:
            parameters = [
                {"name": p.name, "type": p.type.value if p.type else None, "value": p.value}
                for p in action.parameters
            ]
        return {
            "id": step.id,
            "call": {"case": action.case, "key": action.key, "parameters": parameters},
        }
    made: StepDocument = {
        "id": step.id,
        "inline": {
            "description": action.description,
            "test_data": action.test_data,
            "expected_result": action.expected_result,
            "reflect_ref": action.reflect_ref,
        },
    }
    if action.custom_fields:
        made["custom_fields"] = value_documents(action.custom_fields)
    return made


def _action(row: Document) -> Action:
    call = row.get("call")
    if call is None:
        return InlineStep(**row["inline"], custom_fields=values_of(row.get("custom_fields", ())))
    parameters = call["parameters"]
    return CallStep(
        case=call["case"],
        key=call["key"],
        parameters=None if parameters is None else tuple(_parameter(p) for p in parameters),
    )


def _parameter(row: Document) -> CallParameter:
    kind = row["type"]
    return CallParameter(row["name"], None if kind is None else ParameterType(kind), row["value"])
