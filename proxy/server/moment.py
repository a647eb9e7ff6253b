"""The one reading of the clocks that everything of one burst of bytes shares."""

from __future__ import annotations

import time

from audit import timestamp


class Moment:
    """Now, as of the last `look`. One a worker: reading the clocks for each statement costs more than its record."""

    __slots__ = ("_prefix", "_second", "monotonic_s", "stamp", "unix_ms", "wall_s")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = b""
        self.look()

    def look(self) -> None:
        """Read the clocks."""
        self.monotonic_s = time.monotonic()
        self.wall_s = time.time()
        microseconds = int(self.wall_s * 1_000_000)
        second = microseconds // 1_000_000
        if second != self._second:
            self._second = second
            self._prefix = timestamp(second)[:-7]
        self.unix_ms = microseconds // 1000
        self.stamp = b"%b%06dZ" % (self._prefix, microseconds - second * 1_000_000)
        """RFC 3339 in UTC, as records have it."""
