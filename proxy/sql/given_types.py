"""Types that a client gives its parameters by number: no text names them, and their values are read in all the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proxy.sql.census import Census, Knowledge, Lost
from proxy.sql.facts import Act, Effect, Facts, Target, TargetKind
from proxy.sql.routines import Code
from proxy.sql.stored_code import FIRST_USER_OID


def types_given(oids: Iterable[int], census: Knowledge) -> Facts | None:
    """Give the facts of types that a client gives its parameters by number, whose values the server reads in.

    None where they do no harm. Without a census every type that is not built in may run any code.
    """
    acts: dict[Act, None] = {}
    for oid in sorted(set(oids)):
        if oid < FIRST_USER_OID:
            continue
        if isinstance(census, Census) and census.routines.is_known_type(oid):
            acts.update(dict.fromkeys(_running(census.routines.code_of_values(oid))))
            continue
        target = Target(kind=TargetKind.TYPE, name=f"oid {oid}")
        note = "a parameter of a type that is not built in may run any code"
        acts[Act(effect=Effect.EXECUTE_FUNCTION, target=target, note=note)] = None
    if not acts:
        return None
    lost = census.because if isinstance(census, Lost) else None
    return Facts(tag="PARSE", acts=tuple(acts), unestablished=lost)


def said(path: str) -> str:
    """Say in a clause what runs something."""
    return path if path.startswith("it is ") else f"{path} calls it"


def _running(code: Code) -> Iterator[Act]:
    for routine, path in code.items():
        target = Target(kind=routine.kind, schema=routine.schema, name=routine.name)
        yield Act(effect=Effect.EXECUTE_FUNCTION, target=target, note=said(path))
