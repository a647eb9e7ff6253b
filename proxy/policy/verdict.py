"""The one decision function of the product, and what it answers. Pure.

For each act of each statement: a forbid that matches beats every permit; an act that no rule matches falls to the
account kind's default; the strictest statement of a message stands. The order of rules and files never matters: where
several rules of one sense match, the one with the first id in alphabetical order is named. What could not be
established is `undecidable`, never "carry on".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from proxy.policy.account import Account
from proxy.policy.advice import milder_form, nearest_permit
from proxy.policy.names import shown_name
from proxy.policy.rules import Mode, Policy, Rule, Sense
from proxy.sql import Act, Effect, Facts, Unreadable


class Verdict(StrEnum):
    """What is to happen with a statement."""

    PERMIT = "permit"
    FORBID = "forbid"
    """A rule said no, or no rule of an enforced account said yes."""
    UNDECIDABLE = "undecidable"
    """Could not be established; refused to enforced accounts, let through and recorded for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict with its grounds. Immutable, so it may be cached for as long as its policy and census stand."""

    verdict: Verdict
    account: Account
    rule: str
    """Id of the rule that decided; `default` where the account kind's default did; `reading`, `empty`, `audit` ...
    where the house itself did."""
    because: str
    """The rule's reason, one sentence with a full stop."""
    act: Act | None = None
    """The act that decided."""
    statement: int = 0
    """Index of the deciding statement in the message."""
    facts: tuple[Facts, ...] = ()
    policy_digest: str = ""
    instead: str | None = None
    """What to do instead, one sentence, from the rule or from what the policy permits; None: the wording finds one."""
    observed: tuple[str, ...] = ()
    """Ids of rules in `mode: observe` that would have refused, sorted."""

    @property
    def refused(self) -> bool:
        """True where the statement must not reach the server."""
        match self.verdict:
            case Verdict.PERMIT:
                return False
            case Verdict.FORBID:
                return True
            case Verdict.UNDECIDABLE:
                return self.account.enforced


_QUOTED: Final = re.compile(r"\".*\"|'.*'", re.DOTALL)
_SEVERITY: Final = {Verdict.PERMIT: 0, Verdict.UNDECIDABLE: 1, Verdict.FORBID: 2}


