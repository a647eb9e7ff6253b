"""The arithmetic that a comparison rests on: what is paired, what is left out, and where a floor lies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Floor, Slice, geometric_mean, median_of, paired_difference, paired_ratio, turns

POSITIVE = st.floats(min_value=1e-3, max_value=1e6)


def slices(peer: str, *values: float | None, cell: str = "a") -> list[Slice]:
    """Measure a peer in each round; None: it was not measured there."""
    return [
        Slice(section="s", cell=cell, peer=peer, round=number, value=value)
        for number, value in enumerate(values)
        if value is not None
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "ratio", "difference"),
    [
        ((2.0, 8.0, 30.0), (1.0, 2.0, 10.0), 3.0, 6.0),
        ((2.0, 8.0), (1.0, 2.0), 3.0, 3.5),
        ((None, 8.0, 30.0), (1.0, 2.0, None), 4.0, 6.0),
        ((5.0, None), (None, 5.0), None, None),
        ((), (1.0,), None, None),
        ((5.0, 6.0), (0.0, 3.0), 2.0, 4.0),
    ],
    ids=[
        "the middle one",
        "between two",
        "shared rounds alone",
        "no shared round",
        "not measured",
        "a peer that stood",
    ],
)
def test_neighbours_in_time_are_compared(
    ours: tuple[float | None, ...], theirs: tuple[float | None, ...], ratio: float | None, difference: float | None
) -> None:
    """Each round's own ratio and difference first, then the median of them; a round without both does not count."""
    measured = slices("ours", *ours) + slices("theirs", *theirs)
    assert paired_ratio(measured, "a", "ours", "theirs") == ratio
    assert paired_difference(measured, "a", "ours", "theirs") == difference


def test_a_machine_that_slows_down_does_not_change_a_ratio() -> None:
    """Had the medians been divided instead, the slow round would have counted for one peer alone."""
    measured = slices("ours", 100.0, 10.0, 50.0) + slices("theirs", 200.0, 20.0, 100.0)
    assert paired_ratio(measured, "a", "ours", "theirs") == 0.5


def test_other_cells_do_not_count() -> None:
    """A figure is of one cell."""
    measured = slices("ours", 1.0) + slices("theirs", 2.0) + slices("ours", 99.0, cell="b")
    assert median_of(measured, "a", "ours") == 1.0
    assert paired_ratio(measured, "b", "ours", "theirs") is None
    assert median_of(measured, "b", "theirs") is None


@given(st.lists(POSITIVE, min_size=1, max_size=9))
def test_a_peer_compared_with_itself_is_even(values: list[float]) -> None:
    """Ratio one, difference none."""
    measured = slices("ours", *values) + slices("same", *values)
    assert paired_ratio(measured, "a", "ours", "same") == 1.0
    assert paired_difference(measured, "a", "ours", "same") == 0.0


@given(st.lists(POSITIVE, min_size=1, max_size=9))
def test_a_geometric_mean_does_not_care_who_is_divided_by_whom(values: list[float]) -> None:
    """Of ratios turned over it is the mean turned over, which an arithmetic mean is not."""
    there, back = geometric_mean(values), geometric_mean([1 / value for value in values])
    assert there is not None
    assert back is not None
    assert there * back == pytest.approx(1.0)
    assert min(values) * 0.999 <= there <= max(values) * 1.001


def test_a_geometric_mean_of_nothing_is_nothing() -> None:
    """Where nothing was measured there is no figure."""
    assert geometric_mean([]) is None
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("at_least", "figure", "met"),
    [(True, 0.65, True), (True, 0.649, False), (False, 80.0, True), (False, 80.1, False)],
)
def test_a_floor_is_met_where_it_is_touched(at_least: bool, figure: float, met: bool) -> None:
    """The bound itself is good enough, in either direction."""
    bound = 0.65 if at_least else 80.0
    assert Floor(name="f", bound=bound, at_least=at_least, unit="").met(figure) is met


def test_each_round_begins_with_the_next_peer() -> None:
    """Over as many rounds as peers, each is once in every place."""
    rounds = [turns(["a", "b", "c"], number) for number in range(4)]
    assert rounds == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]
    assert turns([], 3) == []
