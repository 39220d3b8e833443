"""Numbers of people for those who may not see the list: so rough that they single out nobody (decision 0017).

A number is told as the range it is in, and a total as the sum of the ranges that it is made of, so no difference of two
numbers says more. Where another division of the same people stands beside, its steps grow until it says no more about
how many they all are than the first one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

STEP = 5
"""Groups of fewer than this are not told apart (FEATURES 5.10: small cells)."""


@dataclass(frozen=True)
class Rough:
    """A number of people: at least `low` and at most `high`; an exact one where both are the same."""

    low: int
    high: int

    def __add__(self, other: Rough) -> Rough:
        return Rough(self.low + other.low, self.high + other.high)

    @property
    def is_exact(self) -> bool:
        """Whether it says just how many."""
        return self.low == self.high


NOBODY = Rough(0, 0)


def exact(number: int) -> Rough:
    """Return a number as it is."""
    return Rough(number, number)


def rough(number: int, step: int = STEP) -> Rough:
    """Return the range of so many numbers that this one is in."""
    low = number - number % step
    return Rough(low, low + step - 1)


def total(numbers: Iterable[Rough]) -> Rough:
    """Return what all these are together."""
    return sum(numbers, NOBODY)


def parts(numbers: Sequence[int], whole: Rough) -> list[Rough]:
    """Return how many of a `whole` are in each of some parts that together hold all of it, everybody in one alone."""
    return _widened(numbers, lambda told: total(told).low <= whole.low and whole.high <= total(told).high)


def choices(numbers: Sequence[int], whole: Rough) -> list[Rough]:
    """Return how many of a `whole` have chosen each of several things, everybody one at least."""
    return _widened(numbers, lambda told: _largest(told) <= whole.low and whole.high <= total(told).high)


def some(numbers: Sequence[int], whole: Rough) -> list[Rough]:
    """Return how many of a `whole` have one or another thing, or none."""
    return _widened(numbers, lambda told: _largest(told) <= whole.low)


def _largest(told: Sequence[Rough]) -> int:
    return max((one.low for one in told), default=0)


def _widened(numbers: Sequence[int], says_no_more: Callable[[Sequence[Rough]], bool]) -> list[Rough]:
    """Return the numbers by the smallest steps by which they say no more about the whole than is known of it."""
    step = STEP
    while numbers and not says_no_more(told := [rough(one, step) for one in numbers]):
        step *= 2
    return told if numbers else []
