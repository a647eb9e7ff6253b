"""Catalogs drawn by hand: rows as a database's catalog would give them, with names in the place of oids."""

from __future__ import annotations

from proxy.sql.catalog_rows import (
    CastRow,
    CatalogRows,
    ClassRow,
    FunctionRow,
    KeyRow,
    OperatorRow,
    RelationRow,
    StoredKind,
    StoredRow,
    TriggerRow,
    TypeRow,
)
from proxy.sql.census import Census
from proxy.sql.stored_code import StoredCode

BUILT_IN = {
    1: ("pg_catalog", "lower"),
    2: ("pg_catalog", "nextval"),
    3: ("pg_catalog", "count"),
    4: ("pg_catalog", "numeric_accum"),
    5: ("pg_catalog", "query_to_xml"),
    6: ("pg_catalog", "now"),
    7: ("pg_catalog", "suppress_redundant_updates_trigger"),
}
"""A few functions that PostgreSQL brings, by oids of our own."""
OF_BUILT_IN = {name: oid for oid, (_, name) in BUILT_IN.items()}
INT4 = 23
TEXT = 25
RECORD = 2249


class Drawing:
    """A catalog in the making. Every method adds an object, `schema.name`, and gives its oid, or its owner's."""

    def __init__(self) -> None:
        self._oid = 20_000
        self._schemas: dict[str, int] = {}
        self.oids: dict[str, int] = {}
        self._row_types: dict[str, int] = {}
        self.functions: list[FunctionRow] = []
        self.operators: list[OperatorRow] = []
        self.casts: list[CastRow] = []
        self.types: list[TypeRow] = []
        self.relations: list[RelationRow] = []
        self.other_relations: list[tuple[int, str]] = []
        self.columns: list[tuple[int, int]] = []
        self.inherits: list[tuple[int, int]] = []
        self.keys: list[KeyRow] = []
        self.triggers: list[TriggerRow] = []
        self.stored: list[StoredRow] = []
        self.classes: list[ClassRow] = []
        self.index_classes: list[tuple[int, int]] = []
        self.event_triggers: list[tuple[str, int]] = []
        self.other_roles: list[str] = []

    def _next(self) -> int:
        self._oid += 1
        return self._oid

    def _place(self, name: str) -> tuple[int, str]:
        schema, _, last = name.rpartition(".")
        return self._schemas.setdefault(schema or "public", 2_200 + len(self._schemas)), last

    def oid(self, name: str) -> int:
        """Give the oid of what was drawn, or of one of BUILT_IN."""
        return self.oids[name] if name in self.oids else OF_BUILT_IN[name]

    def row_type(self, name: str) -> int:
        """Give the row type of a relation."""
        return self._row_types[name]

    def function(
        self,
        name: str,
        *,
        first: int = 0,
        arguments: int | None = None,
        defaults: int = 0,
        variadic: bool = False,
        language: str = "plpgsql",
        source: str = "",
        extension: str | None = None,
        support: tuple[str, ...] | None = None,
        types: tuple[int, ...] = (),
    ) -> int:
        """Draw a function; with `support`, an aggregate."""
        oid = self._next()
        schema, last = self._place(name)
        count = (1 if first else 0) if arguments is None else arguments
        used = () if support is None else tuple(map(self.oid, support))
        self.functions.append(
            FunctionRow(
                oid,
                schema,
                last,
                language,
                source,
                extension,
                count,
                defaults,
                variadic,
                first,
                support is not None,
                used,
                types,
            )
        )
        self.oids[name] = oid
        return oid

    def operator(self, name: str, function: str, *types: int) -> int:
        """Draw an operator."""
        oid = self._next()
        schema, last = self._place(name)
        self.operators.append(OperatorRow(schema, last, oid, (self.oid(function),), types))
        return oid

    def type(
        self,
        name: str,
        kind: str = "e",
        *,
        base: int = 0,
        subtype: int = 0,
        functions: tuple[str, ...] = (),
        columns: tuple[int, ...] = (),
    ) -> int:
        """Draw a type and its array, which is `name[]`."""
        oid, array, relation = self._next(), self._next(), self._next() if kind == "c" else 0
        schema, last = self._place(name)
        used = tuple(map(self.oid, functions))
        self.types.append(TypeRow(oid, schema, last, kind, array, base, relation, subtype, used, 0))
        self.columns.extend((relation, column) for column in columns)
        self.oids |= {name: oid, f"{name}[]": array}
        return oid

    def relation(
        self, name: str, kind: str = "r", *, columns: tuple[int, ...] = (), policies: bool = False, part_of: str = ""
    ) -> int:
        """Draw a relation; `columns` are the types of users that its columns have."""
        oid, row_type, row_array = self._next(), self._next(), self._next()
        schema, last = self._place(name)
        self.relations.append(RelationRow(oid, schema, last, kind, row_type, policies, bool(part_of), row_array))
        self.columns.extend((oid, column) for column in columns)
        self.oids |= {name: oid, f"{name}[]": row_array}
        self._row_types[name] = row_type
        if part_of:
            self.inherits.append((self.oid(part_of), oid))
        return oid

    def other_relation(self, name: str) -> None:
        """Draw a sequence, or a relation that PostgreSQL brings."""
        self.other_relations.append(self._place(name))

    def key(
        self,
        name: str,
        relation: str,
        referenced: str,
        *,
        on_delete: str = "a",
        on_update: str = "a",
        columns: tuple[str, ...] = ("user_id",),
        referenced_columns: tuple[str, ...] = ("id",),
    ) -> int:
        """Draw a foreign key."""
        oid = self._next()
        self.keys.append(
            KeyRow(
                oid,
                self.oid(relation),
                self.oid(referenced),
                0,
                on_update,
                on_delete,
                columns,
                referenced_columns,
                name,
            )
        )
        return oid

    def trigger(self, name: str, relation: str, function: str, events: int) -> int:
        """Draw a trigger; `events` as in `tgtype`."""
        self.triggers.append(TriggerRow(self.oid(relation), name, self.oid(function), events))
        return self.oid(relation)

    def store(
        self,
        kind: StoredKind,
        owner: str,
        *functions: str,
        name: str = "x",
        event: str = "",
        reads: tuple[str, ...] = (),
        writes: tuple[tuple[int, str], ...] = (),
        types: tuple[int, ...] = (),
        values: tuple[int, ...] = (),
        notifies: bool = False,
    ) -> int:
        """Draw a stored expression or rule that calls functions and names relations."""
        code = StoredCode(
            functions=frozenset(map(self.oid, functions)),
            types=frozenset(types),
            values=frozenset(values),
            reads=tuple(map(self.oid, reads)),
            writes=tuple((command, self.oid(relation)) for command, relation in writes),
            rows_of=tuple(map(self.oid, reads[:1])),
            notifies=notifies,
        )
        self.stored.append(StoredRow(kind, self.oid(owner), name, event, code))
        return self.oid(owner)

    def view(
        self, name: str, *functions: str, reads: tuple[str, ...] = (), values: tuple[int, ...] = (), kind: str = "v"
    ) -> int:
        """Draw a view."""
        oid = self.relation(name, kind)
        self.store(StoredKind.RULE, name, *functions, name="_RETURN", event="1", reads=reads, values=values)
        return oid

    def rows(self) -> CatalogRows:
        """Give the rows."""
        return CatalogRows(
            schemas={oid: name for name, oid in self._schemas.items()},
            built_in=BUILT_IN,
            functions=tuple(self.functions),
            operators=tuple(self.operators),
            casts=tuple(self.casts),
            types=tuple(self.types),
            relations=tuple(self.relations),
            other_relations=tuple(self.other_relations),
            columns=tuple(self.columns),
            inherits=tuple(self.inherits),
            keys=tuple(self.keys),
            triggers=tuple(self.triggers),
            stored=tuple(self.stored),
            classes=tuple(self.classes),
            index_classes=tuple(self.index_classes),
            event_triggers=tuple(self.event_triggers),
            other_roles=frozenset(self.other_roles),
        )

    def census(self) -> Census:
        """Give the census of it."""
        return Census(self.rows())
