"""A short run of the fuzzer: the long one is `make fuzz`."""

from __future__ import annotations

from tests.fuzz.mutation import run


def test_mutated_messages_crash_nothing() -> None:
    """Twenty thousand mutated messages raise nothing that the contract does not name."""
    report = run(20_000, seed=20_261_123)
    assert report.messages >= 20_000
    assert min(report.replaced, report.cut_off, report.violations) > 0
