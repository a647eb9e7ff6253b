"""Laws of deciding, over generated policies and readings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from proxy.policy import (
    Account,
    Mode,
    Policy,
    PolicyMistake,
    PolicyMistakes,
    Rule,
    Sense,
    Standing,
    Verdict,
    compile_policy,
    decide,
    explain,
    restrain,
    steps,
)
from proxy.policy.patterns import Glob, object_pattern, value_pattern
from proxy.policy.rules import Audience
from proxy.sql import Act, Effect, Facts, Modifier, Target, TargetKind, Unreadable
from tests.policy.samples import ACCOUNTS

_NAMES = st.sampled_from(["a", "b", "ab", "users", ""])
_EFFECTS = st.sampled_from([Effect.SELECT, Effect.INSERT, Effect.DELETE, Effect.SET, Effect.DROP])
_MODIFIERS = st.frozensets(st.sampled_from([Modifier.LOCKING, Modifier.UNBOUNDED, Modifier.LOCAL]))

targets = st.builds(
    Target,
    kind=st.sampled_from(TargetKind),
    schema=st.none() | st.sampled_from(["a", "b"]),
    name=_NAMES | st.text(max_size=5),
    candidates=st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple),
)
acts = st.builds(
    Act,
    effect=_EFFECTS,
    target=st.none() | targets,
    modifiers=_MODIFIERS,
    value=st.none() | st.sampled_from(["UTF8", "0", "5s"]),
)
statements = st.builds(
    Facts,
    tag=st.sampled_from(["SELECT", "DELETE", ""]),
    acts=st.lists(acts, max_size=3).map(tuple),
    disagreement=st.none() | st.none() | st.text(max_size=8),
)
readings = st.lists(statements, max_size=3) | st.builds(
    Unreadable, because=st.text(max_size=20), syntax_error=st.booleans()
)
_PATTERNS = st.sampled_from(["*", "*.*", "a.*", "a.users", "*.b", "b", "a*.u*"]).map(object_pattern)


def _rules(sense: Sense) -> st.SearchStrategy[Rule]:
    values = (
        st.none() if sense is Sense.FORBID else st.none() | st.just((value_pattern("utf8"), value_pattern("1s..9s")))
    )
    return st.builds(
        Rule,
        id=st.text(alphabet="abc", min_size=1, max_size=3),
        sense=st.just(sense),
        audience=st.builds(
            Audience,
            kinds=st.none() | st.frozensets(st.sampled_from([account.kind for account in ACCOUNTS])),
            users=st.none() | st.just((Glob.of("model_*"),)),
        ),
        effects=st.frozensets(_EFFECTS, min_size=1),
        on=st.none() | st.lists(_PATTERNS, min_size=1, max_size=2).map(tuple),
        modifiers=_MODIFIERS,
        values=values,
        because=st.just("Because."),
        mode=st.sampled_from(Mode) if sense is Sense.FORBID else st.just(Mode.ENFORCE),
    )


_LISTS = st.lists(_rules(Sense.PERMIT) | _rules(Sense.FORBID), max_size=5, unique_by=lambda rule: rule.id)
accounts = st.sampled_from(ACCOUNTS)


def _policy(rules: Sequence[Rule]) -> Policy:
    return Policy(rules=tuple(sorted(rules, key=lambda rule: rule.id)))


@given(readings, accounts, _LISTS)
def test_deciding_is_total_and_every_decision_can_be_worded(
    reading: list[Facts] | Unreadable, account: Account, rules: list[Rule]
) -> None:
    """Nothing is raised, and the words hold no control characters."""
    policy = _policy(rules)
    decision = decide(reading, account, policy)
    words = explain(restrain(decision, Standing(), 0.0), "01J")
    assert "\0" not in words.message + words.detail + words.hint
    assert words.hint.strip() or (decision.refused and not account.enforced)
    assert all(step.words for step in steps(reading, account, policy))


@given(readings, accounts, _LISTS, st.randoms())
def test_order_of_rules_never_matters(
    reading: list[Facts] | Unreadable, account: Account, rules: list[Rule], random: Random
) -> None:
    """The whole decision is the same, not only its verdict."""
    shuffled = list(rules)
    random.shuffle(shuffled)
    assert decide(reading, account, _policy(rules)) == decide(reading, account, _policy(shuffled))


@given(readings, accounts, _LISTS, _rules(Sense.FORBID))
def test_adding_a_forbid_never_permits_more(
    reading: list[Facts] | Unreadable, account: Account, rules: list[Rule], forbid: Rule
) -> None:
    """What was refused stays refused."""
    before = decide(reading, account, _policy(rules))
    after = decide(reading, account, _policy([*rules, replace(forbid, id="zz")]))
    assert after.refused >= before.refused


@given(readings, accounts, _LISTS, _rules(Sense.PERMIT))
def test_adding_a_permit_never_forbids_more(
    reading: list[Facts] | Unreadable, account: Account, rules: list[Rule], permit: Rule
) -> None:
    """What was let through stays let through."""
    before = decide(reading, account, _policy(rules))
    after = decide(reading, account, _policy([*rules, replace(permit, id="zz")]))
    assert after.refused <= before.refused


@given(st.lists(statements, min_size=1, max_size=3), accounts, _LISTS)
def test_message_is_refused_exactly_if_one_of_its_statements_is(
    reading: list[Facts], account: Account, rules: list[Rule]
) -> None:
    """Company neither saves nor spoils a statement."""
    policy = _policy(rules)
    alone = [decide([facts], account, policy).refused for facts in reading]
    assert decide(reading, account, policy).refused is any(alone)


@given(readings, accounts, _LISTS)
def test_observing_rules_never_refuse(reading: list[Facts] | Unreadable, account: Account, rules: list[Rule]) -> None:
    """A policy whose forbids all observe refuses only what its defaults refuse."""
    quiet = [replace(rule, mode=Mode.OBSERVE) if rule.sense is Sense.FORBID else rule for rule in rules]
    permits = [rule for rule in rules if rule.sense is Sense.PERMIT]
    observed = decide(reading, account, _policy(quiet))
    assert observed.refused is decide(reading, account, _policy(permits)).refused


@given(statements, _LISTS)
def test_enforced_account_does_only_what_permits_cover(facts: Facts, rules: list[Rule]) -> None:
    """For a model, a permitted statement has a permit for every act and no doubt."""
    model = ACCOUNTS[0]
    if not decide([facts], model, _policy(rules)).refused:
        assert facts.acts
        assert facts.disagreement is None
        assert all(any(r.sense is Sense.PERMIT and r.miss(model, act) is None for r in rules) for act in facts.acts)


_YAML = st.text(alphabet="versionaculmdf: 1-{}[],*&!|>'\"#\n\t?\\x0.", max_size=120)


@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.text(max_size=200) | _YAML | _YAML.map("version: 1\nrules:\n  - ".__add__)),
        max_size=3,
    )
)
def test_compiling_any_text_gives_a_policy_or_its_own_exception(files: list[tuple[str, str]]) -> None:
    """Nothing else is raised, and mistakes always name one."""
    policy, found = _compiled(files)
    assert policy is None or policy.digest
    assert (policy is None) is bool(found)


def _compiled(files: list[tuple[str, str]]) -> tuple[Policy | None, tuple[PolicyMistake, ...]]:
    try:
        return compile_policy(files), ()
    except PolicyMistakes as caught:
        return None, caught.mistakes


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["model", "select", "insert", "a.b", "*", "everyone", "x", "60s", "permit", "a", "enforce"])
)
_KEYS = st.sampled_from(
    [
        "version",
        "accounts",
        "rules",
        "limits",
        "unmatched",
        "id",
        "for",
        "permit",
        "forbid",
        "because",
        "effects",
        "on",
        "modifiers",
        "values",
        "kind",
        "account",
        "user",
        "name",
        "match",
        "mode",
        "rows_written",
        "per_statement",
        "x",
    ]
)
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(_KEYS, _TREES, max_size=5))
def test_compiling_any_tree_gives_a_policy_or_mistakes_with_places(tree: dict[str, object]) -> None:
    """Whatever stands where, each mistake has a place in the text and a sentence."""
    text = json.dumps({"version": 1, **tree}, indent=1)
    _, found = _compiled([("f", text)])
    for mistake in found:
        assert 1 <= mistake.line <= text.count("\n") + 1
        assert mistake.column >= 1
        assert mistake.message
        assert "input should" not in mistake.message


@given(readings, accounts, _LISTS)
def test_verdict_permit_is_never_refused_and_forbid_always(
    reading: list[Facts] | Unreadable, account: Account, rules: list[Rule]
) -> None:
    """Only undecidable depends on who asks."""
    decision = decide(reading, account, _policy(rules))
    assert (
        decision.refused
        is {
            Verdict.PERMIT: False,
            Verdict.FORBID: True,
            Verdict.UNDECIDABLE: account.enforced,
        }[decision.verdict]
    )
