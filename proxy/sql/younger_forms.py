"""Forms of PostgreSQL 18's grammar that look like a call, and that a server older than the form takes for one. Pure.

There `json_value(a, b)` may be a function of users. Forms that no call can look like, such as JSON_TABLE with its
COLUMNS, are syntax errors on older servers.
Source: the release notes of PostgreSQL 16 and 17; gram.y, func_expr_common_subexpr and json_aggregate_func.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SINCE: Final[Mapping[str, int]] = {
    "json_array": 16,
    "json_arrayagg": 16,
    "json_object": 16,
    "json_objectagg": 16,
    "json": 17,
    "json_exists": 17,
    "json_query": 17,
    "json_scalar": 17,
    "json_serialize": 17,
    "json_value": 17,
    "merge_action": 17,
}
"""By the name that an older server would look up: the major version that brought the form."""

KINDS: Final[Mapping[str, str]] = {
    "JsonArrayAgg": "json_arrayagg",
    "JsonArrayConstructor": "json_array",
    "JsonArrayQueryConstructor": "json_array",
    "JsonFuncExpr": "",
    "JsonObjectAgg": "json_objectagg",
    "JsonObjectConstructor": "json_object",
    "JsonParseExpr": "json",
    "JsonScalarExpr": "json_scalar",
    "JsonSerializeExpr": "json_serialize",
    "MergeSupportFunc": "merge_action",
}
"""Kinds of nodes, and the name that the form is written with; empty: its operation says."""


def form_of(kind: str, node: Mapping[str, Any]) -> str:
    """Give the name that a form is written with."""
    return KINDS[kind] or str(node.get("op", "")).removesuffix("_OP").lower()
