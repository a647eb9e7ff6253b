"""Conversations in which one statement is refused, as functions of that statement.

Data only. The reference is a server that itself refuses: `plain_reader` may not look into schema `secret`, and the
server says so at parse analysis, before anything runs. That is when the proxy's refusals must seem to happen, whatever
the statement, so each script is held against the same script with REFERENCE in the statement's place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.database.script import Step, say
from tests.database.wire import (
    COPY_DONE,
    FLUSH,
    SYNC,
    bind,
    close,
    copy_data,
    copy_fail,
    describe,
    execute,
    parse,
    query,
)

REFERENCE = "DELETE FROM secret.users"

READ = "SELECT id, email FROM public.users ORDER BY id LIMIT 3"

REFUSED: Mapping[str, str] = {
    "delete": "DELETE FROM secret.users",
    "bounded delete": "DELETE FROM public.users WHERE id = 1",
    "update": "UPDATE public.users SET balance = 0",
    "truncate": "TRUNCATE public.users CASCADE",
    "drop": "DROP TABLE public.orders",
    "merge": "MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED THEN DELETE",
    "writable CTE": "WITH gone AS (DELETE FROM users RETURNING *) SELECT count(*) FROM gone",
    "explain analyze": "EXPLAIN ANALYZE DELETE FROM users",
    "do": "DO $$ BEGIN DELETE FROM users; END $$",
    "set role": "SET ROLE person_ada",
    "function": "SELECT secret.purge(1)",
    "copy in": "COPY users FROM STDIN",
    "copy of a deletion": "COPY (DELETE FROM users RETURNING *) TO STDOUT",
    "prepare": "PREPARE doomed AS DELETE FROM users",
}

SEVERAL: Mapping[str, str] = {
    "last of three": f"{READ}; SELECT 2; DELETE FROM users",
    "first of three": "DELETE FROM users; SELECT 1; SELECT 2",
    "behind a commit": "BEGIN; SELECT 1; COMMIT; TRUNCATE users CASCADE",
    "prepare and execute": "PREPARE doomed AS DELETE FROM users; EXECUTE doomed",
    "transaction around": "BEGIN; DELETE FROM users; COMMIT",
}
"""A simple Query alone can carry several statements; none of them may run."""


Refusal = Callable[[str], tuple[Step, ...]]


def _read() -> Step:
    return say(query(READ))


SIMPLE: Mapping[str, Refusal] = {
    "simple": lambda refused: (say(query(refused)), _read()),
    "simple, twice in one segment": lambda refused: (
        say(query(refused), query(READ), query(refused), until="ZZZ"),
        _read(),
    ),
    "in a transaction": lambda refused: (
        say(query("BEGIN")),
        _read(),
        say(query(refused)),
        _read(),
        say(query("COMMIT")),
        _read(),
    ),
    "in a failed transaction": lambda refused: (
        say(query("BEGIN")),
        say(query("SELECT nope")),
        say(query(refused)),
        say(query("ROLLBACK")),
        _read(),
    ),
    "behind a savepoint": lambda refused: (
        say(query("BEGIN")),
        say(query("SAVEPOINT s")),
        say(query(refused)),
        say(query("ROLLBACK TO SAVEPOINT s")),
        _read(),
        say(query("COMMIT")),
    ),
    "copy data sent without waiting": lambda refused: (
        say(query(refused), copy_data(b"1\tx\n"), COPY_DONE, query(READ), until="ZZ"),
        say(query(refused), copy_data(b"1\tx\n"), copy_fail("never mind"), query(READ), until="ZZ"),
    ),
    "amid a transaction in one segment": lambda refused: (
        say(query("BEGIN"), query(refused), query("COMMIT"), query(READ), until="ZZZZ"),
    ),
}

EXTENDED: Mapping[str, Refusal] = {
    "extended": lambda refused: (
        say(parse(refused), bind(), describe("P"), execute(), SYNC),
        say(parse(READ), bind(), describe("P"), execute(), SYNC),
    ),
    "parse and describe, as drivers prepare": lambda refused: (
        say(parse(refused, "s"), describe("S", "s"), SYNC),
        say(bind(statement="s"), execute(), SYNC),
        say(close("S", "s"), SYNC),
        say(parse(READ, "s"), describe("S", "s"), SYNC),
        say(bind(statement="s"), execute(), SYNC),
    ),
    "flush, and sync later": lambda refused: (
        say(parse(refused), FLUSH, until="E"),
        say(bind(), execute(), parse("SELECT 1"), SYNC),
        _read(),
    ),
    "first, middle and last of a pipeline": lambda refused: (
        say(parse(refused), bind(), execute(), parse(READ), bind(), execute(), SYNC),
        say(parse(READ), bind(), execute(), parse(refused), bind(), execute(), parse(READ), bind(), execute(), SYNC),
        say(parse(READ), bind(), execute(), parse(refused), bind(), execute(), SYNC),
    ),
    "several batches in one segment": lambda refused: (
        say(
            *(parse(READ), bind(), execute(), SYNC),
            *(parse(refused), bind(), execute(), SYNC),
            *(parse(READ), bind(), execute(), SYNC),
            *(query(refused), query(READ)),
            until="ZZZZZ",
        ),
    ),
    "two refusals in one batch": lambda refused: (
        say(parse(refused), bind(), execute(), parse(refused, "b"), SYNC, parse(refused), SYNC, until="ZZ"),
        _read(),
    ),
    "in a transaction": lambda refused: (
        say(parse("BEGIN"), bind(), execute(), SYNC),
        say(parse(refused), bind(), execute(), SYNC),
        say(parse(READ), bind(), execute(), SYNC),
        say(parse("COMMIT"), bind(), execute(), SYNC),
        _read(),
    ),
    "in a failed transaction": lambda refused: (
        say(query("BEGIN")),
        say(query("SELECT nope")),
        say(parse(refused), bind(), execute(), SYNC),
        say(query("COMMIT")),
        _read(),
    ),
    "over a named statement": lambda refused: (
        say(parse("SELECT 7", "s"), SYNC),
        say(parse(refused, "s"), SYNC),
        say(bind(statement="s"), execute(), SYNC),
    ),
    "over the unnamed statement": lambda refused: (
        say(parse("SELECT 7"), SYNC),
        say(parse(refused), SYNC),
        say(bind(), execute(), SYNC),
    ),
    "a named statement after its refusal": lambda refused: (
        say(parse(refused, "s"), SYNC),
        say(parse("SELECT 7", "s"), SYNC),
        say(bind(statement="s"), execute(), SYNC),
    ),
    "with a portal open": lambda refused: (
        say(query("BEGIN")),
        say(parse(READ), bind(portal="p"), execute("p", 1), FLUSH, until="s"),
        say(parse(refused, "r"), SYNC),
        say(execute("p", 1), SYNC),
        say(query("ROLLBACK")),
        say(execute("p", 1), SYNC),
        _read(),
    ),
    "copy data sent without waiting": lambda refused: (
        say(parse(refused), bind(), execute(), copy_data(b"1\tx\n"), COPY_DONE, SYNC),
        _read(),
    ),
    "half-close": lambda refused: (say(parse(refused), SYNC, half_close=True, until="Z$"),),
}
