"""Fields of contract models and stored documents: path, type, data class, meaning."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import get_type_hints, is_typeddict

from contracts.classes import DataClass
from tools.docs.markdown import one_line

_WRAPPERS = {Annotated, NotRequired, Required}


@dataclass(frozen=True)
class Field:
    """One field; a nested one has a path with dots, ``[]`` marks a list."""

    path: str
    type: str
    data_class: DataClass | None
    meaning: str


def fields_of(model: type, prefix: str = "") -> Iterator[Field]:
    """Yield every field of a model or TypedDict, nested ones in place of their holder."""
    hints = get_type_hints(model, include_extras=True)
    names = list(model.model_fields) if issubclass(model, BaseModel) else list(hints)
    meanings = _meanings(model)
    for name in names:
        yield from _walk(prefix + name, hints[name], meanings.get(name, ""))


def _walk(path: str, hint: Any, meaning: str) -> Iterator[Field]:
    while get_origin(hint) in {NotRequired, Required}:
        hint = get_args(hint)[0]
    classes = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, DataClass)]
    models = list(_models(hint))
    if classes or not models:
        yield Field(path, type_name(hint), classes[0] if classes else None, meaning)
        return
    for model in models:
        mark = "[]" if _is_list(hint) else ""
        yield from fields_of(model, f"{path}{mark}.")


def type_name(hint: Any) -> str:
    """Return a type as text: ``int or null``, ``list of str``, an enum by its name."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _WRAPPERS:
        return type_name(arguments[0])
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    names = [type_name(a) for a in arguments if a is not Ellipsis]
    if origin in {Union, UnionType}:
        return " or ".join(names)
    if origin in {list, tuple}:
        return f"list of {names[0]}"
    if origin is dict:
        return f"map of {names[0]} to {names[1]}"
    return "null" if hint is NoneType else getattr(hint, "__name__", str(hint))


def enums_of(model: type) -> dict[str, list[str]]:
    """Return the enums that a model's fields use, with their values."""
    hints = get_type_hints(model, include_extras=False)
    found: dict[str, list[str]] = {}
    for hint in hints.values():
        for part in (hint, *get_args(hint)):
            if isinstance(part, type) and issubclass(part, Enum):
                found[part.__name__] = [str(member.value) for member in part]
    return found


def _models(hint: Any) -> Iterator[type]:
    origin = get_origin(hint)
    if origin in _WRAPPERS:
        yield from _models(get_args(hint)[0])
    elif origin in {list, tuple, dict, Union, UnionType}:
        for argument in get_args(hint):
            yield from _models(argument)
    elif isinstance(hint, type) and (is_typeddict(hint) or issubclass(hint, BaseModel)):
        yield hint


def _is_list(hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in _WRAPPERS:
        return _is_list(get_args(hint)[0])
    return origin in {list, tuple}


@cache
def _meanings(model: type) -> dict[str, str]:
    """Return the docstrings that stand under the fields in the source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for node, following in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            found[node.target.id] = one_line(str(following.value.value))
    return found
