"""Which schemas a name that is written without one may mean, as namespace.c searches the search_path. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from proxy.sql.facts import Act, Effect, Modifier, Settings, TargetKind
from proxy.sql.harmless import SYSTEM_RELATIONS

_TEMPORARY: Final = "pg_temp"
_SYSTEM: Final = "pg_catalog"
_RESOLVED: Final = frozenset({TargetKind.RELATION, TargetKind.FUNCTION, TargetKind.TYPE, TargetKind.OPERATOR})


def is_outranked(settings: Settings) -> bool:
    """Tell whether the search_path names pg_catalog behind another schema, which then comes first."""
    path = settings.search_path or ()
    return _SYSTEM in path and path[0] != _SYSTEM


def resolve(act: Act, settings: Settings) -> Act:
    """Fill in the schemas that an unqualified name may mean, as namespace.c searches them."""
    target, path = act.target, settings.search_path
    if path is None or target is None or target.schema is not None or target.kind not in _RESOLVED or not target.name:
        return act
    if act.effect is Effect.CREATE:
        schemas = (_TEMPORARY,) if Modifier.TEMPORARY in act.modifiers else path
    else:
        schemas = candidates(target.kind, settings, target.name)
    return replace(act, target=replace(target, candidates=schemas))


def candidates(kind: TargetKind, settings: Settings, name: str = "") -> tuple[str, ...]:
    """Give the schemas that a name of a kind of object may be found in, in order. The path must be known."""
    path = settings.search_path or ()
    # Functions and operators are never looked up in the temporary schema.
    first = settings.temporary and kind in (TargetKind.RELATION, TargetKind.TYPE) and _TEMPORARY not in path
    implicit = (_TEMPORARY,) if first else ()
    if _SYSTEM in path:
        return (*implicit, *path)
    if kind is not TargetKind.RELATION:
        return (*implicit, _SYSTEM, *path)
    if name in SYSTEM_RELATIONS:
        return (*implicit, _SYSTEM)
    return (*implicit, *path)
