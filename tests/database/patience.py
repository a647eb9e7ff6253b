"""Waiting for a state that another process reaches by itself: asked again until it holds, never for a fixed time."""

from __future__ import annotations

import threading
from collections.abc import Callable

WITHIN_S = 15.0
AGAIN_AFTER_S = 0.02


def until(holds: Callable[[], bool], what: str) -> None:
    """Return when `holds()` does; raise TimeoutError, naming what did not come about, after WITHIN_S."""
    nothing = threading.Event()
    for _ in range(int(WITHIN_S / AGAIN_AFTER_S)):
        if holds():
            return
        nothing.wait(AGAIN_AFTER_S)
    msg = f"not within {WITHIN_S:.0f} s: {what}"
    raise TimeoutError(msg)
