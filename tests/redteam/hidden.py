"""Code that hides behind names: a schema `h` where it does something, and its twin `ok`, built alike, without it.

`TWINS` is run once for each: `{s}` is the schema, `{f}` a function of one integer, `{g}` of two, `{k}` makes a cast.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TRACE: Final = "SELECT last_value FROM public.trace"
"""What every function of `h` moves on."""

COMMON: Final = """
CREATE SEQUENCE public.trace;
CREATE SCHEMA h;
CREATE SCHEMA ok;
CREATE FUNCTION h.bad(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN PERFORM pg_catalog.nextval('public.trace'); RETURN $1; END $$;
CREATE FUNCTION h.bad2(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN PERFORM pg_catalog.nextval('public.trace'); RETURN $2; END $$;
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE EXTENSION ltree SCHEMA public;
CREATE EXTENSION vector SCHEMA public;
CREATE EXTENSION btree_gist SCHEMA public;
CREATE EXTENSION moddatetime SCHEMA public;
CREATE EXTENSION tablefunc SCHEMA public;
CREATE EXTENSION file_fdw SCHEMA public;
CREATE TYPE public.mood AS ENUM ('sad', 'ok');
CREATE TABLE public.docs (id serial PRIMARY KEY, email citext, tags hstore, path ltree, at vector(3), mood mood,
    span int4range, moods mood[], touched timestamp DEFAULT now(), EXCLUDE USING gist (span WITH &&));
CREATE INDEX ON public.docs USING gin (email gin_trgm_ops);
CREATE TRIGGER touch BEFORE UPDATE ON public.docs FOR EACH ROW EXECUTE FUNCTION moddatetime(touched);
INSERT INTO public.docs (email, tags, path, at, mood, span)
    VALUES ('A@b.c', 'a=>1', 'a.b', '[1,2,3]', 'ok', '[1,2)');
CREATE VIEW public.mails AS SELECT id, email, lower(email::text) AS plain FROM public.docs;
CREATE AGGREGATE public.product (numeric) (SFUNC = numeric_mul, STYPE = numeric);
"""

TWINS: Final = """
CREATE TABLE {s}.base (id int PRIMARY KEY, n int);
INSERT INTO {s}.base VALUES (1, 1), (2, 2);
CREATE VIEW {s}.v AS SELECT id, {f}(n) AS x FROM {s}.base;
CREATE VIEW {s}.vv AS SELECT v.* FROM {s}.v JOIN {s}.base USING (id);
CREATE VIEW {s}.constant AS SELECT {f}(1) AS x;
CREATE VIEW {s}.plain AS SELECT * FROM {s}.base WHERE {f}(n) > 0;
CREATE MATERIALIZED VIEW {s}.m AS SELECT {f}(n) AS x FROM {s}.base WITH NO DATA;
CREATE TABLE {s}.defaulted (id serial, n int DEFAULT {f}(1));
CREATE TABLE {s}.generated (id int, n int GENERATED ALWAYS AS ({f}(id)) STORED);
CREATE TABLE {s}.checked (n int CHECK ({f}(n) > 0));
CREATE TABLE {s}.indexed (n int);
CREATE INDEX ON {s}.indexed ({f}(n));
CREATE TABLE {s}.partial (n int);
CREATE INDEX ON {s}.partial (n) WHERE {f}(n) > 0;
CREATE TABLE {s}.parted (n int) PARTITION BY RANGE (({f}(n)));
CREATE TABLE {s}.part PARTITION OF {s}.parted DEFAULT;
CREATE TABLE {s}.inherited (n int);
CREATE TABLE {s}.child (CHECK ({f}(n) > 0)) INHERITS ({s}.inherited);
INSERT INTO {s}.child VALUES (1);
CREATE DOMAIN {s}.dom AS int CHECK ({f}(value) >= 0);
CREATE DOMAIN {s}.dom2 AS {s}.dom;
CREATE TYPE {s}.comp AS (a {s}.dom, b text);
CREATE TYPE {s}.span AS RANGE (SUBTYPE = {s}.dom2);
CREATE TABLE {s}.typed (d {s}.dom, c {s}.comp, ds {s}.dom2[]);
INSERT INTO {s}.typed VALUES (1, '(1,x)', '{{1}}');
CREATE DOMAIN {s}.initcap AS text CHECK ({f}(pg_catalog.length(value)) >= 0);
CREATE DOMAIN {s}.defaulting AS int DEFAULT {f}(1);
CREATE TABLE {s}.by_default (a int, d {s}.defaulting);
CREATE TABLE {s}.rows_of_typed (ts {s}.typed[]);
CREATE TABLE {s}.counted (n int);
CREATE STATISTICS {s}.counts ON ({f}(n)), n FROM {s}.counted;
INSERT INTO {s}.counted VALUES (1);
CREATE TABLE {s}.fixed_index (n int);
CREATE INDEX ON {s}.fixed_index (({f}(7) + n));
CREATE TABLE {s}.fixed_part (n int);
CREATE INDEX ON {s}.fixed_part (n) WHERE n > {f}(7);
CREATE TABLE {s}.fixed_check (n int CHECK (n > {f}(7)));
CREATE TABLE {s}.fixed_key (n int) PARTITION BY RANGE (({f}(7) + n));
CREATE TABLE {s}.fixed_key_1 PARTITION OF {s}.fixed_key DEFAULT;
CREATE TABLE {s}.fixed_counts (n int, m int);
CREATE STATISTICS {s}.fixed ON ({f}(7) + n), m FROM {s}.fixed_counts;
CREATE TABLE {s}.secured (n int);
INSERT INTO {s}.secured VALUES (1);
ALTER TABLE {s}.secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON {s}.secured USING ({f}(n) > 0);
CREATE TABLE {s}.ruled (n int);
CREATE RULE r AS ON INSERT TO {s}.ruled DO ALSO SELECT {f}(1);
CREATE TABLE {s}.conditional (n int);
CREATE TRIGGER t BEFORE UPDATE ON {s}.conditional FOR EACH ROW WHEN ({f}(NEW.n) > 0)
    EXECUTE FUNCTION suppress_redundant_updates_trigger();
INSERT INTO {s}.conditional VALUES (1);
CREATE OPERATOR {s}.@@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = {g});
CREATE AGGREGATE {s}.agg (int) (SFUNC = {g}, STYPE = int);
CREATE TYPE {s}.point AS (x int);
CREATE TABLE {s}.points (p {s}.point);
INSERT INTO {s}.points VALUES (ROW(1));
CREATE FUNCTION {s}.as_int({s}.point) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN PERFORM pg_catalog.nextval('public.trace'); RETURN 1; END $$;
CREATE CAST ({s}.point AS int) {k};
CREATE TABLE {s}.parent (id int PRIMARY KEY);
CREATE TABLE {s}.kid (id int REFERENCES {s}.parent ON DELETE CASCADE);
INSERT INTO {s}.parent VALUES (1);
INSERT INTO {s}.kid VALUES (1);
"""

H_ONLY: Final = """
CREATE FUNCTION h.trip() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.nextval('public.trace'); RETURN COALESCE(NEW, OLD); END $$;
CREATE TRIGGER t BEFORE DELETE ON h.kid FOR EACH ROW EXECUTE FUNCTION h.trip();
CREATE TABLE h.triggered (n int);
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON h.triggered EXECUTE FUNCTION h.trip();
CREATE FUNCTION h.att(h.base) RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.nextval('public.trace'); RETURN 1; END $$;
CREATE FUNCTION h.whole(record) RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.nextval('public.trace'); RETURN 1; END $$;
CREATE FUNCTION h.several(VARIADIC anyarray) RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.nextval('public.trace'); RETURN 1; END $$;
CREATE FUNCTION h.these(VARIADIC h.base[]) RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.nextval('public.trace'); RETURN 1; END $$;
CREATE FUNCTION h.lower(int) RETURNS int LANGUAGE sql AS 'SELECT h.bad($1)';
CREATE FUNCTION h.length(int, int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT h.bad($1)';
CREATE PROCEDURE h.proc() LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.nextval('public.trace'); END $$;
CREATE OPERATOR h.+ (LEFTARG = int, RIGHTARG = text, FUNCTION = h.concat_bad);
CREATE OPERATOR h.= (LEFTARG = h.point, RIGHTARG = h.point, FUNCTION = h.same);
CREATE TYPE h.ord AS (x int);
CREATE FUNCTION h.ord_cmp(h.ord, h.ord) RETURNS int LANGUAGE sql AS 'SELECT h.bad(0)';
CREATE FUNCTION h.ord_is(h.ord, h.ord) RETURNS bool LANGUAGE sql AS 'SELECT h.bad(0) = 0';
CREATE OPERATOR h.< (LEFTARG = h.ord, RIGHTARG = h.ord, FUNCTION = h.ord_is);
CREATE OPERATOR h.> (LEFTARG = h.ord, RIGHTARG = h.ord, FUNCTION = h.ord_is);
CREATE OPERATOR h.= (LEFTARG = h.ord, RIGHTARG = h.ord, FUNCTION = h.ord_is);
CREATE OPERATOR CLASS h.ord_ops DEFAULT FOR TYPE h.ord USING btree AS
    OPERATOR 1 h.<, OPERATOR 3 h.=, OPERATOR 5 h.>, FUNCTION 1 h.ord_cmp(h.ord, h.ord);
CREATE TABLE h.ords (o h.ord, os h.ord[]);
INSERT INTO h.ords VALUES (ROW(1), ARRAY[ROW(1)::h.ord]), (ROW(2), ARRAY[ROW(2)::h.ord]);
CREATE VIEW h.sorted AS SELECT count(*) AS n FROM (SELECT DISTINCT o FROM h.ords) s;
CREATE TYPE h.coin AS (x int);
CREATE FUNCTION h.coin_json(h.coin) RETURNS json LANGUAGE sql AS 'SELECT pg_catalog.to_json(h.bad(1))';
CREATE FUNCTION h.coin_jsonb(h.coin) RETURNS jsonb LANGUAGE sql AS 'SELECT pg_catalog.to_jsonb(h.bad(1))';
CREATE FUNCTION h.coin_text(h.coin) RETURNS text LANGUAGE sql AS 'SELECT h.bad(1)::text';
CREATE FUNCTION h.coin_int(h.coin) RETURNS int LANGUAGE sql AS 'SELECT h.bad(1)';
CREATE FUNCTION h.coins_big(h.coin[]) RETURNS bigint LANGUAGE sql AS 'SELECT h.bad(1)';
CREATE CAST (h.coin AS json) WITH FUNCTION h.coin_json(h.coin);
CREATE CAST (h.coin AS jsonb) WITH FUNCTION h.coin_jsonb(h.coin);
CREATE CAST (h.coin AS text) WITH FUNCTION h.coin_text(h.coin);
CREATE TYPE h.token AS (x int);
CREATE FUNCTION h.token_int(h.token) RETURNS int LANGUAGE sql AS 'SELECT h.bad(1)';
CREATE FUNCTION h.tokens_big(h.token[]) RETURNS bigint LANGUAGE sql AS 'SELECT h.bad(1)';
CREATE CAST (h.token AS int) WITH FUNCTION h.token_int(h.token);
CREATE CAST (h.token[] AS bigint) WITH FUNCTION h.tokens_big(h.token[]);
CREATE DOMAIN h.whole_number AS int;
CREATE TABLE h.purse (c h.coin, t h.token, ts h.token[]);
INSERT INTO h.purse VALUES (ROW(1), ROW(1), ARRAY[ROW(1)::h.token]);
CREATE FUNCTION h.purse_date(h.purse) RETURNS date LANGUAGE sql AS 'SELECT pg_catalog.to_date(h.bad(1)::text, NULL)';
CREATE CAST (h.purse AS date) WITH FUNCTION h.purse_date(h.purse);
CREATE VIEW h.opened AS SELECT to_json(c) AS j FROM h.purse;
CREATE TYPE h.chip AS (a int);
CREATE DOMAIN h.dear_chip AS h.chip;
CREATE TYPE h.chips AS (a h.chip);
CREATE FUNCTION h.token_chip(h.token) RETURNS h.chip LANGUAGE sql AS 'SELECT ROW(h.bad(1))::h.chip';
CREATE FUNCTION h.token_path(h.token) RETURNS jsonpath LANGUAGE sql AS $$ SELECT left('$', h.bad(1))::jsonpath $$;
CREATE CAST (h.token AS h.chip) WITH FUNCTION h.token_chip(h.token);
CREATE CAST (h.token AS jsonpath) WITH FUNCTION h.token_path(h.token);
CREATE TABLE h.till (n int);
INSERT INTO h.till VALUES (1);
CREATE FUNCTION h.till_json(h.till) RETURNS json LANGUAGE sql AS 'SELECT pg_catalog.to_json(h.bad(1))';
CREATE CAST (h.till AS json) WITH FUNCTION h.till_json(h.till);
CREATE VIEW h.counted_till AS SELECT to_json(t) AS j FROM h.till t;
CREATE VIEW h.constant_coin AS SELECT to_json('(1)'::h.coin) AS j;
CREATE VIEW h.constant_coins AS SELECT to_json(ARRAY[ROW(1)]::h.coin[]) AS j;
CREATE VIEW h.coin_of_null AS SELECT to_json(COALESCE(NULL::h.coin, '(1)')) AS j;
CREATE TYPE h.metal AS ENUM ('ok');
CREATE FUNCTION h.metal_json(h.metal) RETURNS json LANGUAGE sql AS 'SELECT pg_catalog.to_json(h.bad(1))';
CREATE CAST (h.metal AS json) WITH FUNCTION h.metal_json(h.metal);
CREATE TABLE h.kept_coins (m mood, c h.coin);
INSERT INTO h.kept_coins SELECT 'ok', ROW(1)::h.coin FROM generate_series(1, 9);
ANALYZE h.kept_coins;
CREATE VIEW h.common AS SELECT to_json(most_common_vals) AS vals FROM pg_stats WHERE tablename = 'kept_coins';
CREATE FUNCTION h.odd_cmp(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS
    'SELECT pg_catalog.btint4cmp($1, $2) + 0 * h.bad(1)';
CREATE OPERATOR CLASS h.odd_ops FOR TYPE int USING btree AS OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=,
    OPERATOR 3 pg_catalog.=, OPERATOR 4 pg_catalog.>=, OPERATOR 5 pg_catalog.>, FUNCTION 1 h.odd_cmp(int, int);
CREATE TYPE h.odd AS RANGE (SUBTYPE = int, SUBTYPE_OPCLASS = h.odd_ops);
CREATE FUNCTION h.apart(int, int) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT h.bad(1)::float8';
CREATE TYPE h.wide AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = h.apart);
CREATE TABLE h.ranges (o h.odd, w h.wide);
INSERT INTO h.ranges VALUES ('[1,3]', '[1,3]');
CREATE TABLE h.bounded (a int) PARTITION BY LIST (a h.odd_ops);
CREATE TABLE h.bounded_1 PARTITION OF h.bounded FOR VALUES IN (1, 2);
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE h.far (line text) SERVER files OPTIONS (program 'echo x');
"""
BEFORE_H_ONLY: Final = """
CREATE FUNCTION h.concat_bad(int, text) RETURNS text LANGUAGE sql AS 'SELECT h.bad($1)::text';
CREATE FUNCTION h.same(h.point, h.point) RETURNS bool LANGUAGE sql AS 'SELECT h.bad(1) = 1';
"""

# Each is refused in `h` and goes through in `ok`.
BOTH: Final = """
    SELECT * FROM {s}.v
    SELECT * FROM v
    TABLE vv
    SELECT count(*) FROM {s}.vv
    SELECT 1 FROM constant
    EXPLAIN SELECT * FROM constant
    EXPLAIN (ANALYZE) SELECT * FROM v
    COPY (SELECT * FROM v) TO STDOUT
    COPY {s}.secured TO STDOUT
    WITH a AS (SELECT * FROM v) SELECT * FROM a
    SELECT (SELECT max(x) FROM v)
    DECLARE c CURSOR WITH HOLD FOR SELECT * FROM v
    UPDATE plain SET n = n WHERE id = 1
    DELETE FROM plain WHERE id = 99
    INSERT INTO plain VALUES (3, 3) ON CONFLICT DO NOTHING
    REFRESH MATERIALIZED VIEW m
    INSERT INTO defaulted DEFAULT VALUES
    INSERT INTO {s}.defaulted (id) VALUES (1)
    UPDATE defaulted SET n = DEFAULT
    INSERT INTO generated VALUES (1)
    UPDATE generated SET id = 2 WHERE id = 1
    INSERT INTO checked VALUES (1)
    INSERT INTO indexed VALUES (1)
    INSERT INTO partial VALUES (1)
    REINDEX TABLE indexed
    INSERT INTO parted VALUES (1)
    INSERT INTO part VALUES (1)
    UPDATE parted SET n = 2 WHERE n = 1
    UPDATE inherited SET n = 2
    SELECT * FROM fixed_index
    EXPLAIN SELECT 1 FROM fixed_index
    DELETE FROM fixed_part WHERE n = 1
    SELECT count(*) FROM fixed_check
    TABLE fixed_key
    SELECT * FROM fixed_counts WHERE n = 1 AND m = 2
    SELECT 1::{s}.dom
    SELECT CAST('1' AS dom)
    SELECT '1'::dom2
    SELECT '{{1}}'::dom2[]
    SELECT '(1,x)'::comp
    SELECT ROW(1, 'x')::{s}.comp
    SELECT '[1,2)'::span
    SELECT span(1::dom2, 2::dom2), span_multirange(span(1::dom2, 2::dom2))
    SELECT dom '1'
    SELECT (1).dom
    SELECT * FROM json_to_record('{{"a": 1}}') AS x(a dom)
    SELECT * FROM json_populate_record(NULL::comp, '{{"a": 1}}')
    INSERT INTO typed (d) VALUES (1)
    INSERT INTO typed (c) VALUES (ROW(1, 'x'))
    INSERT INTO typed (ds) VALUES ('{{1}}')
    UPDATE typed SET d = 2
    SELECT COALESCE(c, '(1,x)') FROM typed
    SELECT ds = '{{1}}' FROM typed
    SELECT CASE WHEN d > 0 THEN t ELSE '(1,"(1,x)",{{1}})' END FROM typed t
    SELECT jsonb_populate_record(t, '{{"d": 1}}') FROM typed t
    SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a dom PATH '$'))
    SELECT JSON_VALUE('1', '$' RETURNING dom)
    PREPARE p (dom) AS SELECT $1
    SELECT x::dom FROM generate_series(1, 1) x
    SELECT initcap('x')
    ANALYZE counted
    INSERT INTO rows_of_typed VALUES (ARRAY['(1,"(1,x)",{{1}})'::typed])
    SELECT COALESCE(ts, '{{}}') FROM rows_of_typed
    INSERT INTO by_default (a) VALUES (1)
    SELECT * FROM secured
    DELETE FROM secured WHERE n = 99
    INSERT INTO ruled VALUES (1)
    UPDATE conditional SET n = 1
    SELECT 1 @@@ 2
    SELECT 1 OPERATOR({s}.@@@) 2
    SELECT 1 WHERE (1 @@@ 1) IN (1, 2)
    SELECT 1 FROM base ORDER BY n @@@ 1
    SELECT agg(n) FROM base
    SELECT {s}.agg(n) OVER () FROM base
    SELECT p::int FROM points WHERE false
    SELECT CAST(p AS int) FROM {s}.points WHERE false
    SELECT 1 + p FROM points WHERE false
