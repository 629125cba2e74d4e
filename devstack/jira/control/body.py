"""Reading control requests: a model or a 400 that says what is wrong."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.jira.content import Project
from devstack.jira.model import Site
from devstack.jira.world import DEMO_SITE, World

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


_WANTED = {
    "string": "text",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
}


class Strict(BaseModel):
    """A control body: an unknown field is a typing error of the caller."""

    model_config = ConfigDict(extra="forbid")


async def read(request: Request, model: type[M]) -> M:
    """An empty body counts as {}."""
    raw = await request.body()
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise HTTPException(400, faults(error)) from error


def faults(error: ValidationError) -> str:
    """Every fault with the field's name: ``user.email is missing; user.mail is not known``."""
    return "; ".join(dict.fromkeys(_fault(found) for found in error.errors(include_url=False)))


def _fault(found: ErrorDetails) -> str:
    kind, context = found["type"], found.get("ctx", {})
    if kind == "json_invalid":
        return f"the body is not valid JSON: {context['error']}"
    # the last part of a union's place is the type that was tried
    place = [str(part) for part in found["loc"] if part not in _WANTED]
    return f"{'.'.join(place) or 'the body'} {_wrong(kind, context)}"


def _wrong(kind: str, context: dict[str, Any]) -> str:
    texts = {
        "missing": "is missing",
        "extra_forbidden": "is not known",
        "literal_error": f"must be {context.get('expected')}",
        "greater_than": f"must be more than {context.get('gt')}",
        "greater_than_equal": f"must be at least {context.get('ge')}",
        "less_than_equal": f"must be at most {context.get('le')}",
        "value_error": str(context.get("error")),
    }
    wanted = _WANTED.get(kind.split("_", maxsplit=1)[0])
    return texts.get(kind) or (f"must be {wanted}" if wanted else "is not valid")


def site_named(world: World, name: str | None) -> Site:
    site = world.state.sites.get(name or DEMO_SITE)
    if site is None:
        raise HTTPException(404, f"no site {name}; there are {list(world.state.sites)}")
    return site


def after(request: Request) -> int:
    """`?after=N`: only what came later than entry N."""
    text = request.query_params.get("after", "0")
    if not text.isdecimal():
        raise HTTPException(400, "after must be a number")
    return int(text)


def saved(world: World, value: BaseModel | dict[str, Any]) -> Response:
    """Keep the state and show what it now is."""
    world.save()
    return JSONResponse(value if isinstance(value, dict) else value.model_dump(mode="json"))


def numbered(request: Request, known: dict[int, T], kind: str) -> T:
    """The thing whose id stands in the path, or a 404."""
    text = request.path_params["id"]
    found = known.get(int(text)) if text.isdecimal() else None
    if found is None:
        raise HTTPException(404, f"no {kind} {text}")
    return found


def project_called(site: Site, wanted: int | str) -> Project:
    """By id or present key."""
    for project in site.projects.values():
        if str(wanted).upper() in (str(project.id), project.key):
            return project
    raise HTTPException(404, f"no project {wanted}")
