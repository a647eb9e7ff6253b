"""Installation into a real database: once, again, and by several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar

import asyncpg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from interlock import install as installation
from interlock.failure import Failure
from interlock.install import Migration, install, pending_migrations, shipped_migrations
from tests.interlock.conftest import Server

T = TypeVar("T")
_names = count(1)


def in_new_database(server: Server, act: Callable[[str], Awaitable[T]]) -> T:
    """Run `act` with the DSN of a database of its own."""

    async def run() -> T:
        return await act(await server.fresh(f"installed_{next(_names)}"))

    return asyncio.run(run())


async def installed(dsn: str) -> list[str]:
    """Install, and give what was said."""
    said: list[str] = []
    await install(dsn, dry_run=False, say=said.append)
    return said


async def asked(dsn: str, query: str) -> Any:
    """Give the first value of a query's first row."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def test_installing_again_changes_nothing(server: Server) -> None:
    """The second time finds every migration applied."""

    async def twice(dsn: str) -> tuple[list[str], list[str], int]:
        first, second = await installed(dsn), await installed(dsn)
        return first, second, await asked(dsn, "SELECT count(*) FROM interlock.migration")

    first, second, recorded = in_new_database(server, twice)
    assert len(first) == len(shipped_migrations()) + 1
    assert [second[0].endswith("nothing to do"), len(second)] == [True, 1]
    assert recorded == len(shipped_migrations())


def test_a_dsn_of_keywords_is_taken(server: Server) -> None:
    """As libpq has it: what psql takes, installs."""

    async def by_keywords(dsn: str) -> list[str]:
        return await installed(make_conninfo("", **conninfo_to_dict(dsn)))

    assert in_new_database(server, by_keywords)[-1].count("is at version") == 1


def test_what_is_no_dsn_is_told_with_an_example() -> None:
    """And not repeated, since it may hold a password."""
    with pytest.raises(Failure, match=r"^--dsn: not a DSN; expected postgresql://\S+, or host=HOST [^2]*$"):
        asyncio.run(installed("hunter2"))


def test_installing_by_several_at_once_applies_each_migration_once(server: Server) -> None:
    """They wait for each other; none fails."""

    async def at_once(dsn: str) -> list[list[str]]:
        return await asyncio.gather(*(installed(dsn) for _ in range(4)))

    said = in_new_database(server, at_once)
    applied = [line for each in said for line in each if "applied in" in line]
    assert len(applied) == len(shipped_migrations())


def test_installing_into_several_databases_of_a_cluster_at_once_shares_its_roles(server: Server) -> None:
    """Roles belong to the cluster: whoever comes first creates them."""

    async def run() -> list[list[str]]:
        names = [await server.fresh(f"installed_{next(_names)}") for _ in range(3)]
        return await asyncio.gather(*map(installed, names))

    assert [each[-1].count("is at version") == 1 for each in asyncio.run(run())] == [True] * 3


def test_dry_run_tells_the_sql_and_changes_nothing(server: Server) -> None:
    """What is told would do the work; the database stays as it was."""

    async def dry(dsn: str) -> tuple[str, Any, Any]:
        said: list[str] = []
        await install(dsn, dry_run=True, say=said.append)
        before = await asked(dsn, "SELECT to_regnamespace('interlock')::text")
        connection = await asyncpg.connect(dsn)
        await connection.execute("\n".join(said))
        await connection.close()
        return "\n".join(said), before, await asked(dsn, "SELECT to_regclass('interlock.recommendation')::text")

    told, before, after = in_new_database(server, dry)
    assert "CREATE TABLE interlock.recommendation" in told
    assert (before, after) == (None, "interlock.recommendation")


def test_a_migration_changed_since_it_was_applied_is_refused(server: Server) -> None:
    """The recorded checksum decides; the sentence names the migration."""

    async def tampered(dsn: str) -> None:
        await installed(dsn)
        await asked(dsn, "UPDATE interlock.migration SET checksum = 'other' WHERE version = 1")
        await installed(dsn)

    with pytest.raises(Failure, match=r"migration 1 \(recommendations\) was applied with other contents"):
        in_new_database(server, tampered)


