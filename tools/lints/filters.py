"""Says whether a MongoDB filter, as written, holds one tenant.

Good is a literal that starts with ``"tenant"``, or with ``"_id"`` when the id is made of the tenant
or the tenant stands beside it; whatever is built from such a literal; and a helper that gets the
tenant first (one in the same file must return such a literal).
"""

import ast

from tools.lints.source import Function, Source


def is_scoped(source: Source, value: ast.expr, near: ast.AST) -> bool:
    """Whether the expression is a filter of one tenant."""
    good = False
    match value:
        case ast.Dict(keys=[ast.Constant(value="tenant"), *_]):
            good = True
        case ast.Dict(keys=[ast.Constant(value="_id"), *others], values=[ident, *_]):
            beside = {key.value for key in others if isinstance(key, ast.Constant)}
            good = "tenant" in beside or _made_of_tenant(ident)
        # {**base, ...}, {"$match": base}, a pipeline, base | {...}, [base | more for more in ...]
        case (
            ast.Dict(keys=[None | ast.Constant(value="$match"), *_], values=[base, *_])
            | ast.List(elts=[ast.Starred(value=base) | base, *_])
            | ast.BinOp(left=base, op=ast.BitOr())
            | ast.ListComp(elt=base)
        ):
            good = is_scoped(source, base, near)
        case ast.Call(args=[first, *_]):
            good = _is_tenant(first) and _helper_is_good(source, value)
        case ast.Name(id=name):
            good = any(is_scoped(source, found, near) for found in _assigned(source, name, near))
    return good


def _helper_is_good(source: Source, call: ast.Call) -> bool:
    name = ast.unparse(call.func).rpartition(".")[2]
    helpers = (n for n in ast.walk(source.tree) if isinstance(n, Function) and n.name == name)
    returned = [
        (node.value, node)
        for helper in helpers
        for node in ast.walk(helper)
        if isinstance(node, ast.Return) and node.value is not None
    ]
    return all(is_scoped(source, value, node) for value, node in returned)


def _made_of_tenant(ident: ast.expr) -> bool:
    """``f"{tenant}/..."``, ``_id(tenant, ...)`` or the tenant itself."""
    match ident:
        case (
            ast.JoinedStr(values=[ast.FormattedValue(value=first), *_]) | ast.Call(args=[first, *_])
        ):
            return _is_tenant(first)
    return _is_tenant(ident)


def _is_tenant(value: ast.expr) -> bool:
    return ast.unparse(value).rpartition(".")[2].strip("_") == "tenant"


def _names(value: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}


def _assigned(source: Source, name: str, near: ast.AST) -> list[ast.expr]:
    scope = source.scope(near)
    found: list[ast.expr] = []
    for node in ast.walk(scope) if scope is not None else ():
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=target)], value=value)
                | ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value)
            ) if target == name and name not in _names(value):
                found.append(value)
            case ast.comprehension(target=ast.Name(id=target), iter=ast.Name(id=many)) if (
                target == name
            ):
                found += _assigned(source, many, near)
    return found
