"""Deciding: forbid beats permit, every act counts, and doubt is refused to those that are enforced."""

from __future__ import annotations

import pytest

from proxy.policy import Account, Principal, Verdict, compile_policy, decide
from proxy.sql import Act, Bounds, Effect, Facts, Modifier, Target, TargetKind, Unreadable, read_statements
from tests.policy.samples import (
    ACCOUNTS,
    MODEL,
    NO_DELETE,
    PERSON,
    READ,
    RECOMMEND,
    SERVICE,
    act,
    policy,
    relation,
    setting,
    statement,
)

SELECT = act(Effect.SELECT, "public.users")
DELETE = act(Effect.DELETE, "public.users", Modifier.UNBOUNDED)
INSERT = act(Effect.INSERT, "interlock.recommendation")


def _forbid(effects: str, rest: str = "", for_: str = "everyone", name: str = "stop") -> str:
    return f"{{id: {name}, for: {for_}, forbid: {{effects: {effects}{rest}}}, because: No.}}"


def _permit(effects: str, rest: str = "", for_: str = "{kind: model}", name: str = "let") -> str:
    return f"{{id: {name}, for: {for_}, permit: {{effects: {effects}{rest}}}}}"


@pytest.mark.parametrize(
    ("account", "verdict"), [(MODEL, Verdict.FORBID), (SERVICE, Verdict.PERMIT), (PERSON, Verdict.PERMIT)]
)
def test_kind_decides_where_no_rule_speaks(account: Account, verdict: Verdict) -> None:
    """Models may do what is permitted, the others what is not forbidden."""
    decision = decide([statement(DELETE)], account, policy(READ))
    assert (verdict, "default") == (decision.verdict, decision.rule)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_forbid_beats_permit(account: Account) -> None:
    """A permit never opens what a forbid closes."""
    rules = policy(_permit("delete", for_="everyone"), _forbid("delete"))
    decision = decide([statement(DELETE)], account, rules)
    assert (decision.verdict, decision.rule, decision.because) == (Verdict.FORBID, "stop", "No.")


def test_every_act_must_be_permitted() -> None:
    """A CTE that deletes beside a permitted read is not permitted."""
    decision = decide([statement(SELECT, act(Effect.UPDATE, "public.users"))], MODEL, policy(READ))
    assert decision.refused
    assert decision.act is not None
    assert decision.act.effect is Effect.UPDATE


def test_strictest_statement_of_a_message_stands() -> None:
    """One forbidden statement refuses the message, and is the one that is named."""
    decision = decide(
        [statement(SELECT), statement(DELETE, tag="DELETE"), statement(SELECT)], MODEL, policy(READ, NO_DELETE)
    )
    assert (decision.rule, decision.statement) == ("no-delete", 1)
    assert len(decision.facts) == 3


def test_rule_that_says_no_is_named_before_the_default_of_an_earlier_statement() -> None:
    """People learn the reason that somebody wrote."""
    decision = decide([statement(act(Effect.LOCK, "a.b")), statement(DELETE)], MODEL, policy(NO_DELETE))
    assert decision.rule == "no-delete"


def test_permit_of_what_writes_names_the_decision() -> None:
    """INSERT ... SELECT is permitted as an insert."""
    decision = decide([statement(SELECT, INSERT)], MODEL, policy(READ, RECOMMEND))
    assert (decision.verdict, decision.rule) == (Verdict.PERMIT, "recommend")


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("syntax_error", [True, False])
def test_unreadable_is_undecidable_and_refused_to_enforced_accounts_only(account: Account, syntax_error: bool) -> None:
    """Also a syntax error: the server's grammar may differ from the one that was read by."""
    reading = Unreadable(because='syntax error at or near "hunter2"', syntax_error=syntax_error)
    decision = decide(reading, account, policy(READ))
    assert (decision.verdict, decision.rule) == (Verdict.UNDECIDABLE, "reading")
    assert decision.refused is account.enforced
    assert "hunter2" not in decision.because


