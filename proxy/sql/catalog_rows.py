"""What a catalog says, as rows: the raw material of a census. Whoever reads a database fills these; nothing judges.

Oids are PostgreSQL's. Of what PostgreSQL brings itself (oids below 16384) only functions are listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from proxy.sql.stored_code import StoredCode


class FunctionRow(NamedTuple):
    """A function, procedure, aggregate or window function of users."""

    oid: int
    schema: int
    name: str
    language: str
    source: str
    """`prosrc` of a function in the language `internal`, else empty."""
    extension: str | None
    """The extension that it belongs to."""
    arguments: int
    defaults: int
    variadic: bool
    first: int
    """Type of the first argument; 0: there is none."""
    is_aggregate: bool
    support: tuple[int, ...]
    """Functions that an aggregate calls."""
    types: tuple[int, ...]
    """Types of users among those of its arguments and its result."""


class OperatorRow(NamedTuple):
    """An operator of users."""

    schema: int
    name: str
    oid: int
    functions: tuple[int, ...]
    """What it calls, its estimators included."""
    types: tuple[int, ...]
    """Of its operands and its result."""


class CastRow(NamedTuple):
    """A cast of users that calls a function."""

    source: int
    target: int
    target_name: str
    function: int
    context: str
    """`i` implicit, `a` in assignments, `e` explicit only."""


class TypeRow(NamedTuple):
    """A type of users; arrays and the row types of relations stand with what they belong to."""

    oid: int
    schema: int
    name: str
    kind: str
    """`typtype`: b base, c composite, d domain, e enum, p pseudo, r range, m multirange."""
    array: int
    base: int
    """Of a domain, else 0."""
    relation: int
    """That holds a composite's attributes, else 0."""
    subtype: int
    """Of a range or multirange, else 0."""
    functions: tuple[int, ...]
    """That read its values in, and those of a range."""
    element: int
    """Of a base type that is subscripted, else 0."""
    range: int = 0
    """Of a multirange, else 0."""
    operator_class: int = 0
    """Of users, by which a range compares its bounds, else 0."""


class RelationRow(NamedTuple):
    """A table, view, materialized view or foreign table of users, or what holds a composite's attributes."""

    oid: int
    schema: int
    name: str
    kind: str
    """`relkind`."""
    row_type: int
    has_policies: bool
    is_partition: bool
    row_array: int
    """Array type of its row type."""


class KeyRow(NamedTuple):
    """A foreign key."""

    oid: int
    relation: int
    referenced: int
    parent: int
    """The key of a partitioned table that this one belongs to, else 0."""
    on_update: str
    on_delete: str
    """`a` no action, `r` restrict, `c` cascade, `n` set null, `d` set default."""
    columns: tuple[str, ...]
    referenced_columns: tuple[str, ...]
    name: str


class TriggerRow(NamedTuple):
    """A trigger that is not disabled."""

    relation: int
    name: str
    function: int
    events: int
    """`tgtype`: 4 insert, 8 delete, 16 update, 32 truncate, 64 instead of."""


class ClassRow(NamedTuple):
    """An operator class of users, or members that users gave to a family."""

    oid: int
    """0: members of a family alone."""
    types: tuple[int, ...]
    is_default: bool
    """Sorting, grouping and comparing by `=` may use it without naming it."""
    functions: tuple[int, ...]
    name: str


class StoredKind(StrEnum):
    """What keeps a stored tree."""

    RULE = "rule"
    DEFAULT = "default"
    GENERATED = "generated column"
    CHECK = "check"
    DOMAIN = "domain"
    DOMAIN_DEFAULT = "domain default"
    POLICY = "policy"
    INDEX = "index"
    TRIGGER = "trigger"
    PARTITION_KEY = "partition key"
    ARGUMENT = "argument default"
    STATISTICS = "statistics"


PLANNED: Final = frozenset({StoredKind.INDEX, StoredKind.CHECK, StoredKind.PARTITION_KEY, StoredKind.STATISTICS})
"""What the planner looks at when it plans a read."""


class StoredRow(NamedTuple):
    """A stored tree and what it belongs to."""

    kind: StoredKind
    owner: int
    """Relation, type or function."""
    name: str
    event: str
    """Of a rule `ev_type`, of a policy `polcmd`, of a generated column `attgenerated`; else empty."""
    code: StoredCode


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRows:
    """Everything that a census is made of. Two that are equal make the same census."""

    schemas: Mapping[int, str] = field(default_factory=dict)
    built_in: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Schema and name of each function that PostgreSQL brings."""
    functions: tuple[FunctionRow, ...] = ()
    operators: tuple[OperatorRow, ...] = ()
    casts: tuple[CastRow, ...] = ()
    types: tuple[TypeRow, ...] = ()
    relations: tuple[RelationRow, ...] = ()
    other_relations: tuple[tuple[int, str], ...] = ()
    """Schema and name of what else rows may be read from: sequences, and what PostgreSQL brings."""
    columns: tuple[tuple[int, int], ...] = ()
    """Relation and type, of columns whose type is of users; of pg_attribute those of the values there."""
    inherits: tuple[tuple[int, int], ...] = ()
    """Parent and child, partitions included."""
    keys: tuple[KeyRow, ...] = ()
    triggers: tuple[TriggerRow, ...] = ()
    stored: tuple[StoredRow, ...] = ()
    classes: tuple[ClassRow, ...] = ()
    index_classes: tuple[tuple[int, int], ...] = ()
    """Relation and operator class of users that one of its indexes or its partition key uses."""
    event_triggers: tuple[tuple[str, int], ...] = ()
    """Name and function of each that is not disabled."""
    other_roles: frozenset[str] = frozenset()
    """Logins whose sessions run as another role by ALTER ROLE or ALTER DATABASE ... SET role; the empty one is all."""
