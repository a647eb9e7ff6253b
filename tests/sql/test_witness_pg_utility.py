"""What the libpg_query witness says of definitions, privileges, COPY, CALL, locks and maintenance."""

from __future__ import annotations

import pytest

from tests.sql.shorthand import read_one, short_acts

READINGS = {
    # DROP and TRUNCATE
    "DROP TABLE a, s.b CASCADE": ("DROP TABLE", ["drop+cascade a", "drop+cascade s.b"]),
    "DROP TABLE d.s.t": ("DROP TABLE", ["drop s.t"]),
    "DROP VIEW IF EXISTS v": ("DROP VIEW", ["drop v"]),
    "DROP INDEX CONCURRENTLY i": ("DROP INDEX", ["drop+concurrently i"]),
    "DROP SCHEMA a CASCADE": ("DROP SCHEMA", ["drop+cascade schema:a"]),
    "DROP FUNCTION s.f(int)": ("DROP FUNCTION", ["drop function:s.f"]),
    "DROP ROUTINE f": ("DROP ROUTINE", ["drop function:f"]),
    "DROP OPERATOR s.+ (int, int)": ("DROP OPERATOR", ["drop operator:s.+"]),
    "DROP TYPE s.t": ("DROP TYPE", ["drop type:s.t"]),
    "DROP DOMAIN d": ("DROP DOMAIN", ["drop type:d"]),
    "DROP TRIGGER g ON s.t": ("DROP TRIGGER", ["drop other:s.g", "alter s.t"]),
    "DROP POLICY p ON t": ("DROP POLICY", ["drop other:p", "alter t"]),
    "DROP OPERATOR CLASS s.c USING btree": ("DROP OPERATOR CLASS", ["drop other:s.c"]),
    "DROP EXTENSION e CASCADE": ("DROP EXTENSION", ["drop+cascade other:e"]),
    "DROP DATABASE d": ("DROP DATABASE", ["drop database:d"]),
    "DROP ROLE a, b": ("DROP ROLE", ["drop role:a", "drop role:b"]),
    "DROP OWNED BY a CASCADE": ("DROP OWNED", ["drop+cascade other:", "drop+cascade role:a"]),
    "DROP SUBSCRIPTION s": ("DROP SUBSCRIPTION", ["replicate other:s"]),
    "DROP PUBLICATION p": ("DROP PUBLICATION", ["drop other:p"]),
    "TRUNCATE ONLY a, s.b RESTART IDENTITY CASCADE": (
        "TRUNCATE TABLE",
        ["truncate+cascade+restart_identity a", "truncate+cascade+restart_identity s.b"],
    ),
    # CREATE
    "CREATE TABLE s.t (a int REFERENCES u, b int DEFAULT f())": ("CREATE TABLE", ["create s.t"]),
    "CREATE TEMP TABLE t (LIKE u)": ("CREATE TABLE", ["create+temporary t"]),
    "CREATE TABLE pg_temp.t ()": ("CREATE TABLE", ["create+temporary pg_temp.t"]),
    "CREATE TABLE t PARTITION OF p FOR VALUES IN (1)": ("CREATE TABLE", ["create t"]),
    "CREATE TABLE t AS SELECT * FROM u": ("CREATE TABLE AS", ["create t", "select u"]),
    "CREATE TABLE t AS EXECUTE p": ("CREATE TABLE AS", ["create t", "prepare prepared:p"]),
    "CREATE MATERIALIZED VIEW m AS SELECT * FROM u": ("CREATE MATERIALIZED VIEW", ["create m", "select u"]),
    "CREATE VIEW v AS SELECT * FROM u": ("CREATE VIEW", ["create v", "select u"]),
    "CREATE SCHEMA s CREATE TABLE a () CREATE VIEW v AS TABLE b GRANT SELECT ON a TO x": (
        "CREATE SCHEMA",
        ["create schema:s", "create a", "create v", "select b", "grant a"],
    ),
    "CREATE RULE r AS ON INSERT TO s.t DO ALSO (DELETE FROM u; NOTIFY x)": (
        "CREATE RULE",
        ["create other:s.r", "alter s.t", "delete+unbounded u", "notify channel:x"],
    ),
    "CREATE TRIGGER g AFTER INSERT ON s.t EXECUTE FUNCTION f()": (
        "CREATE TRIGGER",
        ["create other:s.g", "alter s.t"],
    ),
    "CREATE POLICY p ON t USING (EXISTS (TABLE u))": ("CREATE POLICY", ["create other:p", "alter t", "select u"]),
    "CREATE FUNCTION f(a x) RETURNS y LANGUAGE sql BEGIN ATOMIC DELETE FROM t; END": (
        "CREATE FUNCTION",
        ["create function:f", "delete+unbounded t"],
    ),
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = x AS 'SELECT 1'": (
        "CREATE FUNCTION",
        ["create function:f"],
    ),
    "CREATE PROCEDURE s.p() LANGUAGE sql AS ''": ("CREATE PROCEDURE", ["create function:s.p"]),
    "CREATE AGGREGATE s.a (int) (sfunc = f, stype = int)": ("CREATE AGGREGATE", ["create function:s.a"]),
    "CREATE OPERATOR s.+ (function = f)": ("CREATE OPERATOR", ["create operator:s.+"]),
    "CREATE TYPE s.t AS (a int)": ("CREATE TYPE", ["create type:s.t"]),
    "CREATE TYPE t AS ENUM ('a')": ("CREATE TYPE", ["create type:t"]),
    "CREATE DOMAIN d AS int": ("CREATE DOMAIN", ["create type:d"]),
    "CREATE CAST (a AS b) WITHOUT FUNCTION": ("CREATE CAST", ["create"]),
    "CREATE UNIQUE INDEX CONCURRENTLY i ON s.t (a)": ("CREATE INDEX", ["create+concurrently s.i"]),
    "CREATE SEQUENCE s.q": ("CREATE SEQUENCE", ["create s.q"]),
    "CREATE EXTENSION dblink": ("CREATE EXTENSION", ["create other:dblink"]),
    "CREATE FOREIGN TABLE s.t (a int) SERVER x": ("CREATE FOREIGN TABLE", ["create s.t"]),
    "CREATE ROLE r SUPERUSER": ("CREATE ROLE", ["create role:r"]),
    "CREATE PUBLICATION p FOR ALL TABLES": ("CREATE PUBLICATION", ["replicate other:p"]),
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p": ("CREATE SUBSCRIPTION", ["replicate other:s"]),
    # ALTER
    "ALTER TABLE s.t DROP COLUMN a, DROP COLUMN b CASCADE": ("ALTER TABLE", ["alter+cascade s.t"]),
    "ALTER TABLE s.t DETACH PARTITION s.p": ("ALTER TABLE", ["alter s.t", "alter s.p"]),
    "ALTER TABLE t RENAME COLUMN a TO b": ("ALTER TABLE", ["alter t"]),
    "ALTER VIEW v RENAME TO w": ("ALTER VIEW", ["alter v"]),
    "ALTER TABLE s.t SET SCHEMA u": ("ALTER TABLE", ["alter s.t"]),
    "ALTER TRIGGER g ON s.t RENAME TO h": ("ALTER TRIGGER", ["alter s.t", "alter other:g"]),
    "ALTER FUNCTION s.f(int) SECURITY DEFINER": ("ALTER FUNCTION", ["alter function:s.f"]),
    "ALTER FUNCTION s.f(int) OWNER TO x": ("ALTER FUNCTION", ["alter function:s.f"]),
    "ALTER ROLE r SET search_path = x": ("ALTER ROLE", ["alter role:r"]),
    "ALTER DATABASE d SET x = 1": ("ALTER DATABASE", ["alter database:d"]),
    "ALTER POLICY p ON t USING (true)": ("ALTER POLICY", ["alter other:p", "alter t"]),
    "ALTER TYPE s.t ADD VALUE 'x'": ("ALTER TYPE", ["alter type:s.t"]),
    "ALTER SEQUENCE s.q RESTART": ("ALTER SEQUENCE", ["alter s.q"]),
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO x": ("ALTER DEFAULT PRIVILEGES", ["grant"]),
    # Privileges, comments
    "GRANT SELECT ON a, s.b TO x": ("GRANT", ["grant a", "grant s.b"]),
    "REVOKE ALL ON ALL TABLES IN SCHEMA s FROM x CASCADE": ("REVOKE", ["grant+cascade schema:s"]),
    "GRANT EXECUTE ON FUNCTION s.f(int) TO x": ("GRANT", ["grant function:s.f"]),
    "GRANT a TO b": ("GRANT ROLE", ["grant role:a"]),
    "REASSIGN OWNED BY a TO b": ("REASSIGN OWNED", ["grant role:b"]),
    "COMMENT ON COLUMN s.t.c IS 'x'": ("COMMENT", ["comment s.t"]),
    "SECURITY LABEL ON TABLE t IS 'x'": ("SECURITY LABEL", ["security_label t"]),
    "IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c": ("IMPORT FOREIGN SCHEMA", ["import schema:c"]),
    # COPY
    "COPY t FROM STDIN": ("COPY", ["copy_in t"]),
    "COPY s.t TO STDOUT": ("COPY", ["copy_out s.t"]),
    "COPY (DELETE FROM t RETURNING *) TO STDOUT": ("COPY", ["copy_out", "delete+unbounded t"]),
    "COPY (SELECT 1) TO PROGRAM 'rm'": ("COPY", ["copy_program program:rm", "select"]),
    "COPY t FROM PROGRAM 'x'": ("COPY", ["copy_program program:x", "copy_program t"]),
    "COPY t TO '/x'": ("COPY", ["copy_file file:/x", "copy_file t"]),
    # The rest
    "CALL s.p((SELECT 1 FROM t))": ("CALL", ["call function:s.p", "select t"]),
    "DO $$BEGIN END$$": ("DO", ["do"]),
    "LOAD 'x'": ("LOAD", ["load file:x"]),
    "LOCK TABLE a, s.b": ("LOCK TABLE", ["lock a", "lock s.b"]),
    "LISTEN x": ("LISTEN", ["listen channel:x"]),
    "UNLISTEN *": ("UNLISTEN", ["listen channel:"]),
    "NOTIFY x, 'y'": ("NOTIFY", ["notify channel:x"]),
    "VACUUM": ("VACUUM", ["maintain"]),
    "VACUUM FULL s.t (a)": ("VACUUM", ["maintain s.t"]),
    "ANALYZE t": ("ANALYZE", ["maintain t"]),
    "CLUSTER s.t USING i": ("CLUSTER", ["maintain s.t"]),
    "REINDEX SCHEMA s": ("REINDEX", ["maintain schema:s"]),
    "REINDEX (CONCURRENTLY) TABLE s.t": ("REINDEX", ["maintain+concurrently s.t"]),
    "REFRESH MATERIALIZED VIEW CONCURRENTLY m": ("REFRESH MATERIALIZED VIEW", ["maintain+concurrently m"]),
    "CHECKPOINT": ("CHECKPOINT", ["checkpoint"]),
}


@pytest.mark.parametrize(("text", "expected"), READINGS.items())
def test_acts_of_utility_statements(text: str, expected: tuple[str, list[str]]) -> None:
    """Tag and acts are those of the statement, its objects, and what it carries."""
    facts = read_one(text)
    assert expected == (facts.tag, short_acts(facts))
