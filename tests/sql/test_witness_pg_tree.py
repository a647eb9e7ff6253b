"""The JSON tree is read as the contract says: bare fields, names, options."""

from __future__ import annotations

from collections import Counter
from typing import Any

import postgast
import pytest

from proxy.sql.facts import Unreadable
from proxy.sql.node_effects import LEAVES
from proxy.sql.witness_pg_tree import NAME_BYTES, children, cut, parse
from tests.sql.shorthand import read_one
from tests.sql.test_witness_pg_rows import READINGS as ROWS
from tests.sql.test_witness_pg_session import READINGS as SESSION
from tests.sql.test_witness_pg_utility import READINGS as UTILITY
from tests.sql.test_witness_pg_walk import SLOTS


def _kinds_by_json(text: str) -> Counter[str]:
    statements = parse(text)
    assert not isinstance(statements, Unreadable)
    found: Counter[str] = Counter()
    stack = [("RawStmt", statement) for statement in statements]
    while stack:
        kind, node = stack.pop()
        found[kind] += 1
        stack.extend(children(kind, node))
    return found


def _kinds_by_protobuf(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    stack: list[Any] = list(postgast.parse(text).stmts)
    while stack:
        message = stack.pop()
        if message.DESCRIPTOR.name != "Node":
            found[message.DESCRIPTOR.name] += 1
        for field, value in message.ListFields():
            if field.message_type is not None:
                stack.extend(value if field.is_repeated else [value])
    return found


@pytest.mark.parametrize("text", [*ROWS, *SESSION, *UTILITY, *SLOTS])
def test_json_and_protobuf_hold_the_same_nodes(text: str) -> None:
    """The walk over the JSON form meets every node that the protobuf form holds."""
    by_json, by_protobuf = _kinds_by_json(text), _kinds_by_protobuf(text)
    for leaf in LEAVES:
        del by_json[leaf], by_protobuf[leaf]
    assert dict(by_protobuf) == dict(by_json)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a" * 70, "a" * 63), ("é" * 40, "é" * 31), ("a" + "é" * 40, "a" + "é" * 31), ("€" * 21, "€" * 21), ("x", "x")],
)
def test_names_are_cut_as_postgresql_cuts_them(name: str, expected: str) -> None:
    """An identifier is cut to 63 bytes at a character's edge, by the grammar or by us alike."""
    assert expected == cut(name)
    target = read_one(f'SELECT * FROM "{name}"').acts[0].target
    assert target is not None
    assert expected == target.name
    assert len(target.name.encode()) <= NAME_BYTES


@pytest.mark.parametrize("text", ['SELECT "a\\"', "SELECT 'a\\n\\u0000\"'", 'SELECT "\u2028\x7f\x01"', "SELECT E'\\t'"])
def test_odd_characters_survive_the_json(text: str) -> None:
    """Quotes, backslashes and control characters in names and strings do not upset the tree."""
    assert not isinstance(parse(text), Unreadable)
