"""What calls set off, with and without a census, and what unqualified names may mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.policy.names import shown_name
from proxy.sql.census import Census
from proxy.sql.consequences import ATTRIBUTE, NOT_KNOWN, OPERATOR, OUTRANKED, SHADOWABLE, SHADOWED, TYPE, expand
from proxy.sql.facts import Effect, Facts, Settings
from tests.sql.catalogs import RECORD, TEXT, Drawing
from tests.sql.shorthand import read_one, short_act


def _census() -> Census:
    drawing = Drawing()
    drawing.function("purge", first=RECORD)
    drawing.function("purge", arguments=0)
    drawing.function("app.lower", first=TEXT)
    drawing.function("email", first=RECORD)
    return drawing.census()


CENSUS = _census()
PATH = Settings(search_path=("app", "public"))


def _code(facts: Facts) -> dict[str, str | None]:
    """Give the acts that run code, short, with their notes."""
    return {
        short_act(act).removeprefix("execute_function "): act.note
        for act in facts.acts
        if act.effect is Effect.EXECUTE_FUNCTION
    }


ALWAYS = {
    "SELECT pg_catalog.lower('x'), pg_catalog.count(*)": {},
    "SELECT now(), version(), current_schema, CURRENT_USER, count(*) FROM t": {},
    "SELECT EXTRACT(year FROM a), a AT TIME ZONE 'UTC', SUBSTRING(a FROM 1), COALESCE(a, b) FROM t": {},
    "SELECT a + 1, a || 'x', a LIKE 'y', a OPERATOR(pg_catalog.+) 1 FROM t": {},
    "SELECT a::int, b::text[], c::regclass, date '2020-01-01', d::pg_catalog._text, e::numeric(10, 2) FROM t": {},
    "SELECT a::information_schema.sql_identifier": {},
    "SELECT (information_schema._pg_expandarray(indkey)).n FROM pg_index": {},
    "SELECT purge(1)": {"function:purge": NOT_KNOWN},
    "SELECT app.lower('x')": {"function:app.lower": NOT_KNOWN},
    "SELECT pg_catalog.purge()": {"function:pg_catalog.purge": NOT_KNOWN},
    "SELECT pg_catalog.nextval('s')": {"function:pg_catalog.nextval": NOT_KNOWN},
    "SELECT pg_sleep(1)": {"function:pg_sleep": NOT_KNOWN},
    "SELECT information_schema.purge()": {"function:information_schema.purge": NOT_KNOWN},
    "SELECT query_to_xml('DELETE FROM t', true, true, '')": {"function:query_to_xml": NOT_KNOWN},
    "SELECT a OPERATOR(app.+) 1": {"operator:app.+": OPERATOR},
    "SELECT a::app.d, b::color, c::app.int4": {"type:app.d": TYPE, "type:color": TYPE, "type:app.int4": TYPE},
    "SELECT * FROM t TABLESAMPLE system (1)": {},
    "SELECT * FROM t TABLESAMPLE evil (1)": {"function:evil": NOT_KNOWN},
    "EXPLAIN SELECT purge()": {"function:purge": NOT_KNOWN},
}


@pytest.mark.parametrize(("text", "expected"), ALWAYS.items())
@pytest.mark.parametrize("census", [None, Census(epoch=1)], ids=["no census", "census"])
def test_code_is_told_from_built_ins(text: str, expected: dict[str, str | None], census: Census | None) -> None:
    """Built-ins on the list do no harm; whatever else is called is an act that says why."""
    assert expected == _code(expand(read_one(text), census, PATH))


@pytest.mark.parametrize(
    ("text", "census", "settings", "expected"),
    [
        ("SELECT upper('x')", None, PATH, {"function:upper": SHADOWABLE}),
        ("SELECT upper('x')", CENSUS, PATH, {}),
        ("SELECT lower('x')", CENSUS, PATH, {"function:app.lower": SHADOWED}),
        ("SELECT lower('x')", CENSUS, Settings(search_path=("public",)), {}),
        ("SELECT lower('x')", CENSUS, Settings(), {"function:app.lower": SHADOWED}),
        ("SELECT pg_catalog.lower('x')", CENSUS, PATH, {}),
        ("SELECT concat(VARIADIC a)", None, PATH, {"function:concat": SHADOWABLE}),
        ("SELECT now()", None, Settings(), {}),
        ("SELECT now()", None, Settings(search_path=("pg_catalog", "app")), {}),
        ("SELECT now()", None, Settings(search_path=("app", "pg_catalog")), {"function:now": OUTRANKED}),
        ("SELECT 1::int", None, Settings(search_path=("app", "pg_catalog")), {}),
        ("SELECT a::text", None, Settings(search_path=("app", "pg_catalog")), {"type:text": OUTRANKED}),
        ("SELECT a + b", None, Settings(search_path=("app", "pg_catalog")), {"operator:+": OUTRANKED}),
        ("SELECT u.email, u.name FROM u", CENSUS, PATH, {"function:public.email": ATTRIBUTE}),
        ("SELECT (u).purge FROM u", CENSUS, PATH, {"function:public.purge": ATTRIBUTE}),
        ("SELECT u.email FROM u", None, PATH, {}),
        ("SELECT email FROM u", CENSUS, PATH, {}),
    ],
)
def test_shadows_decide(text: str, census: Census | None, settings: Settings, expected: dict[str, str]) -> None:
    """An unqualified name does no harm only where nothing of a user's schema can stand in its place."""
    assert expected == _code(expand(read_one(text), census, settings))


