"""SQLAlchemy with the psycopg or the asyncpg dialect, as the second argument says. Prints what it received."""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import Connection, MetaData, Table, create_engine, func, insert, inspect, select, text

PLACE = f"person_ada:person_ada@127.0.0.1:{sys.argv[1]}/demo"


def work(connection: Connection) -> None:
    """Reflect, query, insert many, roll back to a savepoint."""
    tables = MetaData()
    users = Table("users", tables, autoload_with=connection)
    orders = Table("orders", tables, autoload_with=connection)
    journal = Table("journal", tables, autoload_with=connection)
    print(sorted(inspect(connection).get_table_names()), [column.name for column in orders.columns])
    joined = (
        select(users.c.email, func.sum(orders.c.total)).join(orders).group_by(users.c.email).order_by(users.c.email)
    )
    print(connection.execute(joined).all())
    print(connection.execute(insert(journal).returning(journal.c.id), [{"line": "a"}, {"line": "b"}]).all())
    with connection.begin_nested() as nested:
        connection.execute(text("UPDATE users SET balance = 0"))
        nested.rollback()
    print(connection.execute(select(func.sum(users.c.balance))).scalar())


async def awaited() -> None:
    """Use the asyncpg dialect."""
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(f"postgresql+asyncpg://{PLACE}", connect_args={"ssl": False})
    async with engine.begin() as connection:
        await connection.run_sync(work)
    await engine.dispose()


def blocking() -> None:
    """Use the psycopg dialect, with two connections of a pool."""
    engine = create_engine(f"postgresql+psycopg://{PLACE}?sslmode=disable", pool_size=2)
    with engine.begin() as first, engine.begin() as second:
        work(first)
        print(second.execute(text("SELECT 1")).all())
    engine.dispose()


if sys.argv[2] == "asyncpg":
    asyncio.run(awaited())
else:
    blocking()
