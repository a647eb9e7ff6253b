"""Words for those who were refused."""

from __future__ import annotations

import pytest

from proxy.policy import Account, AccountKind, Decision, Verdict, decide, explain, steps
from proxy.policy.wording import act_in_words
from proxy.sql import Act, Effect, Modifier, Target, TargetKind, Unreadable
from tests.policy.samples import (
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

RULES = policy(READ, RECOMMEND, NO_DELETE)
RECOMMENDED = "Insert a row into interlock.recommendation; a person can approve it."


def _explained(wanted: Act, tag: str) -> tuple[str, str, str]:
    words = explain(decide([statement(wanted, tag=tag)], MODEL, RULES), "01J")
    return words.message, words.detail, words.hint


def test_refusal_by_a_rule_reads_as_postgresql_would_write_it() -> None:
    """Message without full stop; DETAIL with rule, reason and decision; HINT with the way out."""
    assert _explained(act(Effect.DELETE, "public.users"), "DELETE") == (
        'DELETE on public.users refused for account "models"',
        "Rule no-delete: People decide. Decision 01J.",
        RECOMMENDED,
    )


def test_rules_own_instead_is_the_hint() -> None:
    """Whoever wrote the rule knows best."""
    rules = policy(NO_DELETE.replace("because", "instead: Ask Ann., because"))
    assert explain(decide([statement(act(Effect.DELETE, "a.b"))], MODEL, rules), "1").hint == "Ask Ann."


@pytest.mark.parametrize(
    ("wanted", "tag", "message", "hint"),
    [
        (act(Effect.DROP, "a.b", Modifier.CASCADE), "DROP TABLE", "DROP TABLE a.b", "interlock.recommendation"),
        (act(Effect.DELETE, "a.b"), "SELECT", "DELETE on a.b inside SELECT", "interlock.recommendation"),
        (act(Effect.UPDATE, "a.b"), "EXPLAIN", "UPDATE on a.b inside EXPLAIN", "interlock.recommendation"),
        (
            act(Effect.INSERT, relation("recommendation")),
            "INSERT",
            "INSERT on recommendation",
            "Write the schema: interlock.rec",
        ),
        (act(Effect.INSERT, "a.b"), "INSERT", "INSERT on a.b", "Insert into interlock.recommendation"),
        (act(Effect.SELECT, "a.b", Modifier.LOCKING), "SELECT", "SELECT with row locks on a.b", "Leave out FOR UPDATE"),
        (act(Effect.COPY_IN, "a.b"), "COPY", "COPY FROM STDIN on a.b", "Copy into interlock.recommendation"),
        (act(Effect.CREATE, "a.b"), "CREATE TABLE AS", "CREATE TABLE a.b", "Ask a person to create it"),
        (act(Effect.GRANT, "a.b"), "GRANT", "GRANT on a.b", "change privileges"),
        (act(Effect.CREATE, "a.b"), "SELECT INTO", "CREATE on a.b inside SELECT INTO", "Ask a person to create it"),
        (act(Effect.DROP, Target(kind=TargetKind.SCHEMA, name="s")), "DROP SCHEMA", "DROP SCHEMA s", "recommendation"),
        (act(Effect.CREATE, Target(kind=TargetKind.OTHER, name="x")), "CREATE EXTENSION", "CREATE EXTENSION", "person"),
        (
            act(Effect.EXECUTE_FUNCTION, Target(kind=TargetKind.FUNCTION, name="lower")),
            "SELECT",
            "function lower",
            "write pg_catalog.lower",
        ),
        (
            act(Effect.EXECUTE_FUNCTION, Target(kind=TargetKind.FUNCTION, schema="public", name="f")),
            "SELECT",
            "function public.f",
            "permit execute_function on public.f",
        ),
        (
            act(Effect.EXECUTE_FUNCTION, Target(kind=TargetKind.OPERATOR, schema="public", name="+")),
            "SELECT",
            "operator public.+",
            "permit execute_function on public.+",
        ),
        (act(Effect.SET, setting("search_path"), value="secret"), "SET", "SET search_path", "Leave search_path"),
        (
            act(Effect.ROLE_CHANGE, Target(kind=TargetKind.ROLE, name="r")),
            "SET",
            "SET of the role",
            "Connect as the role",
        ),
        (
            act(Effect.COPY_FILE, Target(kind=TargetKind.FILE, name="/secret")),
            "COPY",
            "COPY with a file of the server",
            "COPY FROM STDIN",
        ),
        (
            act(Effect.COPY_PROGRAM, Target(kind=TargetKind.PROGRAM, name="secret")),
            "COPY",
            "COPY with a program",
            "on the client",
        ),
        (act(Effect.MAINTAIN), "VACUUM", "VACUUM", "autovacuum"),
        (act(Effect.LOCK, "a.b"), "LOCK TABLE", "LOCK TABLE a.b", "without locking"),
    ],
)
def test_refusal_names_what_was_refused_and_what_to_do(wanted: Act, tag: str, message: str, hint: str) -> None:
    """Precise for each effect, and silent about literals."""
    said, detail, told = _explained(wanted, tag)
    assert f'{message} refused for account "models"' == said
    assert hint in told
    assert "secret" not in said + detail + told


@pytest.mark.parametrize("effect", Effect)
def test_every_effect_has_words_of_its_own(effect: Effect) -> None:
    """No effect falls through to a hint that says nothing."""
    message, _, hint = _explained(act(effect, "a.b", Modifier.CASCADE), "X")
    assert 'refused for account "models"' in message
    assert hint.endswith(".")
    assert "Nothing needs to be done" not in hint


def test_unreadable_statement_is_named_without_its_text() -> None:
    """The reason stands in DETAIL; what the parser quoted does not."""
    words = explain(decide(Unreadable(because="nested deeper than 500 near 'hunter2'"), MODEL, RULES), "01J")
    assert words.message == 'statement refused for account "models"'
    assert "nested deeper than 500" in words.detail
    assert "hunter2" not in words.detail
    assert "simpler" in words.hint


def test_what_a_statement_names_cannot_break_the_message() -> None:
    """Control characters, line ends, bidirectional marks and endless names are made harmless."""
    target = Target(kind=TargetKind.FUNCTION, schema="a\0b", name="x\n\u202e\ud800" + "y" * 1000)
    account = Account(name="m\r\n", kind=AccountKind.MODEL)
    words = explain(decide([statement(act(Effect.EXECUTE_FUNCTION, target))], account, RULES), "1\0")
    for text in (words.message, words.detail, words.hint):
        assert not set(text) & set("\0\r\n\u202e\ud800")
        assert text.encode("utf-8")
        assert len(text) < 1000


def test_steps_say_of_every_rule_why_it_applies_or_not() -> None:
    """The long form has one line for each rule and act."""
    rules = policy(
        READ,
        RECOMMEND,
        NO_DELETE,
        "{id: others, for: {kind: person}, forbid: {effects: insert}, because: No.}",
        "{id: watch, for: everyone, forbid: {effects: insert}, because: No., mode: observe}",
        "{id: bulk, for: everyone, forbid: {effects: insert, modifiers: [on_conflict_update]}, because: No.}",
    )
    wanted = act(Effect.INSERT, "a.b")
    said = {step.rule.id: step.words for step in steps([statement(wanted)], MODEL, rules)}
    assert said == {
        "read": "says nothing of insert",
        "recommend": "permits it on interlock.recommendation, and this is a.b",
        "no-delete": "says nothing of insert",
        "others": "is not for this account",
        "watch": "would forbid it, but only observes",
        "bulk": "forbids it only with: on_conflict_update",
    }


def test_act_in_words_shows_no_value() -> None:
    """The value of a setting may be a secret."""
    assert act_in_words(act(Effect.SET, setting("x"), Modifier.LOCAL, value="secret")) == "set x [local]"


def test_decision_that_permits_can_be_worded_too() -> None:
    """`policy explain` words every decision."""
    decision = Decision(verdict=Verdict.PERMIT, account=PERSON, rule="default", because="Yes.")
    assert explain(decision, "1").message == 'statement permitted for account "alice"'


@pytest.mark.parametrize(
    ("account", "forbidden", "hint"),
    [
        (SERVICE, "effects: update", ""),
        (SERVICE, "effects: update, modifiers: unbounded", "Add a WHERE clause that limits the rows."),
        (SERVICE, "effects: '*', on: ['a.*']", ""),
        (MODEL, "effects: update, modifiers: unbounded", RECOMMENDED),
    ],
)
def test_what_to_do_instead_depends_on_who_asks(account: Account, forbidden: str, hint: str) -> None:
    """Who forgot a WHERE is told so, who may not write at all is sent nowhere, and a model recommends."""
    rules = policy(f"{{id: stop, for: everyone, forbid: {{{forbidden}}}, because: No.}}")
    wanted = act(Effect.UPDATE, "a.b", Modifier.UNBOUNDED)
    assert hint == explain(decide([statement(wanted, tag="UPDATE")], account, rules), "1").hint


def test_what_a_second_rule_forbids_is_no_way_out() -> None:
    """Without the modifier another rule would refuse it."""
    rules = policy(
        "{id: a, for: everyone, forbid: {effects: delete, modifiers: unbounded}, because: No.}",
        "{id: b, for: everyone, forbid: {effects: delete, on: [a.b]}, because: No.}",
    )
    decision = decide([statement(act(Effect.DELETE, "a.b", Modifier.UNBOUNDED))], SERVICE, rules)
    assert (decision.rule, decision.instead) == ("a", None)


def test_a_model_that_may_write_with_a_where_is_told_so() -> None:
    """What is left of the statement is what the policy permits."""
    rules = policy(
        "{id: a, for: everyone, forbid: {effects: delete, modifiers: unbounded}, because: No.}",
        "{id: b, for: {kind: model}, permit: {effects: delete, on: [a.b]}}",
    )
    decision = decide([statement(act(Effect.DELETE, "a.b", Modifier.UNBOUNDED))], MODEL, rules)
    assert decision.instead == "Add a WHERE clause that limits the rows."


def test_a_temporary_table_is_no_recommendation() -> None:
    """What a model wants with one is to keep rows for the next step of its work."""
    hint = _explained(act(Effect.CREATE, relation("t", "pg_temp"), Modifier.TEMPORARY), "CREATE TABLE")[2]
    assert hint == "Keep the rows within one statement: write them as a WITH query or a subquery."


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (
            "lower",
            "Why. If PostgreSQL's own is meant, write pg_catalog.lower. Otherwise ask",
        ),
        (
            "pg_sleep",
            "Why. Do without it, or ask",
        ),
    ],
)
def test_only_what_is_harmless_is_sent_to_pg_catalog(name: str, hint: str) -> None:
    """A hint that leads to the next refusal is none."""
    wanted = Act(effect=Effect.EXECUTE_FUNCTION, target=Target(kind=TargetKind.FUNCTION, name=name), note="why")
    asked = f"a policy author to permit execute_function on {name}, with its schema."
    assert f"{hint} {asked}" == _explained(wanted, "SELECT")[2]


