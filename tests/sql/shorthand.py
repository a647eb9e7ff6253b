"""Facts written short, so that a table of expectations can be read: `delete+unbounded s.users`, `set setting:x = 1`."""

from __future__ import annotations

from proxy.sql.facts import Act, Bounds, Call, Facts, TargetKind, Unreadable
from proxy.sql.witness_pg import read_pg


def read(text: str) -> tuple[Facts, ...]:
    """Read a text that must be readable."""
    reading = read_pg(text, Bounds())
    assert not isinstance(reading, Unreadable), reading
    return reading


def read_one(text: str) -> Facts:
    """Read a text that must be one readable statement."""
    (facts,) = read(text)
    return facts


def short_act(act: Act) -> str:
    """Write an act short; relations stand without their kind."""
    words = "+".join([act.effect.value, *sorted(modifier.value for modifier in act.modifiers)])
    if act.target is not None:
        kind = "" if act.target.kind is TargetKind.RELATION else f"{act.target.kind.value}:"
        schema = "" if act.target.schema is None else f"{act.target.schema}."
        words += f" {kind}{schema}{act.target.name}"
    return words if act.value is None else f"{words} = {act.value}"


def short_acts(facts: Facts) -> list[str]:
    """Write all acts of a statement short, in order."""
    return [short_act(act) for act in facts.acts]


def short_call(call: Call) -> str:
    """Write a call short: `function s.f/2`."""
    schema = "" if call.schema is None else f"{call.schema}."
    return f"{call.kind.value} {schema}{call.name}/{'?' if call.arguments is None else call.arguments}"
