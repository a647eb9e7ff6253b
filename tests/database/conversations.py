"""Conversations with PostgreSQL as exact bytes: the protocol's ways, one by one, as a person may use them.

Data only. Each begins from the rows of reset.sql, must end by itself, and must not depend on time or chance.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from tests.database.script import Script, hello, say
from tests.database.wire import (
    COPY_DONE,
    FLUSH,
    GSSENC_REQUEST,
    SSL_REQUEST,
    SYNC,
    TERMINATE,
    bind,
    close,
    copy_data,
    copy_fail,
    describe,
    execute,
    function_call,
    message,
    parse,
    query,
    request,
    startup,
)

INT4, TEXT = 23, 25
INT4_PLUS = 177  # pg_proc: int4pl(integer, integer)
LARGE = 3_000_000

END = say(TERMINATE, until="$")

CONVERSATIONS: Mapping[str, Script] = {
    "simple query": (hello(), say(query("SELECT id, email, balance, born FROM users ORDER BY id LIMIT 3")), END),
    "empty query": (hello(), say(query("")), say(query(" ; -- nothing")), END),
    "several statements in one query": (
        hello(),
        say(query("SELECT 1; INSERT INTO journal (line) VALUES ('a'); SELECT count(*) FROM journal; SHOW work_mem")),
        END,
    ),
    "several statements, the second fails": (
        hello(),
        say(query("INSERT INTO journal (line) VALUES ('lost'); SELECT 1/0; SELECT 2")),
        say(query("SELECT count(*) FROM journal")),
        END,
    ),
    "errors of every stage": (
        hello(),
        *(
            say(query(text))
            for text in ("SELEC 1", "SELECT nope", "SELECT * FROM nowhere", "SELECT 1/0", "SELECT 'x'::int")
        ),
        END,
    ),
    "notices and warnings": (
        hello(),
        say(query("DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two' USING HINT = 'three'; END $$")),
        say(query("COMMIT")),
        END,
    ),
    "settings are reported": (
        hello(),
        say(query("SET application_name = 'caf\u00e9'; SET DateStyle = 'German'; SET search_path = secret, public")),
        say(query("RESET ALL")),
        END,
    ),
    "a transaction": (
        hello(),
        say(query("BEGIN")),
        say(query("UPDATE users SET balance = 0 WHERE id = 1")),
        say(query("SAVEPOINT s")),
        say(query("SELECT 1/0")),
        say(query("SELECT 1")),
        say(query("ROLLBACK TO s")),
        say(query("COMMIT")),
        END,
    ),
    "a failed transaction": (
        hello(),
        say(query("BEGIN")),
        say(query("SELECT nope")),
        say(query("SELECT 1")),
        say(query("COMMIT")),
        say(query("SELECT 1")),
        END,
    ),
    "extended, unnamed": (
        hello(),
        say(parse("SELECT $1::int + 1, $2::text", "", (INT4, TEXT)), bind(b"41", None), describe("P"), execute(), SYNC),
        END,
    ),
    "extended, named, reused, closed": (
        hello(),
        say(parse("SELECT email FROM users WHERE id = $1", "s1"), describe("S", "s1"), SYNC),
        say(bind(b"3", statement="s1", portal="p1"), execute("p1"), close("P", "p1"), SYNC),
        say(bind(struct.pack("!i", 4), statement="s1", formats=(1,), results=(1,)), execute(), SYNC),
        say(close("S", "s1"), close("S", "never"), SYNC),
        say(bind(b"3", statement="s1"), SYNC),
        END,
    ),
    "pipelined batches in one segment": (
        hello(),
        say(
            *(parse("INSERT INTO journal (line) VALUES ($1)", "w"), bind(b"a", statement="w"), execute(), SYNC),
            *(bind(b"b", statement="w"), execute(), bind(b"c", statement="w"), execute(), SYNC),
            *(parse("SELECT line FROM journal ORDER BY id"), bind(), execute(), SYNC),
            until="ZZZ",
        ),
        END,
    ),
    "an error amid a pipeline": (
        hello(),
        say(
            *(parse("INSERT INTO journal (line) VALUES ('kept?')"), bind(), execute()),
            *(parse("SELECT 1/$1::int"), bind(b"0"), execute(), parse("SELECT 1"), bind(), execute(), SYNC),
            *(parse("SELECT count(*) FROM journal"), bind(), execute(), SYNC),
            until="ZZ",
        ),
        END,
    ),
    "simple and extended in one segment": (
        hello(),
        say(query("SELECT 1"), parse("SELECT 2"), bind(), execute(), SYNC, query("SELECT 3"), until="ZZZ"),
        END,
    ),
    "row limits and suspended portals": (
        hello(),
        say(query("BEGIN")),
        say(parse("SELECT id FROM users ORDER BY id"), bind(portal="p"), execute("p", 7), FLUSH, until="s"),
        say(execute("p", 7), FLUSH, until="s"),
        say(execute("p", 100), SYNC),
        say(query("COMMIT")),
        say(execute("p"), SYNC),
        END,
    ),
    "flush instead of sync": (
        hello(),
        say(parse("SELECT 1"), FLUSH, until="1"),
        say(bind(), describe("P"), FLUSH, until="2T"),
        say(execute(), FLUSH, until="C"),
        say(SYNC),
        END,
    ),
    "messages in the wrong place": (
        hello(),
        say(bind(statement="never"), SYNC),
        say(execute("never"), SYNC),
        say(copy_data(b"stray"), COPY_DONE, query("SELECT 1")),
        say(message("D", b"X\0"), SYNC),
        END,
    ),
    "an unknown message type": (hello(), say(message("y"), until="$")),
    "a message with a byte too many": (hello(), say(message("Q", b"SELECT 1\0\0")), END),
    "a query without its zero": (hello(), say(message("Q", b"SELECT 1")), END),
    "an unnamed statement replaced": (
        hello(),
        say(parse("SELECT 1"), SYNC),
        say(parse("SELECT nope"), SYNC),
        say(bind(), execute(), SYNC),
        END,
    ),
    "a named statement twice": (hello(), say(parse("SELECT 1", "s"), SYNC), say(parse("SELECT 2", "s"), SYNC), END),
    "prepare and execute in SQL": (
        hello(),
        say(query("PREPARE q (int) AS SELECT id FROM users WHERE id < $1 ORDER BY id; EXECUTE q(3)")),
        say(bind(b"2", statement="q"), execute(), SYNC),
        say(query("DEALLOCATE ALL")),
        END,
    ),
    "cursors": (
        hello(),
        say(query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM users ORDER BY id; FETCH 2 FROM c")),
        say(execute("c", 2), SYNC),
        say(query("MOVE 3 IN c; FETCH c; CLOSE c; COMMIT")),
        END,
    ),
    "copy out": (
        hello(),
        say(query("COPY (SELECT id, email FROM users ORDER BY id) TO STDOUT")),
        say(query("COPY (SELECT * FROM generate_series(1, 3)) TO STDOUT (FORMAT binary)")),
        say(parse("COPY orders TO STDOUT (FORMAT csv, HEADER)"), bind(), execute(), SYNC),
        END,
    ),
    "copy in": (
        hello(),
        say(query("COPY journal (line) FROM STDIN"), until="G"),
        say(copy_data(b"one\ntwo\n"), copy_data(b"thr"), copy_data(b"ee\n"), COPY_DONE),
        say(query("SELECT * FROM journal ORDER BY id")),
        END,
    ),
    "copy in, all in one segment": (
        hello(),
        say(
            query("COPY journal (line) FROM STDIN"), copy_data(b"one\n"), COPY_DONE, query("TABLE journal"), until="ZZ"
        ),
        END,
    ),
    "copy in, extended": (
        hello(),
        say(parse("COPY journal (line) FROM STDIN"), bind(), execute(), FLUSH, until="G"),
        say(copy_data(b"one\n"), COPY_DONE, SYNC),
        END,
    ),
    "copy in, extended, in one segment with Sync before the data": (
        hello(),
        say(parse("COPY journal (line) FROM STDIN"), bind(), execute(), SYNC, copy_data(b"x\n"), COPY_DONE, SYNC),
        END,
    ),
    "copy fails": (
        hello(),
        say(query("COPY journal (line) FROM STDIN"), until="G"),
        say(copy_data(b"one\n"), copy_fail("changed my mind")),
        say(query("COPY users FROM STDIN"), until="G"),
        say(copy_data(b"not a number\tx\n"), copy_data(b"1\n"), COPY_DONE),
        say(parse("COPY journal (line) FROM STDIN"), bind(), execute(), FLUSH, until="G"),
        say(copy_fail("again"), parse("SELECT 1"), SYNC),
        END,
    ),
    "a query during copy in": (
        hello(),
        say(query("COPY journal (line) FROM STDIN"), until="G"),
        say(query("SELECT 1"), until="$"),
    ),
    "copy twice in one query": (
        hello(),
        say(query("COPY journal (line) FROM STDIN; COPY journal TO STDOUT; SELECT 1"), until="G"),
        say(copy_data(b"x\n"), COPY_DONE),
        END,
    ),
    "function call": (
        hello(),
        say(function_call(INT4_PLUS, b"40", b"2")),
        say(function_call(INT4_PLUS, struct.pack("!i", 1), struct.pack("!i", 2), formats=(1,), result=1)),
        say(function_call(INT4_PLUS, b"1", b"x")),
        say(function_call(4_000_000_000)),
        END,
    ),
    "listen and notify": (
        hello(),
        say(query("LISTEN ch; NOTIFY ch, 'first'")),
        say(query("BEGIN; NOTIFY ch, 'second'; NOTIFY other")),
        say(query("COMMIT")),
        say(parse("SELECT pg_notify('ch', 'third')"), bind(), execute(), SYNC),
        say(query("UNLISTEN *; NOTIFY ch")),
        END,
    ),
    "large rows and parameters": (
        hello(),
        say(query(f"SELECT repeat('r', {LARGE}), 1")),
        say(parse("SELECT length($1::text), md5($1::text)"), bind(b"p" * LARGE), execute(), SYNC),
        say(query(f"SELECT length('{'q' * 500_000}')")),
        END,
    ),
    "many rows": (hello(), say(query("SELECT n, n::text, NULL FROM generate_series(1, 20000) n")), END),
    "not only ASCII": (
        hello(),
        say(query("SELECT 'na\u00efve \u2603 \U0001f9ca' AS \"\u00fcber\"")),
        say(message("Q", b"SELECT '\xff\xfe'\0")),
        say(parse("SELECT $1::text"), bind(b"\xc3\x28"), execute(), SYNC),
        END,
    ),
    "client encoding": (
        hello(client_encoding="LATIN1"),
        say(message("Q", b"SELECT '\xe9t\xe9', length('\xe9')\0")),
        say(query("SET client_encoding = 'UTF8'; SELECT 'x'")),
        END,
    ),
    "startup parameters": (
        hello(application_name="wire test", DateStyle="ISO, DMY", options="-c work_mem=7MB -c geqo=off"),
        say(query("SHOW work_mem")),
        END,
    ),
    "everything at once": (say(startup("person_trust"), query("SELECT 1"), TERMINATE, until="ZZ$"),),
    "a query before the server has answered": (
        say(startup("person_trust"), until=""),
        *(say(query(f"SELECT {number}"), until="") for number in range(20)),
        say(TERMINATE, until="Z" * 21 + "$"),
    ),
    "protocol 3.2": (hello(version=0x30002), say(query("SELECT 1")), END),
    "a protocol minor of the future": (hello(version=0x30063), say(query("SELECT 1")), END),
    "unknown protocol options": (hello(__shiny="1", __other="2"), say(query("SELECT 1")), END),
    "a protocol of the past": (say(startup("person_trust", version=0x20000), until="$"),),
    "a protocol of the far future": (say(startup("person_trust", version=0x40000), until="$"),),
    "no user": (say(b"\0\0\0\x09\0\x03\0\0\0", until="$"),),
    "an unknown user": (say(startup("nobody_at_all"), until="$"),),
    "an unknown database": (say(startup("person_trust", database="nowhere"), until="$"),),
    "a wrong startup setting": (say(startup("person_trust", work_mem="lots"), until="$"),),
    "GSS and TLS refused, then in the clear": (
        say(request(GSSENC_REQUEST), until="."),
        say(request(SSL_REQUEST), until="."),
        hello(),
        END,
    ),
    "half-close after a query": (hello(), say(query("SELECT 1"), half_close=True, until="$")),
    "half-close amid a batch": (hello(), say(parse("SELECT 1"), bind(), execute(), half_close=True, until="$")),
    "half-close during copy in": (
        hello(),
        say(query("COPY journal (line) FROM STDIN"), until="G"),
        say(copy_data(b"x\n"), half_close=True, until="$"),
    ),
    "terminate in a transaction": (hello(), say(query("BEGIN; DELETE FROM orders")), END),
    "terminate right behind a query": (hello(), say(query("SELECT 1"), TERMINATE, until="$")),
    "the server ends the session": (
        hello(),
        say(query("SELECT pg_terminate_backend(pg_backend_pid())"), until="$"),
    ),
    "a statement is timed out": (hello(), say(query("SET statement_timeout = 50; SELECT pg_sleep(30)")), END),
}
