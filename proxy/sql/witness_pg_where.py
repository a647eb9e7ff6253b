"""Whether a WHERE clause bounds what an UPDATE or DELETE touches. Iterative, so any depth that was parsed is read.

Not a prover: it knows a clause that is missing, one that looks at no column, and a boolean tree whose leaves over
constants make it true. What it misses is caught by counting rows, not by more of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from proxy.sql.witness_pg_tree import Node, children, dotted

_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda a, b: bool(a == b),
    "<>": lambda a, b: bool(a != b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


_KEPT_BY_CAST: Final[Mapping[str, frozenset[str]]] = {
    "ival": frozenset({"int2", "int4", "int8", "numeric"}),
    "boolval": frozenset({"bool"}),
    "sval": frozenset({"text"}),
}
"""Kinds of constants, and types that a cast of one to leaves it as it is."""


class _Either:
    """The value of what hangs on a cast: whichever makes the clause let more rows through."""


_EITHER: Final = _Either()
_Truth = bool | _Either | None
_Scalar = bool | int | str | _Either | None


def looks_at_columns(clause: Node | None) -> bool:
    """Tell whether an expression refers to any column, or to the row of a cursor."""
    stack = list((clause or {}).items())
    while stack:
        kind, node = stack.pop()
        if kind in ("ColumnRef", "CurrentOfExpr"):
            return True
        stack.extend(children(kind, node))
    return False


def judge_where(clause: Node | None) -> tuple[bool, bool]:
    """Say whether a WHERE clause (wrapped node or None) is unbounded, and whether a constant's value decided that."""
    if not clause:
        return True, False
    truth, by_constant = _truth(clause)
    # A clause without any column takes all rows or none; which, may hang on a value that is only bound later.
    return truth is True or truth is _EITHER or not looks_at_columns(clause), by_constant


def _truth(clause: Node) -> tuple[_Truth, bool]:
    """Value of a boolean tree as far as constants decide it, and whether any leaf is without columns."""
    by_constant = False
    values: list[_Truth] = []
    work: list[tuple[str, Node, bool]] = [(kind, node, False) for kind, node in clause.items()]
    while work:
        kind, node, is_done = work.pop()
        if kind != "BoolExpr":
            value, is_constant = _leaf(kind, node)
            by_constant = by_constant or is_constant
            values.append(value)
            continue
        arguments = node.get("args", [])
        if not is_done:
            work.append((kind, node, True))
            work.extend((k, n, False) for argument in arguments for k, n in argument.items())
            continue
        inner = [values.pop() for _ in arguments]
        values.append(_combine(node.get("boolop", ""), inner))
    return (values[0] if values else None), by_constant


def _combine(operation: str, inner: list[_Truth]) -> _Truth:
    match operation:
        case "NOT_EXPR":
            return not inner[0] if isinstance(inner[0], bool) else inner[0]
        case "OR_EXPR":
            return next((value for value in (True, _EITHER, None) if value in inner), False)
        case "AND_EXPR":
            return next((value for value in (False, None, _EITHER) if value in inner), True)
        case _:
            return None


def _leaf(kind: str, node: Node) -> tuple[_Truth, bool]:
    """Value of one leaf where it is plain to see, and whether it is without columns."""
    if looks_at_columns({kind: node}):
        return (_same_column(node) if kind == "A_Expr" else None), False
    if kind == "A_Expr" and node.get("kind") == "AEXPR_OP":
        names = [part.get("String", {}).get("sval") for part in node.get("name", [])]
        compare = _COMPARISONS.get(names[-1] or "") if len(names) == 1 else None
        left, right = _scalar(node.get("lexpr")), _scalar(node.get("rexpr"))
        if compare is not None and left is not None and right is not None:
            if _EITHER in (left, right):
                return _EITHER, True
            if type(left) is type(right):
                return compare(left, right), True
    scalar = _scalar({kind: node})
    return (scalar if isinstance(scalar, bool | _Either) else None), True


def _same_column(node: Node) -> bool | None:
    """`id = id` holds for every row that has an id."""
    names = [part.get("String", {}).get("sval") for part in node.get("name", [])]
    if names not in (["="], [">="], ["<="]) or node.get("kind") not in ("AEXPR_OP", "AEXPR_NOT_DISTINCT"):
        return None
    left, right = node.get("lexpr", {}).get("ColumnRef"), node.get("rexpr", {}).get("ColumnRef")
    return True if left and right and left.get("fields") == right.get("fields") else None


def _scalar(wrapped: Node | None) -> _Scalar:
    """Give a constant's value; _EITHER where a cast may make something else of it, None where there is no constant."""
    wrapped = wrapped or {}
    casts: list[Node] = []
    while "TypeCast" in wrapped:
        casts.append(wrapped["TypeCast"].get("typeName", {}))
        wrapped = wrapped["TypeCast"].get("arg", {})
    found: bool | int | str
    match wrapped.get("A_Const"):
        case {"ival": dict(value)}:
            kind, found = "ival", int(value.get("ival", 0))
        case {"sval": dict(value)}:
            kind, found = "sval", str(value.get("sval", ""))
        case {"boolval": dict(value)}:
            kind, found = "boolval", bool(value.get("boolval"))
        case {"isnull": True} | None:
            return None
        case _:
            return _EITHER if casts else None
    return found if all(_keeps(cast, kind) for cast in casts) else _EITHER


def _keeps(type_name: Node, kind: str) -> bool:
    """Tell whether a cast leaves a constant of a kind as it is: the type is wide enough, and bare."""
    schema, name = dotted(type_name.get("names", []))
    bare = not type_name.keys() & {"typmods", "arrayBounds", "setof", "pct_type"}
    return bare and schema in (None, "pg_catalog") and name in _KEPT_BY_CAST[kind]
