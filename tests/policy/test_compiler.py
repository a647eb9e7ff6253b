"""Compiling policies: every mistake at once, each in its place and with its fix."""

from __future__ import annotations

import pytest

from proxy.policy import PolicyMistakes, compile_policy
from tests.policy.samples import NO_DELETE, READ, RECOMMEND, document, mistakes, policy


def _rule(text: str) -> str:
    return f"version: 1\nrules:\n  - {text}\n"


_FOR = "id: a, for: {kind: model}"


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("version: »2", "version is that of the file's shape, 1; found the number 2", "write version: 1"),
        ("»# nothing", "the file says nothing", "begin with: version: 1"),
        ("»rules: []", 'key "version" is missing', "add version:"),
        ("version: 1\n»rule: []", 'unknown key "rule"', 'did you mean "rules"?'),
        ("»[]", "expected a mapping of keys, found a list", None),
        ("version: 1\nrules: »{}", "expected a list, found a mapping", None),
        ("version: 1\nrules: [»x]", 'expected a mapping of keys, found "x"', None),
        (_rule(f"{{{_FOR}, »permt: {{}}}}"), 'unknown key "permt"', 'did you mean "permit"?'),
        (
            _rule(f"{{{_FOR}, permit: {{effects: [»slect]}}}}"),
            'unknown effect "slect"',
            'did you mean "select"?',
        ),
        (
            _rule(f"{{{_FOR}, permit: {{effects: select, modifiers: [»lokcing]}}}}"),
            'unknown modifier "lokcing"',
            'did you mean "locking"?',
        ),
        (
            _rule("{id: a, for: {kind: »modle}, permit: {effects: select}}"),
            'unknown kind "modle"',
            'did you mean "model"?',
        ),
        (_rule("{id: a, for: »{}, permit: {effects: select}}"), "it is for nobody", "everyone"),
        (_rule("»{id: a, permit: {effects: select}}"), 'key "for" is missing', "add for:"),
        (_rule(f"»{{{_FOR}}}"), "a rule needs either permit or forbid", "add one"),
        (_rule(f"»{{{_FOR}, forbid: {{effects: drop}}}}"), 'key "because" is missing', "one sentence"),
        (
            _rule(f"»{{{_FOR}, permit: {{effects: select}}, mode: observe}}"),
            "mode observe is for forbid",
            "mode",
        ),
        (_rule(f"»{{{_FOR}, permit: {{effects: select}}, instead: x}}"), "instead is for forbid", "remove"),
        (_rule(f"{{{_FOR}, permit: {{effects: »[]}}}}"), "an empty list", "name at least one"),
        (_rule(f"{{{_FOR}, permit: {{effects: »'*'}}}}"), '"*" stands alone, and only with forbid', "name each effect"),
        (
            _rule("{id: a, for: everyone, forbid: {effects: [»'*', delete]}, because: x}"),
            '"*" stands alone, and only with forbid',
            "remove the other effects",
        ),
        (
            _rule(f"{{{_FOR}, permit: »{{effects: [select, set], on: '*', values: [x]}}}}"),
            "values limit only the effect set",
            "rule of their own",
        ),
        (
            _rule(f"{{{_FOR}, permit: {{effects: set, on: x, values: »5..1}}}}"),
            '"5..1" is not a range',
            None,
        ),
        (
            _rule(f"{{{_FOR}, permit: {{effects: insert, on: [»a.b.c]}}}}"),
            '"a.b.c" has 3 parts',
            None,
        ),
        (
            _rule(f"{{{_FOR}, permit: {{effects: insert, on: [»users]}}}}"),
            '"users" names no schema',
            "public.users",
        ),
        (_rule("{id: »default, for: everyone, permit: {effects: select}}"), "the house itself", "another"),
        (_rule("{id: »No Spaces, for: everyone, permit: {effects: select}}"), "is not an id", "a-z"),
        (_rule("{id: »7, for: everyone, permit: {effects: select}}"), "expected text", "double quotes"),
        (
            _rule("{id: a, for: {account: »ghost}, permit: {effects: select}}"),
            'no account "ghost"',
            "user: instead",
        ),
        (
            "version: 1\naccounts:\n  - »{name: a, kind: person, match: {user: u, application_name: x}}",
            "application_name is whatever the client says",
            "recognize it by",
        ),
        (
            "version: 1\naccounts:\n  - {name: a, kind: person, match: {user: u, client_address: »10.0.0.1/8}}",
            "is not an address or network",
            "10.1.0.0/16",
        ),
        ("version: 1\nlimits:\n  - »{for: everyone}", "it limits nothing", "quarantine"),
        (
            "version: 1\nlimits:\n  - {for: everyone, rows_written: {per_statement: »0}}",
            "the number 0 is out of range",
            "from 1",
        ),
        (
            "version: 1\nlimits:\n  - {for: everyone, quarantine: {after_refusals: 3, within: »60}}",
            "expected text",
            "double quotes",
        ),
        (
            "version: 1\nlimits:\n  - {for: everyone, quarantine: {after_refusals: 3, within: »soon}}",
            "is not a duration",
            "60s",
        ),
        ("version: 1\nunmatched: »modle", 'unknown kind "modle"', 'did you mean "model"?'),
    ],
)
def test_mistake_is_named_with_its_place_and_fix(text: str, message: str, fix: str | None) -> None:
    """Every mistake says where (here before the mark), what was expected, and what to write."""
    before = text.partition("»")[0]
    found = mistakes(text.replace("»", ""))
    assert [(before.count("\n") + 1, len(before) - before.rfind("\n"))] == [(m.line, m.column) for m in found]
    assert message in found[0].message
    assert fix is None or fix in (found[0].fix or "")


