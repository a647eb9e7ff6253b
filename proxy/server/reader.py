"""Reads large texts in a process of its own, so that one client's text neither stalls nor ends anybody's session.

The worker asks for one text at a time and waits for a bounded time; a reader that is too slow, grows too large or dies
is ended, and its text counts as unreadable. The next text starts another. `python -m proxy.server.reader` is the other
side: lengths and texts come in on standard input, studies go out on standard output.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import resource
import struct
import sys
from functools import lru_cache
from typing import Final

import structlog

from proxy.sql import Bounds, Study, Unreadable, normalize, study

_log = structlog.get_logger()
_LENGTH: Final = struct.Struct("!I")
_MEMORY_BYTES: Final = 2 << 30
_KEPT: Final = 64
"""Studies that a reader remembers by their form: bulk inserts come with the same form again and again."""


class Reader:
    """The worker's side: starts the process when the first large text comes."""

    def __init__(self, bounds: Bounds, *, timeout_s: float = 10.0) -> None:
        """`timeout_s`: how long one text may take."""
        self._bounds = bounds
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def study(self, text: str) -> Study:
        """Study a text, when those before it are done. Never raises for what the text does to the reader."""
        async with self._turn:
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

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._end()

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
