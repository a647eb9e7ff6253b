"""Code behind innocent names is refused to a model whose login is a superuser, and its harmless twin is not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.clusters import Cluster, dsn
from tests.database.patience import until
from tests.database.proxy_process import ProxyProcess
from tests.redteam.hidden import (
    BEFORE_H_ONLY,
    BOTH,
    COMMON,
    H_ONLY,
    HONEST,
    HONEST_IN_H,
    ONLY_REFUSED,
    SCRIPTS,
    TRACE,
    TWINS,
)
from tests.redteam.test_attacks import STATES

POLICY = """
version: 1
accounts:
  - {name: models, kind: model, match: {user: "model_*"}}
rules:
  - id: models-do-all-but-run-code
    for: {kind: model}
    permit:
      effects: [select, copy_out, insert, update, delete, truncate, merge, maintain]
      on: ["*.*"]
      modifiers: [unbounded]
  - id: models-work-a-session
    for: {kind: model}
    permit: {effects: [explain, cursor, prepare, transaction], modifiers: [analyze, with_hold]}
  - id: models-choose-a-path
    for: {kind: model}
    permit: {effects: [set], on: [search_path]}
  - id: nobody-deletes-invoices
    for: {kind: person}
    forbid: {effects: [delete], on: [billing.invoice]}
    because: Invoices are kept.