def decide(reading: Sequence[Facts] | Unreadable, account: Account, policy: Policy) -> Decision:
    """Judge one message's statements. Total: every reading has a decision, and nothing is raised."""
    if isinstance(reading, Unreadable):
        return Decision(
            verdict=Verdict.UNDECIDABLE,
            account=account,
            rule="reading",
            because=_why_unreadable(reading),
            policy_digest=policy.digest,
        )
    statements = tuple(reading)
    if not statements:
        return Decision(
            verdict=Verdict.PERMIT,
            account=account,
            rule="empty",
            because="There is no statement in it.",
            policy_digest=policy.digest,
        )
    rules = tuple(rule for rule in policy.rules if rule.audience.includes(account))
    observed: set[str] = set()
    judged = [_judge(index, facts, account, rules, observed) for index, facts in enumerate(statements)]
    strictest = max(judged, key=lambda each: each.severity)
    return Decision(
        verdict=strictest.verdict,
        account=account,
        rule=strictest.rule,
        because=strictest.because,
        act=strictest.act,
        statement=strictest.statement,
        facts=statements,
        policy_digest=policy.digest,
        instead=strictest.instead,
        observed=tuple(sorted(observed)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    verdict: Verdict
    rule: str
    because: str
    statement: int
    act: Act | None = None
    instead: str | None = None

    @property
    def severity(self) -> tuple[int, bool]:
        """Refusals outrank; among them one that a rule's author explained."""
        return _SEVERITY[self.verdict], self.rule != "default"


def _judge(index: int, facts: Facts, account: Account, rules: Sequence[Rule], observed: set[str]) -> _Judged:
    """One statement: a rule's no, then doubt, then the default's no, then yes."""
    refused: tuple[Rule, Act] | None = None
    permitted: dict[int, Rule] = {}
    for position, act in enumerate(facts.acts):
        for rule in rules:
            if rule.miss(account, act) is not None:
                continue
            match rule.sense, rule.mode:
                case Sense.FORBID, Mode.OBSERVE:
                    observed.add(rule.id)
                case Sense.FORBID, Mode.ENFORCE:
                    refused = refused or (rule, act)
                case Sense.PERMIT, _:
                    permitted.setdefault(position, rule)
    if refused is not None:
        rule, act = refused
        because = _with_path(rule.because or "The policy forbids it.", act)
        return _Judged(
            verdict=Verdict.FORBID,
            rule=rule.id,
            because=because,
            statement=index,
            act=act,
            instead=rule.instead or milder_form(account, act, rule, rules),
        )
    doubt = _doubt(facts)
    if doubt is not None:
        return _Judged(verdict=Verdict.UNDECIDABLE, rule="reading", because=doubt, statement=index)
    if facts.unknown is not None:
        because = (
            f"What it sets off in the database cannot be established: there is no relation {shown_name(facts.unknown)} "
            "that the proxy knows of."
        )
        return _Judged(verdict=Verdict.UNDECIDABLE, rule="census", because=because, statement=index)
    if facts.unestablished is not None:
        because = f"What it sets off in the database cannot be established: {facts.unestablished}."
        return _Judged(verdict=Verdict.UNDECIDABLE, rule="census", because=because, statement=index)
    uncovered = next((act for i, act in enumerate(facts.acts) if i not in permitted and not act.implied), None)
    if uncovered is not None and account.enforced:
        return _Judged(
            verdict=Verdict.FORBID,
            rule="default",
            because=_with_path(
                f"No rule permits {_named(uncovered)}, "
                f"and a {account.kind.value} account may do only what a rule permits.",
                uncovered,
            ),
            statement=index,
            act=uncovered,
            instead=nearest_permit(account, uncovered, rules),
        )
    # The permit of what matters most names the decision: an INSERT ... SELECT is permitted as an insert.
    weighty = next((i for i, act in enumerate(facts.acts) if act.effect is not Effect.SELECT), 0)
    because = f"No rule speaks of it, and a {account.kind.value} account may do what no rule forbids."
    if weighty not in permitted:
        return _Judged(
            verdict=Verdict.PERMIT, rule="default", because=because, statement=index, act=facts.acts[weighty]
        )
    rule = permitted[weighty]
    return _Judged(
        verdict=Verdict.PERMIT,
        rule=rule.id,
        because=rule.because or "The policy permits it.",
        statement=index,
        act=facts.acts[weighty],
    )


def _named(act: Act) -> str:
    shown = shown_name(act.target)
    return f"{act.effect.value} on {shown}" if shown else f"the effect {act.effect.value}"


def _with_path(because: str, act: Act) -> str:
    """Say how an act came about that the statement's own words do not show."""
    if act.note is None or act.target is None or act.target.schema is None:
        return because
    return f"{because} Here: {act.note}."


def _doubt(facts: Facts) -> str | None:
    if facts.disagreement is not None:
        return f"Its two independent readings do not agree: {_without_quotations(facts.disagreement)}."
    if not facts.acts:
        # Every statement node has an effect; a reading without one understood nothing.
        return "No reading says what it would do."
    return None


def _why_unreadable(reading: Unreadable) -> str:
    # The grammar's own words for the place quote the text.
    because = _without_quotations(reading.because.partition(" at or near ")[0])
    place = f" {reading.place}" if reading.place else ""
    who = "PostgreSQL's grammar, as this proxy knows it, refuses it" if reading.syntax_error else "It cannot be read"
    return f"{who}: {because}{place}."


def _without_quotations(clause: str) -> str:
    """Drop what a clause quotes: a parser quotes the text that it stumbles over, which may be a literal."""
    return " ".join(_QUOTED.sub("...", clause).split()).rstrip(". ")