def test_what_no_rule_permits_is_named() -> None:
    """The object stands in the reason and in the way out."""
    _, detail, hint = _explained(act(Effect.SHOW, setting("work_mem")), "SHOW")
    assert "No rule permits show on work_mem, and a model account may do only what a rule permits." in detail
    assert hint == "Ask a policy author to permit show on work_mem."


def test_beside_a_forbid_nobody_is_sent_for_a_permit() -> None:
    """It would change nothing: the rule itself would have to change."""
    rules = policy(READ, "{id: payroll, for: everyone, forbid: {effects: select, on: ['p.*']}, because: Private.}")
    hint = explain(decide([statement(act(Effect.SELECT, "p.pay"))], MODEL, rules), "1").hint
    assert hint == "Ask a policy author to change rule payroll."


def test_unqualified_name_is_told_of_the_temporary_schema() -> None:
    """A permit of the schema that the search_path names does not cover what a temporary table may stand before."""
    rules = policy("{id: w, for: {kind: model}, permit: {effects: [insert], on: [sales.orders]}}")
    wanted = act(Effect.INSERT, relation("orders", "pg_temp", "sales"))
    hint = explain(decide([statement(wanted, tag="INSERT")], MODEL, rules), "1").hint
    assert hint == "Write the schema: sales.orders. Without it, a temporary table of that name would be meant first."


@pytest.mark.parametrize(("tag", "role"), [("SET", "SET of the role"), ("RESET", "RESET of the role")])
def test_change_of_role_is_called_so(tag: str, role: str) -> None:
    """SET alone could be any setting."""
    wanted = act(Effect.ROLE_CHANGE, Target(kind=TargetKind.ROLE, name="r"))
    assert _explained(wanted, tag)[0] == f'{role} refused for account "models"'
