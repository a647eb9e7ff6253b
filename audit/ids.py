"""Ids that sort by time. Pure: time and chance are handed in."""

from __future__ import annotations

_CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(bytes((high, low)) for high in _CROCKFORD for low in _CROCKFORD)
_COUNTER_BITS = 30
_COUNTED = 1_000_000


def ulid(unix_ms: int, random_bits: int) -> bytes:
    """Make a ULID: 48 bits of milliseconds since 1970 and 80 bits of chance, 26 characters that sort by time.

    Bits beyond 48 and 80 are left out. Source: github.com/ulid/spec.
    """
    value = (unix_ms & (1 << 48) - 1) << 80 | random_bits & (1 << 80) - 1
    return b"".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


class IdMint:
    """Makes ULIDs cheaply: 50 bits of chance for the process, and six decimal digits of a counter in place of the rest.

    Ids of one mint grow strictly, also where the clock steps back; two mints differ by their chance.
    """

    __slots__ = ("_chance", "_counter", "_ms", "_stem")

    def __init__(self, random_bits: int) -> None:
        self._chance = (random_bits & (1 << 50) - 1) << _COUNTER_BITS
        self._ms = -1
        self._counter = 0
        self._stem = b""

    def next(self, unix_ms: int) -> bytes:
        """Make the next id, for this millisecond or the latest one seen."""
        if unix_ms > self._ms:
            self._ms = unix_ms
            self._counter = 0
            self._stem = ulid(unix_ms, self._chance)[:20]
        counter = self._counter
        if counter == _COUNTED:
            # A million ids in one millisecond of a standing clock: borrow the next one.
            return self.next(self._ms + 1)
        self._counter = counter + 1
        return b"%b%06d" % (self._stem, counter)