"""
PATH = "SET search_path = {s}, public"


def lines(texts: str, schema: str) -> list[str]:
    """Give the statements for one schema."""
    return [line.strip().format(s=schema) for line in texts.strip().splitlines()]


@pytest.fixture(scope="module")
def hidden(stage: Cluster) -> Cluster:
    """Fill a database with both twins."""
    stage.run("CREATE DATABASE hidden", database="postgres")
    stage.run(COMMON, database="hidden")
    for script in SCRIPTS.values():
        stage.run(TWINS.format(**script), database="hidden")
    stage.run(BEFORE_H_ONLY + H_ONLY, database="hidden")
    return stage


@pytest.fixture(scope="module")
def front(scratch: Path, hidden: Cluster) -> Iterator[ProxyProcess]:
    """Start a proxy that reads the catalog by the login that `interlock install` made, and permits all but code."""
    folder = scratch / "hidden"
    folder.mkdir()
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    process = ProxyProcess(
        folder, hidden.port, policies=policy, drain_timeout_s=0.0, control_dsn=hidden.dsn("demo", "interlock_census")
    )
    yield process
    process.stop()


def sent(connection: psycopg.Connection, statement: str, *, extended: bool) -> str | None:
    """Send one statement in a transaction that is rolled back; give its SQLSTATE and message."""
    connection.execute("BEGIN")
    sent = connection.pgconn
    result = sent.exec_params(statement.encode(), []) if extended else sent.exec_(statement.encode())
    if result.status == psycopg.pq.ExecStatus.COPY_OUT:
        while sent.get_copy_data(0)[0] > 0:
            pass
        result = sent.get_result() or result
        while sent.get_result() is not None:
            pass
    state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    connection.execute("ROLLBACK")
    return None if state is None else f"{state.decode()} {result.error_message.decode(errors='replace')}"


@pytest.mark.parametrize("via", STATES)
@pytest.mark.parametrize("schema", ["h", "ok"])
def test_hidden_code_is_refused_and_its_twin_is_not(
    schema: str, via: str, hidden: Cluster, front: ProxyProcess
) -> None:
    """Every text is refused where it runs code of users, goes through where it runs none, and nothing was run."""
    with psycopg.connect(hidden.dsn("hidden"), autocommit=True) as witness:
        before = witness.execute(TRACE).fetchone()
        with psycopg.connect(dsn(front.port, user="model_x", dbname="hidden"), autocommit=True) as model:
            model.execute(PATH.format(s=schema).encode())
            texts = lines(BOTH, schema) + (lines(ONLY_REFUSED, schema) if schema == "h" else [])
            answers = {text: sent(model, text, extended=STATES[via]) for text in texts}
        if schema == "h":
            assert {text: told for text, told in answers.items() if not (told or "").startswith("42501")} == {}
        else:
            assert {text: told for text, told in answers.items() if told is not None} == {}
        assert before == witness.execute(TRACE).fetchone()


@pytest.mark.parametrize("via", STATES)
def test_types_and_functions_of_known_extensions_are_plain(via: str, front: ProxyProcess) -> None:
    """What well-known extensions bring, enums, row types and views over harmless code are used like built-ins."""
    with psycopg.connect(dsn(front.port, user="model_x", dbname="hidden"), autocommit=True) as model:
        answers = {text: sent(model, text, extended=STATES[via]) for text in lines(HONEST + HONEST_IN_H, "public")}
    assert {text: told for text, told in answers.items() if told is not None} == {}


def test_a_refusal_says_what_to_permit(front: ProxyProcess) -> None:
    """The function by its schema, and what calls it."""
    with psycopg.connect(dsn(front.port, user="model_x", dbname="hidden"), autocommit=True) as model:
        told = sent(model, "SELECT * FROM h.vv", extended=False) or ""
    assert 'function h.bad refused for account "models"' in told
    assert "the view h.v calls it" in told


END_CENSUS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'interlock_census'"


def answer(front: ProxyProcess, statement: str, user: str = "model_x") -> str | None:
    """Ask on a connection of its own."""
    with psycopg.connect(dsn(front.port, user=user, dbname="hidden"), autocommit=True) as connection:
        return sent(connection, statement, extended=False)


def test_a_definition_counts_without_a_restart(hidden: Cluster, front: ProxyProcess) -> None:
    """A view that begins to call code is refused, and permitted again when it does not; functions likewise."""
    hidden.run("CREATE VIEW public.turning AS SELECT 1 AS x", database="hidden")
    until(lambda: answer(front, "SELECT * FROM public.turning") is None, "the view is known")
    hidden.run("CREATE OR REPLACE VIEW public.turning AS SELECT h.bad(1) AS x", database="hidden")
    until(lambda: answer(front, "SELECT * FROM public.turning") is not None, "the view is refused")
    hidden.run("CREATE OR REPLACE VIEW public.turning AS SELECT 2 AS x", database="hidden")
    until(lambda: answer(front, "SELECT * FROM public.turning") is None, "the view is permitted")
    assert answer(front, "SELECT upper('x')") is None
    hidden.run("CREATE FUNCTION public.upper(int) RETURNS int LANGUAGE sql AS 'SELECT h.bad($1)'", database="hidden")
    until(lambda: answer(front, "SELECT upper('x')") is not None, "the shadowed name is refused")
    hidden.run("DROP FUNCTION public.upper(int)", database="hidden")
    until(lambda: answer(front, "SELECT upper('x')") is None, "the name is plain again")


def test_a_relation_is_refused_until_the_census_knows_it(hidden: Cluster, front: ProxyProcess) -> None:
    """As one that does not exist, by the SQLSTATE that clients expect of it; nothing is run in between."""
    with psycopg.connect(hidden.dsn("hidden"), autocommit=True) as witness:
        before = witness.execute(TRACE).fetchone()
        with psycopg.connect(dsn(front.port, user="model_x", dbname="hidden"), autocommit=True) as model:
            for statement in (
                "CREATE VIEW public.fresh AS SELECT h.bad(1) AS x",
                "CREATE TABLE public.fresh_t (x int)",
            ):
                witness.execute(statement.encode())
            for via in STATES.values():
                for name in ("fresh", "fresh_t"):
                    told = sent(model, f"SELECT * FROM public.{name}", extended=via) or ""
                    # The second time the census may have been read.
                    assert told[:5] in ("42P01", "42501") or name == "fresh_t"
                missing = sent(model, "SELECT * FROM no_such_table", extended=via) or ""
                assert missing.startswith("42P01")
                assert "there is no relation no_such_table that the proxy knows of" in missing
            until(lambda: sent(model, "SELECT * FROM public.fresh_t", extended=False) is None, "the table is known")
            assert (sent(model, "SELECT * FROM public.fresh", extended=False) or "").startswith("42501")
        assert before == witness.execute(TRACE).fetchone()


def _kept(front: ProxyProcess, statement: str) -> bool:
    return "Invoices are kept" in (answer(front, statement, "person_x") or "")


def test_a_forbid_holds_for_what_a_foreign_key_deletes(hidden: Cluster, front: ProxyProcess) -> None:
    """A person may delete customers who have no invoices to lose; through the key, invoices are kept."""
    hidden.run(
        """
        CREATE SCHEMA billing;
        CREATE TABLE billing.customer (id int PRIMARY KEY);
        CREATE TABLE billing.note (customer int REFERENCES billing.customer ON DELETE CASCADE);
        CREATE VIEW billing.people AS SELECT * FROM billing.customer;
        CREATE ROLE person_x SUPERUSER LOGIN
        """,
        database="hidden",
    )
    texts = ["DELETE FROM billing.customer WHERE id = 1", "DELETE FROM billing.people WHERE id = 1"]
    assert [answer(front, text, "person_x") for text in texts] == [None, None]
    hidden.run(
        "CREATE TABLE billing.invoice (customer int REFERENCES billing.customer ON DELETE CASCADE)", database="hidden"
    )
    for text in texts:
        until(partial(_kept, front, text), text)
    assert answer(front, "UPDATE billing.customer SET id = 1", "person_x") is None


def test_a_lost_census_refuses_what_needs_it_and_comes_back(hidden: Cluster, front: ProxyProcess) -> None:
    """While the catalog cannot be read, a model is told so, and what no catalog changes goes on. Nobody restarts it."""
    assert answer(front, "SELECT * FROM public.docs") is None
    hidden.run("ALTER ROLE interlock_census NOLOGIN")
    try:
        hidden.run(END_CENSUS)
        until(
            lambda: "census is lost since" in (answer(front, "SELECT * FROM public.docs") or ""), "the census is lost"
        )
        told = [answer(front, text) or "" for text in ("SELECT lower('x')", "INSERT INTO public.docs DEFAULT VALUES")]
        assert [each[:5] for each in told] == ["42501", "42501"]
        assert "Rule census" in told[1]
        assert [answer(front, text) for text in ("SELECT 1 + 1", "SELECT now()", "TABLE pg_catalog.pg_class")] == [
            None
        ] * 3
        assert answer(front, "SELECT count(*) FROM public.docs", "postgres") is None
    finally:
        hidden.run("ALTER ROLE interlock_census LOGIN")
    until(lambda: answer(front, "SELECT * FROM public.docs") is None, "the census is back")


WRITERS = """
version: 1
accounts:
  - {name: models, kind: model, match: {user: "model_*"}}
