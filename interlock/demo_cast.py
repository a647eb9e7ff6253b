"""Who plays in the demo: one connection of a real driver through the proxy, and what it was answered."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import asyncpg
import psycopg

from interlock.demo_script import Act

ANSWER_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """The server did it."""

    status: str
    """Command tag, or how many rows came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The client saw an error, with these fields of it."""

    sqlstate: str
    message: str
    detail: str
    hint: str


Answer = Permitted | Refused


class Player(Protocol):
    """A connection that tries acts."""

    def attempt(self, act: Act) -> Answer:
        """Do what the act says; errors of the server are answers."""
        ...


class PsycopgPlayer:
    """psycopg: the simple protocol, and COPY."""

    def __init__(self, dsn: str, closing: ExitStack) -> None:
        self._connection = closing.enter_context(psycopg.connect(dsn, autocommit=True, connect_timeout=10))

    def attempt(self, act: Act) -> Answer:
        """Do what the act says; errors of the server are answers."""
        try:
            cursor = psycopg.ClientCursor(self._connection)
            if act.copied_rows:
                with cursor.copy(act.sql.encode()) as copy:
                    for row in act.copied_rows:
                        copy.write_row(row)
            else:
                cursor.execute(act.sql.encode())
        except psycopg.Error as error:
            seen = error.diag
            return Refused(
                sqlstate=seen.sqlstate or "",
                message=seen.message_primary or str(error),
                detail=seen.message_detail or "",
                hint=seen.message_hint or "",
            )
        return Permitted(status=cursor.statusmessage or "")


class AsyncpgPlayer:
    """asyncpg: the extended protocol, with bound arguments."""

    def __init__(self, dsn: str, runner: asyncio.Runner, closing: ExitStack) -> None:
        self._runner = runner
        self._connection: asyncpg.Connection = runner.run(
            asyncpg.connect(dsn, timeout=10, command_timeout=ANSWER_TIMEOUT_S)
        )
        closing.callback(self._connection.terminate)

    def attempt(self, act: Act) -> Answer:
        """Do what the act says; errors of the server are answers."""
        return self._runner.run(self._attempt(act))

    async def _attempt(self, act: Act) -> Answer:
        try:
            statement = await self._connection.prepare(act.sql)
            await statement.fetch(*act.arguments)
        except asyncpg.PostgresError as error:
            return Refused(
                sqlstate=error.sqlstate or "",
                message=str(error.args[0]) if error.args else "",
                detail=getattr(error, "detail", None) or "",
                hint=getattr(error, "hint", None) or "",
            )
        return Permitted(status=statement.get_statusmsg() or "")
