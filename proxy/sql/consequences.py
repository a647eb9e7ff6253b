"""What a statement sets off beyond its words: `expand` adds acts for code not known to be harmless, and rows elsewhere.

Names are resolved as PostgreSQL would under the session's search_path, as far as that is known; where it is not, the
reading that does more stands. Pure: the catalog comes in as a census.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from proxy.sql.census import Census, Knowledge, Where
from proxy.sql.facts import Act, Call, Effect, Facts, Modifier, Settings, Target, TargetKind
from proxy.sql.given_types import said
from proxy.sql.harmless import (
    HARMLESS,
    HARMLESS_TYPES,
    INFORMATION_SCHEMA_FUNCTIONS,
    INFORMATION_SCHEMA_TYPES,
    NOT_HARMLESS,
    SYSTEM_RELATIONS,
)
from proxy.sql.relations import EVENTS
from proxy.sql.resolution import candidates, is_outranked, resolve
from proxy.sql.routines import Routine
from proxy.sql.search_path import settings_behind
from proxy.sql.stored_code import ANYARRAY, FIRST_USER_OID, NOTHING
from proxy.sql.younger_forms import SINCE

_TEMPORARY: Final = "pg_temp"
_SYSTEM: Final = "pg_catalog"
_INFORMATION: Final = "information_schema"
_ROLE_SETTINGS: Final = frozenset({"role", "session_authorization"})
_TRUE: Final = ("t", "tr", "tru", "true", "y", "ye", "yes", "on", "1")
_DEFINITIONS: Final = frozenset(
    {Effect.CREATE, Effect.ALTER, Effect.DROP, Effect.COMMENT, Effect.SECURITY_LABEL, Effect.GRANT, Effect.IMPORT}
    | {Effect.MAINTAIN, Effect.REPLICATE}
)
"""Effects that may fire event triggers."""
_EXPRESSIONS: Final = frozenset(
    {*EVENTS, Effect.MERGE, Effect.EXPLAIN, Effect.EXECUTE_FUNCTION, Effect.CALL, Effect.CREATE} - {Effect.TRUNCATE}
)
"""Effects whose statements may hold expressions."""
_TOUCH_ROWS: Final = frozenset({*EVENTS, Effect.MERGE} - {Effect.MAINTAIN})

NOT_KNOWN: Final = "it is not on the list of functions known to do no harm"
SHADOWABLE: Final = (
    "a function of the same name may stand beside the built-in one, and without a census (--control-dsn) none can tell"
)
SHADOWED: Final = "a function of the same name stands beside the built-in one"
OUTRANKED: Final = "the search_path puts other schemas before pg_catalog"
ATTRIBUTE: Final = "a function of this name exists, so the column may be a call of it"
OPERATOR: Final = "an operator outside pg_catalog may run any code"
TYPE: Final = "a cast to a type that is not built in may run any code"


def expand(facts: Facts, census: Knowledge, settings: Settings) -> Facts:
    """Facts with an act for all that the statement may set off, and with the schemas that names may mean.

    Without a census only those unqualified calls are harmless that no function of a user's schema can shadow. Where a
    census should be and is lost, `unestablished` says so of whatever would have needed it. Acts that stand in the facts
    already stay first and in order.
    """
    older = sorted(name for name in facts.forms if settings.server_version < SINCE[name])
    if older:
        calls = (Call(kind=TargetKind.FUNCTION, schema=None, name=name) for name in older)
        facts = replace(facts, calls=(*facts.calls, *calls))
    if isinstance(census, Census):
        return _Expansion(facts, census, settings).expanded()
    outranked = is_outranked(settings)
    acts = dict.fromkeys(facts.acts)
    for call in facts.calls:
        acts.update(dict.fromkeys(_acts_of(call, outranked)))
    acts.update(dict.fromkeys(_fields(facts.fields)))
    settings = replace(settings, temporary=True)
    found = tuple(dict.fromkeys(resolve(act, settings) for act in acts))
    if census is None or not _needs_a_census(facts, found, settings):
        return replace(facts, acts=found)
    return replace(facts, acts=found, unestablished=census.because)


def expand_each(statements: Sequence[Facts], census: Knowledge, settings: Settings) -> tuple[Facts, ...]:
    """Expand the statements of one message, in their order."""
    expanded: list[Facts] = []
    for facts in statements:
        expanded.append(expand(facts, census, settings))
        settings = settings_behind(expanded[-1], settings)
    return tuple(expanded)


# With a census


class _Expansion:
    """One statement's acts under one census."""

    def __init__(self, facts: Facts, census: Census, settings: Settings) -> None:
        self._facts = facts
        self._census = census
        if census.on_definitions:  # one may run at login, before any statement
            settings = replace(settings, temporary=True)
        path = settings.search_path
        if settings.user_on_path is not None and not census.runs_as_itself(settings.user_on_path):
            path = None
        path = path if settings.temporary else census.existing(path)
        self._settings = settings if path == settings.search_path else replace(settings, search_path=path)
        self._acts: dict[Act, None] = {}
        self._code: dict[Target, str] = {}
        self._touched: set[int] = set()
        self._unknown_relation: Target | None = None

    def expanded(self) -> Facts:
        facts, census = self._facts, self._census
        following: dict[Act, None] = {}
        for act in facts.acts:
            following.update(self._follow(act, planned=False))
        for act in facts.planned:
            self._follow(act, planned=True)
        for call in facts.calls:
            self._call(call)
        self._attributes()
        effects = {act.effect for act in facts.acts}
        if not effects.isdisjoint(_DEFINITIONS):
            self._run(census.on_definitions)
        self._unnamed(not effects.isdisjoint(_EXPRESSIONS))
        for act in following:
            self._acts.setdefault(act)
        for target, note in self._code.items():
            self._acts[Act(effect=Effect.EXECUTE_FUNCTION, target=target, note=note)] = None
        return replace(facts, acts=tuple(self._acts), unknown=self._unknown_relation)

    def _follow(self, act: Act, *, planned: bool) -> dict[Act, None]:
        """Add an act as the census sees it, and give those that it sets off."""
        resolved = resolve(act, self._settings)
        target = resolved.target
        found: dict[Act, None] = {}
        if target is None or target.kind is not TargetKind.RELATION or not target.name:
            if not planned:
                self._acts[resolved] = None
            if act.effect is Effect.MAINTAIN:
                self._run(self._census.relations.maintained())
                self._touched.add(ANYARRAY)
            return found
        schema = _plain(target.schema)
        # Few of users' relations are in pg_catalog, and every unwritten schema may be it.
        where = (schema,) if schema is not None else (*target.candidates, _SYSTEM) if target.candidates else None
        oids = self._census.relations_named(target.name, where)
        relations = self._census.relations
        # What a session may have made itself, and need not have committed, no census knows.
        own = self._settings.temporary or schema == _TEMPORARY
        if act.effect in _TOUCH_ROWS and not (own or oids or self._census.knows_relation(target.name, where)):
            self._unknown_relation = self._unknown_relation or target
        if target.name in SYSTEM_RELATIONS and schema in (None, _SYSTEM):
            self._touched |= self._census.routines.types_kept_in(target.name)
        kin = tuple(each for oid in oids for each in relations.kin(oid))
        if kin:
            resolved = replace(resolved, target=replace(target, kin=kin))
        if not planned:
            self._acts[resolved] = None
        cascade = Modifier.CASCADE in act.modifiers and act.effect is Effect.TRUNCATE
        for effect in EVENTS.get(act.effect, ()):
            for oid in oids:
                reach = relations.reach(oid, effect, self._facts.assigned, cascade=cascade)
                self._run(reach.code)
                self._touched |= reach.types
                found.update(dict.fromkeys(reach.acts))
        return found

    def _run(self, code: Mapping[Routine, str], note: str | None = None) -> None:
        for routine, path in code.items():
            target = Target(kind=routine.kind, schema=routine.schema, name=routine.name)
            self._code.setdefault(target, note or said(path))

    def _call(self, call: Call) -> None:
        schema = _plain(call.schema)
        where = self._where(schema, call.kind)
        match call.kind:
            case TargetKind.OPERATOR:
                self._operator(call, schema, where)
            case TargetKind.TYPE:
                self._type(call, schema, where)
            case _:
                if call.name == "set_config" and schema in (None, _SYSTEM):
                    self._acts[_setting(call)] = None
                self._function(call, schema, where)

    def _function(self, call: Call, schema: str | None, where: Where) -> None:
        census = self._census
        rows = census.functions(call.name, where, call.arguments)
        for row in rows:
            self._values_of(row.types)
            self._touched |= census.routines.types_in(census.routines.arguments.get(row.oid, NOTHING))
        harmless = is_harmless_built_in(call.name, schema)
        code = census.code_of_functions(rows, "")
        self._run({each: path for each, path in code.items() if path})
        own = {each: path for each, path in code.items() if not path}
        self._run(own, SHADOWED if harmless and schema is None else NOT_KNOWN)
        types: list[int] = []
        if call.arguments in (1, None):
            # `mood('ok')` is a cast where no function takes exactly what is passed (func_get_detail), even beside one.
            types = census.types(call.name, self._where(schema, TargetKind.TYPE))
            self._values_of(types)
        if call.name == "pg_get_partition_constraintdef":
            # It puts the bounds of partitions in order.
            self._run(census.relations.partitioned())
        if harmless or own:
            return
        if (schema in (None, _SYSTEM, _INFORMATION) and census.brings(call.name)) or (not rows and not types):
            self._unknown(call, NOT_KNOWN)

    def _operator(self, call: Call, schema: str | None, where: Where) -> None:
        rows = self._census.operators(call.name, where)
        for row in rows:
            self._run(
                self._census.routines.code_of_operator(row.oid, f"the operator {self._census.operator_name(row)}")
            )
            self._values_of(row.types)
        if schema not in (None, _SYSTEM) and not rows:
            self._unknown(call, OPERATOR)

    def _attributes(self) -> None:
        """Add what attribute notation may call, or cast to (func_get_detail)."""
        census, fields, columns = self._census, self._facts.fields, self._facts.columns
        functions = self._where(None, TargetKind.FUNCTION)
        withheld = {name for name in fields if census.brings(name) and not is_harmless_built_in(name, None)}
        self._acts.update(dict.fromkeys(_fields(fields, withheld)))
        for name in sorted(fields):
            for routine in census.code_of_functions(census.functions(name, functions, 1), ""):
                self._run({routine: ATTRIBUTE}, ATTRIBUTE)
        for routine in census.called_on_rows(columns, functions):
            self._run({routine: ATTRIBUTE}, ATTRIBUTE)
        where = self._where(None, TargetKind.TYPE)
        for name in sorted(fields | columns):
            for row in census.functions(name, functions, 1):
                self._touched.update(row.types)
            for oid in census.types(name, where):
                self._touched.add(oid)
                if name in fields or census.routines.is_domain_of_rows(oid):
                    self._run(census.routines.code_of_type(oid))

    def _values_of(self, types: Iterable[int]) -> None:
        """Add what constants run that become values of types: by a cast, as operands and as arguments."""
        for oid in types:
            if oid >= FIRST_USER_OID:
                self._run(self._census.routines.code_of_type(oid))
                self._touched.add(oid)

    def _type(self, call: Call, schema: str | None, where: Where) -> None:
        types = self._census.types(call.name, where)
        self._values_of(types)
        if not types and not _is_harmless_built_in_type(call.name, schema):
            self._unknown(call, TYPE)

    def _unknown(self, call: Call, note: str) -> None:
        target = Target(kind=call.kind, schema=call.schema, name=call.name)
        resolved = resolve(Act(effect=Effect.EXECUTE_FUNCTION, target=target, note=note), self._settings)
        self._acts[resolved] = None

    def _unnamed(self, has_expressions: bool) -> None:
        """Add the casts and operator classes that no statement need name."""
        if has_expressions:
            self._run(self._census.routines.ambient)
        self._run(self._census.routines.code_at_hand(self._touched))

    def _where(self, schema: str | None, kind: TargetKind) -> Where:
        if schema is not None:
            return (schema,)
        return None if self._settings.search_path is None else candidates(kind, self._settings)


