"""Reads large texts in a process of its own, so that one client's text neither stalls nor ends anybody's session.

A reader has one text at a time. Accounts take turns, so that nobody waits for more than one text of each other's. A
text whose turn does not come in time counts as unreadable, and so does one whose reader is too slow, grows too large or
dies: that reader is ended, and the next text starts another. `python -m proxy.server.reader` is the other side: lengths
and texts come in on standard input, studies go out on standard output.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import resource
import struct
import sys
from collections import deque
from functools import lru_cache
from typing import Final

import structlog

from proxy.sql import Bounds, Study, Unreadable, normalize, study

_log = structlog.get_logger()
_LENGTH: Final = struct.Struct("!I")
_MEMORY_BYTES: Final = 2 << 30
_WAIT_S: Final = 30.0
"""How long a text may wait for its turn; its session is held up for as long."""
_KEPT: Final = 64
"""Studies that a reader remembers by their form: bulk inserts come with the same form again and again."""


class Reader:
    """The worker's side: starts the process when the first large text comes."""

    def __init__(self, bounds: Bounds, *, timeout_s: float = 10.0, wait_s: float = _WAIT_S) -> None:
        """`timeout_s`: how long one text may take; `wait_s`: how long it may wait until then."""
        self._bounds = bounds
        self._timeout_s = timeout_s
        self._wait_s = wait_s
        self._busy = False
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """Who waits for a turn, by account; the account whose turn is next comes first."""
        self._process: asyncio.subprocess.Process | None = None

    async def study(self, text: str, account: str) -> Study:
        """Study a text when it is the account's turn. Never raises for what the text does to the reader."""
        try:
            async with asyncio.timeout(self._wait_s):
                await self._take_turn(account)
        except TimeoutError:
            _log.error("reader_overrun", account=account, bytes=len(text))
            return Study(reading=Unreadable(because=f"its turn to be read did not come within {self._wait_s:g} s"))
        try:
            because = ""
            for _ in range(2):
                # One that was started for an earlier text may have died since, which is no fault of this one.
                fresh = self._process is None
                try:
                    return await asyncio.wait_for(self._ask(text.encode()), self._timeout_s)
                except TimeoutError:
                    because, fresh = f"reading it took longer than {self._timeout_s:g} s", True
                except Exception as error:
                    # Loops differ in what they raise for a pipe that is gone, and whoever asked must hear something.
                    because = "the process that read it died of it"
                    _log.warning("reader_failed", error=repr(error))
                await self._end()
                if fresh:
                    break
            _log.error("reader_ended", because=because, bytes=len(text))
            return Study(reading=Unreadable(because=because))
        except asyncio.CancelledError:
            # Its answer would be taken for the next one's.
            await self._end()
            raise
        finally:
            self._give_turn()

    async def close(self) -> None:
        """End the process; nobody may be waiting."""
        await self._end()

    async def _take_turn(self, account: str) -> None:
        if not self._busy:
            self._busy = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(account, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # It came at the very moment that nobody wanted it any more.
                self._give_turn()
            raise

    def _give_turn(self) -> None:
        while self._waiting:
            account = next(iter(self._waiting))
            turns = self._waiting.pop(account)
            turn = turns.popleft()
            if turns:
                self._waiting[account] = turns
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False

    async def _ask(self, text: bytes) -> Study:
        process = self._process
        if process is None:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "proxy.server.reader"),
                *map(str, (self._bounds.statement_bytes, self._bounds.nesting_depth, self._bounds.statements)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                # A terminal's interrupt is the worker's to act on.
                start_new_session=True,
            )
        if process.stdin is None or process.stdout is None:
            raise EOFError
        process.stdin.write(_LENGTH.pack(len(text)) + text)
        await process.stdin.drain()
        (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
        found: Study = pickle.loads(await process.stdout.readexactly(length))  # noqa: S301 - our own process wrote it
        return found

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def main() -> int:
    """Study texts until standard input ends."""
    statement_bytes, nesting_depth, statements = map(int, sys.argv[1:])
    bounds = Bounds(statement_bytes=statement_bytes, nesting_depth=nesting_depth, statements=statements)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))

    @lru_cache(maxsize=_KEPT)
    def study_form(form: str) -> Study:
        return study(form, form, bounds)

    while head := sys.stdin.buffer.read(_LENGTH.size):
        text = sys.stdin.buffer.read(_LENGTH.unpack(head)[0]).decode()
        form = normalize(text)
        found = study(text, None, bounds) if form is None else study_form(form)
        if found.form is None and form is not None:
            found = study(text, None, bounds)
        answer = pickle.dumps(found, pickle.HIGHEST_PROTOCOL)
        sys.stdout.buffer.write(_LENGTH.pack(len(answer)) + answer)
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