def test_a_failing_migration_leaves_nothing_behind(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each migration is a transaction; the ones before it stay, and PostgreSQL's words are passed on."""
    broken = Migration(version=2, name="broken", sql="CREATE TABLE interlock.half (); SELECT 1/0;")
    monkeypatch.setattr(installation, "shipped_migrations", lambda: (*shipped_migrations()[:1], broken))

    async def failing(dsn: str) -> tuple[str, Any, Any]:
        with pytest.raises(Failure) as raised:
            await installed(dsn)
        half = await asked(dsn, "SELECT to_regclass('interlock.half')::text")
        return str(raised.value), half, await asked(dsn, "SELECT max(version) FROM interlock.migration")

    assert in_new_database(server, failing) == ("PostgreSQL refused (22012): division by zero", None, 1)


def test_a_strangers_schema_is_not_built_on(server: Server) -> None:
    """Its owner could replace anything in it."""

    async def foreign(dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        database = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"CREATE ROLE stranger_{database}")
        await connection.execute(f"CREATE ROLE installer_{database} LOGIN PASSWORD 'p'")
        await connection.execute(f"CREATE SCHEMA interlock AUTHORIZATION stranger_{database}")
        await connection.close()
        host = dsn.rpartition("@")[2]
        await installed(f"postgresql://installer_{database}:p@{host}")

    with pytest.raises(Failure, match='belongs to "stranger_'):
        in_new_database(server, foreign)


def test_a_model_may_add_recommendations_and_nothing_more(server: Server) -> None:
    """By the database's own privileges: it cannot write how a recommendation stands, nor change or remove one."""
    columns = "(model, model_version, batch_id, entity, action)"
    attempts = {
        f"INSERT INTO interlock.recommendation {columns} VALUES ('m', '1', 'b', 'users:1', 'delete')": None,
        "SELECT status FROM interlock.recommendation": None,
        f"INSERT INTO interlock.recommendation {columns[:-1]}, status)"
        " VALUES ('m', '1', 'b', 'users:1', 'delete', 'approved')": "42501",
        f"INSERT INTO interlock.recommendation {columns[:-1]}, made_at)"
        " VALUES ('m', '1', 'b', 'users:1', 'delete', '2099-01-01')": "42501",
        "UPDATE interlock.recommendation SET status = 'approved'": "42501",
        "DELETE FROM interlock.recommendation": "42501",
        "TRUNCATE interlock.recommendation": "42501",
        "INSERT INTO interlock.migration VALUES (99, 'x', 'x')": "42501",
        f"INSERT INTO interlock.recommendation {columns[:-1]}, score)"
        " VALUES ('m', '1', 'b', 'users:1', 'delete', 'NaN')": "23514",
        f"INSERT INTO interlock.recommendation {columns} VALUES ('', '1', 'b', 'users:1', 'delete')": "23514",
    }

    async def as_model(dsn: str) -> dict[str, str | None]:
        await installed(dsn)
        connection = await asyncpg.connect(dsn)
        await connection.execute("SET ROLE interlock_model")
        answers: dict[str, str | None] = {}
        for sql in attempts:
            try:
                await connection.execute(sql)
                answers[sql] = None
            except asyncpg.PostgresError as error:
                answers[sql] = error.sqlstate
        await connection.close()
        return answers

    assert attempts == in_new_database(server, as_model)


def test_an_insert_of_a_recommendation_sets_off_no_code_of_users(server: Server) -> None:
    """No triggers, no rules, no domains, and no function outside pg_catalog in a default or a check."""
    query = """
        SELECT (SELECT count(*) FROM pg_trigger WHERE tgrelid = t.oid)
             + (SELECT count(*) FROM pg_rewrite WHERE ev_class = t.oid)
             + (SELECT count(*) FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
                 WHERE a.attrelid = t.oid AND a.attnum > 0 AND y.typnamespace <> 'pg_catalog'::regnamespace)
             + (SELECT count(*) FROM pg_depend d JOIN pg_proc p ON p.oid = d.refobjid
                 WHERE d.refclassid = 'pg_proc'::regclass AND p.pronamespace <> 'pg_catalog'::regnamespace
                   AND (d.objid IN (SELECT oid FROM pg_attrdef WHERE adrelid = t.oid)
                        OR d.objid IN (SELECT oid FROM pg_constraint WHERE conrelid = t.oid)))
          FROM pg_class t WHERE t.oid = 'interlock.recommendation'::regclass"""

    async def code(dsn: str) -> Any:
        await installed(dsn)
        return await asked(dsn, query)

    assert in_new_database(server, code) == 0


def test_an_installer_that_is_no_superuser_is_told_what_was_left_out(server: Server) -> None:
    """The schema is complete; only the event triggers need a superuser, and CONNECT the database's owner."""

    async def modest(dsn: str) -> tuple[list[str], Any, Any]:
        connection = await asyncpg.connect(dsn)
        database = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"CREATE ROLE modest_{database} LOGIN CREATEROLE PASSWORD 'p'")
        await connection.execute(f"GRANT CREATE ON DATABASE {database} TO modest_{database}")
        await connection.close()
        host = dsn.rpartition("@")[2]
        said = await installed(f"postgresql://modest_{database}:p@{host}")
        return said, await asked(dsn, "SELECT count(*) FROM pg_event_trigger"), await asked(dsn, HELD)

    said, triggers, held = in_new_database(server, modest)
    warnings = [line.partition(":")[2].split(",")[0].strip() for line in said if line.startswith("warning:")]
    assert [warnings[-1], triggers, held] == ["event triggers were left out", 0, None]
    assert said[-1].endswith(f"is at version {len(shipped_migrations())}")


