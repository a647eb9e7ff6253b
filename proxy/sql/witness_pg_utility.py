"""Readings of PostgreSQL's other statements: definitions, privileges, COPY, CALL, locks, maintenance.

What a definition carries (a view's query, a rule's actions, a default) is walked too: its effects stand beside the
definition's own, for it is a loaded gun. Only the bare names in it are neither read nor run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from proxy.sql.facts import Effect, Modifier, Target, TargetKind
from proxy.sql.node_effects import DEFINITIONS, OBJECT_TYPES, ON_A_RELATION
from proxy.sql.witness_pg_tree import (
    Node,
    cut,
    dotted,
    has_argument,
    named,
    option,
    relation,
    role,
    strings,
    temporary,
)
from proxy.sql.witness_pg_walk import NOWHERE, NotUnderstood, Scope, Walk

Reader = Callable[[Walk, Node, Scope], None]


def _cascade(node: Node) -> frozenset[Modifier]:
    return frozenset({Modifier.CASCADE}) if node.get("behavior") == "DROP_CASCADE" else frozenset()


def _definition(kind: str) -> Reader:
    definition = DEFINITIONS[kind]

    def read(walk: Walk, node: Node, _: Scope) -> None:
        walk.tag = walk.tag or definition.tag
        value = node.get(definition.field) if definition.field else None
        modifiers = set(_cascade(node))
        if isinstance(value, dict):
            modifiers |= temporary(value)
        target = named(definition.kind, value) if definition.field else None
        walk.act(definition.effect, target, modifiers)
        walk.push_fields(kind, node, None)

    return read


def _objects(kind: str, value: Node) -> tuple[Target, Target | None]:
    """Read one object of a DROP, COMMENT or ALTER; with the relation that it hangs on, where it hangs on one."""
    _, target_kind = OBJECT_TYPES.get(kind, ("", TargetKind.OTHER))
    names = strings(value["List"].get("items", [])) if "List" in value else []
    if kind in ON_A_RELATION and len(names) > 1:
        schema = cut(names[-3]) if len(names) > 2 else None
        table = Target(kind=TargetKind.RELATION, schema=schema, name=cut(names[-2]))
        if target_kind is TargetKind.RELATION:
            return table, None
        return Target(kind=target_kind, schema=schema, name=cut(names[-1])), table
    if kind in ("OBJECT_DOMCONSTRAINT", "OBJECT_OPCLASS", "OBJECT_OPFAMILY", "OBJECT_TRANSFORM") and "List" in value:
        # A list of unlike parts: a type and a name, or an access method and a name.
        items = value["List"].get("items", [])
        return named(target_kind, items[0] if kind == "OBJECT_DOMCONSTRAINT" else items[1:]), None
    return named(target_kind, value), None


def _words(kind: str) -> str:
    if kind not in OBJECT_TYPES:
        raise NotUnderstood(kind)
    return OBJECT_TYPES[kind][0]


def _drop(walk: Walk, node: Node, _: Scope) -> None:
    kind = node.get("removeType", "")
    walk.tag = walk.tag or f"DROP {_words(kind)}"
    modifiers = set(_cascade(node))
    if node.get("concurrent"):
        modifiers.add(Modifier.CONCURRENTLY)
    for value in node.get("objects", []):
        target, table = _objects(kind, value)
        walk.act(Effect.DROP, target, modifiers)
        if table is not None:
            walk.act(Effect.ALTER, table)


def _drop_roles(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or "DROP ROLE"
    for value in node.get("roles", []):
        walk.act(Effect.DROP, named(TargetKind.ROLE, value))


def _said_of(effect: Effect, tag: str) -> Reader:
    def read(walk: Walk, node: Node, _: Scope) -> None:
        walk.tag = walk.tag or tag
        target, table = _objects(node.get("objtype", ""), node.get("object", {}))
        walk.act(effect, table or target)

    return read


def _altered(field: str) -> Reader:
    """RENAME, SET SCHEMA, OWNER TO, DEPENDS ON: one object of the type that a field names."""

    def read(walk: Walk, node: Node, _: Scope) -> None:
        kind = node.get(field, "")
        if kind in ("OBJECT_COLUMN", "OBJECT_ATTRIBUTE") and "relationType" in node:
            kind = node["relationType"]
        walk.tag = walk.tag or f"ALTER {_words(kind)}"
        hung = node.get("relation")
        if hung is not None:
            walk.act(Effect.ALTER, relation(hung), _cascade(node))
            if OBJECT_TYPES[kind][1] is TargetKind.OTHER:
                walk.act(Effect.ALTER, Target(kind=TargetKind.OTHER, name=cut(node.get("subname", ""))))
        elif "object" in node:
            walk.act(Effect.ALTER, _objects(kind, node["object"])[0], _cascade(node))
        else:
            walk.act(Effect.ALTER, named(OBJECT_TYPES[kind][1], node.get("subname", "")), _cascade(node))

    return read


def _alter_table(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or f"ALTER {_words(node.get('objtype', 'OBJECT_TABLE'))}"
    target = relation(node.get("relation", {}))
    commands = [item["AlterTableCmd"] for item in node.get("cmds", [])]
    cascade: frozenset[Modifier] = frozenset().union(*(_cascade(command) for command in commands))
    walk.act(Effect.ALTER, target, cascade)
    for command in commands:
        partition = command.get("def", {}).get("PartitionCmd")
        if partition is not None:
            walk.act(Effect.ALTER, relation(partition.get("name", {})))
    walk.push_fields("AlterTableStmt", node, None)


def _on_table(tag: str, kind: str, name: str, table: str, effect: Effect = Effect.CREATE) -> Reader:
    """CREATE and ALTER of what hangs on a relation and changes what it does: trigger, rule, policy."""

    def read(walk: Walk, node: Node, _: Scope) -> None:
        walk.tag = walk.tag or tag
        hung = relation(node.get(table, {}))
        walk.act(effect, Target(kind=TargetKind.OTHER, schema=hung.schema, name=cut(node.get(name, ""))))
        walk.act(Effect.ALTER, hung)
        walk.push_fields(kind, node, None)

    return read


def _index(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or "CREATE INDEX"
    schema = relation(node.get("relation", {})).schema
    target = Target(kind=TargetKind.RELATION, schema=schema, name=cut(node.get("idxname", "")))
    walk.act(Effect.CREATE, target, {Modifier.CONCURRENTLY} if node.get("concurrent") else ())
    walk.push_fields("IndexStmt", node, None)


def _define(walk: Walk, node: Node, _: Scope) -> None:
    kind = node.get("kind", "")
    walk.tag = walk.tag or f"CREATE {_words(kind)}"
    walk.act(Effect.CREATE, named(OBJECT_TYPES[kind][1], node.get("defnames", [])))
    walk.push_fields("DefineStmt", node, None)


def _create_function(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or ("CREATE PROCEDURE" if node.get("is_procedure") else "CREATE FUNCTION")
    walk.act(Effect.CREATE, named(TargetKind.FUNCTION, node.get("funcname", [])))
    walk.push_fields("CreateFunctionStmt", node, None)


def _alter_function(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or f"ALTER {_words(node.get('objtype', 'OBJECT_FUNCTION'))}"
    walk.act(Effect.ALTER, named(TargetKind.FUNCTION, node.get("func")))
    walk.push_fields("AlterFunctionStmt", node, None)


def _create_foreign_table(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or "CREATE FOREIGN TABLE"
    walk.push_fields("CreateForeignTableStmt", node, None)


def _create_table_as(walk: Walk, node: Node, scope: Scope) -> None:
    is_view = node.get("objtype") == "OBJECT_MATVIEW"
    walk.tag = walk.tag or ("CREATE MATERIALIZED VIEW" if is_view else "CREATE TABLE AS")
    into = node.get("into", {}).get("rel", {})
    walk.act(Effect.CREATE, relation(into), temporary(into))
    walk.push_fields("CreateTableAsStmt", node, scope or NOWHERE)


def _truncate(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or "TRUNCATE TABLE"
    modifiers = set(_cascade(node))
    if node.get("restart_seqs"):
        modifiers.add(Modifier.RESTART_IDENTITY)
    for value in node.get("relations", []):
        walk.act(Effect.TRUNCATE, named(TargetKind.RELATION, value), modifiers)


def _copy(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or "COPY"
    rows = relation(node["relation"]) if "relation" in node else None
    if node.get("is_program") or "filename" in node:
        # The name is a literal of the text.
        walk.literal_bound = True
        is_program = bool(node.get("is_program"))
        effect = Effect.COPY_PROGRAM if is_program else Effect.COPY_FILE
        kind = TargetKind.PROGRAM if is_program else TargetKind.FILE
        walk.act(effect, Target(kind=kind, name=node.get("filename", "")))
        if rows is not None:
            walk.act(effect, rows)
    else:
        walk.act(Effect.COPY_IN if node.get("is_from") else Effect.COPY_OUT, rows)
    walk.push_fields("CopyStmt", node, scope or NOWHERE, without=("relation",))


def _grant(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or ("GRANT" if node.get("is_grant") else "REVOKE")
    in_schema = node.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA"
    kind = OBJECT_TYPES.get(node.get("objtype", ""), ("", TargetKind.OTHER))[1]
    objects = node.get("objects", [])
    for value in objects:
        walk.act(Effect.GRANT, named(TargetKind.SCHEMA if in_schema else kind, value), _cascade(node))
    if not objects:
        walk.act(Effect.GRANT, None, _cascade(node))


def _grant_role(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or ("GRANT ROLE" if node.get("is_grant") else "REVOKE ROLE")
    for value in node.get("granted_roles", []):
        name = cut(value.get("AccessPriv", {}).get("priv_name", ""))
        walk.act(Effect.GRANT, Target(kind=TargetKind.ROLE, name=name), _cascade(node))


def _lock(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or "LOCK TABLE"
    for value in node.get("relations", []):
        walk.act(Effect.LOCK, named(TargetKind.RELATION, value))


def _call(walk: Walk, node: Node, scope: Scope) -> None:
    walk.tag = walk.tag or "CALL"
    function = node.get("funccall", {})
    schema, name = dotted(function.get("funcname", []))
    walk.act(Effect.CALL, Target(kind=TargetKind.FUNCTION, schema=schema, name=name))
    walk.push_fields("FuncCall", function, scope or NOWHERE)


def _load(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or "LOAD"
    walk.literal_bound = True
    walk.act(Effect.LOAD, Target(kind=TargetKind.FILE, name=node.get("filename", "")))


def _maintain(tag: str, *fields: str) -> Reader:
    def read(walk: Walk, node: Node, _: Scope) -> None:
        analyzes = tag == "VACUUM" and not node.get("is_vacuumcmd")
        walk.tag = walk.tag or ("ANALYZE" if analyzes else tag)
        options = node.get("params", [])
        walk.literal_bound = walk.literal_bound or has_argument(options, "concurrently")
        concurrent = node.get("concurrent") or option(options, "concurrently")
        modifiers = {Modifier.CONCURRENTLY} if concurrent else set()
        given = [node[field] for field in fields if field in node]
        given.extend(item.get("VacuumRelation", {}).get("relation", {}) for item in node.get("rels", []))
        wide = TargetKind.SCHEMA if node.get("kind") == "REINDEX_OBJECT_SCHEMA" else TargetKind.DATABASE
        for value in given:
            walk.act(Effect.MAINTAIN, named(TargetKind.RELATION if isinstance(value, dict) else wide, value), modifiers)
        if not given:
            walk.act(Effect.MAINTAIN, None, modifiers)

    return read


def _drop_owned(walk: Walk, node: Node, _: Scope) -> None:
    walk.tag = walk.tag or "DROP OWNED"
    for value in node.get("roles", []):
        walk.act(Effect.DROP, Target(kind=TargetKind.OTHER, name=""), _cascade(node))
        walk.act(Effect.DROP, Target(kind=TargetKind.ROLE, name=role(value.get("RoleSpec", {}))), _cascade(node))


def _raw(walk: Walk, node: Node, scope: Scope) -> None:
    walk.push(node.get("stmt"), scope)


UTILITY_READERS: Final[Mapping[str, Reader]] = {
    **{kind: _definition(kind) for kind in DEFINITIONS},
    "RawStmt": _raw,
    "DropStmt": _drop,
    "DropRoleStmt": _drop_roles,
    "DropOwnedStmt": _drop_owned,
    "CommentStmt": _said_of(Effect.COMMENT, "COMMENT"),
    "SecLabelStmt": _said_of(Effect.SECURITY_LABEL, "SECURITY LABEL"),
    "RenameStmt": _altered("renameType"),
    "AlterObjectDependsStmt": _altered("objectType"),
    "AlterObjectSchemaStmt": _altered("objectType"),
    "AlterOwnerStmt": _altered("objectType"),
    "AlterTableStmt": _alter_table,
    "AlterFunctionStmt": _alter_function,
    "AlterPolicyStmt": _on_table("ALTER POLICY", "AlterPolicyStmt", "policy_name", "table", Effect.ALTER),
    "CreatePolicyStmt": _on_table("CREATE POLICY", "CreatePolicyStmt", "policy_name", "table"),
    "CreateTrigStmt": _on_table("CREATE TRIGGER", "CreateTrigStmt", "trigname", "relation"),
    "RuleStmt": _on_table("CREATE RULE", "RuleStmt", "rulename", "relation"),
    "IndexStmt": _index,
    "DefineStmt": _define,
    "CreateFunctionStmt": _create_function,
    "CreateForeignTableStmt": _create_foreign_table,
    "CreateTableAsStmt": _create_table_as,
    "TruncateStmt": _truncate,
    "CopyStmt": _copy,
    "GrantStmt": _grant,
    "GrantRoleStmt": _grant_role,
    "LockStmt": _lock,
    "CallStmt": _call,
    "LoadStmt": _load,
    "VacuumStmt": _maintain("VACUUM"),
    "ClusterStmt": _maintain("CLUSTER", "relation"),
    "ReindexStmt": _maintain("REINDEX", "relation", "name"),
    "RefreshMatViewStmt": _maintain("REFRESH MATERIALIZED VIEW", "relation"),
}
"""Readers of all statements that do not touch rows themselves."""
