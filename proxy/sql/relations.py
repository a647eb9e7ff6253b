"""What an effect on a relation sets off: code behind views, triggers, rules, defaults and checks, and rows elsewhere.

Reading a view reads what it is made of, and a write through it falls there too: these acts are `implied`, since the
view is how its owner gives that data away. A foreign key's action and a rule's change rows that the statement does not
name: these are acts like any other. Partitions and inheriting children share their parents' rows: a forbid on one bites
on all, by `Target.kin`. Every question is answered once and remembered; circles end where they began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from proxy.sql.catalog_rows import CatalogRows, ClassRow, KeyRow, RelationRow, StoredKind, StoredRow, TriggerRow
from proxy.sql.facts import Act, Effect, Modifier, Target, TargetKind
from proxy.sql.harmless import HARMLESS_IN_TRIGGERS
from proxy.sql.routines import PART_OF_DEFAULTS, Code, Routine, Routines
from proxy.sql.stored_code import DELETE, INSERT, MERGE, UPDATE

EVENTS: Final[dict[Effect, tuple[Effect, ...]]] = {
    Effect.SELECT: (Effect.SELECT,),
    Effect.COPY_OUT: (Effect.SELECT,),
    Effect.INSERT: (Effect.INSERT,),
    Effect.COPY_IN: (Effect.INSERT,),
    Effect.COPY_FILE: (Effect.SELECT, Effect.INSERT),
    Effect.COPY_PROGRAM: (Effect.SELECT, Effect.INSERT),
    Effect.UPDATE: (Effect.UPDATE,),
    Effect.DELETE: (Effect.DELETE,),
    Effect.TRUNCATE: (Effect.TRUNCATE,),
    Effect.MAINTAIN: (Effect.MAINTAIN,),
}
"""Effects on a relation, and what happens to its rows by them."""

_COMMANDS: Final = {
    UPDATE: (Effect.UPDATE,),
    INSERT: (Effect.INSERT,),
    DELETE: (Effect.DELETE,),
    MERGE: (Effect.INSERT, Effect.UPDATE, Effect.DELETE),
}
_TRIGGER_BITS: Final = {Effect.INSERT: 4, Effect.DELETE: 8, Effect.UPDATE: 16, Effect.TRUNCATE: 32}
_INSTEAD: Final = 64
_RULE_EVENTS: Final = {Effect.SELECT: "1", Effect.UPDATE: "2", Effect.INSERT: "3", Effect.DELETE: "4"}
_POLICY_COMMANDS: Final = {Effect.SELECT: "r*", Effect.INSERT: "ar*", Effect.UPDATE: "wr*", Effect.DELETE: "dr*"}
_WRITES: Final = frozenset({Effect.INSERT, Effect.UPDATE})
_ROWS: Final = frozenset({Effect.SELECT, Effect.INSERT, Effect.UPDATE, Effect.DELETE})
_OF_NO_RELATION: Final = frozenset({StoredKind.DOMAIN, StoredKind.DOMAIN_DEFAULT, StoredKind.ARGUMENT})
_FOREIGN: Final = "it is a foreign table: what runs behind it is outside this database"


class _Step(NamedTuple):
    relation: int
    effect: Effect
    assigned: frozenset[str] | None
    """Columns that an UPDATE assigns; None: any."""
    cascade: bool
    note: str | None
    """How this came about; None: the statement names it, or it shares its rows with what does."""
    implied: bool

    @property
    def key(self) -> tuple[object, ...]:
        """Two steps that differ in their notes alone are one."""
        return (self.relation, self.effect, self.assigned, self.cascade, self.implied)


@dataclass(slots=True)
class Reach:
    """What an effect on a relation sets off."""

    code: Code = field(default_factory=dict)
    acts: tuple[Act, ...] = ()
    types: set[int] = field(default_factory=set)
    """Types of users that the rows hold, or values in what is stored with them."""


class _Attached:
    """What hangs on one relation."""

    __slots__ = ("children", "classes", "keys_from", "keys_to", "parents", "stored", "triggers")

    def __init__(self) -> None:
        self.children: list[int] = []
        self.parents: list[int] = []
        self.keys_to: list[KeyRow] = []
        self.keys_from: list[KeyRow] = []
        self.stored: list[StoredRow] = []
        self.triggers: list[TriggerRow] = []
        self.classes: list[ClassRow] = []


_BARE: Final = _Attached()


class Relations:
    """Relations by oid, and what effects on them set off."""

    def __init__(self, rows: CatalogRows, routines: Routines) -> None:
        self._routines = routines
        self.rows: dict[int, RelationRow] = {row.oid: row for row in rows.relations}
        self._attached: dict[int, _Attached] = {}
        self._reached: dict[tuple[int, Effect, frozenset[str] | None, bool], Reach] = {}
        self._kin: dict[int, tuple[Target, ...]] = {}
        self._maintained: Code | None = None
        attached = self._attach
        for parent, child in rows.inherits:
            attached(parent).children.append(child)
            attached(child).parents.append(parent)
        keys = {key.oid: key for key in rows.keys}
        for key in rows.keys:
            above = keys.get(key.parent)
            # On a partition that refers, PostgreSQL repeats the key of the whole table.
            if above is None or above.referenced != key.referenced:
                attached(key.referenced).keys_to.append(key)
            attached(key.relation).keys_from.append(key)
        for stored in rows.stored:
            if stored.kind not in _OF_NO_RELATION:
                attached(stored.owner).stored.append(stored)
        for trigger in rows.triggers:
            attached(trigger.relation).triggers.append(trigger)
        classes = {row.oid: row for row in rows.classes}
        for relation, oid in rows.index_classes:
            attached(relation).classes.append(classes[oid])

    def _attach(self, oid: int) -> _Attached:
        found = self._attached.get(oid)
        if found is None:
            found = self._attached[oid] = _Attached()
        return found

    def name(self, oid: int) -> str:
        """Give `schema.name`."""
        row = self.rows.get(oid)
        return f"oid {oid}" if row is None else f"{self._routines.schema_name(row.schema)}.{row.name}"

    def target(self, oid: int) -> Target:
        """Give a relation as the target of an act, with those that it shares rows with."""
        row = self.rows[oid]
        return Target(
            kind=TargetKind.RELATION, schema=self._routines.schema_name(row.schema), name=row.name, kin=self.kin(oid)
        )

    def kin(self, oid: int) -> tuple[Target, ...]:
        """Give the partitions and inheriting children of a relation, and what it is a part of, in order of oids."""
        if oid not in self._attached:
            return ()
        known = self._kin.get(oid)
        if known is None:
            found = {*self._related(oid, "children"), *self._related(oid, "parents")} - {oid}
            known = self._kin[oid] = tuple(
                Target(kind=TargetKind.RELATION, schema=self._routines.schema_name(row.schema), name=row.name)
                for each in sorted(found)
                if (row := self.rows.get(each)) is not None
            )
        return known

    def _related(self, oid: int, way: str) -> Iterator[int]:
        seen = {oid}
        waiting = [oid]
        while waiting:
            for each in getattr(self._attached.get(waiting.pop(), _BARE), way):
                if each not in seen:
                    seen.add(each)
                    waiting.append(each)
                    yield each

    def reach(self, oid: int, effect: Effect, assigned: frozenset[str] | None, *, cascade: bool) -> Reach:
        """Say what an effect sets off. `assigned`: columns of an UPDATE; `cascade`: TRUNCATE ... CASCADE."""
        if effect is not Effect.UPDATE:
            assigned = None
        elif assigned is not None:
            assigned &= self._moved_by_update(oid)
        known = self._reached.get((oid, effect, assigned, cascade))
        if known is None:
            known = self._reached[oid, effect, assigned, cascade] = self._walk(
                _Step(oid, effect, assigned, cascade, None, False)
            )
        return known

    def _moved_by_update(self, oid: int) -> frozenset[str]:
        """Give the columns by which an UPDATE sets off something elsewhere: no others need be told apart."""
        related = (oid, *self._related(oid, "children"))
        keys = [key for each in related for key in self._attached.get(each, _BARE).keys_to if key.on_update in "cnd"]
        return frozenset(column for key in keys for column in key.referenced_columns)

    def _walk(self, first: _Step) -> Reach:
        found = Reach()
        acts: dict[Act, None] = {}
        seen: set[tuple[object, ...]] = set()
        waiting = [first]
        while waiting:
            step = waiting.pop()
            row = self.rows.get(step.relation)
            if row is None or step.key in seen:
                continue
            seen.add(step.key)
            if step.note is not None:
                modifiers = frozenset({Modifier.CASCADE} if step.cascade else ())
                target = self.target(step.relation)
                acts[
                    Act(effect=step.effect, target=target, modifiers=modifiers, note=step.note, implied=step.implied)
                ] = None
            found.types.update(self._routines.columns_of(row.oid), (row.row_type,))
            for stored in self._attached.get(row.oid, _BARE).stored:
                if _runs(stored, row, step.effect):
                    found.types |= self._routines.types_in(stored.code)
            for code in self._code(row, step.effect):
                for routine, path in code.items():
                    found.code.setdefault(routine, path)
            acts.update(dict.fromkeys(self._notices(row, step.effect)))
            # The last pushed is looked at first: reversed, so that acts stand in a fixed order.
            waiting.extend(reversed(list(self._following(row, step))))
        found.acts = tuple(acts)
        return found

    def maintained(self) -> Code:
        """Give what maintaining every relation runs, as ANALYZE without a name does."""
        if self._maintained is None:
            self._maintained = {}
            for oid in self._attached:
                if oid in self.rows and self.rows[oid].kind != "m":
                    for code in self._code(self.rows[oid], Effect.MAINTAIN):
                        self._maintained.update(code)
        return self._maintained

    def partitioned(self) -> Code:
        """Give what putting the bounds of any partitioned table in order runs."""
        found: Code = {}
        for oid, attached in self._attached.items():
            if attached.classes and oid in self.rows and self.rows[oid].kind == "p":
                for class_ in attached.classes:
                    found.update(self._routines.code_of_class(class_))
        return found

    # The code of one relation

    def _code(self, row: RelationRow, effect: Effect) -> Iterator[Code]:
        routines, name = self._routines, self.name(row.oid)
        attached = self._attached.get(row.oid, _BARE)
        if row.kind == "f" and effect is not Effect.MAINTAIN:
            yield {Routine(routines.schema_name(row.schema), row.name, TargetKind.RELATION): _FOREIGN}
        for stored in attached.stored:
            if _runs(stored, row, effect):
                path = _words(stored, row, name)
                but = PART_OF_DEFAULTS if stored.kind is StoredKind.DEFAULT else frozenset[str]()
                yield routines.code_of_stored(stored.code, path, but)
            elif effect in _ROWS and stored.code.constant is not None:
                # The planner looks at these, and works out what depends on no column.
                yield routines.code_of_stored(stored.code.constant, _words(stored, row, name))
        yield from map(routines.code_of_class, self._classes(attached, effect))
        bits = _TRIGGER_BITS.get(effect, 0)
        if row.is_partition and effect is Effect.UPDATE:
            # A row that leaves one partition for another is deleted and inserted.
            bits |= _TRIGGER_BITS[Effect.DELETE] | _TRIGGER_BITS[Effect.INSERT]
        for trigger in attached.triggers:
            if trigger.events & bits:
                path = f"the trigger {trigger.name} of {name}"
                yield routines.code_of((trigger.function,), path, HARMLESS_IN_TRIGGERS)
        for type_ in routines.columns_of(row.oid):
            # A constant that is compared with a column, or with a whole row, is read in as a value of its type.
            yield routines.code_of_type(type_) if effect in _WRITES else routines.checks_of_type(type_)
            if effect in _WRITES:
                yield routines.code_of_default(type_)
        if effect in _WRITES:
            for parent in self._related(row.oid, "parents") if row.is_partition else ():
                for stored in self._attached[parent].stored:
                    if stored.kind is StoredKind.PARTITION_KEY:
                        yield routines.code_of_stored(stored.code, f"the partition key of {self.name(parent)}")

    def _classes(self, attached: _Attached, effect: Effect) -> Iterator[ClassRow]:
        yield from attached.classes
        if effect in _WRITES:
            # What a foreign key refers to is looked for by the index there.
            for key in attached.keys_from:
                yield from self._attached.get(key.referenced, _BARE).classes

    # What follows elsewhere

    def _notices(self, row: RelationRow, effect: Effect) -> Iterator[Act]:
        for stored in self._attached.get(row.oid, _BARE).stored:
            if stored.code.notifies and _runs(stored, row, effect):
                yield Act(effect=Effect.NOTIFY, note=f"by the rule {stored.name} of {self.name(row.oid)}")

    def _following(self, row: RelationRow, step: _Step) -> Iterator[_Step]:
        attached = self._attached.get(row.oid, _BARE)
        effect, name = step.effect, self.name(row.oid)
        for stored in attached.stored:
            if not _runs(stored, row, effect):
                continue
            if stored.kind is StoredKind.RULE and stored.event != "1":
                note = f"by the rule {stored.name} of {name}"
                for command, relation in stored.code.writes:
                    for each in _COMMANDS[command]:
                        yield _Step(relation, each, None, False, note, False)
                yield from self._read(stored, row, note)
            else:
                yield from self._read(stored, row, f"through {_words(stored, row, name)}")
        if row.kind == "v":
            yield from self._through_view(row, step, attached)
        for child in attached.children if effect is not Effect.INSERT or row.kind == "p" else ():
            yield step._replace(relation=child, note=None)
        yield from self._keys(attached.keys_to, step)

    @staticmethod
    def _read(stored: StoredRow, row: RelationRow, note: str) -> Iterator[_Step]:
        for relation in stored.code.reads:
            if relation != row.oid:
                yield _Step(relation, Effect.SELECT, None, False, note, True)

    def _through_view(self, row: RelationRow, step: _Step, attached: _Attached) -> Iterator[_Step]:
        bit = _TRIGGER_BITS.get(step.effect, 0)
        if step.effect not in _ROWS or step.effect is Effect.SELECT:
            return
        if any(trigger.events & _INSTEAD and trigger.events & bit for trigger in attached.triggers):
            return
        for stored in attached.stored:
            if stored.kind is StoredKind.RULE and stored.event == "1":
                for relation in stored.code.rows_of:
                    if relation != row.oid:
                        # A view may give its columns other names.
                        note = f"through the view {self.name(row.oid)}"
                        yield _Step(relation, step.effect, None, False, note, step.note is None or step.implied)

    def _keys(self, keys: Iterable[KeyRow], step: _Step) -> Iterator[_Step]:
        for key in keys:
            note = f"by the foreign key {key.name} of {self.name(key.relation)}"
            if step.effect is Effect.TRUNCATE:
                if step.cascade:
                    yield _Step(key.relation, Effect.TRUNCATE, None, True, note, False)
                continue
            if step.effect is Effect.UPDATE:
                if step.assigned is not None and step.assigned.isdisjoint(key.referenced_columns):
                    continue
                action = "u" if key.on_update == "c" else key.on_update
            elif step.effect is Effect.DELETE:
                action = key.on_delete
            else:
                continue
            if action == "c":
                yield _Step(key.relation, Effect.DELETE, None, False, note, False)
            elif action in "und":
                yield _Step(key.relation, Effect.UPDATE, frozenset(key.columns), False, note, False)


def _runs(stored: StoredRow, row: RelationRow, effect: Effect) -> bool:
    """Tell whether an effect on a relation evaluates something that is stored with it."""
    match stored.kind:
        case StoredKind.RULE:
            if stored.event == "1":
                # A materialized view holds its rows, and runs its query only when it is refreshed.
                return effect is Effect.MAINTAIN if row.kind == "m" else effect in _ROWS
            return stored.event == _RULE_EVENTS.get(effect)
        case StoredKind.DEFAULT | StoredKind.CHECK:
            return effect in _WRITES
        case StoredKind.GENERATED:
            return effect in _WRITES or (effect is Effect.SELECT and stored.event == "v")
        case StoredKind.POLICY:
            return row.has_policies and stored.event in _POLICY_COMMANDS.get(effect, "")
        case StoredKind.INDEX:
            return effect in _WRITES or effect is Effect.MAINTAIN
        case StoredKind.STATISTICS:
            return effect is Effect.MAINTAIN
        case StoredKind.TRIGGER:
            return bool(int(stored.event) & _TRIGGER_BITS.get(effect, 0))
        case StoredKind.PARTITION_KEY:
            return effect in _WRITES
        case StoredKind.DOMAIN | StoredKind.DOMAIN_DEFAULT | StoredKind.ARGUMENT:
            return False


def _words(stored: StoredRow, row: RelationRow, name: str) -> str:
    match stored.kind:
        case StoredKind.RULE:
            if stored.event == "1":
                return f"the {'materialized view' if row.kind == 'm' else 'view'} {name}"
            return f"the rule {stored.name} of {name}"
        case StoredKind.TRIGGER:
            return f"the trigger {stored.name} of {name}"
        case StoredKind.POLICY:
            return f"the policy {stored.name} of {name}"
        case StoredKind.INDEX:
            return f"an index of {name}"
        case StoredKind.STATISTICS:
            return f"the statistics {stored.name} of {name}"
        case StoredKind.CHECK:
            return f"the check {stored.name} of {name}"
        case StoredKind.PARTITION_KEY:
            return f"the partition key of {name}"
        case StoredKind.GENERATED:
            return f"a generated column of {name}"
        case _:
            return f"a default of {name}"