def test_all_mistakes_of_all_files_come_at_once() -> None:
    """One exception carries everything, sorted by place, also what only several files show."""
    first = document("{id: a, for: everyone, forbid: {effects: [dorp]}}", READ)
    second = "version: 1\nruls: []\nrules:\n" + f"  - {READ}\n"
    found = [(m.file, m.line, m.message) for m in mistakes(first, second, "a: [")]
    assert found[:4] == [
        ("0.yaml", 3, 'key "because" is missing: whoever is refused is told why'),
        ("0.yaml", 3, 'unknown effect "dorp"'),
        ("1.yaml", 2, 'unknown key "ruls"'),
        ("1.yaml", 4, 'rule id "read" is already used in 0.yaml:4'),
    ]
    assert {f for f, _, _ in found[4:]} == {"2.yaml"}


EVERYTHING = """
version: 1
accounts:
  - {name: models, kind: modle, match: {user: "m_*"}}
  - {name: models, kind: model, match: {user: m_1, client_address: 10.0.0.1/8}}
  - {name: robots, match: {user: "m_*"}}
  - {kind: person, match: {user: x, application_name: psql}}
rules:
  - {id: a, for: {account: ghosts, kind: modle}, permit: {effects: select, on: [users, a.b.c]}}
  - {id: a, for: everyone, forbid: {effects: dorp}, permit: {effects: insert}, mode: obsreve}
  - {id: B, for: everyone, permit: {effects: [select, set], values: 5..1, on: "*"}, mode: observe}
  - {id: c, for: everyone, forbid: {effects: drop, modifiers: [casacde]}}
limits:
  - {for: {kind: nobody}}
  - {for: {account: spooks}, rows_written: {}}
"""


def test_a_mistake_in_an_entry_hides_none_of_its_others() -> None:
    """What entries must say together is asked of them as they were written, so mending takes one round."""
    assert [(m.line, m.message) for m in mistakes(EVERYTHING)] == [
        (4, 'unknown kind "modle"'),
        (5, 'account name "models" is already used in 0.yaml:4'),
        (5, '"10.0.0.1/8" is not an address or network'),
        (6, 'key "kind" is missing'),
        (6, 'accounts "models" (0.yaml:4) and "robots" can match the same connection equally closely'),
        (7, "application_name is whatever the client says, so it may make an account a model but nothing freer"),
        (7, 'key "name" is missing'),
        (9, 'there is no account "ghosts" under accounts'),
        (9, 'unknown kind "modle"'),
        (9, '"users" names no schema, so the permit would cover nothing'),
        (9, '"a.b.c" has 3 parts; write schema.name, without the database'),
        (10, "a rule needs either permit or forbid"),
        (10, 'key "because" is missing: whoever is refused is told why'),
        (10, 'rule id "a" is already used in 0.yaml:9'),
        (10, 'unknown effect "dorp"'),
        (10, 'unknown mode "obsreve"'),
        (11, "mode observe is for forbid rules: a permit refuses nothing"),
        (11, '"B" is not an id'),
        (11, "values limit only the effect set"),
        (11, '"5..1" is not a range; write low..high, as 1..100 or 1ms..1h'),
        (12, 'key "because" is missing: whoever is refused is told why'),
        (12, 'unknown modifier "casacde"'),
        (14, "it limits nothing"),
        (14, 'unknown kind "nobody"'),
        (15, "rows_written limits nothing"),
        (15, 'there is no account "spooks" under accounts'),
    ]


