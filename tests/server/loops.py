"""Run a coroutine on each event loop that the proxy may live on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
import uvloop

T = TypeVar("T")
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
LIMIT_S = 30
"""Ends a test that hangs; none takes a tenth of it."""
each_loop = pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)


def run(loop: Callable[[], asyncio.AbstractEventLoop], work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; an exception that the loop would only log fails the test."""
    unhandled: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        result = runner.run(asyncio.wait_for(work, LIMIT_S))
    assert unhandled == []
    return result
