"""psycopg 3: sync, async, server-side cursors, prepared statements, pipeline mode, COPY. Prints what it received."""

from __future__ import annotations

import asyncio
import sys

import psycopg

DSN = f"host=127.0.0.1 port={sys.argv[1]} user=person_ada password=person_ada dbname=demo sslmode=disable"


def sync() -> None:
    """Use a blocking connection."""
    with psycopg.connect(DSN) as connection:
        for number in range(7):  # the sixth use prepares the statement on the server
            print(connection.execute("SELECT email FROM users WHERE id = %s", (number,)).fetchone())
        connection.execute("INSERT INTO journal (line) VALUES ('kept')")
        try:
            with connection.transaction():
                connection.execute("SELECT 1/0")
        except psycopg.errors.DivisionByZero as error:
            print(error.diag.sqlstate, error.diag.message_primary)
        with connection.cursor(name="held") as cursor:
            cursor.itersize = 4
            cursor.execute("SELECT id, total FROM orders ORDER BY id LIMIT 10")
            print(cursor.fetchall())
        with connection.cursor(binary=True) as cursor:
            print(cursor.execute("SELECT id, balance, born FROM users ORDER BY id LIMIT 2").fetchall())


def copy() -> None:
    """Copy both ways, and fail once on the way in."""
    with psycopg.connect(DSN, autocommit=True) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY journal (line) FROM STDIN") as into:
            for number in range(200):
                into.write_row((f"line {number}",))
        with cursor.copy("COPY (SELECT line FROM journal ORDER BY id) TO STDOUT (FORMAT binary)") as out:
            print(len(b"".join(out)))
        try:
            with cursor.copy("COPY journal (line) FROM STDIN") as into:
                into.write_row(("lost",))
                into.write_row((object(),))  # no type of PostgreSQL's: the client gives up with CopyFail
        except psycopg.ProgrammingError:
            print(cursor.execute("SELECT count(*) FROM journal").fetchone())


def pipeline() -> None:
    """Send without waiting, with an error in the middle."""
    with psycopg.connect(DSN, autocommit=True) as connection:
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::int * 2", (number,)) for number in range(5)]
        print([cursor.fetchone() for cursor in cursors])
        try:
            with connection.pipeline() as line:
                connection.execute("INSERT INTO journal (line) VALUES ('first')")
                line.sync()
                connection.execute("SELECT nope")
                connection.execute("INSERT INTO journal (line) VALUES ('skipped')")
        except psycopg.errors.UndefinedColumn as error:
            print(error.diag.message_primary)
        print(connection.execute("SELECT line FROM journal WHERE line IN ('first', 'skipped')").fetchall())


async def awaited() -> None:
    """Use an asyncio connection."""
    async with await psycopg.AsyncConnection.connect(DSN, autocommit=True) as connection:
        await connection.execute("LISTEN ch")
        await connection.execute("NOTIFY ch, 'hello'")
        async for notification in connection.notifies(timeout=5, stop_after=1):
            print(notification.channel, notification.payload)
        cursor = await connection.execute("SELECT id FROM users ORDER BY id")
        print(await cursor.fetchall())


sync()
copy()
pipeline()
asyncio.run(awaited())