rules:
  - id: models-purchase
    for: {kind: model}
    permit: {effects: [insert], on: [public.purchase]}
  - id: models-make-temporary-tables
    for: {kind: model}
    permit: {effects: [create], on: ["pg_temp.*"], modifiers: [temporary]}
  - id: models-end-transactions
    for: {kind: model}
    permit: {effects: [transaction]}
"""


@pytest.fixture
def writers(scratch: Path, hidden: Cluster) -> Iterator[ProxyProcess]:
    """Start a proxy whose models may insert into one table, and make temporary tables."""
    hidden.run("CREATE TABLE IF NOT EXISTS public.purchase (x int)", database="hidden")
    folder = scratch / "writers"
    folder.mkdir()
    policy = folder / "policy.yaml"
    policy.write_text(WRITERS)
    process = ProxyProcess(
        folder, hidden.port, policies=policy, drain_timeout_s=0.0, control_dsn=hidden.dsn("demo", "interlock_census")
    )
    yield process
    process.stop()


def test_a_temporary_table_cannot_take_the_place_of_what_a_permit_names(writers: ProxyProcess) -> None:
    """A permit covers a plain name under the usual search_path, in a session that has made no temporary table."""
    insert = "INSERT INTO purchase DEFAULT VALUES"
    with psycopg.connect(dsn(writers.port, user="model_x", dbname="hidden"), autocommit=True) as model:
        assert [sent(model, insert, extended=extended) for extended in (False, True)] == [None, None]
        model.execute("CREATE TEMP TABLE purchase (x int)")
        told = [sent(model, insert, extended=extended) or "" for extended in (False, True)]
    assert [each[:5] for each in told] == ["42501", "42501"]
    assert "Write the schema: public.purchase" in told[0]
