"""What a statement sets off beyond its words: `expand` turns calls that are not known to do no harm into acts.

Names are resolved as PostgreSQL would under the session's search_path, as far as that is known; where it is not, the
reading that does more stands. Pure: the catalog comes in as a census.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from proxy.sql.facts import Act, Call, Census, Effect, Facts, Modifier, Settings, Target, TargetKind
from proxy.sql.harmless import (
    HARMLESS,
    HARMLESS_TYPES,
    INFORMATION_SCHEMA_FUNCTIONS,
    INFORMATION_SCHEMA_TYPES,
    SYSTEM_RELATIONS,
)

_TEMPORARY: Final = "pg_temp"
_SYSTEM: Final = "pg_catalog"
_ROLE_SETTINGS: Final = frozenset({"role", "session_authorization"})
_RESOLVED: Final = frozenset({TargetKind.RELATION, TargetKind.FUNCTION, TargetKind.TYPE, TargetKind.OPERATOR})
_TRUE: Final = ("t", "tr", "tru", "true", "y", "ye", "yes", "on", "1")

NOT_KNOWN: Final = "it is not on the list of functions known to do no harm"
SHADOWABLE: Final = (
    "a function of the same name may stand beside the built-in one, and without --control-dsn the proxy cannot tell"
)
SHADOWED: Final = "a function of the same name stands beside the built-in one"
OUTRANKED: Final = "the search_path puts other schemas before pg_catalog"
ATTRIBUTE: Final = "a function of this name exists, so the column may be a call of it"
OPERATOR: Final = "an operator outside pg_catalog may run any code"
TYPE: Final = "a cast to a type that is not built in may run any code"


def expand(facts: Facts, census: Census | None, settings: Settings) -> Facts:
    """Facts with an act for all that the statement's calls may set off, and with the schemas that names may mean.

    Without a census only those unqualified calls are harmless that no function of a user's schema can shadow. Acts that
    stand in the facts already stay first and in order.
    """
    outranked = _outranked(settings)
    acts = dict.fromkeys(facts.acts)
    for call in facts.calls:
        acts.update(dict.fromkeys(_acts_of(call, census, outranked)))
    if census is not None:
        for column in sorted(facts.columns & census.function_names):
            target = Target(kind=TargetKind.FUNCTION, name=column)
            acts[Act(effect=Effect.EXECUTE_FUNCTION, target=target, note=ATTRIBUTE)] = None
    return replace(facts, acts=tuple(dict.fromkeys(_resolved(act, settings.search_path) for act in acts)))


def _outranked(settings: Settings) -> bool:
    """Tell whether the search_path names pg_catalog behind another schema, which then comes first."""
    path = settings.search_path or ()
    return _SYSTEM in path and path[0] != _SYSTEM


def _acts_of(call: Call, census: Census | None, outranked: bool) -> Iterator[Act]:
    match call.kind:
        case TargetKind.OPERATOR:
            note = _operator_note(call, outranked)
        case TargetKind.TYPE:
            note = _type_note(call, outranked)
        case _:
            note = _function_note(call, census, outranked)
            if call.name == "set_config" and call.schema in (None, _SYSTEM):
                yield _setting(call)
    if note is not None:
        target = Target(kind=call.kind, schema=call.schema, name=call.name)
        yield Act(effect=Effect.EXECUTE_FUNCTION, target=target, note=note)


def _function_note(call: Call, census: Census | None, outranked: bool) -> str | None:
    """Why a function call is taken to be code, or None where it does no harm."""
    known = call.name in HARMLESS or call.name == "set_config"
    if call.schema == _SYSTEM:
        return None if known else NOT_KNOWN
    if call.schema == "information_schema":
        return None if call.name in INFORMATION_SCHEMA_FUNCTIONS else NOT_KNOWN
    if call.schema is not None or not known:
        return NOT_KNOWN
    if census is not None:
        return SHADOWED if call.name in census.function_names else None
    if outranked:
        return OUTRANKED
    # pg_catalog comes first, and an exact match there cannot be beaten; without arguments every match is exact.
    return None if call.arguments == 0 else SHADOWABLE


def _operator_note(call: Call, outranked: bool) -> str | None:
    if call.schema is None:
        return OUTRANKED if outranked else None
    return None if call.schema == _SYSTEM else OPERATOR


def _type_note(call: Call, outranked: bool) -> str | None:
    # `_int4` is the name of the type int4[].
    known = call.name.removeprefix("_") in HARMLESS_TYPES
    if call.schema is None and known:
        return OUTRANKED if outranked else None
    if call.schema == _SYSTEM and known:
        return None
    if call.schema == "information_schema" and call.name in INFORMATION_SCHEMA_TYPES:
        return None
    return TYPE


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


def _resolved(act: Act, path: tuple[str, ...] | None) -> Act:
    """Fill in the schemas that an unqualified name may mean, as namespace.c searches them."""
    target = act.target
    if path is None or target is None or target.schema is not None or target.kind not in _RESOLVED or not target.name:
        return act
    return replace(act, target=replace(target, candidates=_candidates(act, target, path)))


def _candidates(act: Act, target: Target, path: tuple[str, ...]) -> tuple[str, ...]:
    if act.effect is Effect.CREATE:
        return (_TEMPORARY,) if Modifier.TEMPORARY in act.modifiers else path
    implicit: tuple[str, ...] = ()
    # Functions and operators are never looked up in the temporary schema.
    if target.kind in (TargetKind.RELATION, TargetKind.TYPE) and _TEMPORARY not in path:
        implicit = (_TEMPORARY,)
    if _SYSTEM in path:
        return (*implicit, *path)
    if target.kind is not TargetKind.RELATION:
        return (*implicit, _SYSTEM, *path)
    if target.name in SYSTEM_RELATIONS:
        return (*implicit, _SYSTEM)
    return (*implicit, *path)