@pytest.mark.parametrize(
    ("version", "called"),
    [
        (18, set()),
        (16, {"json_value", "json_scalar"}),
        (15, {"json_value", "json_scalar", "json_array"}),
        (0, {"json_value", "json_scalar", "json_array"}),
    ],
)
@pytest.mark.parametrize("census", [None, CENSUS], ids=["no census", "census"])
def test_forms_that_a_server_does_not_know_are_calls(version: int, called: set[str], census: Census | None) -> None:
    """A function of users may stand behind them; what PostgreSQL 18's grammar makes of them is no call."""
    facts = read_one("SELECT json_value(a, '$'), json_scalar(1), json_array(1, 2) FROM t")
    settings = Settings(search_path=("public",), server_version=version)
    assert {f"function:{name}" for name in called} == _code(expand(facts, census, settings)).keys()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT pg_catalog.set_config('Search_Path', 'x', false)", "set setting:search_path = x"),
        ("SELECT pg_catalog.set_config('work_mem', '1', true)", "set+local setting:work_mem = 1"),
        ("SELECT pg_catalog.set_config('ROLE', 'admin', 'false')", "role_change role:admin"),
        ("SELECT pg_catalog.set_config('session_authorization', $1, true)", "role_change+local role:"),
        ("SELECT pg_catalog.set_config($1, 'x', false)", "set setting: = x"),
        ("SELECT pg_catalog.set_config('ro' || 'le', 'x', false)", "set setting: = x"),
        ("SELECT pg_catalog.set_config(is_local => true, setting_name => 'role', new_value => 'x')", "set setting:"),
    ],
)
def test_set_config_is_a_set(text: str, expected: str) -> None:
    """set_config is judged as the SET that it is; of an unknown name, as a SET of any setting."""
    assert ["select", expected] == [short_act(act) for act in expand(read_one(text), None, PATH).acts]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("DELETE FROM users", ("app", "public"), ("pg_temp", "app", "public")),
        ("DELETE FROM users", None, ()),
        ("DELETE FROM app.users", ("app",), ()),
        ("SELECT * FROM pg_class", ("app",), ("pg_temp", "pg_catalog")),
        ("SELECT * FROM pg_class", ("app", "pg_catalog"), ("pg_temp", "app", "pg_catalog")),
        ("SELECT * FROM users", ("app", "pg_temp"), ("app", "pg_temp")),
        ("CREATE TABLE users ()", ("app", "public"), ("app", "public")),
        ("CREATE TEMP TABLE users ()", ("app",), ("pg_temp",)),
        ("DROP FUNCTION f", ("app",), ("pg_catalog", "app")),
        ("DROP TYPE t", ("app",), ("pg_temp", "pg_catalog", "app")),
        ("DROP ROLE r", ("app",), ()),
    ],
)
def test_unqualified_names_get_their_candidates(
    text: str, path: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    """Schemas stand in the order in which PostgreSQL looks."""
    target = expand(read_one(text), None, Settings(search_path=path)).acts[0].target
    assert target is not None
    assert expected == target.candidates


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("SELECT * FROM users", None),
        ("SELECT * FROM app.users", None),
        ("SELECT * FROM db.app.users u, LATERAL (SELECT u.id) l", None),
        ("SELECT last_value FROM counter", None),
        ("SELECT * FROM pg_class, pg_catalog.pg_class c", None),
        ("WITH fresh AS (SELECT 1) SELECT * FROM fresh", None),
        ("SELECT * FROM generate_series(1, 2) fresh", None),
        ("SELECT * FROM pg_temp.fresh", None),
        ("CREATE TABLE fresh (a int)", None),
        ("SELECT * FROM fresh", "fresh"),
        ("SELECT * FROM public.users", "public.users"),
        ("SELECT * FROM pg_catalog.fresh", "pg_catalog.fresh"),
        ("EXPLAIN SELECT * FROM users, fresh", "fresh"),
        ("PREPARE p AS DELETE FROM fresh WHERE a = 1", "fresh"),
        ("COPY fresh TO STDOUT", "fresh"),
        ("INSERT INTO fresh VALUES (1)", "fresh"),
        ("MERGE INTO fresh USING users ON true WHEN MATCHED THEN DELETE", "fresh"),
        ("SELECT (SELECT max(a) FROM fresh)", "fresh"),
        ("TRUNCATE users, fresh", "fresh"),
    ],
)
def test_a_relation_that_the_census_does_not_know_is_told(text: str, unknown: str | None) -> None:
    """It may have been made a moment ago, with any code behind it; a session that may have made it itself knows it."""
    drawing = Drawing()
    drawing.relation("app.users")
    drawing.other_relation("app.counter")
    drawing.other_relation("pg_catalog.pg_class")
    settings = Settings(search_path=("app", "public"), temporary=False)
    found = expand(read_one(text), drawing.census(), settings).unknown
    assert unknown == (None if found is None else shown_name(found))
    assert expand(read_one(text), drawing.census(), replace(settings, temporary=True)).unknown is None
