"""The one reading of the clocks that everything of one burst of bytes shares."""

from __future__ import annotations

import time

from audit import timestamp


class Moment:
    """Now, as of the last `look`. One a worker: reading the clocks for each statement costs more than its record."""

    __slots__ = ("monotonic_s", "stamp", "unix_ms", "wall_s")

    def __init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Read the clocks."""
        self.monotonic_s = time.monotonic()
        self.wall_s = time.time()
        self.unix_ms = int(self.wall_s * 1000)
        self.stamp = timestamp(self.wall_s)
        """RFC 3339 in UTC, as records have it."""