def _plain(schema: str | None) -> str | None:
    """Name the temporary schema of any session by its alias."""
    return _TEMPORARY if schema is not None and schema.startswith("pg_temp_") else schema


def is_harmless_built_in(name: str, schema: str | None) -> bool:
    """Tell whether a function of PostgreSQL's own is known to do no harm; `schema` None: not written."""
    if schema == _INFORMATION:
        return name in INFORMATION_SCHEMA_FUNCTIONS
    # set_config is judged as the SET that it is.
    return schema in (None, _SYSTEM) and (name in HARMLESS or name == "set_config")


def _is_harmless_built_in_type(name: str, schema: str | None) -> bool:
    if schema == _INFORMATION:
        return name in INFORMATION_SCHEMA_TYPES
    # `_int4` is the name of the type int4[].
    return schema in (None, _SYSTEM) and name.removeprefix("_") in HARMLESS_TYPES


# Without a census


def _needs_a_census(facts: Facts, acts: tuple[Act, ...], settings: Settings) -> bool:
    if facts.columns or any(act.note is not None for act in acts):
        return True
    if any(call.kind is TargetKind.OPERATOR and call.schema is None for call in facts.calls) and is_outranked(settings):
        return True
    named = (act.target for act in (*acts, *facts.planned))
    return any(
        target is not None
        and target.kind is TargetKind.RELATION
        and target.schema not in (_SYSTEM, _INFORMATION)
        and not (target.schema is None and target.name in SYSTEM_RELATIONS and not is_outranked(settings))
        for target in named
    )


