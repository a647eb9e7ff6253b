"""Readings of the statements that live in a session: settings, transactions, cursors, prepared statements, EXPLAIN."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from proxy.sql.facts import TO_DEFAULT, Act, Effect, Modifier, Target, TargetKind
from proxy.sql.node_effects import TRANSACTION_TAGS
from proxy.sql.witness_pg_tree import Node, constant, cut, has_argument, option
from proxy.sql.witness_pg_walk import NOWHERE, NotUnderstood, Scope, Walk

Reader = Callable[[Walk, Node, Scope], None]

_ROLE_SETTINGS: Final = frozenset({"role", "session_authorization"})
_HOLD: Final = 0x0020
"""CURSOR_OPT_HOLD of parsenodes.h."""


def _settings(node: Node, effect: Effect) -> list[Act]:
    """Read a SET or RESET as one act for each setting."""
    kind, name = node.get("kind"), node.get("name", "")
    modifiers = frozenset({Modifier.LOCAL}) if node.get("is_local") else frozenset()

    def act(setting: str, value: str | None) -> Act:
        target = Target(kind=TargetKind.SETTING, name=setting.lower())
        return Act(effect=effect, target=target, modifiers=modifiers, value=value)

    given = node.get("args", [])
    if kind == "VAR_RESET_ALL":
        return [act("all", None)]
    if kind in ("VAR_RESET", "VAR_SET_DEFAULT"):
        return [act(name, TO_DEFAULT)]
    if kind != "VAR_SET_MULTI":
        return [act(name, constant(given[0]) if len(given) == 1 else None)]
    if name == "TRANSACTION SNAPSHOT":
        return [act("transaction_snapshot", constant(given[0]) if given else None)]
    prefix = "default_" if name == "SESSION CHARACTERISTICS" else ""
    acts = []
    for item in given:
        element = item.get("DefElem", {})
        value = constant(element.get("arg", {}))
        if "A_Const" in element.get("arg", {}) and "ival" in element["arg"]["A_Const"]:
            value = "off" if value == "0" else "on"
        acts.append(act(prefix + element.get("defname", ""), value))
    return acts


def _set(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or ("RESET" if str(node.get("kind")).startswith("VAR_RESET") else "SET")
    if scope is None:
        return  # a definition's own setting: ALTER ROLE ... SET, CREATE FUNCTION ... SET
    walk.literal_bound = walk.literal_bound or "args" in node
    for act in _settings(node, Effect.SET):
        if act.target is not None and act.target.name in _ROLE_SETTINGS:
            role = "" if act.value in (None, TO_DEFAULT) else cut(act.value)
            target = Target(kind=TargetKind.ROLE, name=role)
            walk.act(Effect.ROLE_CHANGE, target, act.modifiers)
        else:
            walk.act(act.effect, act.target, act.modifiers, act.value)


def _alter_system(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or "ALTER SYSTEM"
    for act in _settings(node.get("setstmt", {}), Effect.SYSTEM_SETTING):
        walk.act(act.effect, act.target)


def _transaction(walk: Walk, node: Node, _: Scope) -> None:
    kind = node.get("kind", "")
    if kind not in TRANSACTION_TAGS:
        raise NotUnderstood(kind)
    tag, effect = TRANSACTION_TAGS[kind]
    walk.tag = walk.tag or tag
    walk.act(effect)


def _declare(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or "DECLARE CURSOR"
    target = Target(kind=TargetKind.CURSOR, name=cut(node.get("portalname", "")))
    walk.act(Effect.CURSOR, target, {Modifier.WITH_HOLD} if node.get("options", 0) & _HOLD else ())
    walk.push(node.get("query"), scope or NOWHERE)


def _fetch(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or ("MOVE" if node.get("ismove") else "FETCH")
    walk.act(Effect.CURSOR, Target(kind=TargetKind.CURSOR, name=cut(node.get("portalname", ""))))


def _prepared(kind: str, tag: str) -> Reader:
    """PREPARE and EXECUTE: what they carry runs in the session, so names and types count."""

    def read(walk: Walk, node: Node, scope: Scope) -> None:
        walk.tag = walk.tag or tag
        walk.act(Effect.PREPARE, Target(kind=TargetKind.PREPARED, name=cut(node.get("name", ""))))
        walk.push_fields(kind, node, scope or NOWHERE)

    return read


def _explain(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or "EXPLAIN"
    options = node.get("options", [])
    walk.literal_bound = walk.literal_bound or has_argument(options, "analyze")
    walk.act(Effect.EXPLAIN, None, {Modifier.ANALYZE} if option(options, "analyze") else ())
    walk.push(node.get("query"), scope or NOWHERE)


SESSION_READERS: Final[Mapping[str, Reader]] = {
    "VariableSetStmt": _set,
    "AlterSystemStmt": _alter_system,
    "TransactionStmt": _transaction,
    "DeclareCursorStmt": _declare,
    "FetchStmt": _fetch,
    "PrepareStmt": _prepared("PrepareStmt", "PREPARE"),
    "ExecuteStmt": _prepared("ExecuteStmt", "EXECUTE"),
    "ExplainStmt": _explain,
}
"""Readers of the statements of a session."""