"""

ONLY_REFUSED: Final = """
    SELECT {s}.bad(1)
    SELECT bad(1)
    INSERT INTO triggered VALUES (1)
    UPDATE triggered SET n = 1
    DELETE FROM triggered
    TRUNCATE triggered
    DELETE FROM parent WHERE id = 1
    SELECT b.att FROM base b
    SELECT (b).att FROM h.base b
    SELECT (n).bad FROM base
    SELECT (1).bad
    SELECT ((n)).bad FROM base
    SELECT (SELECT b FROM base b LIMIT 1).att
    SELECT b.whole FROM base b
    SELECT b.several FROM base b
    SELECT b.these FROM base b
    ANALYZE
    SELECT lower(1)
    SELECT length(1)
    SELECT 1 + 'x'::text
    SELECT p = p FROM points
    SELECT CASE p WHEN p THEN 1 END FROM points
    SELECT 1 FROM points JOIN points b USING (p)
    SELECT p IN (SELECT p FROM points) FROM points
    SELECT o FROM ords ORDER BY 1
    SELECT DISTINCT os FROM ords
    SELECT 1 FROM ords GROUP BY o
    SELECT o FROM ords UNION SELECT o FROM ords
    SELECT rank() OVER (ORDER BY o) FROM ords
    SELECT GREATEST(o, o) FROM ords
    SELECT array_agg(o ORDER BY o), count(DISTINCT o) FROM ords
    SELECT a.o FROM ords a, ords b WHERE ROW(a.o, 1) < ROW(b.o, 2)
    SELECT '(1)'::ord UNION SELECT '(2)'::ord
    SELECT * FROM sorted
    SELECT to_json(c) FROM purse
    SELECT json_agg(c), json_build_object('a', 1) FROM purse
    SELECT row_to_json(p) FROM purse p
    SELECT JSON_OBJECT('a': c) FROM purse
    SELECT JSON_ARRAY(c RETURNING text) FROM purse
    SELECT JSON_EXISTS(c, '$.a') FROM purse
    SELECT 1 FROM purse, JSON_TABLE(c, '$' COLUMNS (a int)) j
    SELECT 'x'::text || c FROM purse
    SELECT quote_literal(c), quote_nullable(c) FROM purse
    SELECT * FROM opened
    SELECT t::int FROM purse
    SELECT ts::int[] FROM purse
    SELECT ts::_int4 FROM purse
    SELECT t::information_schema.cardinal_number FROM purse
    SELECT t::whole_number FROM purse
    SELECT p::date FROM purse p
    SELECT ARRAY[t]::bigint FROM purse
    SELECT array_agg(t)::bigint FROM purse
    SELECT t::dear_chip FROM purse
    SELECT ROW(t)::chips FROM purse
    SELECT ts::dear_chip[], ts::_dear_chip FROM purse
    SELECT JSON_QUERY('{{}}', t) FROM purse
    SELECT * FROM counted_till
    SELECT * FROM constant_coin
    SELECT * FROM constant_coins
    SELECT * FROM coin_of_null
    SELECT to_json(('ok'::text).metal)
    SELECT to_json(x.metal) FROM unnest(ARRAY['ok'::text]) x
    SELECT to_json(most_common_vals) FROM pg_stats
    SELECT to_jsonb(array_agg(s)) FROM pg_catalog.pg_statistic s
    SELECT vals FROM common
    SELECT o = o FROM ranges
    SELECT o @> 1 FROM ranges
    SELECT '[1,3]'::odd
    EXPLAIN SELECT 1 FROM ranges WHERE w @> 2
    SELECT range_agg(o) FROM ranges
    SELECT pg_get_partition_constraintdef('h.bounded_1'::regclass)
    SELECT * FROM bounded
    SELECT satisfies_hash_partition('h.bounded'::regclass, 2, 0, 5)
    SELECT * FROM far
    CALL proc()
    MERGE INTO triggered USING base ON false WHEN NOT MATCHED THEN INSERT VALUES (1)
    SELECT * FROM public.crosstab('SELECT 1, 2, 3') AS c(a int, b int)
    SELECT public.connectby('base', 'id', 'n', '1', 0)