HELD = """
    SELECT string_agg(nspname || '.' || relname, ', ') FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE nspname !~ '^(pg_|information_schema)' AND has_table_privilege('interlock_census', c.oid, 'SELECT')
        OR pg_has_role('interlock_census', 'pg_read_all_data', 'MEMBER')"""


def test_definitions_and_drops_are_told_to_whoever_listens_at_commit(server: Server) -> None:
    """Also from a session in replica mode; temporary objects are nobody's business, and nothing fails."""
    told = [
        "CREATE TABLE public.t (a int)",
        "SET session_replication_role = replica; CREATE VIEW public.v AS SELECT 1; RESET session_replication_role",
        "DROP VIEW public.v",
        "ALTER TABLE public.t RENAME COLUMN a TO b",
    ]
    untold = [
        "CREATE TEMP TABLE x (a serial)",
        "DROP TABLE pg_temp.x",
        "DROP TABLE IF EXISTS public.nothing",
        "SELECT 1",
    ]

    async def listen(dsn: str) -> dict[str, bool]:
        await installed(dsn)
        listener, connection = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
        heard: list[str] = []
        await listener.add_listener("interlock_catalog", lambda *given: heard.append(str(given[2])))
        found = {}
        for statement in (*told, *untold):
            heard.clear()
            await connection.execute(statement)
            # Notifications come with the answer to whatever the listener asks after the commit.
            await listener.execute("SELECT 1")
            found[statement] = bool(heard)
        await listener.close()
        await connection.close()
        return found

    assert in_new_database(server, listen) == dict.fromkeys(told, True) | dict.fromkeys(untold, False)


def test_everything_installed_is_explained(server: Server) -> None:
    """The schema, each table and each column of a recommendation carry a comment."""
    query = """
        SELECT array_agg(a.attname::text) FROM pg_attribute a
         WHERE a.attrelid = 'interlock.recommendation'::regclass AND a.attnum > 0
           AND col_description(a.attrelid, a.attnum) IS NULL"""

    async def unexplained(dsn: str) -> Any:
        await installed(dsn)
        return await asked(dsn, query)

    assert in_new_database(server, unexplained) is None


def test_a_newer_database_is_refused() -> None:
    """An old program does not touch a schema that it does not know."""
    with pytest.raises(Failure, match="applied by a newer version"):
        pending_migrations(shipped_migrations(), {99: ("later", "x")})


def test_pending_migrations_are_those_not_applied() -> None:
    """In order, and only where the applied ones are the shipped ones."""
    first = shipped_migrations()[0]
    second = replace(first, version=2, name="later")

    assert (second,) == pending_migrations((first, second), {1: (first.name, first.checksum)})
