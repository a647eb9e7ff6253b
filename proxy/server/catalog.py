"""Keeps a census of each database that sessions use, read with the control DSN's login.

Without a census (no control DSN, or a control connection that fails) a decision falls back to what holds under any
catalog: names that a user schema could shadow are then not known harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import asyncpg
import structlog

from proxy.sql import Census

_log = structlog.get_logger()
_REFRESH_S: Final = 2.0
_TIMEOUT_S: Final = 5.0

_FUNCTION_NAMES: Final = """
SELECT DISTINCT proname::pg_catalog.text
FROM pg_catalog.pg_proc
WHERE pronamespace <> ALL (ARRAY['pg_catalog', 'information_schema']::pg_catalog.regnamespace[])
"""


class Catalog:
    """The censuses of one worker."""

    def __init__(self, dsn: str | None, adopt: Callable[[str, Census | None], None]) -> None:
        """`adopt` is told of each new census of a database, and of its loss by None."""
        self._dsn = dsn
        self._adopt = adopt
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._known: dict[str, asyncio.Event] = {}
        self._epoch = 0

    async def know(self, database: str) -> None:
        """Have a database watched from now on; returns when its census has been read once, or could not be."""
        if self._dsn is None:
            return
        if database not in self._watches:
            self._known[database] = asyncio.Event()
            self._watches[database] = asyncio.get_running_loop().create_task(self._watch(database))
        await self._known[database].wait()

    async def close(self) -> None:
        """Stop watching."""
        for watch in self._watches.values():
            watch.cancel()
        await asyncio.gather(*self._watches.values(), return_exceptions=True)

    async def _watch(self, database: str) -> None:
        connection: asyncpg.Connection[Any] | None = None
        last: Census | None = None
        failing = False
        while True:
            try:
                if connection is None or connection.is_closed():
                    connection = await asyncpg.connect(
                        self._dsn,
                        database=database,
                        timeout=_TIMEOUT_S,
                        command_timeout=_TIMEOUT_S,
                        server_settings={"application_name": "interlock census"},
                    )
                names = frozenset(row[0] for row in await connection.fetch(_FUNCTION_NAMES))
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
                if not failing:
                    _log.error("census_lost", database=database, error=str(error))
                failing = True
                if last is not None:
                    last = None
                    self._adopt(database, None)
            else:
                if failing:
                    _log.info("census_regained", database=database)
                failing = False
                if last is None or last.function_names != names:
                    self._epoch += 1
                    last = Census(epoch=self._epoch, function_names=names)
                    self._adopt(database, last)
            self._known[database].set()
            await asyncio.sleep(_REFRESH_S)