"""
"""Refused in `h`; in `ok` there is nothing of the kind."""

HONEST_IN_H: Final = """
    SELECT * FROM h.indexed
    SELECT * FROM h.partial WHERE n = 1
    SELECT count(*) FROM h.parted
    TABLE h.counted
    SELECT * FROM h.checked
    SELECT * FROM h.base
"""
"""Reads of tables whose writes run code."""

HONEST: Final = """
    SELECT * FROM public.docs
    SELECT email = 'a@B.c', email LIKE 'a%', email::text, 'x'::citext FROM docs
    SELECT lower(email::text), length('x'), max(id), count(*) FROM docs GROUP BY email
    SELECT * FROM docs ORDER BY email, mood
    SELECT DISTINCT email FROM docs
    SELECT tags -> 'a', tags ? 'a', 'a=>1'::hstore, hstore('a', 'b'), akeys(tags) FROM docs
    SELECT path <@ 'a', path ~ 'a.*', 'a.b'::ltree, nlevel(path) FROM docs
    SELECT similarity('a', 'b'), 'a' % 'b', show_trgm('x'), email % 'a' FROM docs
    SELECT at <-> '[1,1,1]', at <=> '[1,1,1]'::vector, '[1,2,3]'::vector(3), avg(at) FROM docs GROUP BY 1, 2
    SELECT id FROM docs ORDER BY at <-> '[3,1,2]' LIMIT 5
    SELECT 'ok'::mood, mood = 'ok', mood::text, moods, '{{ok}}'::mood[], enum_range(NULL::mood) FROM docs
    SELECT mood('ok')
    SELECT product(id), sum(id) FROM docs
    SELECT * FROM mails
    SELECT m.plain, m.email FROM mails m
    SELECT jsonb_populate_record(NULL::docs, '{{}}'), row_to_json(docs), d.email FROM docs, docs d
    SELECT (docs).email FROM docs
    INSERT INTO docs (email, at) VALUES ('x', '[1,2,3]')
    UPDATE docs SET email = 'y', mood = 'sad' WHERE id = 1
    DELETE FROM docs WHERE id = 2
    SELECT to_json(d), row_to_json(d), 'x' || id, quote_literal(d.id), id::text, span, '[1,2)'::int4range FROM docs d
    SELECT JSON_OBJECT('a': email), JSON_VALUE('{{}}', '$.a') FROM docs
    SELECT json_agg(span) FROM docs
    SELECT array_agg(id)::bigint[] FROM docs
    SELECT a.attname, pg_get_partkeydef(a.attrelid) FROM pg_attribute a LIMIT 1
    SELECT normal_rand(1, 0, 1)
    SELECT * FROM pg_class, information_schema.tables LIMIT 1
    SELECT lower('A'), abs(-1), now(), 1 + 1, 'a' || 'b'
"""

SCRIPTS: Final[Mapping[str, Mapping[str, str]]] = {
    "h": {"s": "h", "f": "h.bad", "g": "h.bad2", "k": "WITH FUNCTION h.as_int(h.point) AS IMPLICIT"},
    "ok": {"s": "ok", "f": "pg_catalog.abs", "g": "pg_catalog.int4pl", "k": "WITH INOUT AS IMPLICIT"},
}