@pytest.mark.parametrize("account", ACCOUNTS)
def test_disagreement_of_the_witnesses_is_undecidable(account: Account) -> None:
    """Permitted or not: what two readings see differently is not understood."""
    decision = decide([statement(SELECT, disagreement="one sees a delete")], account, policy(READ))
    assert (Verdict.UNDECIDABLE, account.enforced) == (decision.verdict, decision.refused)
    assert "one sees a delete" in decision.because


@pytest.mark.parametrize("account", ACCOUNTS)
def test_disagreement_hides_no_forbid(account: Account) -> None:
    """What either reading saw is in the facts, so a forbid still acts on it, for everybody."""
    decision = decide([statement(DELETE, disagreement="who knows")], account, policy(_forbid("delete")))
    assert (decision.verdict, decision.rule) == (Verdict.FORBID, "stop")


def test_statement_without_acts_is_undecidable() -> None:
    """A reading that saw no effect understood nothing."""
    assert decide([statement()], MODEL, policy(READ)).verdict is Verdict.UNDECIDABLE


@pytest.mark.parametrize("account", ACCOUNTS)
def test_empty_message_is_permitted(account: Account) -> None:
    """An empty query does nothing, and drivers send it to see whether the line is alive."""
    decision = decide([], account, policy(_forbid("'*'")))
    assert (decision.verdict, decision.rule) == (Verdict.PERMIT, "empty")


@pytest.mark.parametrize("account", ACCOUNTS)
def test_observing_rule_refuses_nothing_and_is_on_record(account: Account) -> None:
    """mode: observe shows what a rule would do before it does it."""
    rules = policy(READ, _forbid("select").replace("because", "mode: observe, because"))
    decision = decide([statement(SELECT)], account, rules)
    assert (decision.verdict, decision.observed) == (Verdict.PERMIT, ("stop",))


@pytest.mark.parametrize(
    ("modifiers", "named", "permitted"),
    [
        ((), "", True),
        ((Modifier.LOCKING,), "", False),
        ((Modifier.LOCKING,), ", modifiers: [locking]", True),
        ((Modifier.LOCKING, Modifier.CASCADE), ", modifiers: [locking]", False),
        ((Modifier.LOCAL, Modifier.CONCURRENTLY), "", True),
        ((), ", modifiers: [locking]", True),
    ],
)
def test_permit_covers_an_act_only_with_modifiers_that_it_names(
    modifiers: tuple[Modifier, ...], named: str, permitted: bool
) -> None:
    """Only what merely narrows an effect may go unnamed."""
    decision = decide([statement(act(Effect.SELECT, "a.b", *modifiers))], MODEL, policy(_permit("select", named)))
    assert permitted is not decision.refused


@pytest.mark.parametrize(
    ("modifiers", "named", "refused"),
    [
        ((), "", True),
        ((Modifier.CASCADE,), "", True),
        ((), ", modifiers: [unbounded, cascade]", False),
        ((Modifier.CASCADE,), ", modifiers: [unbounded, cascade]", True),
        ((Modifier.LOCKING,), ", modifiers: [unbounded, cascade]", False),
    ],
)
def test_forbid_with_modifiers_matches_acts_that_have_any_of_them(
    modifiers: tuple[Modifier, ...], named: str, refused: bool
) -> None:
    """Without modifiers it matches whatever the act carries."""
    decision = decide([statement(act(Effect.DELETE, "a.b", *modifiers))], PERSON, policy(_forbid("delete", named)))
    assert refused is decision.refused


@pytest.mark.parametrize(
    ("value", "permitted"), [("UTF8", True), ("utf8", True), ("latin1", False), (None, False), ("", False)]
)
def test_permit_with_values_covers_only_these_constants(value: str | None, permitted: bool) -> None:
    """A value that the statement does not say as a constant is none of them."""
    rules = policy(_permit("set", ", on: client_encoding, values: UTF8"))
    decision = decide([statement(act(Effect.SET, setting("client_encoding"), value=value))], MODEL, rules)
    assert permitted is not decision.refused