@pytest.mark.parametrize(
    ("text", "only"),
    [
        (_rule("{id: a, for: everyone, forbdi: {effects: drop}, because: x}"), 'unknown key "forbdi"'),
        (_rule("{id: a, for: everyone, forbid: {effects: drop}, becuase: x}"), 'unknown key "becuase"'),
        (_rule("{id: a, for: everyone, permit: {effects: slect, on: x}}"), 'unknown effect "slect"'),
        ("version: 1\nlimits:\n  - {for: everyone, quarantin: {}}", 'unknown key "quarantin"'),
    ],
)
def test_what_follows_from_a_misspelt_word_is_not_told_beside_it(text: str, only: str) -> None:
    """Mending the word mends it all, so one mistake is what there is."""
    assert [m.message for m in mistakes(text)] == [only]


def test_what_was_read_before_yaml_broke_off_is_checked() -> None:
    """What is there is judged; what is missing may stand in the rest."""
    text = "version: 2\nrules:\n  - {id: a, for: {account: b}, forbid: {effects: dorp}}\n  - {id: b, for: ["
    assert [(m.line, m.message.partition(";")[0]) for m in mistakes(text)] == [
        (1, "version is that of the file's shape, 1"),
        (3, 'unknown effect "dorp"'),
        (4, "not YAML: expected the node content, but found '<stream end>'"),
    ]


def test_exception_prints_each_mistake_on_a_line_as_compilers_do() -> None:
    """file:line:column: message; fix."""
    with pytest.raises(PolicyMistakes) as caught:
        compile_policy([("p.yaml", "version: 1\nrulez: []\n"), ("q.yaml", "version: 3")])
    assert str(caught.value).splitlines() == [
        'p.yaml:2:1: unknown key "rulez"; did you mean "rules"?',
        "q.yaml:1:10: version is that of the file's shape, 1; found the number 3; write version: 1",
    ]


def test_no_file_at_all_is_a_mistake() -> None:
    """An empty folder must not become a policy that permits persons and services everything."""
    with pytest.raises(PolicyMistakes, match="no policy file"):
        compile_policy([])


def test_files_compose_whatever_their_order() -> None:
    """A policy split over files is the same policy, in any order, and has the same digest."""
    one, two, three = document(READ), document(RECOMMEND), document(NO_DELETE)
    forward = compile_policy([("a", one), ("b", two), ("c", three)])
    backward = compile_policy([("x", three), ("y", two), ("z", one)])
    together = policy(NO_DELETE, READ, RECOMMEND)
    assert forward.rules == backward.rules == together.rules
    assert forward.digest == backward.digest == together.digest


def test_digest_changes_with_meaning_and_not_with_comments_or_layout() -> None:
    """What is recorded beside a decision identifies what it was decided by."""
    plain = policy(READ).digest
    laid_out = compile_policy(
        [("f", f"# a comment\nversion: 1\nrules:\n\n  -   {READ}\n")],
    ).digest
    assert plain == laid_out
    assert plain != policy(READ.replace("select", "select, copy_out")).digest
    assert policy(NO_DELETE).digest != policy(NO_DELETE.replace("People decide", "Models do not")).digest


def test_key_on_is_read_as_the_word_it_is() -> None:
    """YAML 1.1 would read `on` as true."""
    [rule] = policy(READ).rules
    assert rule.on is not None
    assert [pattern.text for pattern in rule.on] == ["*.*"]


def test_list_of_one_may_be_written_as_the_item() -> None:
    """`effects: select` and `effects: [select]` mean the same."""
    short = policy("{id: a, for: {kind: model, user: m}, permit: {effects: select, on: a.b}}")
    long = policy("{id: a, for: {kind: [model], user: [m]}, permit: {effects: [select], on: [a.b]}}")
    assert short.rules == long.rules
    assert short.digest == long.digest


def test_reasons_become_one_line_that_ends_like_a_sentence() -> None:
    """Folded text in YAML turns into one sentence of an error's DETAIL."""
    [rule] = policy("""
        id: a
        for: everyone
        forbid: {effects: "*"}
        because: |
          Nothing
            happens here
        """).rules
    assert rule.because == "Nothing happens here."


LIMITS = """
version: 1
limits:
  - for: {kind: model}
    rows_written: {per_minute: 60000}
    quarantine: {after_refusals: 3, within: 5min}
"""


def test_limits_are_compiled_to_numbers() -> None:
    """Durations become seconds; what is not written stays unlimited."""
    [limit] = compile_policy([("f", LIMITS)]).limits
    numbers = (limit.rows_per_statement, limit.rows_per_minute, limit.statements_per_second)
    assert numbers == (None, 60_000, None)
    assert (limit.refusals, limit.refusals_within_s) == (3, 300.0)


def test_unmatched_given_twice_with_different_kinds_is_a_mistake() -> None:
    """Files cannot disagree about strangers."""
    found = mistakes("version: 1\nunmatched: person", "version: 1\nunmatched: model")
    assert [m.message for m in found] == ["unmatched is also given in 0.yaml:2, with another kind"]
