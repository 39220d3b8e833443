"""Rough numbers: none singles anybody out, nor do differences, nor divisions that stand side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.rough import STEP, Rough, choices, exact, parts, rough, some, total

SMALL = st.integers(0, 12)


def possible(told: Sequence[Rough], wholes: range) -> Iterator[tuple[int, ...]]:
    """All the numbers that could have been told so, where together they are one of these."""
    spans = [range(one.low, one.high + 1) for one in told]
    return (numbers for numbers in product(*spans) if sum(numbers) in wholes)


@pytest.mark.parametrize(
    ("number", "low", "high"), [(0, 0, 4), (4, 0, 4), (5, 5, 9), (9, 5, 9), (10, 10, 14), (123, 120, 124)]
)
def test_a_number_is_told_as_the_range_it_is_in(number: int, low: int, high: int) -> None:
    assert rough(number) == Rough(low, high)
    assert exact(number) == Rough(number, number)


def test_a_total_is_the_sum_of_what_is_told() -> None:
    assert total([rough(4), rough(4), rough(11)]) == Rough(10, 22)
    assert total([exact(4), exact(3)]) == exact(7)


def test_five_small_parts_of_twenty_are_not_given_away_by_another_division() -> None:
    """Told by fives, four in each of five categories and twenty in one language would be known to be just that."""
    whole = total([rough(4)] * 5)
    assert parts([20, 0], whole) == [Rough(0, 39), Rough(0, 39)]


@given(st.lists(SMALL, min_size=1, max_size=3), st.lists(st.integers(0, 12), min_size=2, max_size=3))
def test_every_small_number_could_be_any_small_number(categories: list[int], cuts: list[int]) -> None:
    """Also to whoever knows how all is made: the languages beside are of the very same people."""
    people = sum(categories)
    languages = [min(cut, people) for cut in cuts[:-1]]
    languages = [*languages, people - sum(languages)]
    if languages[-1] < 0:
        return
    told = [rough(one) for one in categories]
    beside = parts(languages, total(told))
    wholes = range(total(beside).low, total(beside).high + 1)
    found = list(possible(told, wholes))
    for place, number in enumerate(told):
        if number.low < STEP:
            assert {numbers[place] for numbers in found} == set(range(STEP))


@given(st.lists(SMALL, min_size=1, max_size=6), st.lists(SMALL, min_size=1, max_size=4))
def test_divisions_beside_say_no_more_about_the_whole(categories: list[int], others: list[int]) -> None:
    whole = total([rough(one) for one in categories])
    chosen, had, divided = choices(others, whole), some(others, whole), parts(others, whole)
    assert total(divided).low <= whole.low
    assert total(divided).high >= whole.high
    assert max(one.low for one in chosen) <= whole.low
    assert total(chosen).high >= whole.high
    assert max(one.low for one in had) <= whole.low
    for told in (chosen, had, divided):
        assert all(one.low <= number <= one.high for one, number in zip(told, others, strict=True))
        assert all(one.high - one.low >= STEP - 1 for one in told)


def test_where_there_is_nothing_to_divide_nothing_is_told() -> None:
    assert (parts([], rough(7)), choices([], rough(7))) == ([], [])