@pytest.mark.parametrize(
    ("target", "on", "permitted", "forbidden"),
    [
        (None, "a.b", True, False),
        (None, "'*'", True, True),
        (relation("a.b"), "a.b", True, True),
        (relation("b"), "a.b", False, True),
        (relation("b", "a"), "a.b", True, True),
        (relation("b", "c"), "a.b", False, False),
    ],
)
def test_object_left_open_is_read_against_the_statement(
    target: Target | None, on: str, permitted: bool, forbidden: bool
) -> None:
    """A forbid matches what may be meant, a permit what must be; SELECT without a table reads none."""
    read = [statement(act(Effect.SELECT, target))]
    assert permitted is not decide(read, MODEL, policy(_permit("select", f", on: {on}"))).refused
    assert forbidden is decide(read, PERSON, policy(_forbid("select", f", on: {on}"))).refused


@pytest.mark.parametrize("target", [None, Target(kind=TargetKind.OTHER)])
def test_write_that_names_no_object_may_fall_on_any(target: Target | None) -> None:
    """VACUUM or DROP OWNED without a name touches everything, so only `*` permits it."""
    everything = [statement(act(Effect.DROP, target))]
    assert decide(everything, PERSON, policy(_forbid("drop", ", on: payroll.*"))).refused
    assert decide(everything, MODEL, policy(_permit("drop", ", on: '*.*'"))).refused
    assert not decide(everything, MODEL, policy(_permit("drop", ", on: '*'"))).refused


@pytest.mark.parametrize(
    ("for_", "included"),
    [
        ("everyone", True),
        ("{kind: model}", True),
        ("{kind: [person, model]}", True),
        ("{kind: service}", False),
        ("{user: 'model_*'}", True),
        ("{user: models}", False),
        ("{account: models}", True),
        ("{kind: model, user: other}", False),
    ],
)
def test_rule_is_for_whom_every_part_of_its_for_includes(for_: str, included: bool) -> None:
    """Kind, account and login narrow one another; items of a list widen."""
    rules = policy(_forbid("select", for_=for_), accounts="{name: models, kind: model, match: {user: 'model_*'}}")
    assert included is (decide([statement(SELECT)], MODEL, rules).rule == "stop")


def test_first_id_is_named_where_several_rules_forbid() -> None:
    """The name of the decision does not depend on the order of files."""
    one, two = _forbid("delete", name="b"), _forbid("delete", name="a")
    assert decide([statement(DELETE)], PERSON, policy(one, two)).rule == "a"
    assert decide([statement(DELETE)], PERSON, policy(two, one)).rule == "a"


def test_decision_carries_facts_and_digest() -> None:
    """What is recorded can be decided again."""
    rules = policy(READ)
    decision = decide([statement(SELECT)], MODEL, rules)
    assert ((statement(SELECT),), rules.digest) == (decision.facts, decision.policy_digest)


@pytest.mark.parametrize(
    ("wanted", "rule", "says"),
    [
        (
            act(Effect.INSERT, relation("recommendation")),
            RECOMMEND,
            "Write the schema: interlock.recommendation.",
        ),
        (act(Effect.SELECT, "a.b", Modifier.LOCKING), READ, "Leave out FOR UPDATE or FOR SHARE"),
        (
            act(Effect.SET, setting("client_encoding"), value="secret"),
            _permit("set", ", on: client_encoding, values: [utf8, unicode]"),
            "Write one of the permitted values as a constant: utf8, unicode.",
        ),
    ],
)
def test_refusal_says_how_the_nearest_permit_would_cover_it(wanted: Act, rule: str, says: str) -> None:
    """A near miss is told how to hit."""
    decision = decide([statement(wanted)], MODEL, policy(rule))
    assert decision.refused
    assert decision.instead is not None
    assert says in decision.instead
    assert "secret" not in decision.instead


