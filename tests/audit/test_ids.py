from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audit import IdMint, ulid


def test_ulid_is_the_specification_s() -> None:
    """The layout is the ULID specification's: its example of the time part, and the greatest value."""
    assert ulid(1469918176385, 0)[:10] == b"01ARYZ6S41"
    assert ulid((1 << 48) - 1, (1 << 80) - 1) == b"7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


@given(st.lists(st.integers(0, 1 << 47), min_size=2, max_size=50))
def test_ids_of_one_mint_grow_when_the_clock_steps_back(times: list[int]) -> None:
    """Ids are unique and sorted in the order of their making, whatever the clock does."""
    mint = IdMint(99)
    made = [mint.next(time) for time in times]
    assert sorted(set(made)) == made
    assert {26} == {len(one) for one in made}


def test_more_ids_than_the_counter_has_in_a_millisecond_still_grow() -> None:
    """A clock that stands still for a million ids lets the next millisecond be borrowed."""
    mint = IdMint(99)
    made = [mint.next(7) for _ in range(1_000_002)]
    assert sorted(set(made[-4:])) == made[-4:]
    assert made[-1][:10] == ulid(8, 0)[:10]