def _acts_of(call: Call, outranked: bool) -> Iterator[Act]:
    match call.kind:
        case TargetKind.OPERATOR:
            note = _operator_note(call, outranked)
        case TargetKind.TYPE:
            note = _type_note(call, outranked)
        case _:
            note = _function_note(call, outranked)
            if call.name == "set_config" and call.schema in (None, _SYSTEM):
                yield _setting(call)
    if note is not None:
        target = Target(kind=call.kind, schema=call.schema, name=call.name)
        yield Act(effect=Effect.EXECUTE_FUNCTION, target=target, note=note)


def _function_note(call: Call, outranked: bool) -> str | None:
    """Why a function call is taken to be code, or None where it does no harm."""
    if not is_harmless_built_in(call.name, call.schema):
        return NOT_KNOWN
    if call.schema is not None:
        return None
    if outranked:
        return OUTRANKED
    # pg_catalog comes first, and an exact match there cannot be beaten; without arguments every match is exact.
    return None if call.arguments == 0 else SHADOWABLE


def _operator_note(call: Call, outranked: bool) -> str | None:
    if call.schema is None:
        return OUTRANKED if outranked else None
    return None if call.schema == _SYSTEM else OPERATOR


def _type_note(call: Call, outranked: bool) -> str | None:
    if not _is_harmless_built_in_type(call.name, call.schema):
        return TYPE
    return OUTRANKED if call.schema is None and outranked else None


