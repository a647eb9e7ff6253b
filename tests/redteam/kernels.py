"""Kernels of generated attacks, as data: the smallest piece of SQL that does one kind of harm, and what shows it.

What they call is in `stage.sql` and `traps.sql`. A kernel knows no position; `positions.py` knows no kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Hole(StrEnum):
    """What a position takes."""

    INT = "int"
    BOOL = "bool"
    TEXT = "text"
    QUERY = "query"
    """A query of one column of integers."""
    TYPE = "type"
    """The name of a type; `@value@` beside it is the text of a value of that type."""
    OPERATOR = "operator"
    """Between two integers, giving a truth value."""
    CHANGE = "change"
    """A statement that changes rows and returns one column `n`."""


ROWS: Final = "SELECT count(*), sum(id) FROM app.ids"
ORDERS: Final = "SELECT count(*), sum(amount) FROM orders"
SEQUENCE: Final = "SELECT last_value, is_called FROM s1"
LARGE: Final = (
    "SELECT (SELECT count(*) FROM pg_largeobject_metadata),"
    " (SELECT md5(string_agg(encode(data, 'hex'), '')) FROM pg_largeobject WHERE loid = 4242)"
)
ADVISORY: Final = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
ROW_LOCKS: Final = "SELECT string_agg(xmax::text, ',') FROM one"
SETTINGS: Final = (
    "SELECT current_setting('session_replication_role'), current_setting('search_path'), current_setting('role'),"
    " current_setting('row_security')"
)
FILES: Final = "SELECT count(*) FROM pg_ls_dir('stolen')"
SNAPSHOTS: Final = "SELECT count(*) FROM pg_ls_dir('pg_snapshots')"
SLOTS: Final = "SELECT count(*), string_agg(slot_name, ',' ORDER BY 1) FROM pg_replication_slots"
ORIGINS: Final = "SELECT count(*) FROM pg_replication_origin"
PAGES: Final = "SELECT relpages FROM pg_class WHERE oid = 'public.orders'::regclass"
CANCELLED: Final = "57014"
"""Not a query: the error that the statement ends in."""
NOTIFIED: Final = "notified"
"""Not a query: a notification comes, once the transaction is committed."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kind of harm."""

    text: str
    hole: Hole | None
    """What it fits without a wrapper; None: an expression of some other type."""
    probe: str
    """Whose answer the harm changes."""
    value: str = ""
    """The text of a value, where it is a type."""
    shows: bool = True
    """Whether the text shows it, so that no catalog is needed to see it."""
    tidy: str = ""
    """What undoes it, where a rollback does not."""


_UNLOCK: Final = "SELECT pg_advisory_unlock_all()"
_DROP_SLOT: Final = "SELECT pg_drop_replication_slot('g1')"
_CREATE_SLOT: Final = "SELECT pg_create_physical_replication_slot('standby')"

