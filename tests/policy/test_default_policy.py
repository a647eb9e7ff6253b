"""The shipped policy, judged as SQL: what a model may do, what it may not, and that nobody else notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.policy import AccountKind, Decision, Policy, Principal, compile_policy, decide, explain
from proxy.sql import Bounds, Settings, Unreadable, expand, read_statements

FILE = Path(__file__).parents[2] / "policies" / "default.yaml"


@pytest.fixture(scope="module")
def shipped() -> Policy:
    """Compile policies/default.yaml."""
    return compile_policy([("default.yaml", FILE.read_text("utf-8"))])


def _decide(policy: Policy, user: str, sql: str) -> Decision:
    reading = read_statements(sql, Bounds())
    if not isinstance(reading, Unreadable):
        reading = tuple(expand(facts, None, Settings(search_path=("public",))) for facts in reading)
    return decide(reading, policy.account_of(Principal(user=user, database="shop")), policy)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- ping",
        "SELECT 1",
        "SELECT * FROM users u JOIN sales.orders o ON o.user_id = u.id WHERE u.id = $1",
        "COPY users TO STDOUT",
        "COPY (SELECT * FROM users) TO STDOUT",
        "INSERT INTO interlock.recommendation (model, action) VALUES ('m', 'delete') RETURNING id",
        "INSERT INTO interlock.recommendation (model) SELECT name FROM users",
        "COPY interlock.recommendation (model, action) FROM STDIN",
        "BEGIN",
        "BEGIN READ ONLY",
        "SAVEPOINT s",
        "ROLLBACK TO SAVEPOINT s",
        "COMMIT",
        "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM users",
        "FETCH 10 FROM c",
        "CLOSE ALL",
        "PREPARE p AS SELECT 1",
        "DEALLOCATE ALL",
        "DISCARD ALL",
        "RESET ALL",
        "LISTEN jobs",
        "UNLISTEN *",
        "EXPLAIN SELECT * FROM users",
        "EXPLAIN ANALYZE SELECT * FROM users",
        "SHOW transaction_isolation",
        "SET application_name = 'x'",
        "SET client_encoding = 'UTF8'",
        "SET NAMES 'utf8'",
        "SET TIME ZONE 'UTC'",
        "SET DateStyle = 'ISO'",
        "SET extra_float_digits = 3",
        "SET statement_timeout = '30s'",
        "RESET statement_timeout",
        "SET lock_timeout TO DEFAULT",
        "SET enable_seqscan = off",
        "SET standard_conforming_strings = on",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    ],
)
def test_model_may_read_recommend_and_work_a_session(shipped: Policy, sql: str) -> None:
    """Honest work of models and their drivers goes through."""
    decision = _decide(shipped, "model_janitor", sql)
    assert not decision.refused, explain(decision, "1")


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("DELETE FROM users WHERE id = 1", "no-destructive-autonomy"),
        ("UPDATE users SET email = NULL", "no-destructive-autonomy"),
        ("TRUNCATE users", "no-destructive-autonomy"),
        ("DROP TABLE users CASCADE", "no-destructive-autonomy"),
        ("MERGE INTO users u USING gone g ON u.id = g.id WHEN MATCHED THEN DELETE", "no-destructive-autonomy"),
        ("WITH d AS (DELETE FROM users RETURNING *) SELECT count(*) FROM d", "no-destructive-autonomy"),
        ("EXPLAIN ANALYZE DELETE FROM users", "no-destructive-autonomy"),
        ("PREPARE p AS DELETE FROM users", "no-destructive-autonomy"),
        ("COPY (DELETE FROM users RETURNING *) TO STDOUT", "no-destructive-autonomy"),
        ("SELECT * INTO copy_of_users FROM users", "no-destructive-autonomy"),
        ("CREATE TEMP TABLE users (id int)", "no-destructive-autonomy"),
        ("DO $$ BEGIN DELETE FROM users; END $$", "no-destructive-autonomy"),
        ("CALL purge()", "no-destructive-autonomy"),
        ("GRANT ALL ON users TO model_janitor", "no-destructive-autonomy"),
        ("SELECT 1; COMMIT; DROP TABLE users", "no-destructive-autonomy"),
        ("SET ROLE admin", "no-server-control"),
        ("ALTER SYSTEM SET fsync = off", "no-server-control"),
        ("COPY users TO '/tmp/x'", "no-server-control"),
        ("COPY users FROM PROGRAM 'true'", "no-server-control"),
        ("PREPARE TRANSACTION 'x'", "no-server-control"),
        ("VACUUM", "no-server-control"),
        ("INSERT INTO users (id) VALUES (1)", "default"),
        ("INSERT INTO recommendation (model) VALUES ('m')", "default"),
        ("COPY users FROM STDIN", "default"),
        ("SELECT * FROM users FOR UPDATE", "default"),
        ("LOCK TABLE users", "default"),
        ("NOTIFY jobs", "default"),
        ("SELECT purge()", "default"),
        ("SELECT pg_catalog.pg_terminate_backend(1)", "default"),
        ("SET search_path = evil", "default"),
        ("SET client_encoding = 'SJIS'", "default"),
        ("SET standard_conforming_strings = off", "default"),
        ("SET statement_timeout = 0", "default"),
        ("SET work_mem = '100GB'", "default"),
        ("SELECT pg_catalog.set_config('search_path', 'evil', false)", "default"),
        ("SET session_replication_role = replica", "default"),
        ("DELTE FROM users", "reading"),
    ],
)
def test_model_may_not_destroy_or_reach_further(shipped: Policy, sql: str, rule: str) -> None:
    """Refused, by the rule that people will read."""
    decision = _decide(shipped, "model_janitor", sql)
    assert (True, rule) == (decision.refused, decision.rule)


def test_upsert_into_recommendations_is_no_recommendation(shipped: Policy) -> None:
    """ON CONFLICT DO UPDATE overwrites what another run recommended."""
    sql = "INSERT INTO interlock.recommendation (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET model = 'm'"
    assert _decide(shipped, "model_janitor", sql).refused


@pytest.mark.parametrize("sql", ["DELETE FROM users", "DROP TABLE users", "SET ROLE admin", "SELEC 1", "SELECT f()"])
def test_everyone_else_works_as_before(shipped: Policy, sql: str) -> None:
    """People are audited, not enforced."""
    decision = _decide(shipped, "alice", sql)
    assert (decision.account.kind, decision.refused) == (AccountKind.PERSON, False)


def test_refused_delete_says_where_recommendations_go(shipped: Policy) -> None:
    """The words of the incident."""
    words = explain(_decide(shipped, "model_janitor", "DELETE FROM users"), "01J")
    assert (words.message, words.detail, words.hint) == (
        'DELETE on users refused for account "models"',
        "Rule no-destructive-autonomy: Models recommend; people decide. Decision 01J.",
        "Insert a row into interlock.recommendation; a person can approve it.",
    )


def test_unqualified_recommendation_is_told_to_write_the_schema(shipped: Policy) -> None:
    """The nearest mistake that an honest model makes."""
    reading = read_statements("INSERT INTO recommendation (model) VALUES ('m')", Bounds())
    assert not isinstance(reading, Unreadable)
    decision = decide(reading, shipped.account_of(Principal(user="model_janitor", database="shop")), shipped)
    assert explain(decision, "1").hint == "Write the schema: interlock.recommendation."