# Either way


def _fields(fields: frozenset[str], withheld: AbstractSet[str] = NOT_HARMLESS) -> Iterator[Act]:
    """Read `(x).nextval` as the call that it is: attribute notation takes a value of any type."""
    for name in sorted(fields):
        # Other versions have other functions, whose names begin so too.
        if name in withheld or name in NOT_HARMLESS or (name.startswith("pg_") and name not in HARMLESS):
            target = Target(kind=TargetKind.FUNCTION, schema=_SYSTEM, name=name)
            yield Act(effect=Effect.EXECUTE_FUNCTION, target=target, note=NOT_KNOWN)


def _setting(call: Call) -> Act:
    """Read set_config(name, value, is_local) as the SET that it is; the empty name stands for any setting."""
    name, value, local = (*call.constants, None, None, None)[:3]
    modifiers = frozenset({Modifier.LOCAL}) if (local or "").lower() in _TRUE else frozenset()
    name = (name or "").lower()
    if name in _ROLE_SETTINGS:
        target = Target(kind=TargetKind.ROLE, name=value or "")
        return Act(effect=Effect.ROLE_CHANGE, target=target, modifiers=modifiers)
    target = Target(kind=TargetKind.SETTING, name=name)
    return Act(effect=Effect.SET, target=target, modifiers=modifiers, value=value)
