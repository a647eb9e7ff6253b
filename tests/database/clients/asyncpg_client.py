"""asyncpg: prepared statements, transactions, COPY, notifications, errors. Prints what it received."""

from __future__ import annotations

import asyncio
import io
import sys

import asyncpg


async def main(port: int) -> None:
    """Talk to 127.0.0.1:port as a person."""
    connection = await asyncpg.connect(
        host="127.0.0.1", port=port, user="person_ada", password="person_ada", database="demo", ssl=False
    )
    print(await connection.fetch("SELECT id, email, balance, born FROM users WHERE id < $1 ORDER BY id", 5))
    print(await connection.fetchval("SELECT count(*) FROM orders"))
    async with connection.transaction():
        await connection.executemany("INSERT INTO journal (line) VALUES ($1)", [("a",), ("b",), (None,)])
        async for row in connection.cursor("SELECT id FROM users ORDER BY id", prefetch=3):
            print(row)
    try:
        async with connection.transaction():
            await connection.execute("UPDATE users SET balance = balance + 1")
            await connection.execute("INSERT INTO users (id, email) VALUES (1, 'twice')")
    except asyncpg.UniqueViolationError as error:
        print(error.as_dict())
    copied = await connection.copy_records_to_table("journal", records=[("x",), ("y",)], columns=["line"])
    sink = io.BytesIO()
    print(copied, await connection.copy_from_query("TABLE journal", output=sink), sink.getvalue())
    heard: asyncio.Queue[str] = asyncio.Queue()
    await connection.add_listener("ch", lambda *said: heard.put_nowait(str(said[3])))
    await connection.execute("NOTIFY ch, 'hello'")
    print(await heard.get())
    await connection.close()


asyncio.run(main(int(sys.argv[1])))
