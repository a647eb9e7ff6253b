"""What is remembered, for how long, and what happens when the judge itself fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.policy import Verdict
from proxy.server import judge as room
from proxy.server.judge import Judge, Profile, ProfileKey, setting_facts
from proxy.sql import Census, Settings
from tests.server.dockets import account, default_policy, judge_of, policy_of

SETTINGS = Settings(search_path=("public",), standard_conforming_strings=True, client_encoding="UTF8")


@pytest.fixture
def judge() -> Judge:
    """Make a judge of the shipped policy."""
    return judge_of(default_policy())


def profile(judge: Judge, user: str = "model_a", *path: str) -> Profile:
    """Give a profile of a session."""
    settings = Settings(search_path=path or ("public",), standard_conforming_strings=True, client_encoding="UTF8")
    return judge.profile(ProfileKey(account=account(user, judge.policy), database="demo", settings=settings))


def test_constants_do_not_make_another_decision(judge: Judge) -> None:
    """Texts that differ in constants alone are one decision, whichever way it is found."""
    here = profile(judge)
    rulings = {id(judge.rule(b"SELECT a FROM t WHERE b = %d AND c = 'x%d'" % (n, n), here)) for n in range(50)}
    assert len(rulings) == 1
    assert (judge.misses, judge.hits) == (1, 49)


def test_constant_that_decides_makes_another_decision(judge: Judge) -> None:
    """Where a constant decides, each text is judged for itself, and remembered for itself."""
    here = profile(judge)
    verdicts = [
        judge.rule(b"SELECT pg_catalog.set_config('%b', 'x', false)" % name, here).decision.verdict
        for name in (b"application_name", b"role", b"application_name", b"role")
    ]
    assert verdicts == [Verdict.PERMIT, Verdict.FORBID] * 2
    assert (judge.misses, judge.hits) == (2, 2)


def test_profile_is_not_shared(judge: Judge) -> None:
    """What was decided for one account, path or database says nothing of another."""
    text = b"DELETE FROM users"
    refused = [judge.rule(text, profile(judge, user)).decision.refused for user in ("person_ada", "model_a") * 2]
    assert refused == [False, True, False, True]
    assert profile(judge) is profile(judge)
    assert profile(judge) is not profile(judge, "model_a", "other")


def test_new_policy_and_new_census_void_what_was_decided(judge: Judge) -> None:
    """Profiles of before are not given again, and whoever holds one sees that its time is over."""
    steps: list[Callable[[], None]] = [
        lambda: judge.adopt_policy(default_policy()),
        lambda: judge.adopt_census("demo", Census(epoch=1)),
        lambda: judge.adopt_census("demo", None),
    ]
    for step in steps:
        before, generation = profile(judge), judge.generation
        step()
        assert profile(judge) is not before
        assert judge.generation != generation


def test_flood_of_profiles_starts_anew(judge: Judge) -> None:
    """Sessions that make up search paths do not fill the memory."""
    for number in range(2_000):
        judge.rule(b"SELECT 1", profile(judge, "model_a", f"s{number}"))
    assert len(judge._profiles) <= 512
    assert judge.generation > 0


def test_flood_of_texts_stays_within_the_bound() -> None:
    """Beyond what is to be kept, the oldest go, few at a time, and the newest stay."""
    judge = judge_of(default_policy(), cached_decisions=100)
    here = profile(judge)
    for number in range(500):
        judge.rule(b"SELECT a%d FROM t" % number, here)
        assert here.size <= 101
    assert here.size > 90
    misses = judge.misses
    for number in range(480, 500):
        judge.rule(b"SELECT a%d FROM t" % number, here)
    assert judge.misses == misses
    judge.rule(b"SELECT a0 FROM t", here)
    assert judge.misses == misses + 1


def test_own_failure_is_undecidable(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the judge fails on is refused to a model, and never carried on with."""

    def failing(*_: object) -> None:
        raise MemoryError("no room to read it")

    monkeypatch.setattr(room, "study", failing)
    ruled = judge.rule(b"SELECT 1", profile(judge))
    assert (ruled.decision.verdict, ruled.decision.refused) == (Verdict.UNDECIDABLE, True)
    monkeypatch.undo()
    assert not judge.rule(b"SELECT 1", profile(judge)).decision.refused


@pytest.mark.parametrize(
    ("spelled", "read"), [("'utf-8'", "utf8"), ("UTF8", "UTF8"), ("latin 1", "latin1"), ("SQL_ASCII", "SQLASCII")]
)
def test_encoding_of_a_startup_packet_is_named_as_the_server_reads_it(spelled: str, read: str) -> None:
    """The server compares letters and digits alone."""
    assert setting_facts("client_encoding", spelled).acts[0].value == read


SECRETS = """
version: 1
rules:
  - {id: keep-secrets, for: everyone, forbid: {effects: [delete], on: ["secret.*"]}, because: They stay.}
"""


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("DELETE FROM t WHERE id = 1", False),
        ("SET search_path = secret; DELETE FROM t WHERE id = 1", True),
        ("SELECT set_config('search_path', 'secret', true); DELETE FROM t WHERE id = 1", True),
        ("RESET ALL; DELETE FROM t WHERE id = 1", True),
        ("DISCARD ALL; DELETE FROM t WHERE id = 1", True),
        ("SET ROLE other; DELETE FROM t WHERE id = 1", True),
        ("SET search_path = secret; DELETE FROM public.t WHERE id = 1", False),
        ("DELETE FROM t WHERE id = 1; SET search_path = secret", False),
        ("EXECUTE p; DELETE FROM t WHERE id = 1", True),
        ("EXPLAIN ANALYZE EXECUTE p; DELETE FROM t WHERE id = 1", True),
        ("FETCH c; DELETE FROM t WHERE id = 1", True),
        ("MOVE 1 IN c; DELETE FROM t WHERE id = 1", True),
        ("CLOSE c; DEALLOCATE p; COMMIT; DELETE FROM t WHERE id = 1", False),
    ],
)
def test_path_that_a_message_moves_is_not_known_behind_it(text: str, refused: bool) -> None:
    """What an unqualified name means is judged by the path that holds there, and if that is open, by any."""
    policy = policy_of(SECRETS)
    strict = judge_of(policy)
    settings = Settings(search_path=("public",))
    key = ProfileKey(account=account("clerk", policy), database="demo", settings=settings)
    assert strict.rule(text.encode(), strict.profile(key)).decision.refused is refused


@pytest.mark.parametrize(
    ("encoding", "user", "text", "refused"),
    [
        ("UTF8", "model_a", 'SELECT 1 AS "Ä"', False),
        ("LATIN1", "model_a", 'SELECT 1 AS "Ä"', True),
        ("LATIN1", "model_a", "SELECT 'Ä' AS \"ä\"", False),
        ("LATIN1", "person_ada", 'SELECT 1 AS "Ä"', False),
        ("SQL_ASCII", "model_a", 'WITH "' + "é" * 32 + '" AS (SELECT 1) SELECT 1', True),
    ],
)
def test_names_that_the_databases_encoding_makes_others_are_not_read(
    encoding: str, user: str, text: str, refused: bool, judge: Judge
) -> None:
    """PostgreSQL folds and cuts names in the database's encoding; texts are read in UTF-8."""
    settings = Settings(search_path=("public",), server_encoding=encoding)
    here = judge.profile(ProfileKey(account=account(user, judge.policy), database="demo", settings=settings))
    assert refused == judge.rule(text.encode(), here).decision.refused
