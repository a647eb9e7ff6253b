"""Attacks by multiplication: every kernel in every position of the grammar.

`slots` lists from the grammar's own description where a node may hold another; `filled` says which of them a position
fills; `products` multiplies. A product is an attack only once the server itself has run it and it did harm: see
`attempt.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from postgast.pg_query_pb2 import DESCRIPTOR

from proxy.sql.facts import Unreadable
from proxy.sql.node_effects import LEAVES, WALKED
from proxy.sql.witness_pg_tree import SLOTS, Node, parse
from tests.redteam.kernels import CHANGES, EXPRESSIONS, OPERATORS, QUERIES, TYPES, Hole, Kernel
from tests.redteam.positions import ELSEWHERE, POSITIONS, STATEMENTS

Slot = tuple[str, str]
"""A node of the grammar and a field of it that holds nodes."""

_WRAPPERS: Final = {
    Hole.INT: "(CASE WHEN ({}) IS NULL THEN 1 ELSE 1 END)",
    Hole.BOOL: "((({}) IS NULL) IS NOT NULL)",
    Hole.TEXT: "(CASE WHEN ({}) IS NULL THEN 'a' ELSE 'a' END)",
}
"""What makes any expression one of a type, and lets it run."""

_KERNELS: Final = {
    Hole.TYPE: TYPES,
    Hole.OPERATOR: OPERATORS,
    Hole.CHANGE: CHANGES,
    Hole.QUERY: QUERIES,
}
_MARKS: Final = {
    Hole.TYPE: Kernel("marked", Hole.TYPE, "", "1"),
    Hole.OPERATOR: Kernel("OPERATOR(marked.+)", Hole.OPERATOR, ""),
    Hole.CHANGE: Kernel("DELETE FROM marked RETURNING 1 AS n", Hole.CHANGE, ""),
    Hole.QUERY: Kernel("SELECT marked()", Hole.QUERY, ""),
}
_HARMLESS: Final = {
    Hole.INT: Kernel("abs(1)", Hole.INT, ""),
    Hole.BOOL: Kernel("(abs(1) = 1)", Hole.BOOL, ""),
    Hole.TEXT: Kernel("lower('A')", Hole.TEXT, ""),
    Hole.QUERY: Kernel("SELECT abs(id) FROM one", Hole.QUERY, ""),
    Hole.TYPE: Kernel("int4", Hole.TYPE, "", "1"),
    Hole.OPERATOR: Kernel("OPERATOR(pg_catalog.<)", Hole.OPERATOR, ""),
    Hole.CHANGE: Kernel(
        "INSERT INTO interlock.recommendation (model, model_version, batch_id, entity, action)"
        " VALUES ('m', '1', 'b', 'e', 'a') RETURNING 1 AS n",
        Hole.CHANGE,
        "",
    ),
}


@dataclass(frozen=True, slots=True)
class Product:
    """One kernel in one position."""

    kernel: Kernel
    position: tuple[str, ...]
    steps: tuple[str, ...]
    """Statements, sent one after the other."""


def hole_of(position: tuple[str, ...]) -> Hole:
    """Tell what a position takes. Raises ValueError where it takes nothing, or several kinds."""
    (hole,) = (hole for hole in Hole if any(f"@{hole}@" in step for step in position))
    return hole


def fill(position: tuple[str, ...], kernel: Kernel) -> tuple[str, ...]:
    """Put a kernel into a position, wrapped where it gives another type."""
    hole = hole_of(position)
    text = kernel.text
    if hole in _WRAPPERS:
        if kernel.hole is Hole.QUERY:
            text = f"({text})"
        text = f"({text})" if kernel.hole is hole else _WRAPPERS[hole].format(text)
    return tuple(step.replace(f"@{hole}@", text).replace("@value@", kernel.value) for step in position)


def products() -> Iterator[Product]:
    """Give every kernel in every position that takes it, in a fixed order."""
    for position in POSITIONS:
        for kernel in _KERNELS.get(hole_of(position), (*EXPRESSIONS, *QUERIES)):
            yield Product(kernel, position, fill(position, kernel))


def harmless(position: tuple[str, ...]) -> tuple[str, ...]:
    """Fill a position with what does no harm."""
    return fill(position, _HARMLESS[hole_of(position)])


# Slots of the grammar


def slots() -> frozenset[Slot]:
    """Give each field that holds nodes, of each node that a statement open to a model may hold.

    Source: the descriptor of libpg_query's contract, which is made from PostgreSQL's headers.
    """
    return frozenset(
        (kind, field.json_name)
        for kind in (WALKED | LEAVES | STATEMENTS) - ELSEWHERE.keys()
        for field in DESCRIPTOR.message_types_by_name[kind].fields
        if field.message_type is not None and field.name != "xpr"  # C's base struct, always empty
    )


def filled(position: tuple[str, ...]) -> frozenset[Slot]:
    """Give the slots on the way from the top of a position's statements down to its hole."""
    hole = hole_of(position)
    mark = _MARKS.get(hole, Kernel("marked()", hole, ""))
    found: set[Slot] = set()
    for step in fill(position, mark):
        parsed = parse(step)
        if isinstance(parsed, Unreadable):
            raise ValueError(f"{parsed.because}: {step}")  # noqa: TRY004 - the text is at fault, not a type
        for statement in parsed:
            _mark(("RawStmt", statement), found)
    return frozenset(found)


def _mark(node: tuple[str, Node], found: set[Slot]) -> bool:
    """Add the slots of a node that lead to the mark; tell whether any does."""
    kind, fields = node
    if _is_marked(kind, fields):
        return True
    hit = False
    for field, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                bare = SLOTS.get(kind, {}).get(field)
                inner = [(bare, item)] if bare is not None else list(item.items())
                marked = [_mark(each, found) for each in inner if isinstance(each[1], dict)]
                if any(marked):
                    found.add((kind, field))
                    hit = True
    return hit


def _is_marked(kind: str, fields: Node) -> bool:
    return (kind == "String" and fields.get("sval") == "marked") or (
        kind == "RangeVar" and fields.get("relname") == "marked"
    )