def test_an_implied_act_needs_no_permit_and_meets_every_forbid() -> None:
    """A view is how its owner gives data away, unless a rule keeps that data from the account."""
    named = Act(effect=Effect.SELECT, target=Target(kind=TargetKind.RELATION, schema="public", name="v"))
    implied = Act(
        effect=Effect.SELECT,
        target=Target(kind=TargetKind.RELATION, schema="secret", name="users"),
        note="through the view public.v",
        implied=True,
    )
    facts = Facts(tag="SELECT", acts=(named, implied))
    permit = "  - {id: reads, for: {kind: model}, permit: {effects: [select], on: [public.v]}}\n"
    forbid = "  - {id: no, for: {kind: model}, forbid: {effects: [select], on: ['secret.*']}, because: Secret.}\n"
    rules = "version: 1\naccounts: [{name: m, kind: model, match: {user: m}}]\nrules:\n"
    permitted, forbidden = (compile_policy([("p.yaml", rules + text)]) for text in (permit, permit + forbid))
    account = permitted.account_of(Principal(user="m", database="d"))
    assert Verdict.PERMIT is decide([facts], account, permitted).verdict
    decision = decide([facts], account, forbidden)
    assert (decision.verdict, decision.rule) == (Verdict.FORBID, "no")
    assert decision.because == "Secret. Here: through the view public.v."


def test_what_could_not_be_established_is_undecidable_by_the_census() -> None:
    """Refused to a model, let through and recorded for others; a forbid still decides first."""
    facts = Facts(tag="SELECT", acts=(Act(effect=Effect.SELECT),), unestablished="the census is lost")
    policy = compile_policy([("p.yaml", "version: 1\naccounts: [{name: m, kind: model, match: {user: m}}]\n")])
    for user, refused in (("m", True), ("ada", False)):
        decision = decide([facts], policy.account_of(Principal(user=user, database="d")), policy)
        assert (decision.verdict, decision.rule, decision.refused) == (Verdict.UNDECIDABLE, "census", refused)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("selec 1", 'refuses it: syntax error at or near "selec", character 1.'),
        ("\u00e9a, selec", 'syntax error at or near "\u00e9a", character 1.'),
        ("SELECT a FORM t WHERE", 'syntax error at or near "t", character 15.'),
        ("select 'a' from where", "syntax error at character 17."),
        ("select 1 from", "syntax error at end of input."),
        ("select 1 2", "syntax error at character 10."),
        ("select 'O'hunter2'", "unterminated quoted string at character 18."),
        ("select 'O'hunter2 x", "syntax error at character 19."),
        ("select $hunter2$ x", "unterminated dollar-quoted string at character 8."),
        ("select $x$ $x$ from hunter2 a b", "syntax error at character 31."),
        ("alter user u password hunter2", "syntax error at character 23."),
        ("alter user u hunter2", "unrecognized role option at character 14."),
        ('alter user u "a""hunter2"', "unrecognized role option at character 14."),
        ("create user u identified by hunter2", "unrecognized role option at character 15."),
        ("set app.key = hunter2 hunter2", "syntax error at character 23."),
        ("set app.token to x hunter2", "syntax error at character 20."),
        ("select 1 1" + "x" * 64 + "hunter2", "trailing junk after numeric literal at character 10."),
        ("x" * 64 + "hunter2", "syntax error at character 1."),
        ("(" + "hunter2" * 10, "syntax error at character 2."),
    ],
)
def test_syntax_error_says_where_and_quotes_nothing_that_may_be_a_secret(text: str, where: str) -> None:
    """A word is shown only where nothing before it may have opened a string or named a secret; the place always."""
    decision = decide(read_statements(text, Bounds()), MODEL, policy(READ))
    assert decision.because.endswith(where), decision.because
    assert "hunter2" not in decision.because
