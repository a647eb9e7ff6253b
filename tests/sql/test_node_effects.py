"""The table of grammar nodes is complete: held against the node list of PostgreSQL 18's own contract."""

from __future__ import annotations

from collections import Counter

import pytest
from postgast.pg_query_pb2 import DESCRIPTOR, Node

from proxy.sql.facts import Effect, Modifier
from proxy.sql.node_effects import ANALYZED, LEAVES, OBJECT_TYPES, STATEMENT_EFFECTS, TRANSACTION_TAGS, WALKED
from proxy.sql.witness_pg import READERS
from tests.sql.shorthand import read_one

NODES = frozenset(field.message_type.name for field in Node.DESCRIPTOR.fields)


def test_every_node_of_the_grammar_is_mapped_exactly_once() -> None:
    """Each node that the contract names stands in one of the four sets, and the sets name nothing else."""
    placed = Counter([*STATEMENT_EFFECTS, *LEAVES, *WALKED, *ANALYZED])
    assert dict.fromkeys(NODES, 1) == dict(placed)


def test_every_statement_has_a_reader() -> None:
    """A statement in the table is read by name, and only nodes of a raw parse tree are read at all."""
    assert STATEMENT_EFFECTS.keys() <= READERS.keys()
    assert READERS.keys() <= STATEMENT_EFFECTS.keys() | WALKED


def test_only_wrappers_are_without_an_effect() -> None:
    """Every statement stands for at least one effect; RawStmt only wraps one."""
    assert {"RawStmt"} == {node for node, effects in STATEMENT_EFFECTS.items() if not effects}


def test_nodes_called_statements_that_are_none_are_known() -> None:
    """What is named a statement and is in another set is a part of one, or never in a raw parse tree."""
    strangers = {node for node in NODES if node.endswith("Stmt")} - STATEMENT_EFFECTS.keys()
    assert {"PLAssignStmt", "ReplicaIdentityStmt", "ReturnStmt", "SetOperationStmt"} == strangers


@pytest.mark.parametrize(
    ("enumeration", "table"), [("ObjectType", OBJECT_TYPES), ("TransactionStmtKind", TRANSACTION_TAGS)]
)
def test_enumerations_are_mapped_to_the_end(enumeration: str, table: dict[str, object]) -> None:
    """Every value of PostgreSQL's enumeration but the contract's own `undefined` is in the table."""
    names = {value.name for value in DESCRIPTOR.enum_types_by_name[enumeration].values}
    assert {name for name in names if not name.endswith("_UNDEFINED")} == set(table)


STATEMENTS = {
    "SelectStmt": "SELECT a INTO b FROM c",
    "InsertStmt": "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1",
    "UpdateStmt": "UPDATE t SET a = 1",
    "DeleteStmt": "DELETE FROM t",
    "MergeStmt": "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)",
    "DropStmt": "DROP TRIGGER g ON t",
    "RuleStmt": "CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING",
    "CheckPointStmt": "CHECKPOINT",
    "DiscardStmt": "DISCARD ALL",
    "DoStmt": "DO $$BEGIN END$$",
    "LoadStmt": "LOAD 'x'",
}


@pytest.mark.parametrize(("node", "text"), STATEMENTS.items())
def test_a_reading_keeps_to_the_effects_of_its_node(node: str, text: str) -> None:
    """The effects of a statement that carries no other are among those that the table gives its node."""
    read_effects = {act.effect for act in read_one(text).acts if Modifier.LOCKING not in act.modifiers}
    assert read_effects <= STATEMENT_EFFECTS[node] | {Effect.SELECT}
    assert read_effects & STATEMENT_EFFECTS[node]
