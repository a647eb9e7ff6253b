"""The arithmetic of the comparison: pure. Ratios are of neighbours in time, and the median of them stands.

Machines differ, and one machine differs from minute to minute. So a figure of one peer is divided by the other peer's
of the same round, taken seconds apart, and only then is the median over the rounds taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One short measurement of one peer."""

    section: str
    cell: str
    peer: str
    round: int
    value: float
    """Transactions per second, bytes per second, or seconds: as the section says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A figure that the project holds itself to."""

    name: str
    bound: float
    at_least: bool
    """True: the figure must not be less; False: not more."""
    unit: str

    def met(self, figure: float) -> bool:
        """Tell whether a figure clears the floor."""
        return figure >= self.bound if self.at_least else figure <= self.bound


def paired_ratio(slices: Iterable[Slice], cell: str, peer: str, other: str) -> float | None:
    """Median over the rounds of `peer`'s value divided by `other`'s; None where they share no round."""
    values: dict[str, dict[int, float]] = {peer: {}, other: {}}
    for each in slices:
        if each.cell == cell and each.peer in values:
            values[each.peer][each.round] = each.value
    ratios = [value / values[other][number] for number, value in values[peer].items() if values[other].get(number)]
    return median(ratios) if ratios else None


def paired_difference(slices: Iterable[Slice], cell: str, peer: str, other: str) -> float | None:
    """Median over the rounds of `peer`'s value less `other`'s; None where they share no round."""
    values: dict[str, dict[int, float]] = {peer: {}, other: {}}
    for each in slices:
        if each.cell == cell and each.peer in values:
            values[each.peer][each.round] = each.value
    steps = [value - values[other][number] for number, value in values[peer].items() if number in values[other]]
    return median(steps) if steps else None


def median_of(slices: Iterable[Slice], cell: str, peer: str) -> float | None:
    """Median over the rounds of one peer in one cell; None where it was not measured."""
    values = [each.value for each in slices if each.cell == cell and each.peer == peer]
    return median(values) if values else None


def geometric_mean(values: Sequence[float]) -> float | None:
    """Geometric mean of positive numbers; None of none."""
    return exp(sum(map(log, values)) / len(values)) if values else None


def turns(names: Sequence[str], number: int) -> list[str]:
    """Give the order of a round: each round begins with the next peer, so that none always follows the same one."""
    start = number % len(names) if names else 0
    return [*names[start:], *names[:start]]
