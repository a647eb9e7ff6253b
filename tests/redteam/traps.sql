-- Code that runs without looking like it, for the generated attacks. Nothing here runs by itself in an ordinary statement.
CREATE TABLE one (id int, name text, doc jsonb, tags int[]);
INSERT INTO one VALUES (1, 'a', '{"k": 1}', '{1,2}');
GRANT SELECT ON one TO PUBLIC;
CREATE FUNCTION spring() RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
CREATE FUNCTION spring(int) RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
CREATE FUNCTION spring(int, int) RETURNS bool LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT true $$;
CREATE FUNCTION spring(VARIADIC text[]) RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
CREATE FUNCTION springs() RETURNS SETOF int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
CREATE FUNCTION wraps() RETURNS int LANGUAGE sql AS $$ SELECT public.spring() $$;
CREATE FUNCTION lazy(a int DEFAULT public.spring()) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a $$;
CREATE FUNCTION lies() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN nextval('public.s1') * 0 + 1; END $$;
CREATE FUNCTION upper(int) RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
CREATE FUNCTION gone(one) RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
CREATE FUNCTION "Odd name"() RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
CREATE OPERATOR #!# (LEFTARG = int, RIGHTARG = int, FUNCTION = spring);
CREATE OPERATOR #! (RIGHTARG = int, FUNCTION = spring);
CREATE FUNCTION reap(int, int) RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
CREATE AGGREGATE harvest(int) (SFUNC = reap, STYPE = int, INITCOND = '0');
CREATE DOMAIN trapped AS int CHECK (public.spring(value) > 0);
CREATE DOMAIN deeper AS trapped;
CREATE DOMAIN worded AS text CHECK (public.spring(1) > 0);
CREATE TYPE pair AS (a trapped, b int);
CREATE TYPE trapped_range AS RANGE (SUBTYPE = trapped, SUBTYPE_OPCLASS = int4_ops);
CREATE FUNCTION watched(one) RETURNS bool LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT true $$;
CREATE DOMAIN watch AS one CHECK (watched(VALUE));
CREATE TYPE caged AS (n int);
CREATE FUNCTION to_caged(int) RETURNS caged LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT ROW(1)::public.caged $$;
CREATE CAST (int AS caged) WITH FUNCTION to_caged(int);
CREATE VIEW v_spring AS SELECT public.spring() AS id, 'x' AS name;
CREATE VIEW v_over AS SELECT id, name FROM v_spring;
CREATE VIEW v_next AS SELECT nextval('public.s1') AS id, 'x' AS name;
CREATE VIEW v_bare AS SELECT public.spring() AS id;
CREATE VIEW v_cast AS SELECT id::public.deeper AS id FROM one;
CREATE VIEW v_operator AS SELECT (id OPERATOR(public.#!#) id)::int AS id FROM one;
CREATE MATERIALIZED VIEW stored AS SELECT id FROM one;
CREATE TYPE ranked AS (n int);
CREATE FUNCTION ranks(ranked, ranked) RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 0 $$;
CREATE FUNCTION outranks(ranked, ranked) RETURNS bool LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT true $$;
CREATE FUNCTION crumbles(ranked) RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
-- In a schema of their own, for nothing may stand beside the built-in `=` and `<`: every statement would be suspect.
CREATE SCHEMA ranks;
CREATE OPERATOR ranks.< (LEFTARG = ranked, RIGHTARG = ranked, FUNCTION = outranks);
CREATE OPERATOR ranks.<= (LEFTARG = ranked, RIGHTARG = ranked, FUNCTION = outranks);
CREATE OPERATOR ranks.= (LEFTARG = ranked, RIGHTARG = ranked, FUNCTION = outranks, HASHES, MERGES);
CREATE OPERATOR ranks.>= (LEFTARG = ranked, RIGHTARG = ranked, FUNCTION = outranks);
CREATE OPERATOR ranks.> (LEFTARG = ranked, RIGHTARG = ranked, FUNCTION = outranks);
CREATE OPERATOR CLASS ranked_ops DEFAULT FOR TYPE ranked USING btree AS
    OPERATOR 1 ranks.<, OPERATOR 2 ranks.<=, OPERATOR 3 ranks.=, OPERATOR 4 ranks.>=, OPERATOR 5 ranks.>,
    FUNCTION 1 ranks(ranked, ranked);
CREATE OPERATOR CLASS ranked_hash_ops DEFAULT FOR TYPE ranked USING hash AS
    OPERATOR 1 ranks.=, FUNCTION 1 crumbles(ranked);
CREATE TABLE graded (id int, r ranked);
INSERT INTO graded VALUES (1, ROW(1)), (1, ROW(2));
CREATE TYPE coin AS ENUM ('a');
CREATE FUNCTION coin_json(coin) RETURNS json LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT '1'::json $$;
CREATE FUNCTION coin_path(coin) RETURNS jsonpath LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT '$'::jsonpath $$;
CREATE FUNCTION coin_int(coin) RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 1 $$;
CREATE FUNCTION coin_text(coin) RETURNS text LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT 'x' $$;
CREATE CAST (coin AS json) WITH FUNCTION coin_json(coin);
CREATE CAST (coin AS jsonpath) WITH FUNCTION coin_path(coin);
CREATE CAST (coin AS int) WITH FUNCTION coin_int(coin);
CREATE CAST (coin AS text) WITH FUNCTION coin_text(coin);
CREATE TABLE purse (id int, c coin, cs coin[]);
INSERT INTO purse VALUES (1, 'a', '{a}');
CREATE VIEW v_coin AS SELECT 1 AS id FROM one WHERE to_json('a'::coin) IS NOT NULL;
CREATE FUNCTION odd_cmp(int, int) RETURNS int LANGUAGE sql AS $$ DELETE FROM app.ids; SELECT btint4cmp($1, $2) $$;
CREATE OPERATOR CLASS odd_ops FOR TYPE int USING btree AS
    OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=, OPERATOR 3 pg_catalog.=, OPERATOR 4 pg_catalog.>=,
    OPERATOR 5 pg_catalog.>, FUNCTION 1 odd_cmp(int, int);
CREATE TYPE odd AS RANGE (SUBTYPE = int, SUBTYPE_OPCLASS = odd_ops);
-- What attacks that commit have changed is put back from here.
CREATE SCHEMA kept;
CREATE TABLE kept.users AS TABLE users;
CREATE TABLE kept.orders AS TABLE orders;
