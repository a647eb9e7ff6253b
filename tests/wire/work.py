"""Count work instead of timing it: lines run in the protocol machine, and pieces joined."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(work: Callable[[], object]) -> int:
    """Count the lines of proxy/wire that `work` runs."""
    count = 0

    def local(frame: FrameType, event: str, argument: Any) -> Any:  # noqa: ARG001 - the interpreter's signature
        nonlocal count
        count += event == "line"
        return local

    def called(frame: FrameType, event: str, argument: Any) -> Any:  # noqa: ARG001 - the interpreter's signature
        return local if "/proxy/wire/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(called)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def joins(work: Callable[[], object]) -> int:
    """Count how often `work` joins pieces."""
    count = 0

    def called(frame: FrameType, event: str, argument: Any) -> None:  # noqa: ARG001 - the interpreter's signature
        nonlocal count
        count += event == "c_call" and getattr(argument, "__name__", "") == "join"

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
