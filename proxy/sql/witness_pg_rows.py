"""Readings of the statements that touch rows: SELECT, INSERT, UPDATE, DELETE, MERGE, and their CTEs and locks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from proxy.sql.facts import Effect, Modifier
from proxy.sql.witness_pg_tree import Node, cut, relation, temporary
from proxy.sql.witness_pg_walk import NOWHERE, Scope, Sight, Walk
from proxy.sql.witness_pg_where import judge_where

_UNBOUNDED: Final = frozenset({Modifier.UNBOUNDED})


def _with(walk: Walk, node: Node, scope: Scope) -> Sight:
    """Leave a statement's CTEs to be walked, and give the names that the statement itself sees.

    As in parse_cte.c: under RECURSIVE each sees all of its siblings, otherwise only those before it.
    """
    seen = NOWHERE if scope is None else scope
    clause = node.get("withClause")
    if clause is None:
        return seen
    ctes = [item["CommonTableExpr"] for item in clause.get("ctes", [])]
    places: dict[str, int] = {}
    for place, cte in enumerate(ctes):
        places.setdefault(cte.get("ctename", ""), place)
    everything = Sight(places, len(ctes), seen)
    for place, cte in enumerate(ctes):
        walk.push_fields("CommonTableExpr", cte, everything if clause.get("recursive") else Sight(places, place, seen))
    return everything


def _from_items(select: Node) -> Iterator[tuple[str, str, Node]]:
    """Give what stands in FROM, joins opened: alias, kind, node."""
    stack = [entry for item in reversed(select.get("fromClause", [])) for entry in item.items()]
    while stack:
        kind, node = stack.pop()
        match kind:
            case "JoinExpr":
                for side in ("rarg", "larg"):
                    stack.extend(node.get(side, {}).items())
            case "RangeTableSample":
                stack.extend(node.get("relation", {}).items())
            case _:
                yield node.get("alias", {}).get("aliasname") or node.get("relname", ""), kind, node


def _mark_locked(walk: Walk, select: Node) -> None:
    """Mark the relations that a SELECT's locking clauses lock, also those of the sub-selects in its FROM."""
    for item in select.get("lockingClause", []):
        names = {named["RangeVar"].get("relname") for named in item["LockingClause"].get("lockedRels", [])}
        stack: list[tuple[Node, set[str | None]]] = [(select, names)]
        while stack:
            inner, wanted = stack.pop()
            stack.extend((inner[side], wanted) for side in ("larg", "rarg") if side in inner)
            for alias, kind, node in _from_items(inner):
                if wanted and alias not in wanted:
                    continue
                if kind == "RangeVar":
                    walk.locked.add(id(node))
                elif kind == "RangeSubselect":
                    stack.append((node.get("subquery", {}).get("SelectStmt", {}), set()))


def _select(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or ("SELECT INTO" if "intoClause" in node else "SELECT")
    walk.reads = True
    _query(walk, node, scope)


def _query(walk: Walk, node: Node, scope: Scope) -> None:
    if "intoClause" in node:
        into = node["intoClause"].get("rel", {})
        walk.act(Effect.CREATE, relation(into), temporary(into))
    if "lockingClause" in node:
        _mark_locked(walk, node)
    seen = _with(walk, node, scope)
    walk.push_fields("SelectStmt", node, seen, without=("withClause",))


def _assign(walk: Walk, node: Node) -> None:
    """Note the columns that a target list assigns."""
    walk.assigned.update(cut(item["ResTarget"].get("name", "")) for item in node.get("targetList", []))


def _insert(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or "INSERT"
    target = relation(node.get("relation", {}))
    if node.get("onConflictClause", {}).get("action") == "ONCONFLICT_UPDATE":
        walk.act(Effect.INSERT, target, {Modifier.ON_CONFLICT_UPDATE})
        walk.act(Effect.UPDATE, target)
        _assign(walk, node["onConflictClause"])
    else:
        walk.act(Effect.INSERT, target)
    seen = _with(walk, node, scope)
    source = node.get("selectStmt", {}).get("SelectStmt", {})
    without: tuple[str, ...] = ("relation", "withClause")
    if "valuesLists" in source:
        # VALUES is the rows themselves, not a query that reads something.
        without = (*without, "selectStmt")
        _query(walk, source, seen)
    walk.push_fields("InsertStmt", node, seen, without=without)


def _update(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or "UPDATE"
    _changed(walk, "UpdateStmt", Effect.UPDATE, node, scope)


def _delete(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or "DELETE"
    _changed(walk, "DeleteStmt", Effect.DELETE, node, scope)


def _changed(walk: Walk, kind: str, effect: Effect, node: Node, scope: Scope) -> None:
    unbounded, by_constant = judge_where(node.get("whereClause"))
    walk.literal_bound = walk.literal_bound or by_constant
    walk.act(effect, relation(node.get("relation", {})), _UNBOUNDED if unbounded else ())
    _assign(walk, node)
    walk.push_fields(kind, node, _with(walk, node, scope), without=("relation", "withClause"))


def _merge(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or "MERGE"
    target = relation(node.get("relation", {}))
    walk.act(Effect.MERGE, target)
    loose, by_constant = judge_where(node.get("joinCondition"))
    walk.literal_bound = walk.literal_bound or by_constant
    for item in node.get("mergeWhenClauses", []):
        branch = item["MergeWhenClause"]
        unconditional, by_constant = judge_where(branch.get("condition"))
        walk.literal_bound = walk.literal_bound or by_constant
        # Not matched by the source is whatever the join leaves over, so only its own condition bounds it.
        bounded = not unconditional or not (loose or branch.get("matchKind") == "MERGE_WHEN_NOT_MATCHED_BY_SOURCE")
        match branch.get("commandType"):
            case "CMD_INSERT":
                walk.act(Effect.INSERT, target)
            case "CMD_UPDATE":
                walk.act(Effect.UPDATE, target, () if bounded else _UNBOUNDED)
                _assign(walk, branch)
            case "CMD_DELETE":
                walk.act(Effect.DELETE, target, () if bounded else _UNBOUNDED)
            case _:
                pass  # DO NOTHING
    walk.push_fields("MergeStmt", node, _with(walk, node, scope), without=("relation", "withClause"))


ROW_READERS: Final[Mapping[str, Callable[[Walk, Node, Scope], None]]] = {
    "SelectStmt": _select,
    "InsertStmt": _insert,
    "UpdateStmt": _update,
    "DeleteStmt": _delete,
    "MergeStmt": _merge,
}
"""Readers of the statements that touch rows."""