EXPRESSIONS: Final = (
    Kernel("nextval('s1')", Hole.INT, SEQUENCE),
    Kernel("pg_catalog.nextval('s1')", Hole.INT, SEQUENCE),
    Kernel("traps.pg_catalog.nextval('s1')", Hole.INT, SEQUENCE),
    Kernel("\"nextval\"('public.s1'::regclass)", Hole.INT, SEQUENCE),
    Kernel("U&\"n\\0065xtval\"('s1')", Hole.INT, SEQUENCE),
    Kernel("('s1'::regclass).nextval", Hole.INT, SEQUENCE),
    Kernel("(((SELECT 's1'::regclass))).nextval", Hole.INT, SEQUENCE),
    Kernel("setval('s1', (SELECT last_value + 5 FROM s1))", Hole.INT, SEQUENCE),
    Kernel("lo_create(0)", None, LARGE),
    Kernel("lo_creat(-1)", None, LARGE),
    Kernel("lo_from_bytea(0, 'x')", None, LARGE),
    Kernel("lo_unlink(4242)", Hole.INT, LARGE),
    Kernel("(4242::oid).lo_unlink", Hole.INT, LARGE),
    Kernel("(ARRAY[4242::oid])[1].lo_unlink", Hole.INT, LARGE),
    Kernel(r"lo_put(4242, 0, '\x00')", None, LARGE),
    Kernel("lo_truncate(lo_open(4242, 131072), 0)", Hole.INT, LARGE),
    Kernel("lowrite(lo_open(4242, 131072), 'x')", Hole.INT, LARGE),
    Kernel("lo_import('PG_VERSION')", None, LARGE),
    Kernel("lo_export(4242, 'stolen/' || clock_timestamp())", Hole.INT, FILES),
    Kernel("pg_cancel_backend(pg_backend_pid())", Hole.BOOL, CANCELLED),
    Kernel("pg_advisory_lock(7)", None, ADVISORY, tidy=_UNLOCK),
    Kernel("pg_try_advisory_lock(8)", Hole.BOOL, ADVISORY, tidy=_UNLOCK),
    Kernel("pg_advisory_xact_lock(9)", None, ADVISORY),
    Kernel("pg_try_advisory_lock_shared(1, 2)", Hole.BOOL, ADVISORY, tidy=_UNLOCK),
    Kernel("set_config('session_replication_role', 'replica', true)", Hole.TEXT, SETTINGS),
    Kernel("pg_catalog.set_config('search_path', 'app', true)", Hole.TEXT, SETTINGS),
    Kernel("set_config('row_' || 'security', 'off', true)", Hole.TEXT, SETTINGS),
    Kernel("pg_notify('g', 'x')", None, NOTIFIED),
    Kernel("pg_restore_relation_stats('schemaname', 'public', 'relname', 'orders', 'relpages', 7)", Hole.BOOL, PAGES),
    Kernel("pg_export_snapshot()", Hole.TEXT, SNAPSHOTS),
    Kernel("pg_create_physical_replication_slot('g1', false, true)", None, SLOTS, tidy=_DROP_SLOT),
    Kernel("pg_drop_replication_slot('standby')", None, SLOTS, tidy=_CREATE_SLOT),
    Kernel("pg_replication_origin_create('g')", None, ORIGINS),
    Kernel("query_to_xml('SELECT nextval(''s1'')', true, true, '')", None, SEQUENCE),
    Kernel("query_to_xml($$SELECT spring()$$, true, true, '')", None, ROWS),
    Kernel("query_to_xml_and_xmlschema('SELECT nextval(''s1'')', true, true, '')", None, SEQUENCE),
    Kernel("table_to_xml('v_next', true, true, '')", None, SEQUENCE),
    Kernel("table_to_xml_and_xmlschema('v_spring', true, true, '')", None, ROWS),
    Kernel("ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, nextval(''s1'')::text::tsquery')", None, SEQUENCE),
    Kernel("(SELECT count(*) FROM ts_stat('SELECT nextval(''s1'')::text::tsvector'))", Hole.INT, SEQUENCE),
    Kernel("spring()", Hole.INT, ROWS),
    Kernel("public.spring()", Hole.INT, ROWS),
    Kernel("U&\"!0073pring\" UESCAPE '!' ()", Hole.INT, ROWS),
    Kernel("spring(VARIADIC ARRAY['a', 'b'])", Hole.INT, ROWS),
    Kernel("spring('a', 'b', 'c')", Hole.INT, ROWS),
    Kernel("spring(1, 2)", Hole.BOOL, ROWS),
    Kernel("(1).spring", Hole.INT, ROWS, shows=False),
    Kernel("(1 + 0).spring", Hole.INT, ROWS, shows=False),
    Kernel("(abs(1)).upper", Hole.INT, ROWS, shows=False),
    Kernel("(SELECT (s.n).spring FROM (SELECT 1 AS n) s)", Hole.INT, ROWS, shows=False),
    Kernel('"Odd name"()', Hole.INT, ROWS),
    Kernel("wraps()", Hole.INT, ROWS),
    Kernel("lazy()", Hole.INT, ROWS),
    Kernel("lies()", Hole.INT, SEQUENCE),
    Kernel("upper(1)", Hole.INT, ROWS),
    Kernel("abs(upper(1))", Hole.INT, ROWS),
    Kernel("(1::trapped)", Hole.INT, ROWS),
    Kernel("CAST('1' AS public.deeper)", Hole.INT, ROWS),
    Kernel("trapped '1'", Hole.INT, ROWS),
    Kernel("trapped('1')", Hole.INT, ROWS),
    Kernel("('(1,2)'::pair).b", Hole.INT, ROWS),
    Kernel("((ROW(1, 2)::pair).a)", Hole.INT, ROWS),
    Kernel("('{1}'::trapped[])[1]", Hole.INT, ROWS),
    Kernel("lower('[1,2)'::trapped_range)", Hole.INT, ROWS),
    Kernel("(1::caged).n", Hole.INT, ROWS),
    Kernel("lower('[1,3]'::odd)", Hole.INT, ROWS),
    Kernel("lower(odd(1, 3))", Hole.INT, ROWS),
    Kernel("jsonb_populate_record(NULL::pair, '{\"a\": 1}')", None, ROWS),
    Kernel("pg_input_is_valid('1', 'trapped')", Hole.BOOL, ROWS),
    Kernel("('1'::text).trapped", Hole.INT, ROWS, shows=False),
    Kernel("1 OPERATOR(public.#!#) 2", Hole.BOOL, ROWS),
    Kernel("1 #!# 2", Hole.BOOL, ROWS, shows=False),
    Kernel("#! 1", Hole.INT, ROWS, shows=False),
    Kernel("OPERATOR(public.#!) 1", Hole.INT, ROWS),
    Kernel("1 #!# ANY (ARRAY[1])", Hole.BOOL, ROWS, shows=False),
    Kernel("1 OPERATOR(public.#!#) ALL (SELECT 1)", Hole.BOOL, ROWS),
)  # fmt: skip

