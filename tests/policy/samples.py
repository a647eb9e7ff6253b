"""Accounts, acts and policies that the tests of this room are written in."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import dedent, indent

from proxy.policy import Account, AccountKind, Policy, PolicyMistake, PolicyMistakes, compile_policy
from proxy.sql import Act, Effect, Facts, Modifier, Target, TargetKind

MODEL = Account(name="models", kind=AccountKind.MODEL, user="model_janitor")
SERVICE = Account(name="billing", kind=AccountKind.SERVICE)
PERSON = Account(name="alice", kind=AccountKind.PERSON)
ACCOUNTS = (MODEL, SERVICE, PERSON)


def relation(text: str, *candidates: str) -> Target:
    """`schema.name`, or `name` with the schemas it may resolve to."""
    schema, dot, name = text.rpartition(".")
    return Target(kind=TargetKind.RELATION, schema=schema if dot else None, name=name, candidates=candidates)


def setting(name: str) -> Target:
    """Name a configuration parameter."""
    return Target(kind=TargetKind.SETTING, name=name)


def act(effect: Effect, target: Target | str | None = None, *modifiers: Modifier, value: str | None = None) -> Act:
    """One act; a text names a relation."""
    aim = relation(target) if isinstance(target, str) else target
    return Act(effect=effect, target=aim, modifiers=frozenset(modifiers), value=value)


def statement(*acts: Act, tag: str = "SELECT", disagreement: str | None = None) -> Facts:
    """Build the facts of one statement."""
    return Facts(tag=tag, acts=acts, disagreement=disagreement)


def policy(*rules: str, accounts: str = "") -> Policy:
    """Compile rules, each written as the keys of one list item."""
    return compile_policy([("test.yaml", document(*rules, accounts=accounts))])


def document(*rules: str, accounts: str = "") -> str:
    """Write a policy file with these rules."""
    return "version: 1\n" + _listed("accounts", [accounts] if accounts else []) + _listed("rules", rules)


def _listed(key: str, items: Iterable[str]) -> str:
    written = ["  - " + indent(dedent(item).strip(), "    ").lstrip() + "\n" for item in items]
    return f"{key}:\n{''.join(written)}" if written else ""


def mistakes(*texts: str) -> list[PolicyMistake]:
    """Everything that is wrong with these files, named 0.yaml, 1.yaml ...; empty where nothing is."""
    try:
        compile_policy([(f"{i}.yaml", text) for i, text in enumerate(texts)])
    except PolicyMistakes as found:
        return list(found.mistakes)
    return []


READ = "{id: read, for: {kind: model}, permit: {effects: [select], on: ['*.*']}}"
RECOMMEND = "{id: recommend, for: {kind: model}, permit: {effects: [insert], on: [interlock.recommendation]}}"
NO_DELETE = "{id: no-delete, for: {kind: model}, forbid: {effects: [delete]}, because: People decide.}"
