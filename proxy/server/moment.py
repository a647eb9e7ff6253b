"""The one reading of the clocks that everything of one burst of bytes shares."""

from __future__ import annotations

import time

from audit import timestamp


class Moment:
    """Now, as of the last `look`. One a worker: reading the clocks for each statement costs more than its record.

    A look reads the monotonic clock alone; `synchronize` says what time that is, and is called about once a second.
    """

    __slots__ = ("_ahead_s", "_prefix", "_second", "monotonic_s")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = b""
        self.synchronize()

    def look(self) -> None:
        """Read the clock that never steps."""
        self.monotonic_s = time.monotonic()

    def synchronize(self) -> None:
        """Look, and read the wall clock, which may have been set since."""
        self.look()
        self._ahead_s = time.time() - self.monotonic_s

    @property
    def wall_s(self) -> float:
        """Seconds since 1970."""
        return self.monotonic_s + self._ahead_s

    @property
    def unix_ms(self) -> int:
        """Milliseconds since 1970."""
        return int((self.monotonic_s + self._ahead_s) * 1000)

    @property
    def stamp(self) -> bytes:
        """RFC 3339 in UTC, as records have it."""
        return self.stamp_of(self.monotonic_s)

    def stamp_of(self, monotonic_s: float) -> bytes:
        """Write a reading of the monotonic clock as records have it."""
        microseconds = int((monotonic_s + self._ahead_s) * 1_000_000)
        second = microseconds // 1_000_000
        if second != self._second:
            self._second = second
            self._prefix = timestamp(second)[:-7]
        return b"%b%06dZ" % (self._prefix, microseconds - second * 1_000_000)