QUERIES: Final = (
    Kernel("SELECT id FROM v_spring", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT id FROM ONLY public.v_over AS o", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT id::int FROM v_next", Hole.QUERY, SEQUENCE, shows=False),
    Kernel("TABLE v_bare", Hole.QUERY, ROWS, shows=False),
    Kernel("TABLE v_cast", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT id FROM v_operator", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM one FOR UPDATE", Hole.QUERY, ROW_LOCKS),
    Kernel("SELECT 1 FROM one o, orders FOR NO KEY UPDATE OF o NOWAIT", Hole.QUERY, ROW_LOCKS),
    Kernel("SELECT 1 FROM (SELECT * FROM one) s FOR SHARE SKIP LOCKED", Hole.QUERY, ROW_LOCKS),
    Kernel("SELECT 1 FROM one LIMIT 1 FOR KEY SHARE", Hole.QUERY, ROW_LOCKS),
    Kernel("SELECT * FROM springs()", Hole.QUERY, ROWS),
    Kernel("SELECT * FROM nextval('s1')", Hole.QUERY, SEQUENCE),
    Kernel("SELECT 1 FROM ROWS FROM (springs(), generate_series(1, 2)) AS r", Hole.QUERY, ROWS),
    Kernel("SELECT x.lo_unlink FROM unnest(ARRAY[4242::oid]) x", Hole.QUERY, LARGE),
    Kernel("SELECT x.nextval::int FROM pg_catalog.unnest(ARRAY['s1'::regclass]) AS x (v)", Hole.QUERY, SEQUENCE),
    Kernel("SELECT unnest.lo_unlink FROM one, LATERAL unnest(ARRAY[4242::oid])", Hole.QUERY, LARGE),
    Kernel("SELECT (SELECT x.lo_unlink) FROM ROWS FROM (unnest(ARRAY[4242::oid])) x", Hole.QUERY, LARGE),
    Kernel(
        "SELECT 1 FROM unnest(ARRAY['SELECT nextval(''s1'')::text::tsvector']) x, LATERAL (SELECT x.ts_stat) s",
        Hole.QUERY,
        SEQUENCE,
    ),
    Kernel("SELECT o.gone FROM one o", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT one.gone FROM public.one", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT (o).gone FROM one o", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT (SELECT o FROM one o).gone", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT (o.watch).id FROM one o", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM one WHERE (one.watch).id = 1", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT gone(o) FROM one o", Hole.QUERY, ROWS),
    Kernel("SELECT gone FROM one, gone(one)", Hole.QUERY, ROWS),
    Kernel("SELECT harvest(id) FROM one", Hole.QUERY, ROWS),
    Kernel("SELECT harvest(id) OVER () FROM one", Hole.QUERY, ROWS),
    Kernel("SELECT harvest(DISTINCT id ORDER BY id) FILTER (WHERE true) FROM one", Hole.QUERY, ROWS),
    Kernel("VALUES (spring())", Hole.QUERY, ROWS),
    Kernel("SELECT id FROM one ORDER BY spring()", Hole.QUERY, ROWS),
    Kernel("SELECT id FROM graded ORDER BY r LIMIT 1", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT id FROM graded ORDER BY r USING OPERATOR(ranks.>)", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM graded GROUP BY r", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT DISTINCT ON (r) id FROM graded", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM (SELECT DISTINCT r FROM graded) s", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM (SELECT r FROM graded UNION SELECT r FROM graded) s", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT count(DISTINCT r) FROM graded", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT rank() OVER (PARTITION BY r) FROM graded", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM graded WHERE r OPERATOR(ranks.=) r", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM graded a ORDER BY a", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM graded WHERE GREATEST(r, r) IS NULL", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM purse WHERE to_json(c) IS NOT NULL", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM purse WHERE row_to_json(purse) IS NOT NULL", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM purse WHERE JSON_QUERY('{}', c) IS NOT NULL", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT 1 FROM purse WHERE 'x'::text || c IS NOT NULL", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT c::int FROM purse", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT c::information_schema.cardinal_number::int FROM purse", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT (cs::_int4)[1] FROM purse", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT id FROM v_coin", Hole.QUERY, ROWS, shows=False),
    Kernel("SELECT array_position(array_agg(r), (array_agg(r))[1]) FROM graded", Hole.QUERY, ROWS, shows=False),
)  # fmt: skip

