"""The reader's process, for real."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.server.reader import Reader
from proxy.sql import Bounds, Study, Unreadable, normalize, study
from tests.database.patience import until
from tests.server.loops import each_loop, run

BOUNDS = Bounds()
TEXTS = [
    "SELECT a FROM t WHERE b IN (" + ", ".join(map(str, range(3_000))) + ")",
    "INSERT INTO t VALUES " + ", ".join(f"({number}, 'caf\u00e9')" for number in range(3_000)),
    "DELETE FROM t WHERE 1 = 1 OR a IN (" + ", ".join(map(str, range(3_000))) + ")",
    "SELECT '" + "x" * 100_000 + "'",
    "SELECT (" * 20_000,
    "SELEC " + "x" * 10_000,
    "SELECT '" + "\u20ac" * 10_000,
    "SELECT a FROM t WHERE " + " AND ".join(f"a = {number}" for number in range(3_000)),
]


def children() -> set[int]:
    """Give the processes that this one has started and that run."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.add(int(entry.name))
    return found


def test_a_reader_finds_what_is_found_here() -> None:
    """Another process, the same study; asked twice, the same again."""

    async def work() -> list[Study]:
        reader = Reader(BOUNDS)
        try:
            return [await reader.study(text, "a") for text in (*TEXTS, *TEXTS)]
        finally:
            await reader.close()

    expected = [study(text, normalize(text), BOUNDS) for text in TEXTS]
    assert asyncio.run(work()) == expected * 2


def test_text_on_which_readers_die_is_unreadable() -> None:
    """Another process is tried once; if it dies, too, that is the text's doing, and the next one is read by a third."""

    async def work() -> tuple[Study, Study]:
        before = children()
        reader = Reader(BOUNDS)
        try:
            await reader.study("SELECT 1", "a")
            asking = asyncio.ensure_future(reader.study("SELECT 2", "a"))
            killed: set[int] = set()
            while not asking.done():
                for process in children() - before - killed:
                    os.kill(process, signal.SIGKILL)
                    killed.add(process)
                await asyncio.sleep(0)
            assert len(killed) == 2
            return asking.result(), await reader.study("SELECT 3", "a")
        finally:
            await reader.close()

    died, read = asyncio.run(work())
    assert isinstance(died.reading, Unreadable)
    assert "died" in died.reading.because
    assert read == study("SELECT 3", normalize("SELECT 3"), BOUNDS)


@each_loop
def test_a_reader_that_died_while_nobody_asked_is_replaced(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """It may be ended for its memory between two texts: the next one is read all the same, or said to be unread."""

    async def work() -> list[Study]:
        before = children()
        reader = Reader(BOUNDS)
        try:
            await reader.study("SELECT 1", "a")
            (process,) = children() - before
            os.kill(process, signal.SIGKILL)
            # Without a turn of the loop, so that it has not heard of it yet.
            until(lambda: process not in children(), "the reader is dead")
            return [await asyncio.wait_for(reader.study(text, "a"), 30) for text in ("SELECT 2", "SELECT 3")]
        finally:
            await reader.close()

    found: list[Study] = []

    async def keep() -> None:
        found.extend(await work())

    run(loop, keep())
    assert found == [study(text, normalize(text), BOUNDS) for text in ("SELECT 2", "SELECT 3")]


def test_a_reader_that_takes_too_long_is_ended() -> None:
    """The text counts as unreadable and says why; no process is left behind."""
    before = children()

    async def work() -> Study:
        reader = Reader(BOUNDS, timeout_s=0.001)
        try:
            return await reader.study("SELECT 1", "a")
        finally:
            await reader.close()

    found = asyncio.run(work())
    assert isinstance(found.reading, Unreadable)
    assert found.reading.because == "reading it took longer than 0.001 s"
    until(lambda: children() <= before, "the reader is gone")


def test_texts_of_many_are_read_in_turn() -> None:
    """Whoever asks while another text is read waits, and gets the answer to the own question."""
    texts = [f"SELECT {', '.join(f'a{number}' for number in range(nth + 1))} FROM t" for nth in range(20)]

    async def work() -> list[Study]:
        reader = Reader(BOUNDS)
        try:
            return await asyncio.gather(*(reader.study(text, "a") for text in texts))
        finally:
            await reader.close()

    assert asyncio.run(work()) == [study(text, normalize(text), BOUNDS) for text in texts]


def test_accounts_take_turns() -> None:
    """Who sends many large texts waits for the own ones; another waits for one of them at most."""

    async def work() -> list[str]:
        reader = Reader(BOUNDS)
        order: list[str] = []

        async def ask(account: str) -> None:
            await reader.study("SELECT 1", account)
            order.append(account)

        try:
            await asyncio.gather(*map(ask, "aaaabbc"))
            return order
        finally:
            await reader.close()

    assert asyncio.run(work()) == list("aabcaba")


def test_text_whose_turn_does_not_come_is_unreadable() -> None:
    """Nobody waits without end: the text is said to be unread, and those behind it get their turn."""

    async def work() -> list[Study]:
        reader = Reader(BOUNDS, wait_s=0.001)
        try:
            return list(await asyncio.gather(*(reader.study("SELECT 1", account) for account in "abc")))
        finally:
            await reader.close()

    first, *others = asyncio.run(work())
    assert first == study("SELECT 1", normalize("SELECT 1"), BOUNDS)
    assert [each.reading for each in others] == [
        Unreadable(because="its turn to be read did not come within 0.001 s")
    ] * 2


@pytest.mark.parametrize("called_off", [0, 1, 2])
def test_text_that_nobody_wants_any_more_is_not_read(called_off: int) -> None:
    """Called off while it is read or while it waits: whoever comes next gets the answer to the own question."""
    texts = [f"SELECT a{nth}" for nth in range(4)]

    async def work() -> list[Study | BaseException]:
        reader = Reader(BOUNDS)
        try:
            await reader.study("SELECT 1", "a")
            asking = [asyncio.ensure_future(reader.study(text, "a")) for text in texts]
            # So far that the first is asked for and the others wait.
            for _ in range(3):
                await asyncio.sleep(0)
            asking[called_off].cancel()
            return await asyncio.gather(*asking, return_exceptions=True)
        finally:
            await reader.close()

    found = asyncio.run(work())
    assert isinstance(found.pop(called_off), asyncio.CancelledError)
    texts.pop(called_off)
    assert found == [study(text, normalize(text), BOUNDS) for text in texts]
