"""Keeps a census of each database that sessions use, read with the control DSN's login.

A census is read again when the database says that something was defined (the event trigger that `interlock install`
makes sends a notification at commit), and when a look at the catalog's fingerprint, every two seconds, shows a change.
It is handed on only if the picture differs. One that cannot be read is lost: from then on what would need it cannot be
established, until it is read again. Without a control DSN there is no census, and decisions fall back to what holds
under any catalog.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from time import monotonic, time
from typing import Any, Final

import asyncpg
import structlog

from proxy.server.catalog_queries import FINGERPRINT
from proxy.server.catalog_reading import CatalogReader
from proxy.server.dsn import uri_of
from proxy.sql import CatalogRows, Census, Knowledge, Lost

_log = structlog.get_logger()

CHANNEL: Final = "interlock_catalog"
"""That the event trigger notifies (interlock/migrations/0002_census.sql)."""

_LOOK_S: Final = 2.0
_LOOK_SHARE: Final = 50
"""A look is taken at most this fraction of the time, however large the catalog: 2 percent of one core."""
_READ_ANYHOW_S: Final = 300.0
"""For what no fingerprint shows: a column's new name, an extension's new member."""
_LOST_SHOWN: Final = 20
_CONNECT_TIMEOUT_S: Final = 5.0
_LOOK_TIMEOUT_S: Final = 5.0
_READ_TIMEOUT_S: Final = 60.0

Adopt = Callable[[str, Knowledge], None]
_UNREADABLE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)
"""What a server, a way to it, or a DSN may come up with."""


class CatalogUnreadable(Exception):  # noqa: N818 - says what is the case
    """A census cannot be read with this DSN. The message is a clause, without the DSN."""


async def check_login(dsn: str) -> None:
    """Log in once. Raises ValueError where the DSN is none, CatalogUnreadable where the login fails."""
    try:
        connection = await _connect(dsn, None)
    except ValueError:
        raise
    except _UNREADABLE as error:
        raise CatalogUnreadable(_reason(error)) from error
    connection.terminate()


async def read_census(dsn: str, database: str) -> Census:
    """Read the census of a database once, as the proxy would. Raises CatalogUnreadable."""
    try:
        connection = await _connect(dsn, database)
        try:
            _, rows = await _read(connection, CatalogReader())
        finally:
            connection.terminate()
    except _UNREADABLE as error:
        raise CatalogUnreadable(_reason(error)) from error
    return Census(rows)


class Catalog:
    """The censuses of one worker."""

    def __init__(self, dsn: str | None, adopt: Adopt) -> None:
        """`adopt` is told of each new census of a database, and of its loss."""
        self._dsn = dsn
        self._adopt = adopt
        self._watches: dict[str, _Watch] = {}
        self._epoch = 0

    async def know(self, database: str) -> None:
        """Have a database watched from now on; returns when its census has been read once, or could not be."""
        if self._dsn is None:
            return
        watch = self._watches.get(database)
        if watch is None:
            watch = self._watches[database] = _Watch(self._dsn, database, self._adopted)
        await watch.known.wait()

    async def close(self) -> None:
        """Stop watching."""
        tasks = [watch.task for watch in self._watches.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def known(self) -> tuple[str, ...]:
        """Databases whose census has been read and stands."""
        return tuple(_shown(name) for name, watch in self._watches.items() if watch.stands)

    @property
    def lost(self) -> dict[str, float]:
        """Databases whose census is lost, with the Unix time of the loss; the first of them where there are many."""
        # Without a login that works, names come from clients, and nothing says that there is such a database.
        lost = ((_shown(name), since) for name, watch in self._watches.items() if (since := watch.lost_since_s))
        return dict(islice(lost, _LOST_SHOWN))

    def _adopted(self, database: str, found: Census | Lost | None) -> None:
        match found:
            case Census():
                self._epoch += 1
                found.epoch = self._epoch
            case None:
                # There is no such database: its name came from a client.
                self._watches.pop(database, None)
        self._adopt(database, found)


class _Watch:
    """One database, looked at until cancelled, or until it turns out not to exist."""

    def __init__(self, dsn: str, database: str, adopt: Adopt) -> None:
        self.known = asyncio.Event()
        self._dsn = dsn
        self._database = database
        self._adopt = adopt
        self._connection: asyncpg.Connection[Any] | None = None
        self._reader = CatalogReader()
        self._rows: CatalogRows | None = None
        self._fingerprint = ""
        self._notified = asyncio.Event()
        self._read_at_s = 0.0
        self._served = False
        self.lost_since_s: float | None = None
        """Unix time; None: not lost."""
        self.task = asyncio.get_running_loop().create_task(self._run())

    @property
    def stands(self) -> bool:
        """True where the census has been read, and nothing has gone wrong since."""
        return self._rows is not None and self.lost_since_s is None

    async def _run(self) -> None:
        try:
            while True:
                pause_s = _LOOK_S
                try:
                    pause_s = await self._look()
                except asyncpg.InvalidCatalogNameError:
                    self._adopt(self._database, None)
                    return
                except _UNREADABLE as error:
                    if self._drop_connection():
                        continue  # it had served before: a new one may do
                    self._lose(error)
                except Exception as error:
                    # A census that is not refreshed must not stand, whatever the reason.
                    _log.exception("census_failed", database=self._database)
                    self._drop_connection()
                    self._lose(error)
                self.known.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._notified.wait(), pause_s)
        finally:
            self.known.set()
            self._drop_connection()

    def _drop_connection(self) -> bool:
        """Close the connection; tell whether it had served."""
        connection, self._connection = self._connection, None
        served, self._served = self._served, False
        if connection is not None:
            connection.terminate()
        return served

    def _lose(self, error: Exception) -> None:
        if self.lost_since_s is not None:
            return
        self.lost_since_s = time()
        _log.error("census_lost", database=self._database, error=str(error) or type(error).__name__)
        self._rows = None
        since = datetime.fromtimestamp(self.lost_since_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        because = (
            f"the catalog's census is lost since {since} ({_reason(error)}), and comes back by itself once the login "
            "of --control-dsn can read the database again"
        )
        self._adopt(self._database, Lost(because=because))

    async def _look(self) -> float:
        """Look once, and read if there is something new; gives the seconds until the next look is due."""
        if self._connection is None:
            self._connection = await self._listening()
            self._fingerprint = ""
        connection = self._connection
        notified = self._notified.is_set()
        self._notified.clear()
        began_s = monotonic()
        seen = await connection.fetchval(FINGERPRINT, timeout=_LOOK_TIMEOUT_S)
        took_s = monotonic() - began_s
        overdue = began_s - self._read_at_s > _READ_ANYHOW_S
        lost = self.lost_since_s is not None
        if notified or overdue or lost or self._rows is None or seen != self._fingerprint:
            await self._read(connection)
            self._read_at_s = began_s
        if lost:
            _log.info("census_regained", database=self._database)
        self.lost_since_s = None
        self._served = True
        return max(_LOOK_S, took_s * _LOOK_SHARE)

    async def _listening(self) -> asyncpg.Connection[Any]:
        connection = await _connect(self._dsn, self._database)
        try:
            # A standby cannot listen; it is looked at like a database without event triggers.
            with suppress(asyncpg.ReadOnlySQLTransactionError):
                await connection.add_listener(CHANNEL, lambda *_: self._notified.set())
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _read(self, connection: asyncpg.Connection[Any]) -> None:
        self._fingerprint, rows = await _read(connection, self._reader)
        if rows != self._rows:
            census = await asyncio.to_thread(Census, rows)
            self._adopt(self._database, census)
            self._rows = rows


async def _connect(dsn: str, database: str | None) -> asyncpg.Connection[Any]:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        uri_of(dsn),
        database=database,
        timeout=_CONNECT_TIMEOUT_S,
        command_timeout=_READ_TIMEOUT_S,
        statement_cache_size=0,
        server_settings={
            "application_name": "interlock census",
            "search_path": "pg_catalog",
            "default_transaction_read_only": "on",
            "jit": "off",
        },
    )
    return connection


async def _read(connection: asyncpg.Connection[Any], reader: CatalogReader) -> tuple[str, CatalogRows]:
    """Give the catalog's fingerprint and its rows, of one snapshot."""

    async def fetch(query: str, *parameters: object) -> Sequence[Sequence[Any]]:
        return await connection.fetch(query, *parameters)

    async with connection.transaction(isolation="repeatable_read", readonly=True):
        fingerprint: str = await connection.fetchval(FINGERPRINT)
        return fingerprint, await reader.read(fetch)


def _shown(name: str) -> str:
    """Give a name that a client sent as text that can be encoded."""
    return name.encode("utf-8", "backslashreplace").decode()


def _reason(error: BaseException) -> str:
    return " ".join((str(error) or type(error).__name__).split()).rstrip(".")[:200]
