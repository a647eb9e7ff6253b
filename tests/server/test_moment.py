"""One reading of the clocks, told in three ways that agree."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from proxy.server.moment import Moment


@pytest.mark.parametrize(
    ("wall_s", "stamp"),
    [
        (0.0, b"1970-01-01T00:00:00.000000Z"),
        (1_700_000_000.000001, b"2023-11-14T22:13:20.000001Z"),
        (1_700_000_000.999999, b"2023-11-14T22:13:20.999999Z"),
        (1_709_164_799.5, b"2024-02-28T23:59:59.500000Z"),
        (1_709_164_800.25, b"2024-02-29T00:00:00.250000Z"),
    ],
)
def test_stamp_is_the_wall_clocks_time(wall_s: float, stamp: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 3339 in UTC with six digits, whatever second was told before."""
    now = Moment()
    monkeypatch.setattr(time, "time", lambda: wall_s)
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    for _ in range(2):
        now.synchronize()
        assert (now.stamp, now.wall_s, now.unix_ms) == (stamp, wall_s, int(wall_s * 1_000_000) // 1_000)
        later = datetime.fromisoformat(now.stamp_of(now.monotonic_s + 86_400.0).decode())
        assert later.timestamp() == pytest.approx(wall_s + 86_400.0, abs=1e-5)


def test_stamp_says_what_the_seconds_say() -> None:
    """Stamp and seconds are of one reading."""
    now = Moment()
    read = datetime.fromisoformat(now.stamp.decode())
    assert read.timestamp() == pytest.approx(now.wall_s, abs=1e-5)
