"""What honest tools ask of the catalog is read as nothing but reading: psql, asyncpg, SQLAlchemy, JDBC."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import asyncpg.introspection
import psycopg
import pytest
import sqlalchemy

from interlock.embedded import programs
from proxy.sql.census import Census
from proxy.sql.consequences import expand
from proxy.sql.facts import Effect, Settings
from tests.clusters import Cluster
from tests.sql.shorthand import read, short_act

CENSUS = Census(epoch=1)
SCHEMA = """
    CREATE SCHEMA app;
    CREATE TYPE app.mood AS ENUM ('low', 'high');
    CREATE TABLE app.users (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, mood app.mood, extra jsonb);
    CREATE TABLE app.orders (id uuid DEFAULT gen_random_uuid(), user_id bigint REFERENCES app.users ON DELETE CASCADE,
        at timestamptz DEFAULT now(), CHECK (at > '2000-01-01')) PARTITION BY RANGE (at);
    CREATE TABLE app.orders_all PARTITION OF app.orders DEFAULT;
    CREATE INDEX ON app.users (lower(email));
    CREATE VIEW app.moods AS SELECT mood, count(*) FROM app.users GROUP BY 1;
    CREATE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
"""
COMMANDS = (
    r"\l+ \dn+ \dt+ *.* \d+ app.* \d+ app.users \df+ app.* \dT+ app.* \dv+ app.* \di+ app.* \du+ \dp app.* \dx+ \db+ "
    r"\dC+ \dD \ddp \des \dew \dF+ \dg \dL \do + \dO \dP+ \drds \dRp+ \ds \dy \sf app.f \sv app.moods \dconfig "
    r"work_mem "
)

JDBC = [
    # pgjdbc: getTables, getColumns, getPrimaryKeys, TypeInfoCache, isolation level, settings
    """SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME, CASE n.nspname ~ '^pg_' OR
    n.nspname = 'information_schema' WHEN true THEN 'SYSTEM TABLE' ELSE NULL END AS TABLE_TYPE, d.description AS
    REMARKS FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_description d ON
    (c.oid = d.objoid AND d.objsubid = 0 and d.classoid = 'pg_class'::regclass) WHERE c.relnamespace = n.oid AND
    c.relname LIKE 'users' ORDER BY TABLE_TYPE,TABLE_SCHEM,TABLE_NAME""",
    """SELECT * FROM (SELECT n.nspname, c.relname, a.attname, a.atttypid, row_number() OVER (PARTITION BY a.attrelid
    ORDER BY a.attnum) AS attnum, pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc, nullif(a.attidentity,
    '') as attidentity FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid)
    JOIN pg_catalog.pg_attribute a ON (a.attrelid=c.oid) LEFT JOIN pg_catalog.pg_attrdef def ON
    (a.attrelid=def.adrelid AND a.attnum = def.adnum) WHERE a.attnum > 0 AND NOT a.attisdropped) c""",
    """SELECT result.A_ATTNUM FROM (SELECT (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ, a.attnum AS
    A_ATTNUM, information_schema._pg_expandarray(i.indkey) AS KEYS FROM pg_catalog.pg_class ct JOIN
    pg_catalog.pg_attribute a ON (ct.oid = a.attrelid) JOIN pg_catalog.pg_index i ON (a.attrelid = i.indrelid))
    result where result.A_ATTNUM = (result.KEYS).x""",
    """SELECT typinput='pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid FROM
    pg_catalog.pg_type LEFT JOIN (select ns.oid as nspoid, ns.nspname, r.r from pg_namespace as ns join (select
    s.r, (current_schemas(false))[s.r] as nspname from generate_series(1, array_upper(current_schemas(false),
    1)) as s(r)) as r using (nspname)) as sp ON sp.nspoid = typnamespace WHERE typname = $1 ORDER BY sp.r,
    pg_type.oid DESC""",
    "SHOW TRANSACTION ISOLATION LEVEL",
    "SET extra_float_digits = 3; SET application_name = 'PostgreSQL JDBC Driver'",
]
ANALYTICS = [
    """SELECT date_trunc('day', at) d, count(DISTINCT user_id), percentile_cont(0.9) WITHIN GROUP (ORDER BY score),
    sum(x) FILTER (WHERE y > 0), rank() OVER (PARTITION BY z ORDER BY at DESC) FROM orders GROUP BY GROUPING
    SETS ((1), ()) HAVING count(*) > 3 ORDER BY 1 NULLS LAST LIMIT 100""",
    """SELECT jsonb_agg(row_to_json(u)), string_agg(name, ',' ORDER BY name), array_agg(DISTINCT a) FROM users u,
    generate_series(1, 10) g, unnest(ARRAY[1, 2]) WITH ORDINALITY, jsonb_to_recordset(extra) AS r(a int, b text)""",
    """SELECT regexp_replace(lower(trim(email)), '@.*', ''), to_char(at, 'YYYY'), extract(epoch FROM age(at)), round(x,
    2), md5(email), to_tsvector('english', bio) @@ plainto_tsquery('x'), width_bucket(x, 0, 1, 10), random()
    FROM users""",
    """SELECT pg_size_pretty(pg_total_relation_size('users')), pg_backend_pid(), current_setting('work_mem')""",
    "BEGIN; SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL; COMMIT",
]


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """Run a PostgreSQL 18 with something in it to look at."""
    with Cluster() as running:
        with psycopg.connect(host="127.0.0.1", port=running.port, user="postgres", dbname="postgres") as connection:
            connection.execute(SCHEMA)
        yield running


def _code(text: str) -> set[str]:
    """Give what a text would run that is not known to do no harm, and any write."""
    reads = {Effect.SELECT, Effect.SET, Effect.SHOW, Effect.TRANSACTION, Effect.CURSOR, Effect.LISTEN}
    return {
        short_act(act)
        for facts in read(text)
        for act in expand(facts, CENSUS, Settings(search_path=("public",))).acts
        if act.effect not in reads
    }


def test_psql_s_own_queries_only_read(server: Cluster) -> None:
    r"""Everything that psql asks for its \d family is reading."""
    commands = "\n".join("\\" + command for command in COMMANDS.split("\\")[1:])
    asked = subprocess.run(
        [programs() / "psql", "-X", "-E", "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"],
        input=commands,
        capture_output=True,
        text=True,
    ).stdout
    queries = [part.split("/****")[0] for part in asked.split("/******** QUERY *********/")[1:]]
    assert len(queries) > 60
    assert {query: found for query in queries if (found := _code(query))} == {}


def test_asyncpg_s_introspection_only_reads() -> None:
    """Asyncpg's look-ups of types are reading."""
    queries = [
        asyncpg.introspection.INTRO_LOOKUP_TYPES_13,
        asyncpg.introspection.INTRO_LOOKUP_TYPES,
        asyncpg.introspection.TYPE_BY_NAME,
    ]
    assert [set()] * len(queries) == [_code(query) for query in queries]


def test_sqlalchemy_s_reflection_only_reads(server: Cluster) -> None:
    """Reflecting a schema with SQLAlchemy is reading."""
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{server.port}/postgres")
    queries: list[str] = []
    sqlalchemy.event.listen(
        engine, "before_cursor_execute", lambda *arguments: queries.append(arguments[2]), named=False
    )
    try:
        for schema in ("app", "public"):
            sqlalchemy.MetaData().reflect(engine, schema=schema, views=True)
            inspector = sqlalchemy.inspect(engine)
            inspector.get_multi_indexes(schema=schema)
            inspector.get_sequence_names(schema=schema)
    finally:
        engine.dispose()
    numbered = [query.replace("%%", "%").replace("%(", "$1 /*").replace(")s", "*/ ") for query in queries]
    assert len(numbered) > 10
    assert {query: found for query in numbered if (found := _code(query))} == {}


@pytest.mark.parametrize("text", [*JDBC, *ANALYTICS])
def test_what_drivers_and_analysts_write_only_reads(text: str) -> None:
    """Queries as pgjdbc and honest analysts write them run no unknown code."""
    assert set() == _code(text)
