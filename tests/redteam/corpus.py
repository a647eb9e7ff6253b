"""Attacks as data: what a model account with a superuser's login tries, by class. One statement or message a line.

Every text here is sent as a simple Query and as a Parse. None may change anything, whoever the login is to PostgreSQL.
The database they aim at is in `stage.sql`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ATTACKS: Final[Mapping[str, str]] = {
    "rows, plainly and under other names": r"""
        DELETE FROM users
        delete from users where true
        DELETE FROM ONLY public.users u USING orders o WHERE u.id = o.user_id
        DELETE FROM v_users
        DELETE FROM parted_1
        UPDATE users SET name = '' WHERE 1 = 1
        UPDATE users SET email = DEFAULT
        UPDATE users SET (name, age) = (SELECT 'x', 1)
        UPDATE ONLY users * SET name = 'x'
        INSERT INTO users (name) VALUES ('x')
        INSERT INTO users DEFAULT VALUES
        INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'gone'
        INSERT INTO users (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'x') ON CONFLICT DO NOTHING
        INSERT INTO orders (user_id) TABLE app.ids
        MERGE INTO users USING orders ON false WHEN NOT MATCHED BY SOURCE THEN DELETE
        MERGE INTO users u USING (VALUES (1)) s(id) ON u.id = s.id WHEN MATCHED THEN UPDATE SET name = 'x'
        MERGE INTO users u USING (VALUES (1)) s(id) ON u.id = s.id WHEN MATCHED THEN DO NOTHING
        TRUNCATE users CASCADE
        TRUNCATE TABLE ONLY orders RESTART IDENTITY
        UPDATE pg_settings SET setting = 'off' WHERE name = 'enable_seqscan'
        UPDATE pg_catalog.pg_class SET relname = 'gone' WHERE relname = 'users'
        DELETE FROM pg_class WHERE relname = 'users'
        DELETE FROM pg_authid
        INSERT INTO pg_catalog.pg_largeobject_metadata VALUES (9, 10, NULL)
    """,
    "rows, inside something else": r"""
        WITH gone AS (DELETE FROM users RETURNING *) SELECT 1
        WITH gone AS (DELETE FROM orders) SELECT 1
        WITH RECURSIVE a AS (UPDATE users SET age = 0 RETURNING 1) TABLE a
        WITH a AS (WITH b AS (SELECT 1) DELETE FROM orders RETURNING 1) SELECT * FROM a
        WITH users AS (DELETE FROM users RETURNING *) SELECT * FROM users
        WITH a AS (MERGE INTO users USING orders ON false WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING 1) TABLE a
        WITH a AS (DELETE FROM users) INSERT INTO interlock.recommendation (model) VALUES ('m')
        WITH interlock AS (DELETE FROM orders RETURNING 1) INSERT INTO interlock.recommendation (model) SELECT 'm'
        INSERT INTO interlock.recommendation (model) WITH a AS (DELETE FROM orders RETURNING 1) SELECT 'm' FROM a
        COPY (DELETE FROM users RETURNING id) TO STDOUT
        COPY (WITH a AS (DELETE FROM orders RETURNING 1) SELECT * FROM a) TO STDOUT
        COPY (UPDATE users SET age = 0 RETURNING 1) TO STDOUT WITH (FORMAT csv)
        EXPLAIN ANALYZE DELETE FROM users
        EXPLAIN (ANALYZE) DELETE FROM users
        EXPLAIN (ANALYZE on, COSTS off) TRUNCATE users
        EXPLAIN (analyze off, ANALYZE 1) DELETE FROM orders
        EXPLAIN ("analyze" true) UPDATE users SET age = 0
        EXPLAIN ANALYZE VERBOSE WITH a AS (DELETE FROM orders) SELECT 1
        EXPLAIN (ANALYZE) CREATE TABLE t AS SELECT 1
        EXPLAIN (ANALYZE) SELECT 1 INTO t
        EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT bump()
        EXPLAIN ANALYZE CREATE MATERIALIZED VIEW m AS SELECT 1
        PREPARE d AS DELETE FROM users
        PREPARE d (int) AS UPDATE users SET age = $1
        PREPARE d AS WITH a AS (DELETE FROM orders) SELECT 1
        CREATE TABLE t AS EXECUTE harmless
        CREATE TABLE t AS WITH a AS (DELETE FROM orders RETURNING 1) SELECT * FROM a
        SELECT * INTO t FROM users
        SELECT 1 AS one INTO TEMP TABLE t
        WITH a AS (SELECT 1) SELECT * INTO UNLOGGED t FROM a
        CREATE TEMP TABLE users AS SELECT 1
        CREATE TEMPORARY VIEW orders AS SELECT 1
        CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT 1
        SELECT 1; DELETE FROM users
        SELECT 1; COMMIT; DELETE FROM users; COMMIT
        BEGIN; DELETE FROM users; COMMIT
        ; ; DELETE FROM users ; ;
        /* SELECT 1 */ DELETE FROM users -- SELECT 1
        DECLARE c CURSOR WITH HOLD FOR SELECT bump()
        DELETE FROM users WHERE CURRENT OF c
        DO 'BEGIN DELETE FROM users; END'
        DO LANGUAGE plpgsql $x$ BEGIN EXECUTE 'DROP TABLE users'; END $x$
        CALL purge()
        SELECT bump()
        SELECT public.bump()
        SELECT * FROM bump()
        TABLE users; SELECT "bump"()
        SELECT U&"b\0075mp"()
        VALUES (bump())
        SELECT 1 LIMIT bump()
        SELECT 1 OFFSET bump()
        SELECT count(*) FILTER (WHERE bump() > 0) FROM users
        SELECT sum(age) OVER (ROWS BETWEEN bump() PRECEDING AND CURRENT ROW) FROM users
        SELECT * FROM users TABLESAMPLE bernoulli (bump())
        SELECT * FROM ROWS FROM (generate_series(1, 2), bump()) AS r
        SELECT * FROM users, LATERAL (SELECT bump()) s
        SELECT CASE WHEN bump() > 0 THEN 1 END
        SELECT (ARRAY[1, 2])[bump()]
        SELECT ARRAY[bump()], ROW(bump()), (SELECT bump())
        SELECT * FROM users ORDER BY bump()
        SELECT age FROM users GROUP BY age HAVING bump() > 0
        SELECT string_agg(name, ',' ORDER BY bump()) FROM users
        SELECT percentile_cont(bump()) WITHIN GROUP (ORDER BY age) FROM users
        SELECT 1 WHERE bump() IS NOT NULL
        SELECT * FROM JSON_TABLE('[1]', '$[*]' PASSING bump() AS x COLUMNS (a int PATH '$'))
        SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a int PATH '$.x' DEFAULT bump() ON EMPTY))
        SELECT JSON_VALUE('{}', '$.a' DEFAULT bump() ON EMPTY)
        SELECT JSON_OBJECT('a': bump())
        SELECT JSON_ARRAY(SELECT bump())
        SELECT XMLELEMENT(NAME a, bump())
        SELECT EXTRACT(year FROM now() + bump() * interval '1 day')
        SELECT COALESCE(NULL, bump()), GREATEST(1, bump()), NULLIF(1, bump())
        SELECT * FROM users u JOIN orders o ON bump() > 0
        SELECT format(VARIADIC ARRAY['%s', bump()::text])
        SELECT make_interval(days => bump())
        SELECT 1 IN (bump(), 2), 1 BETWEEN bump() AND 2, (bump(), 1) = (1, 1)
        INSERT INTO interlock.recommendation (model, score) VALUES ('m', bump())
        INSERT INTO interlock.recommendation (model) VALUES ('m') RETURNING bump()
        INSERT INTO interlock.recommendation (model) SELECT 'm' FROM bump()
        INSERT INTO interlock.recommendation (id) VALUES (NULL) ON CONFLICT (id) DO UPDATE SET status = 'approved'
        INSERT INTO interlock.recommendation (id) VALUES (NULL) ON CONFLICT (id) WHERE bump() > 0 DO NOTHING
        INSERT INTO interlock.recommendation (id) VALUES (NULL) ON CONFLICT ((bump())) DO NOTHING
        COPY interlock.recommendation (model) FROM STDIN WHERE bump() > 0
        COPY users FROM STDIN
        COPY users (name) FROM STDIN WITH (FORMAT csv)
        COPY interlock.migration FROM STDIN
        DELETE FROM interlock.recommendation
        UPDATE interlock.recommendation SET status = 'approved'
        TRUNCATE interlock.recommendation
        LOCK TABLE interlock.recommendation
    """,
    "SQL in strings": r"""
        SELECT query_to_xml('DELETE FROM users', true, true, '')
        SELECT pg_catalog.query_to_xml($$DROP TABLE orders$$, true, true, '')
        SELECT query_to_xml_and_xmlschema('TRUNCATE users', true, true, '')
        SELECT query_to_xmlschema('SELECT bump()', true, true, '')
        SELECT cursor_to_xml('c', 1, true, true, '')
        SELECT table_to_xml('v_bump', true, true, '')
        SELECT schema_to_xml('public', true, true, ''), database_to_xml(true, true, '')
        SELECT * FROM ts_stat('DELETE FROM users RETURNING NULL::tsvector')
        SELECT ts_rewrite('a'::tsquery, 'DELETE FROM users RETURNING ''a''::tsquery, ''b''::tsquery')
        SELECT pg_catalog.ts_stat('SELECT bump()::text::tsvector')
        SELECT query_to_xml($1, true, true, '')
        SELECT "query_to_xml"(query => 'DELETE FROM users', nulls => true, tableforest => true, targetns => '')
        SELECT pg_input_is_valid('x', 'email')
    """,
    "side effects of built-ins": r"""
        SELECT nextval('s1')
        SELECT pg_catalog.nextval('s1'::regclass)
        SELECT ('s1'::regclass).nextval
        SELECT (4242::oid).lo_unlink
        SELECT ('PG_VERSION'::text).pg_read_file
        SELECT (ARRAY[1])[1].pg_cancel_backend
        SELECT ('x'::text).pg_start_backup
        SELECT setval('s1', 1000000)
        SELECT setval(value => 5, regclass => 's1')
        SELECT lo_unlink(4242)
        SELECT lo_create(0), lo_creat(-1)
        SELECT lo_put(4242, 0, '\x00'), lo_from_bytea(0, 'x')
        SELECT lowrite(lo_open(4242, 131072), 'x')
        SELECT lo_import('/etc/hostname'), lo_export(4242, '/tmp/interlock-stolen')
        SELECT pg_read_file('PG_VERSION'), pg_ls_dir('.'), pg_stat_file('PG_VERSION')
        SELECT pg_file_write('x', 'y', true), pg_file_unlink('PG_VERSION')
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        SELECT pg_advisory_lock(1), pg_try_advisory_lock(2), pg_advisory_xact_lock(3), pg_advisory_lock_shared(4)
        SELECT pg_notify('a', 'b')
        NOTIFY a, 'b'
        SELECT pg_create_physical_replication_slot('s')
        SELECT pg_create_logical_replication_slot('s', 'pgoutput')
        SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
        SELECT pg_logical_slot_get_changes('s', NULL, NULL), pg_replication_slot_advance('s', '0/1')
        SELECT pg_replication_origin_create('o'), pg_replication_origin_session_setup('o')
        SELECT pg_logical_emit_message(true, 'a', 'b')
        SELECT pg_stat_reset(), pg_stat_reset_shared('wal'), pg_stat_reset_single_table_counters(1)
        SELECT pg_clear_relation_stats('public', 'users'), pg_restore_relation_stats('relation', 'users')
        SELECT pg_switch_wal(), pg_create_restore_point('x'), pg_backup_start('x'), pg_promote()
        SELECT pg_wal_replay_pause(), pg_log_standby_snapshot()
        SELECT pg_export_snapshot(), pg_current_xact_id(), txid_current()
        SELECT pg_reload_conf(), pg_rotate_logfile(), pg_log_backend_memory_contexts(pg_backend_pid())
        SELECT pg_sleep(1), pg_sleep_for('1 s'), pg_sleep_until(now())
        SELECT brin_summarize_new_values('x'), gin_clean_pending_list('x')
        SELECT pg_import_system_collations('public')
        SELECT pg_extension_config_dump('users', ''), pg_nextoid('pg_class', 'oid', 'pg_class_oid_index')
        SELECT binary_upgrade_set_next_pg_type_oid(1)
        SELECT pg_event_trigger_dropped_objects(), pg_identify_object(1259, 1, 0), suppress_redundant_updates_trigger()
        SELECT OPERATOR(public.+) 1
        SELECT 1 OPERATOR(public.@#@) 2
        SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()
        SELECT domain_in('x', 1, 1), record_in('()', 1, 1), array_in('{x}', 1, 1)
        SELECT plpgsql_inline_handler(NULL), plpgsql_call_handler()
        SELECT RI_FKey_cascade_del()
        SELECT now() FROM pg_catalog.pg_ls_waldir()
        SELECT amvalidate(1), pg_partition_root('users'), pg_relation_filenode('users')
    """,
    "settings, roles and session state": r"""
        SET ROLE postgres
        SET SESSION ROLE postgres
        SET LOCAL ROLE NONE
        RESET ROLE
        SET SESSION AUTHORIZATION postgres
        SET SESSION AUTHORIZATION DEFAULT
        RESET SESSION AUTHORIZATION
        SET role = postgres
        SET "role" TO 'postgres'
        SET "ROLE" TO 'postgres'
        SET session_replication_role = replica
        SET LOCAL session_replication_role TO 'replica'
        SET search_path = app, public
        SET search_path TO pg_temp, public
        SET SCHEMA 'app'
        SET LOCAL search_path TO DEFAULT
        RESET search_path
        SET row_security = off
        SET standard_conforming_strings = off
        SET standard_conforming_strings = 'of'
        SET LOCAL standard_conforming_strings TO 0
        SET backslash_quote = on
        SET escape_string_warning = off
        SET client_encoding = 'SJIS'
        SET NAMES 'GBK'
        SET NAMES LATIN1
        SET client_encoding TO 'UTF8', 'SJIS'
        SET statement_timeout = 0
        SET statement_timeout TO '0.4ms'
        SET statement_timeout TO '400us'
        SET statement_timeout = 1e-9
        SET idle_in_transaction_session_timeout = '0'
        SET transaction_timeout = '25d'
        SET lock_timeout = -1
        SET work_mem = '1TB'
        SET maintenance_work_mem = '100GB'
        SET zero_damaged_pages = on
        SET ignore_system_indexes = on
        SET allow_system_table_mods = on
        SET default_tablespace = 'x'
        SET default_table_access_method = 'x'
        SET temp_tablespaces = 'x'
        SET session_preload_libraries = 'x'
        SET local_preload_libraries = 'x'
        SET dynamic_library_path = '/tmp'
        SET log_statement = 'none'
        SET synchronous_commit = off
        SET lo_compat_privileges = on
        SET event_triggers = off
        SET default_transaction_isolation = 'serializable'; SET row_security = off
        SET plpgsql.variable_conflict = 'x'
        SET interlock.anything = 'x'
        SET TRANSACTION SNAPSHOT '00000003-00000002-1'
        SET XML OPTION DOCUMENT; SET search_path = app
        SELECT set_config('role', 'postgres', false)
        SELECT set_config('ro' || 'le', 'postgres', false)
        SELECT set_config($1, $2, $3)
        SELECT set_config(name, setting, false) FROM pg_settings
        SELECT set_config(is_local => false, new_value => 'app', setting_name => 'search_path')
        SELECT set_config('search_path', 'app', false)
        SELECT pg_catalog.set_config('session_replication_role', 'replica', true)
        SELECT set_config('standard_conforming_strings', 'off', false)
        SELECT set_config('client_encoding', 'SJIS', false)
        SELECT set_config('statement_timeout', '0', false)
        SELECT set_config(VARIADIC ARRAY['search_path', 'app', 'false'])
        EXPLAIN SELECT set_config('search_path', 'app', false)
        SELECT * FROM set_config('search_path', 'app', false)
        ALTER ROLE model_x SET search_path = app
        ALTER ROLE ALL SET row_security = off
        ALTER USER CURRENT_USER SUPERUSER
        ALTER DATABASE demo SET search_path = app
        ALTER DATABASE demo RENAME TO gone
        ALTER SYSTEM SET fsync = off
        ALTER SYSTEM RESET ALL
        GRANT ALL ON users TO PUBLIC
        GRANT postgres TO model_x
        REVOKE ALL ON users FROM postgres
        ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC
        REASSIGN OWNED BY postgres TO model_x
        DROP OWNED BY postgres CASCADE
        CREATE ROLE evil SUPERUSER LOGIN
        DROP ROLE model_x
        SECURITY LABEL ON TABLE users IS 'x'
        COMMENT ON TABLE users IS 'gone'
    """,
    "settings, by values that are not what is written": r"""
        SELECT pg_catalog.set_config('standard_conforming_strings', '1'::numeric(3,-1)::text, false)
        SELECT set_config('statement_timeout', '0100'::varchar(1), false)
        SELECT set_config('statement_timeout', CAST('1' AS numeric(3,-1))::text, false)
        SELECT set_config('statement_timeout', char(1) '0100', false)
        SELECT set_config('work_mem_'::char(8), '1', false)
        PREPARE p AS SELECT set_config('standard_conforming_strings', '1'::numeric(3,-1)::text, false)
        DECLARE c CURSOR WITH HOLD FOR SELECT set_config('standard_conforming_strings', '01'::char(1), false)
    """,
    "attribute notation on a function's row": r"""
        SELECT x.lo_unlink FROM pg_catalog.unnest(ARRAY[4242::oid]) x
        SELECT unnest.lo_unlink FROM unnest(ARRAY[4242::oid])
        SELECT "X".lo_unlink FROM pg_catalog.unnest(ARRAY[4242::oid]) AS "X"(v)
        SELECT 1 FROM pg_catalog.unnest(ARRAY[4242::oid]) x WHERE x.lo_unlink = 1
        SELECT 1 FROM pg_catalog.unnest(ARRAY[4242::oid]) x ORDER BY x.lo_unlink
        SELECT (SELECT x.lo_unlink) FROM pg_catalog.unnest(ARRAY[4242::oid]) x
        SELECT 1 FROM pg_catalog.unnest(ARRAY[4242::oid]) x JOIN LATERAL (VALUES (x.lo_unlink)) v ON true
        SELECT x.pg_drop_replication_slot FROM pg_catalog.unnest(ARRAY['standby'::name]) x
        SELECT x.nextval FROM pg_catalog.unnest(ARRAY['s1'::regclass]) x
        SELECT x.ts_stat FROM pg_catalog.unnest(ARRAY['SELECT nextval(''s1'')::text::tsvector']) x
        EXPLAIN ANALYZE SELECT x.lo_unlink FROM pg_catalog.unnest(ARRAY[4242::oid]) x
        COPY (SELECT x.lo_unlink FROM pg_catalog.unnest(ARRAY[4242::oid]) x) TO STDOUT
    """,
    "definitions": r"""
        DROP TABLE users CASCADE
        DROP TABLE IF EXISTS nothing, orders
        DROP SCHEMA app CASCADE
        DROP DATABASE demo WITH (FORCE)
        DROP VIEW v_users; DROP SEQUENCE s1; DROP FUNCTION bump
        DROP EXTENSION plpgsql CASCADE
        ALTER TABLE users DROP COLUMN name
        ALTER TABLE users RENAME TO gone
        ALTER TABLE users SET SCHEMA app
        ALTER TABLE users ALTER COLUMN name TYPE int USING 1
        ALTER TABLE users DISABLE TRIGGER ALL
        ALTER TABLE parted DETACH PARTITION parted_1
        ALTER TABLE users SET UNLOGGED
        ALTER TABLE users ENABLE ROW LEVEL SECURITY
        ALTER SEQUENCE s1 RESTART
        ALTER VIEW v_users RENAME TO x
        ALTER TYPE mood ADD VALUE 'x'
        ALTER FUNCTION bump() OWNER TO model_x
        ALTER INDEX users_pkey SET (fillfactor = 50)
        CREATE TABLE t (a int)
        CREATE TABLE t (LIKE users INCLUDING ALL)
        CREATE UNLOGGED TABLE t PARTITION OF parted DEFAULT
        CREATE TEMP SEQUENCE t
        CREATE VIEW t AS SELECT 1
        CREATE RULE r AS ON INSERT TO interlock.recommendation DO ALSO DELETE FROM users
        CREATE TRIGGER t AFTER INSERT ON interlock.recommendation EXECUTE FUNCTION trip()
        CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'DELETE FROM users RETURNING 1'
        CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC DELETE FROM users; SELECT 1; END
        CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)
        CREATE CAST (int AS text) WITH INOUT AS IMPLICIT
        CREATE DOMAIN d AS int CHECK (bump() > 0)
        CREATE TYPE t AS (a int)
        CREATE AGGREGATE a (int) (SFUNC = int4pl, STYPE = int)
        CREATE INDEX ON users (bump())
        CREATE STATISTICS s ON id, name FROM users
        CREATE POLICY p ON users USING (false)
        CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION trip()
        CREATE EXTENSION dblink
        CREATE LANGUAGE x HANDLER plpgsql_call_handler
        CREATE PUBLICATION p FOR ALL TABLES
        CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p WITH (connect = false)
        CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w
        CREATE TABLESPACE t LOCATION '/tmp'
        CREATE DATABASE d
        CREATE COLLATION c FROM "C"
        CREATE TEXT SEARCH CONFIGURATION t (COPY = simple)
        CREATE ACCESS METHOD m TYPE INDEX HANDLER bthandler
        IMPORT FOREIGN SCHEMA s FROM SERVER x INTO public
        LOAD 'plpgsql'
    """,
    "files, programs, locks, two-phase, maintenance": r"""
        COPY users TO '/tmp/interlock-stolen'
        COPY users FROM '/etc/passwd'
        COPY users TO PROGRAM 'touch /tmp/interlock-stolen'
        COPY (SELECT 1) TO PROGRAM 'touch /tmp/interlock-stolen'
        COPY interlock.recommendation (model) FROM PROGRAM 'echo x'
        COPY interlock.recommendation FROM '/etc/passwd'
        COPY (SELECT bump()) TO STDOUT
        COPY (SELECT nextval('s1')) TO STDOUT
        COPY v_users TO STDOUT; DELETE FROM users
        LOCK TABLE users IN ACCESS EXCLUSIVE MODE
        SELECT * FROM users FOR UPDATE
        SELECT * FROM users u, orders o FOR NO KEY UPDATE OF u NOWAIT
        SELECT * FROM (SELECT * FROM users) s FOR SHARE
        SELECT (SELECT 1 FROM users LIMIT 1 FOR KEY SHARE)
        TABLE users FOR UPDATE
        DECLARE c CURSOR WITH HOLD FOR SELECT * FROM users FOR UPDATE
        EXPLAIN ANALYZE SELECT * FROM users FOR UPDATE
        INSERT INTO interlock.recommendation (model) SELECT name FROM users FOR UPDATE
        PREPARE TRANSACTION 'x'
        BEGIN; SELECT 1; PREPARE TRANSACTION 'x'
        COMMIT PREPARED 'x'
        ROLLBACK PREPARED 'x'
        VACUUM FULL users
        VACUUM (ANALYZE, TRUNCATE off)
        ANALYZE users
        CLUSTER users USING users_pkey
        REINDEX DATABASE demo
        REINDEX (CONCURRENTLY) TABLE users
        REFRESH MATERIALIZED VIEW mv
        CHECKPOINT
        IDENTIFY_SYSTEM
        BASE_BACKUP
        CREATE_REPLICATION_SLOT s PHYSICAL
        START_REPLICATION 0/0
    """,
    "lexing": r"""
        SELECT 'a\'; DELETE FROM users; --'
        SELECT E'a\''; DELETE FROM users; --'
        SELECT $a$ $b$ $a$; DELETE FROM users; -- $b$
        SELECT 1 AS a$b$; DELETE FROM users; -- $b$
        SELECT U&'\0027'; DELETE FROM users; --'
        SELECT U&'!0027' UESCAPE '!'; DELETE FROM users
        SELECT /* /* */ 1; */ 2; DELETE FROM users
        DELETE/**/FROM/**/users
        SELECT 1;DELETE FROM"users"
        SELECT 'x' AS "a""b"; DELETE FROM "users" --"
        SELECT B'1'; DELETE FROM users
        SELECT N'x'; DELETE FROM users
        SELECT @-1; DELETE FROM users
        SELECT 1 AS é; DELETE FROM users
    """,
}