TYPES: Final = (
    Kernel("trapped", Hole.TYPE, ROWS, value="1"),
    Kernel("public.deeper", Hole.TYPE, ROWS, value="1"),
    Kernel("worded", Hole.TYPE, ROWS, value="1"),
    Kernel("traps.public.trapped", Hole.TYPE, ROWS, value="1"),
    Kernel('U&"tr\\0061pped"', Hole.TYPE, ROWS, value="1"),
    Kernel("trapped[]", Hole.TYPE, ROWS, value="{1}"),
    Kernel("_trapped", Hole.TYPE, ROWS, value="{1}"),
    Kernel("deeper ARRAY[2]", Hole.TYPE, ROWS, value="{1}"),
    Kernel("SETOF trapped", Hole.TYPE, ROWS, value="1"),
    Kernel("pair", Hole.TYPE, ROWS, value="(1,2)"),
    Kernel("trapped_range", Hole.TYPE, ROWS, value="[1,2)"),
    Kernel("odd", Hole.TYPE, ROWS, value="[1,2)"),
)  # fmt: skip

OPERATORS: Final = (
    Kernel("#!#", Hole.OPERATOR, ROWS, shows=False),
    Kernel("OPERATOR(#!#)", Hole.OPERATOR, ROWS, shows=False),
    Kernel("OPERATOR(public.#!#)", Hole.OPERATOR, ROWS),
    Kernel('OPERATOR("public".#!#)', Hole.OPERATOR, ROWS),
    Kernel("OPERATOR(traps.public.#!#)", Hole.OPERATOR, ROWS),
)  # fmt: skip

CHANGES: Final = (
    Kernel("DELETE FROM orders RETURNING 1 AS n", Hole.CHANGE, ORDERS),
    Kernel("DELETE FROM ONLY public.orders o USING one WHERE one.id = o.id RETURNING 1 AS n", Hole.CHANGE, ORDERS),
    Kernel("UPDATE orders SET amount = 0 RETURNING 1 AS n", Hole.CHANGE, ORDERS),
    Kernel("UPDATE orders SET (amount) = ROW(0) WHERE true RETURNING 1 AS n", Hole.CHANGE, ORDERS),
    Kernel("INSERT INTO app.ids VALUES (9) RETURNING 1 AS n", Hole.CHANGE, ROWS),
    Kernel("INSERT INTO app.ids SELECT 9 RETURNING 1 AS n", Hole.CHANGE, ROWS),
    Kernel("MERGE INTO app.ids i USING one ON true WHEN MATCHED THEN DELETE RETURNING 1 AS n", Hole.CHANGE, ROWS),
    Kernel("MERGE INTO app.ids USING one o(n) ON false WHEN NOT MATCHED THEN INSERT VALUES (9) RETURNING n",
           Hole.CHANGE, ROWS),
    Kernel("WITH x AS (SELECT 1) DELETE FROM app.ids RETURNING 1 AS n", Hole.CHANGE, ROWS),
    Kernel("DELETE FROM users WHERE id = 1 RETURNING 1 AS n", Hole.CHANGE, ORDERS),
)  # fmt: skip


KERNELS: Final = (*EXPRESSIONS, *QUERIES, *TYPES, *OPERATORS, *CHANGES)
